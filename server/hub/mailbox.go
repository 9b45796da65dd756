package hub

import (
	"context"
	"sync/atomic"
)

// Mailbox is one watcher's place: for each of its topics, which frame it has taken last. One goroutine takes from it;
// any may leave it.
type Mailbox struct {
	hub   *Hub
	group *Group        // that is told instead; nil: none
	ready chan struct{} // one token: there may be something to take; nil in a group
	left  atomic.Bool   // set under Hub.mu
	seats []seat        // in the order of Join
	taken []*Frame      // what Take gave last: its array is used again
}

// seat is a mailbox at a topic.
type seat struct {
	box   *Mailbox
	topic *topic
	place int    // index in topic.watchers, guarded by Hub.mu; not used in a group
	taken uint64 // number of the newest state taken; only the taker touches it
}

func (m *Mailbox) watches(name string) bool {
	for i := range m.seats {
		if m.seats[i].topic.name == name {
			return true
		}
	}
	return false
}

// signal puts the token back; it never waits.
func (m *Mailbox) signal() {
	if m.group != nil {
		m.group.signal()
		return
	}
	select {
	case m.ready <- struct{}{}:
	default:
	}
}

// Ready gives a token when there may be something to Take: a new frame, or the end. A caller that waits for nothing
// else uses Next.
func (m *Mailbox) Ready() <-chan struct{} { return m.ready }

// Take gives the newest state of each topic that has one which has not been taken, in the order of Join; it may be
// none. When the state before was taken here, its form may be a change. The slice is good until the next Take, the frames for ever. ErrClosed is final.
func (m *Mailbox) Take() ([]*Frame, error) {
	if m.left.Load() || m.hub.closed.Load() {
		m.signal() // the end stays visible for everybody who waits
		return nil, ErrClosed
	}
	m.taken = m.taken[:0]
	for i := range m.seats {
		s := &m.seats[i]
		newest := s.topic.newest.Load()
		if f := newest.since(s.taken); f != nil {
			s.taken = newest.number
			m.taken = append(m.taken, f)
		}
	}
	return m.taken, nil
}

// Next waits until there is at least one frame to take. It returns ErrClosed at the end, and ctx's error when ctx ends
// first.
func (m *Mailbox) Next(ctx context.Context) ([]*Frame, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-m.ready:
		}
		if frames, err := m.Take(); err != nil || len(frames) > 0 {
			return frames, err
		}
	}
}

// Leave gives the place up. Leaving again does nothing.
func (m *Mailbox) Leave() { m.hub.leave(m) }
