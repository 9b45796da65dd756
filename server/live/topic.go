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
	counts *counts               // shared by all topics of the panel
	state  atomic.Pointer[State] // the newest; nil before the first

	pace               // guarded by Publisher.mu
	order    int       // which one goes first when several are due
	onDemand bool      // made because somebody asked for it
	used     time.Time // when somebody watched it or asked for it last; guarded by Publisher.mu

	// What follows belongs to whoever holds the topic's flight.
	kept    *figures  // the last good ones; nil before the first
	whole   time.Time // when all steps of kept were asked for; zero: ask for all the next time
	since   time.Time // the steps from this moment on may have changed since kept
	shown   *figures  // what was published last; nil before the first
	showed  time.Time // when
	told    time.Time // when a state was last published whole, for everybody
	cause   time.Time // when the batch was confirmed that the answer under way is asked for; zero: it was time
	failing time.Time // since when the query has been failing; zero: it has not
}

// pace decides when a topic is due.
type pace struct {
	started   time.Time     // when the last answer began, or the tick that it belongs to; zero: there was none
	began     time.Time     // when it began
	took      time.Duration // how long it took
	confirmed time.Time     // the first batch since started; zero: there was none
	touched   time.Time     // with confirmed: the earliest event in any of the batches since started; zero: unknown
	latest    time.Time     // the newest batch of all
	doubtful  bool          // the last answer is in doubt: ask again soon
	asked     [8]time.Time  // when the last queries were sent, in no order; there are five a second at most
	asks      int           // queries so far
	failed    bool          // the last answer failed: don't ask again at once
	answering bool          // a flight is under way
	running   bool          // start has started it, and waits for a flight
}

func newTopic(panel board.Panel, counts *counts) *topic {
	t := &topic{panel: panel, counts: counts}
	t.out = newOutlet(panel.Topic, counts)
	return t
}

// confirm notes a batch.
func (t *topic) confirm(kind campaign.Kind, now, first time.Time) {
	if !slices.Contains(t.panel.Kinds, kind) {
		return
	}
	t.latest = now
	switch {
	case t.confirmed.IsZero():
		t.confirmed, t.touched = now, first
	case first.Before(t.touched):
		t.touched = first
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

// gap is the least time between the beginnings of two answers: the panel's own pace, and after an expensive one the
// engine gets as much rest from this topic as it had work, a second at most.
func (t *topic) gap() time.Duration {
	return max(coalesce, t.panel.Pace, t.took+min(t.took, longestRest))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
