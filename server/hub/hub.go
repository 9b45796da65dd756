// Package hub hands the newest state of each topic to everybody who watches it. It is a lock, a map and mailboxes: it
// starts no goroutine, and knows nothing of HTTP, SQL or HTML.
//
// It promises that publishing never waits for a watcher; that a slow watcher gets the newest state of a topic and
// never a backlog; that a change comes only to who has taken the state that it builds on; that a topic never goes back
// on a mailbox; and that what it keeps for a watcher is a few words a topic, because frames are encoded once and shared.
package hub

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ErrClosed says that no frame will come any more: the hub is closed, or the mailbox has been left.
var ErrClosed = errors.New("hub: closed")

// leaveWithin bounds how long Close waits for the watchers to leave: enough to tell a browser goodbye.
const leaveWithin = 2 * time.Second

// Hub is the topics and who watches them. All methods may be called at any time from any goroutine.
type Hub struct {
	wake   chan struct{} // one token: some topic got its first watcher
	closed atomic.Bool   // set under mu
	empty  chan struct{} // closed when the hub is closed and the last mailbox has been left

	mu        sync.Mutex // guards what follows, and the watchers of all topics
	topics    map[string]*topic
	mailboxes map[*Mailbox]struct{}
	published uint64 // also the number of the newest state
	held      bool
	untold    []*topic // that were published while held
}

// topic outlives its watchers, so that the next one gets the newest frame at once.
type topic struct {
	name     string
	newest   atomic.Pointer[state] // stored under Hub.mu, so that it only moves on
	watchers []*seat               // guarded by Hub.mu
	parties  []party               // guarded by Hub.mu: the watchers that are in groups
	untold   bool                  // guarded by Hub.mu: in Hub.untold
}

// Stats are the hub's own figures.
type Stats struct {
	Viewers   int    // mailboxes that have not been left
	Published uint64 // states, however many watched
}

// New makes an empty hub.
func New() *Hub {
	return &Hub{
		wake:      make(chan struct{}, 1),
		empty:     make(chan struct{}),
		topics:    map[string]*topic{},
		mailboxes: map[*Mailbox]struct{}{},
	}
}

// Join makes a mailbox that watches the topics; it has the newest frame of each, in their order, from the start. The
// caller leaves it. On a closed hub it gets a mailbox that says so.
func (h *Hub) Join(topics []string) *Mailbox { return h.join(topics, nil) }

func (h *Hub) join(topics []string, group *Group) *Mailbox {
	m := &Mailbox{hub: h, group: group, seats: make([]seat, 0, len(topics))}
	if group == nil {
		m.ready = make(chan struct{}, 1)
		m.signal()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Load() {
		m.left.Store(true)
		return m
	}
	h.mailboxes[m] = struct{}{}
	for _, name := range topics {
		if !m.watches(name) {
			m.seats = append(m.seats, seat{box: m, topic: h.topic(name)})
		}
	}
	for i := range m.seats { // after the last append: topics point into the slice
		h.sit(&m.seats[i])
	}
	return m
}

// sit adds a watcher to its topic. The caller holds mu.
func (h *Hub) sit(s *seat) {
	first := !s.topic.watched()
	if g := s.box.group; g != nil {
		s.topic.seated(g, 1)
	} else {
		s.place = len(s.topic.watchers)
		s.topic.watchers = append(s.topic.watchers, s)
	}
	if first {
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
}

// topic finds or makes a topic. The caller holds mu.
func (h *Hub) topic(name string) *topic {
	t := h.topics[name]
	if t == nil {
		t = &topic{name: name}
		h.topics[name] = t
	}
	return t
}

// leave takes the mailbox's seats away; the last watcher of another place moves into each gap.
func (h *Hub) leave(m *Mailbox) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.left.Swap(true) {
		return
	}
	for i := range m.seats {
		s := &m.seats[i]
		s.stand()
		if !s.topic.watched() && s.topic.newest.Load() == nil {
			delete(h.topics, s.topic.name) // nobody ever published it: keep no trace of any name that was asked for
		}
	}
	delete(h.mailboxes, m)
	if m.group == nil {
		m.signal() // whoever waits for it learns
	}
	if h.closed.Load() && len(h.mailboxes) == 0 {
		close(h.empty)
	}
}

// stand takes a seat away. The caller holds mu.
func (s *seat) stand() {
	if g := s.box.group; g != nil {
		s.topic.seated(g, -1)
		return
	}
	last := len(s.topic.watchers) - 1
	moved := s.topic.watchers[last]
	s.topic.watchers[s.place], moved.place = moved, s.place
	s.topic.watchers[last] = nil
	s.topic.watchers = s.topic.watchers[:last]
}

// Publish makes frame the newest of its topic and tells its watchers, unless they are told later (see Hold). It costs a few nanoseconds for each of them
// and waits for none. The frame belongs to the hub from then on. A closed hub ignores it.
func (h *Hub) Publish(topic string, frame []byte) { h.PublishChange(topic, frame, nil) }

// PublishChange is Publish for a state that is told in two forms: change is for the watchers who have taken the state
// before, frame for all others. nil is no change.
func (h *Hub) PublishChange(topic string, frame, change []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Load() {
		return
	}
	h.published++
	t := h.topic(topic)
	next := &state{number: h.published, full: &Frame{Bytes: frame}}
	if last := t.newest.Load(); last != nil && change != nil {
		next.change, next.before = &Frame{Bytes: change}, last.number
	}
	t.newest.Store(next)
	h.changed(t)
}

// Watched says whether anybody watches the topic.
func (h *Hub) Watched(topic string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.topics[topic]
	return t != nil && t.watched()
}

// Watchers is how many mailboxes watch the topic.
func (h *Hub) Watchers(topic string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[topic]; t != nil {
		n = len(t.watchers)
		for _, p := range t.parties {
			n += p.seats
		}
	}
	return n
}

// Watching are the names of the topics that somebody watches, in no order.
func (h *Hub) Watching() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	names := make([]string, 0, len(h.topics))
	for name, t := range h.topics {
		if t.watched() {
			names = append(names, name)
		}
	}
	return names
}

// Forget drops the newest frame of a topic that nobody watches; of another it does nothing.
func (h *Hub) Forget(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[topic]; t != nil && !t.watched() {
		delete(h.topics, topic)
	}
}

// Wake gives a token after some topic got its first watcher. It is for one receiver; several first watchers may give
// one token.
func (h *Hub) Wake() <-chan struct{} { return h.wake }

// Stats are the figures of this moment.
func (h *Hub) Stats() Stats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return Stats{Viewers: len(h.mailboxes), Published: h.published}
}

// Close tells every mailbox that it is over and waits until they have been left, two seconds at most. Closing again
// does nothing.
func (h *Hub) Close() {
	if !h.shut() {
		return
	}
	enough := time.NewTimer(leaveWithin)
	defer enough.Stop()
	select {
	case <-h.empty:
	case <-enough.C:
	}
}

// shut reports whether there is anybody to wait for.
func (h *Hub) shut() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed.Swap(true) {
		return false
	}
	for m := range h.mailboxes {
		m.signal()
	}
	return len(h.mailboxes) > 0
}
