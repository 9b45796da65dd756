package campaign

import "time"

// FeedState is what one node knows of one feed and kind: how much came, and when.
type FeedState struct {
	Node string // the process that counted
	Feed string // the feed's name, as its token says
	Kind Kind

	LastEventAt    time.Time // latest occurred_at that was accepted
	LastReceivedAt time.Time // when its last request was answered

	// Since the feed was first seen. Duplicates are repeats inside one request only; repeats of earlier events are
	// accepted and counted once in every total.
	Accepted, Rejected, Duplicates uint64

	// Lag is how far the warehouse is behind what was acknowledged; zero when nothing waits.
	Lag time.Duration
}

// FeedMinute is what one node took from one feed of one kind in the minute in which it answered.
type FeedMinute struct {
	Node, Feed                     string
	Kind                           Kind
	Minute                         time.Time // its start, UTC
	Accepted, Rejected, Duplicates uint64    // as in FeedState
}

// FeedReject is one reason why events of a feed were refused, and how often.
type FeedReject struct {
	Feed          string
	Kind          Kind
	Field, Reason string // Field is empty when an event as a whole is wrong; neither quotes a value
	Count         uint64
	Last          time.Time
}
