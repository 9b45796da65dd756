package server

import (
	"context"
	"fmt"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/live"
)

// tolerated is how late the boards may be before they say so.
const tolerated = 5 * time.Second

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
	return s.silence(kinds...)
}

// silence says that a feed of these kinds which usually sends a lot at this hour sends nothing; empty when none does.
func (s *Server) silence(kinds ...campaign.Kind) string {
	known := s.coverage.newest(time.Now())
	for _, kind := range kinds {
		if says := known[kind].Silent; says != "" {
			return kind.String() + " may be missing: " + says
		}
	}
	return ""
}

// pulse is the truth strip: how old the data is, and how many feeds are behind it.
func (s *Server) pulse(now time.Time) live.Pulse {
	p := live.Pulse{LagMS: map[string]int64{}, Kinds: map[string]live.KindPulse{}, Doubt: s.doubt(campaign.Kinds()...)}
	known := s.coverage.newest(now)
	if known == nil { // before it has been looked for the first time; what the process knows by itself is enough
		from := s.reporter.source()
		from.Usual = func() board.Usual { return board.Usual{} }
		known = board.Coverages(from, now, s.Zone)
	}
	for _, kind := range campaign.Kinds() {
		p.LagMS[kind.String()] = s.streams.lag(kind).Milliseconds()
		c, there := known[kind]
		if !there {
			continue
		}
		p.Kinds[kind.String()] = live.KindPulse{
			Coverage: live.Coverage{Feeds: c.Feeds, Of: c.Of}, DataAt: c.DataAt, CountedTo: s.streams.confirmedUpTo(kind),
			Usual: c.Usual, Quiet: c.Quiet,
		}
		p.Feeds, p.Of = p.Feeds+c.Feeds, p.Of+c.Of
		if c.DataAt.After(p.DataAt) {
			p.DataAt = c.DataAt
		}
	}
	return p
}
