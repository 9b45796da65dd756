package hub

import "sync/atomic"

// Group is many mailboxes that one goroutine looks after: it is told once when there is something in any of them.
type Group struct {
	hub   *Hub
	ready chan struct{} // one token: there may be something to take in one of its mailboxes
	whole atomic.Bool   // what there is to take was released together
}

// Group makes a group without mailboxes.
func (h *Hub) Group() *Group { return &Group{hub: h, ready: make(chan struct{}, 1)} }

// Join makes a mailbox of the group, as Hub.Join does. Its own Ready and Next never tell of anything. It has the newest
// states from the start, and the group is not told of that.
func (g *Group) Join(topics []string) *Mailbox { return g.hub.join(topics, g) }

// Ready gives a token when there may be something to Take in any mailbox of the group, or the hub has been closed.
func (g *Group) Ready() <-chan struct{} { return g.ready }

// Whole reports, once, that what there is to take was released together (see Hub.Release): nothing more is about to
// change.
func (g *Group) Whole() bool { return g.whole.Swap(false) }

func (g *Group) signal() {
	select {
	case g.ready <- struct{}{}:
	default:
	}
}

// party is how many seats a group has at a topic.
type party struct {
	group *Group
	seats int
}

// seated adds n seats of a group. The caller holds Hub.mu.
func (t *topic) seated(g *Group, n int) {
	for i := range t.parties {
		p := &t.parties[i]
		if p.group != g {
			continue
		}
		if p.seats += n; p.seats == 0 {
			last := len(t.parties) - 1
			t.parties[i], t.parties[last] = t.parties[last], party{}
			t.parties = t.parties[:last]
		}
		return
	}
	t.parties = append(t.parties, party{g, n})
}

func (t *topic) watched() bool { return len(t.watchers)+len(t.parties) > 0 }
