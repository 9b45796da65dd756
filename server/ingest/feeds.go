package ingest

import (
	"sync"
	"time"

	"warroom/server/campaign"
)

type feedKind struct {
	feed string
	kind campaign.Kind
}

// feeds counts what each feed sent of each kind. Feeds are as many as there are tokens.
type feeds struct {
	mu    sync.Mutex // guards known
	known map[feedKind]*campaign.FeedState
}

func newFeeds() *feeds { return &feeds{known: map[feedKind]*campaign.FeedState{}} }

// state is called with mu held.
func (f *feeds) state(feed string, kind campaign.Kind) *campaign.FeedState {
	key := feedKind{feed, kind}
	s, ok := f.known[key]
	if !ok {
		s = &campaign.FeedState{Feed: feed, Kind: kind}
		f.known[key] = s
	}
	return s
}

func (f *feeds) count(feed string, kind campaign.Kind, v *verdict, latest, answered time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.state(feed, kind)
	s.Accepted += uint64(v.Accepted)
	s.Rejected += uint64(v.rejected())
	s.Duplicates += uint64(v.Duplicates)
	s.LastEventAt = later(s.LastEventAt, latest)
	s.LastReceivedAt = later(s.LastReceivedAt, answered)
}

func (f *feeds) restore(known []campaign.FeedState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range known {
		s := f.state(old.Feed, old.Kind)
		s.Accepted += old.Accepted
		s.Rejected += old.Rejected
		s.Duplicates += old.Duplicates
		s.LastEventAt = later(s.LastEventAt, old.LastEventAt)
		s.LastReceivedAt = later(s.LastReceivedAt, old.LastReceivedAt)
	}
}

func (f *feeds) all() []campaign.FeedState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]campaign.FeedState, 0, len(f.known))
	for _, s := range f.known {
		out = append(out, *s)
	}
	return out
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
