package live

import (
	"slices"
	"sync/atomic"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

// topic is a panel, its newest state, and when it is due.
type topic struct {
	panel  board.Panel
	out    *outlet
	counts counts
	state  atomic.Pointer[State] // the newest; nil before the first

	pace // guarded by Publisher.mu

	// What follows belongs to whoever holds the topic's flight.
	kept    *figures  // the last good ones; nil before the first
	shown   *figures  // what was published last; nil before the first
	failing time.Time // since when the query has been failing; zero: it has not
}

// pace decides when a topic is due.
type pace struct {
	started   time.Time     // when the last answer began; zero: there was none
	took      time.Duration // how long it took
	confirmed time.Time     // the first batch since started; zero: there was none
	doubtful  bool          // the last answer is in doubt: ask again soon
	failed    bool          // the last answer failed: don't ask again at once
	answering bool          // a flight is under way
	running   bool          // start has started it, and waits for a flight
}

func newTopic(panel board.Panel) *topic {
	t := &topic{panel: panel}
	t.out = newOutlet(panel.Topic, &t.counts)
	return t
}

// confirm notes a batch.
func (t *topic) confirm(kind campaign.Kind, now time.Time) {
	if t.confirmed.IsZero() && slices.Contains(t.panel.Kinds, kind) {
		t.confirmed = now
	}
}

// due is the moment from which the topic should be answered again.
func (t *topic) due() time.Time {
	every := t.panel.Query.Every
	if t.failed || t.doubtful {
		every = min(max(every, retryAtLeast), retryAtMost)
	}
	switch {
	case t.started.IsZero():
		return time.Time{}
	case t.failed || t.confirmed.IsZero():
		return t.started.Add(max(every, t.gap()))
	}
	return later(t.confirmed, t.started.Add(t.gap()))
}

// gap is the least time between the beginnings of two answers: after an expensive one the engine gets as much rest
// from this topic as it had work, a second at most.
func (t *topic) gap() time.Duration {
	return max(coalesce, t.took+min(t.took, longestRest))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
