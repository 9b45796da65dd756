package board

import (
	"reflect"
	"testing"
	"time"

	"warroom/server/campaign"
)

func TestCoverages(t *testing.T) {
	zone := newYork(t).Zone
	now := time.Date(2012, 9, 6, 22, 40, 30, 0, zone).UTC()
	hour, part, _ := weekHour(now, zone)
	norms := map[FeedKind]Norm{
		{"actblue", campaign.Donations}: {Weeks: 4, Part: 400, Whole: 600},
		{"checks", campaign.Donations}:  {Weeks: 4, Part: 1, Whole: 2}, // a box of checks now and then
		{"stripe", campaign.Donations}:  {Weeks: 4, Part: 200, Whole: 300},
		{"new", campaign.Donations}:     {Weeks: 1, Part: 100, Whole: 900}, // one week is no usual
	}
	state := func(feed string, kind campaign.Kind, ago time.Duration) campaign.FeedState {
		return campaign.FeedState{Feed: feed, Kind: kind, LastEventAt: now.Add(-ago - time.Second), LastReceivedAt: now.Add(-ago)}
	}
	minute := func(feed string, ago int, accepted uint64) campaign.FeedMinute {
		return campaign.FeedMinute{Feed: feed, Kind: campaign.Donations, Minute: now.Truncate(time.Minute).Add(-time.Duration(ago) * time.Minute), Accepted: accepted}
	}
	source := FeedSource{
		Usual: func() Usual { return Usual{At: now, Hour: hour, Part: part, Norms: norms} },
		States: func() []campaign.FeedState {
			return []campaign.FeedState{
				state("actblue", campaign.Donations, time.Second), state("checks", campaign.Donations, 3*time.Hour),
				state("stripe", campaign.Donations, 4*time.Minute), state("new", campaign.Donations, 6*time.Minute),
				state("old", campaign.Donations, 25*time.Hour), state("ses", campaign.Emails, 2*time.Second),
			}
		},
		Minutes: func(time.Time) []campaign.FeedMinute {
			return []campaign.FeedMinute{
				minute("actblue", 1, 250), minute("actblue", 39, 50), minute("stripe", 5, 100), minute("new", 7, 1000),
				minute("actblue", 45, 1000), minute("actblue", 0, 1000), // the hour before, and the minute that is not over
			}
		},
	}
	got := Coverages(source, now, zone)
	share := 400.0 / 601
	want := map[campaign.Kind]Coverage{
		campaign.Donations: {
			DataAt: now.Add(-2 * time.Second), Feeds: 2, Of: 4, Usual: &share, Quiet: []string{"new", "stripe"},
			Silent: "stripe is silent for 4 min: about 20 events would be usual",
		},
		campaign.Emails: {DataAt: now.Add(-3 * time.Second), Feeds: 1, Of: 1},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	// What was usual in another hour says nothing of this one.
	next := Coverages(source, now.Add(30*time.Minute), zone)
	if c := next[campaign.Donations]; c.Usual != nil || c.Silent != "" || c.Feeds != 0 || len(c.Quiet) != 4 {
		t.Errorf("in the next hour %+v", c)
	}
}
