package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// start starts what is watched and due, as far as there is room, the longest due first and then in the order of the
// board; running counts it. It returns when to look again at the latest; zero: not before somebody wakes the publisher.
func (p *Publisher) start(ctx context.Context, running *sync.WaitGroup) time.Time {
	names, viewers := p.Hub.Watching(), p.Hub.Stats().Viewers
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tick = tickFor(viewers)
	next := p.startPulse(names, now, running)
	watched := p.watched(names, now)
	for room := p.room(); room > 0; room-- {
		t := p.longestDue(watched)
		if t == nil {
			break
		}
		if at := p.due(t); at.After(now) {
			next = earlier(next, at)
			break
		}
		p.hold(now)
		t.running = true
		running.Go(func() { p.answer(ctx, t) })
	}
	return earlier(next, p.release(now))
}

// answer refreshes a topic on behalf of its watchers.
func (p *Publisher) answer(ctx context.Context, t *topic) {
	_, _, _ = p.flights.Do(t.panel.Topic, p.refresh(ctx, t)) // refresh leaves its result with the topic
	p.mu.Lock()
	t.running = false
	p.mu.Unlock()
	p.wake()
}

// watched are the topics of these names, in the order of the board; those on demand are made if they can be. The
// caller holds mu.
func (p *Publisher) watched(names []string, now time.Time) []*topic {
	if now.Sub(p.dropped) > idleFor/2 {
		p.drop(now)
	}
	full := false
	watched := make([]*topic, 0, len(names))
	for _, name := range names {
		t, err := p.topicNamed(name)
		if err == nil { // other names are none of ours, the pulse is one
			watched = append(watched, t)
		}
		full = full || errors.Is(err, ErrFull)
	}
	if full && !p.full {
		p.Logger.Warn("some panels stay empty: too many different ones are open", "open", p.made)
	}
	p.full = full
	slices.SortFunc(watched, func(a, b *topic) int { return a.order - b.order })
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

func (p *Publisher) longestDue(topics []*topic) (first *topic) {
	for _, t := range topics {
		if !t.running && (first == nil || p.due(t).Before(p.due(first))) {
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
// nobody watches, or one is running. The caller holds mu.
func (p *Publisher) startPulse(watched []string, now time.Time, running *sync.WaitGroup) time.Time {
	h := p.pulse
	if h.running || !slices.Contains(watched, PulseTopic) {
		return time.Time{}
	}
	if next := h.started.Add(pulseEvery); next.After(now) {
		return ceil(next, p.tick)
	}
	p.hold(now)
	h.started, h.running = floor(now, p.tick), true
	running.Go(func() {
		h.beat()
		p.mu.Lock()
		h.running = false
		p.mu.Unlock()
		p.wake()
	})
	return time.Time{}
}
