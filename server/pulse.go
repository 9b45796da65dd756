package server

import (
	"context"
	"fmt"
	"os"
	"time"

	"warroom/server/campaign"
	"warroom/server/live"
)

const (
	// tolerated is how late the boards may be before they say so.
	tolerated = 5 * time.Second
	// quietAfter is how long a feed may send nothing before the truth strip stops counting it.
	quietAfter = 5 * time.Minute
	// knownFor is how long a feed that stopped sending is still expected.
	knownFor = 24 * time.Hour

	keepFeedsEvery = 10 * time.Second
)

// doubt says in words why the figures of these kinds can't be trusted right now; empty when they can.
func (s *Server) doubt(kinds ...campaign.Kind) string {
	if err := s.store.ready(context.Background()); err != nil {
		return plain(err)
	}
	for _, kind := range kinds {
		if lag := s.streams.lag(kind); lag > tolerated {
			return fmt.Sprintf("%s that arrived in the last %s are not counted yet", kind, lag.Round(time.Second))
		}
	}
	return ""
}

// pulse is the truth strip: how old the data is, and how many feeds are behind it.
func (s *Server) pulse(now time.Time) live.Pulse {
	p := live.Pulse{LagMS: map[string]int64{}, Doubt: s.doubt(campaign.Kinds()...)}
	for _, kind := range campaign.Kinds() {
		p.LagMS[kind.String()] = s.streams.lag(kind).Milliseconds()
	}
	for _, f := range s.doors.Feeds() {
		since := now.Sub(f.LastReceivedAt)
		if since <= knownFor {
			p.Of++
		}
		if since <= quietAfter {
			p.Feeds++
		}
		if f.LastEventAt.After(p.DataAt) {
			p.DataAt = f.LastEventAt
		}
	}
	return p
}

// node names this process in the feeds table.
func node() string {
	name, err := os.Hostname()
	if err != nil {
		return "warroom"
	}
	return name
}

// keepFeeds goes on counting the feeds where the last process stopped, and writes what is known of them to the
// warehouse, so that a restart and the analysts know it too. It writes nothing before it has read: counts that begin
// at zero must not replace the old ones.
func (s *Server) keepFeeds(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.streams.started: // from here on there is a warehouse
	}
	restored := s.restoreFeeds(ctx)
	tick := time.NewTicker(keepFeedsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !restored {
			restored = s.restoreFeeds(ctx)
			continue
		}
		wh, err := s.store.warehouse()
		if err != nil {
			continue
		}
		if err := wh.SaveFeeds(ctx, s.feeds()); err != nil && ctx.Err() == nil {
			s.Logger.Warn("the state of the feeds was not kept, trying again", "error", err)
		}
	}
}

func (s *Server) feeds() []campaign.FeedState {
	feeds := s.doors.Feeds()
	for i := range feeds {
		feeds[i].Node = node()
		feeds[i].Lag = s.streams.lag(feeds[i].Kind)
	}
	return feeds
}

func (s *Server) restoreFeeds(ctx context.Context) bool {
	wh, err := s.store.warehouse()
	if err != nil {
		return false
	}
	feeds, err := wh.LoadFeeds(ctx, node())
	if err != nil {
		s.Logger.Warn("what was known of the feeds could not be read, trying again", "error", err)
		return false
	}
	s.doors.Restore(feeds)
	return true
}
