package server

import (
	"testing"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

// Coverage is looked at while somebody wants to know, and says nothing when it is old.
func TestCoverageIsKeptWhileItIsWanted(t *testing.T) {
	now, looks := time.Now(), 0
	c := &coverage{zone: time.UTC, from: board.FeedSource{
		Usual:   func() board.Usual { looks++; return board.Usual{} },
		Minutes: func(time.Time) []campaign.FeedMinute { return nil },
		States: func() []campaign.FeedState {
			return []campaign.FeedState{{Feed: "actblue", Kind: campaign.Donations, LastReceivedAt: now}}
		},
	}}
	c.look(now)
	if looks != 0 || c.newest(now) != nil {
		t.Errorf("%d looks for nobody", looks)
	}
	c.look(now.Add(time.Second))
	if got := c.newest(now.Add(time.Second))[campaign.Donations]; looks != 1 || got.Feeds != 1 || got.Of != 1 {
		t.Errorf("after %d looks %+v", looks, got)
	}
	c.look(now.Add(time.Minute))
	if looks != 1 {
		t.Error("looked although nobody has wanted to know for a minute")
	}
	if got := c.newest(now.Add(time.Minute)); got != nil {
		t.Errorf("a minute later %+v", got)
	}
}

// A feed that usually sends a lot at this hour and has gone silent puts the figures of its kind in doubt, and no other.
func TestSilentFeedIsADoubt(t *testing.T) {
	s := opened(t)
	s.coverage.mu.Lock()
	s.coverage.found = time.Now()
	s.coverage.kinds = map[campaign.Kind]board.Coverage{
		campaign.Donations: {Of: 1, Quiet: []string{"actblue"}, Silent: "actblue is silent for 4 min: about 40 events would be usual"},
		campaign.Emails:    {Feeds: 1, Of: 1},
	}
	s.coverage.mu.Unlock()
	if says := s.silence(campaign.Donations); says != "donations may be missing: actblue is silent for 4 min: about 40 events would be usual" {
		t.Errorf("of gifts: %q", says)
	}
	if says := s.silence(campaign.Emails, campaign.Traffic); says != "" {
		t.Errorf("of the others: %q", says)
	}
	p := s.pulse(time.Now())
	if k := p.Kinds["donations"]; k.Of != 1 || k.Feeds != 0 || len(k.Quiet) != 1 || p.Feeds != 1 || p.Of != 2 {
		t.Errorf("the pulse is %+v", p)
	}
}
