package live

import (
	"errors"
	"slices"
	"time"

	"warroom/server/board"
)

const (
	// mostTopics bounds the topics that are made on demand: the panels of some hundred sends, over some spans each.
	mostTopics = 2000
	// idleFor is how long a topic that was made on demand is kept after the last who watched it or asked for it.
	idleFor = time.Minute
)

// ErrFull says that so many panels are open that no other can be. It passes when some are closed.
var ErrFull = errors.New("too many different panels are open")

// lookup is the topic of a name, made now if it can be; nil when there is none. A topic that is made is kept while it
// is used.
func (p *Publisher) lookup(name string) (*topic, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.topicNamed(name)
}

// topicNamed is lookup for a caller that holds mu.
func (p *Publisher) topicNamed(name string) (*topic, error) {
	now := time.Now()
	if t := p.byName[name]; t != nil {
		t.used = now
		return t, nil
	}
	panel, ok := p.find(name)
	if !ok {
		return nil, ErrUnknown
	}
	if p.made >= mostTopics {
		p.drop(now)
	}
	if p.made >= mostTopics {
		return nil, ErrFull
	}
	t := p.add(panel)
	t.onDemand, t.used = true, now
	p.made++
	return t, nil
}

// find is the panel that a topic on demand would show.
func (p *Publisher) find(name string) (board.Panel, bool) {
	if p.Find == nil {
		return board.Panel{}, false
	}
	panel, ok := p.Find(name)
	return panel, ok && panel.Topic == name
}

// add makes a topic. The caller holds mu, or nobody knows the publisher yet.
func (p *Publisher) add(panel board.Panel) *topic {
	name := board.Base(panel.Topic)
	if p.counts[name] == nil {
		p.counts[name] = &counts{}
	}
	t := newTopic(panel, p.counts[name])
	t.order = p.added
	p.added++
	p.topics = append(p.topics, t)
	p.byName[panel.Topic] = t
	return t
}

// drop forgets the topics on demand that nobody has used for a while. The caller holds mu.
func (p *Publisher) drop(now time.Time) {
	p.dropped = now
	p.topics = slices.DeleteFunc(p.topics, func(t *topic) bool {
		name := t.panel.Topic
		if !t.onDemand || t.running || t.answering || now.Sub(t.used) < idleFor || p.Hub.Watched(name) {
			return false
		}
		delete(p.byName, name)
		p.Hub.Forget(name)
		p.made--
		return true
	})
}

// asked is what a question about the past needs of a topic; it makes none that is kept.
func (p *Publisher) asked(name string) (*topic, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.byName[name]; t != nil {
		return t, nil
	}
	panel, ok := p.find(name)
	if !ok {
		return nil, ErrUnknown
	}
	base := board.Base(name)
	if p.counts[base] == nil {
		p.counts[base] = &counts{}
	}
	return newTopic(panel, p.counts[base]), nil
}
