package ingest

import (
	"slices"
	"sync"
	"time"

	"warroom/server/campaign"
)

type feedKind struct {
	feed string
	kind campaign.Kind
}

const (
	// minutesFor is how long single minutes are remembered: an engine that is away for a night still learns them.
	minutesFor = 24 * time.Hour
	// maxReasons bounds the reasons that are remembered of each feed and kind: who breaks one field breaks it everywhere.
	maxReasons = 20
)

// feeds counts what each feed sent of each kind. Feeds are as many as there are tokens.
type feeds struct {
	mu    sync.Mutex // guards known
	known map[feedKind]*feedCount
}

// feedCount is what is known of one feed and kind.
type feedCount struct {
	campaign.FeedState
	minutes []campaign.FeedMinute // oldest first; only those in which something came
	reasons map[reason]*campaign.FeedReject
}

// reason is why an event was refused.
type reason struct{ field, says string }

func newFeeds() *feeds { return &feeds{known: map[feedKind]*feedCount{}} }

// of is called with mu held.
func (f *feeds) of(feed string, kind campaign.Kind) *feedCount {
	key := feedKind{feed, kind}
	c, ok := f.known[key]
	if !ok {
		c = &feedCount{FeedState: campaign.FeedState{Feed: feed, Kind: kind}, reasons: map[reason]*campaign.FeedReject{}}
		f.known[key] = c
	}
	return c
}

func (f *feeds) count(feed string, kind campaign.Kind, v *verdict, latest, answered time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.of(feed, kind)
	accepted, rejected, duplicates := uint64(v.Accepted), uint64(v.rejected()), uint64(v.Duplicates)
	c.Accepted += accepted
	c.Rejected += rejected
	c.Duplicates += duplicates
	m := c.minute(answered)
	m.Accepted += accepted
	m.Rejected += rejected
	m.Duplicates += duplicates
	c.LastEventAt = later(c.LastEventAt, latest)
	c.LastReceivedAt = later(c.LastReceivedAt, answered)
	for i := range v.Rejected {
		c.refuse(v.Rejected[i].Field, v.Rejected[i].Reason, answered)
	}
}

// minute is the count of a moment's minute, made if need be; those that are too old are forgotten then.
func (c *feedCount) minute(at time.Time) *campaign.FeedMinute {
	at = at.UTC().Truncate(time.Minute)
	i, found := slices.BinarySearchFunc(c.minutes, at, func(m campaign.FeedMinute, at time.Time) int {
		return m.Minute.Compare(at)
	})
	if !found {
		c.minutes = slices.Insert(c.minutes, i, campaign.FeedMinute{Feed: c.Feed, Kind: c.Kind, Minute: at})
		if old := at.Add(-minutesFor); c.minutes[0].Minute.Before(old) {
			c.minutes = c.minutes[1:] // one comes, one goes; append moves the rest to the front now and then
			i--
		}
	}
	return &c.minutes[i]
}

// refuse counts a refused event. When there are too many reasons, the one that was met last longest ago makes room.
func (c *feedCount) refuse(field, says string, at time.Time) {
	why := reason{field, says}
	known, ok := c.reasons[why]
	if !ok {
		if len(c.reasons) >= maxReasons {
			delete(c.reasons, c.staleReason())
		}
		known = &campaign.FeedReject{Feed: c.Feed, Kind: c.Kind, Field: field, Reason: says}
		c.reasons[why] = known
	}
	known.Count++
	known.Last = later(known.Last, at)
}

func (c *feedCount) staleReason() (stale reason) {
	var oldest time.Time
	for why, known := range c.reasons {
		if oldest.IsZero() || known.Last.Before(oldest) {
			stale, oldest = why, known.Last
		}
	}
	return stale
}

func (f *feeds) restore(known []campaign.FeedState) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range known {
		c := f.of(old.Feed, old.Kind)
		c.Accepted += old.Accepted
		c.Rejected += old.Rejected
		c.Duplicates += old.Duplicates
		c.LastEventAt = later(c.LastEventAt, old.LastEventAt)
		c.LastReceivedAt = later(c.LastReceivedAt, old.LastReceivedAt)
	}
}

func (f *feeds) restoreMinutes(known []campaign.FeedMinute) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, old := range known {
		m := f.of(old.Feed, old.Kind).minute(old.Minute)
		m.Accepted += old.Accepted
		m.Rejected += old.Rejected
		m.Duplicates += old.Duplicates
	}
}

func (f *feeds) all() []campaign.FeedState {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]campaign.FeedState, 0, len(f.known))
	for _, c := range f.known {
		out = append(out, c.FeedState)
	}
	return out
}

// allMinutes are those that begin at since or later.
func (f *feeds) allMinutes(since time.Time) (out []campaign.FeedMinute) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.known {
		for i := len(c.minutes) - 1; i >= 0 && !c.minutes[i].Minute.Before(since); i-- {
			out = append(out, c.minutes[i])
		}
	}
	return out
}

// allRejects are newest first.
func (f *feeds) allRejects() (out []campaign.FeedReject) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.known {
		for _, known := range c.reasons {
			out = append(out, *known)
		}
	}
	slices.SortFunc(out, func(a, b campaign.FeedReject) int { return b.Last.Compare(a.Last) })
	return out
}

// FeedMinutes are the minutes from since on in which something came, of all feeds. Node is left to the caller.
func (d *Doors) FeedMinutes(since time.Time) []campaign.FeedMinute { return d.feeds.allMinutes(since) }

// RestoreMinutes adds what an earlier process counted. Call it once, at any time.
func (d *Doors) RestoreMinutes(known []campaign.FeedMinute) { d.feeds.restoreMinutes(known) }

// Rejects are the reasons why events were refused since the process began, newest first, at most twenty of each feed
// and kind.
func (d *Doors) Rejects() []campaign.FeedReject { return d.feeds.allRejects() }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
