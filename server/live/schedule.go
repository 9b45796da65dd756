package live

import (
	"context"
	"sync"
	"time"
)

// start starts what is watched and due, as far as there is room, the longest due first and then in the order of the
// board; running counts it. It returns when to look again at the latest; zero: not before somebody wakes the publisher.
func (p *Publisher) start(ctx context.Context, running *sync.WaitGroup) time.Time {
	next := p.startPulse(running)
	watched := p.watched()
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for room := p.room(); room > 0; room-- {
		t := longestDue(watched)
		if t == nil {
			break
		}
		if at := t.due(); at.After(now) {
			next = earlier(next, at)
			break
		}
		t.running = true
		running.Go(func() { p.answer(ctx, t) })
	}
	return next
}

// answer refreshes a topic on behalf of its watchers.
func (p *Publisher) answer(ctx context.Context, t *topic) {
	_, _, _ = p.flights.Do(t.panel.Topic, p.refresh(ctx, t)) // refresh leaves its result with the topic
	p.mu.Lock()
	t.running = false
	p.mu.Unlock()
	p.wake()
}

func (p *Publisher) watched() []*topic {
	var watched []*topic
	for _, t := range p.topics {
		if p.Hub.Watched(t.panel.Topic) {
			watched = append(watched, t)
		}
	}
	return watched
}

// room is how many more answers may run. The caller holds mu.
func (p *Publisher) room() int {
	room := atOnce
	for _, t := range p.topics {
		if t.running {
			room--
		}
	}
	return room
}

func longestDue(topics []*topic) (first *topic) {
	for _, t := range topics {
		if !t.running && (first == nil || t.due().Before(first.due())) {
			first = t
		}
	}
	return first
}

// earlier is the earlier of two moments; a zero one is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// startPulse starts a beat if somebody watches and a second has passed. It returns when the next one is due; zero:
// nobody watches, or one is running.
func (p *Publisher) startPulse(running *sync.WaitGroup) time.Time {
	if !p.Hub.Watched(PulseTopic) {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	h, now := p.pulse, time.Now()
	if h.running {
		return time.Time{}
	}
	if next := h.started.Add(pulseEvery); next.After(now) {
		return next
	}
	h.started, h.running = now, true
	running.Go(func() {
		h.beat()
		p.mu.Lock()
		h.running = false
		p.mu.Unlock()
		p.wake()
	})
	return time.Time{}
}
