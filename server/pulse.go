package server

import (
	"context"
	"fmt"
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
)

// doubt says in words why the figures of these kinds can't be trusted right now; empty when they can.
func (s *Server) doubt(kinds ...campaign.Kind) string {
	if err := s.store.ready(context.Background()); err != nil {
		return plain(err)
	}
	if why := s.truth.doubt(kinds...); why != "" {
		return why
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
