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
