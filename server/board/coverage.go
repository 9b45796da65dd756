package board

import (
	"slices"
	"time"

	"warroom/server/campaign"
)

// Coverage is how much of what usually comes of a kind is coming.
type Coverage struct {
	DataAt time.Time // the latest event of any feed; zero: none
	Feeds  int       // that send, or are usually quiet now
	Of     int       // that were heard of within a day
	Usual  *float64  // share of the usual volume for this hour of the week, of the feeds that have a usual; nil: unknown
	Quiet  []string  // the feeds that are missing, in the order of the alphabet
	Silent string    // why figures may be short, in words: a feed that usually sends a lot now sends nothing; or empty
}

const (
	// quietAfter is how long a feed may send nothing before it is missing, unless that is usual.
	quietAfter = 5 * time.Minute
	// knownFor is how long a feed that stopped sending is still expected.
	knownFor = 24 * time.Hour
)

// Coverages are those of all kinds that have a feed, from what the process knows.
func Coverages(from FeedSource, now time.Time, zone *time.Location) map[campaign.Kind]Coverage {
	usual := from.Usual()
	hour, _, _ := weekHour(now, zone)
	if !usual.Hour.Equal(hour) { // of another hour
		usual = Usual{}
	}
	all := map[campaign.Kind]Coverage{}
	for _, s := range from.States() {
		c := all[s.Kind]
		c.add(s, usual.Norms[FeedKind{s.Feed, s.Kind}], now)
		all[s.Kind] = c
	}
	shares := usualShares(usual, from.Minutes(now.Add(-minutesBack)))
	for kind, c := range all {
		if share, ok := shares[kind]; ok {
			c.Usual = &share
		}
		slices.Sort(c.Quiet)
		all[kind] = c
	}
	return all
}

func (c *Coverage) add(s campaign.FeedState, norm Norm, now time.Time) {
	if s.LastEventAt.After(c.DataAt) {
		c.DataAt = s.LastEventAt
	}
	quiet := now.Sub(s.LastReceivedAt)
	if quiet > knownFor {
		return
	}
	c.Of++
	says := silence(s, norm, now)
	expected := norm.Weeks < leastWeeks || norm.Whole/60*min(quiet.Minutes(), 60) >= silentEvents
	if says == "" && (quiet <= quietAfter || !expected) {
		c.Feeds++
		return
	}
	c.Quiet = append(c.Quiet, s.Feed)
	if says != "" && c.Silent == "" {
		c.Silent = s.Feed + " is " + says
	}
}

// usualShares are what came in the minutes that the norms cover, as parts of the norms.
func usualShares(usual Usual, minutes []campaign.FeedMinute) map[campaign.Kind]float64 {
	came, expected := map[campaign.Kind]float64{}, map[campaign.Kind]float64{}
	for key, norm := range usual.Norms {
		if norm.Weeks >= leastWeeks {
			expected[key.Kind] += norm.Part
		}
	}
	until := usual.Hour.Add(time.Duration(usual.Part) * time.Minute)
	for _, m := range minutes {
		norm := usual.Norms[FeedKind{m.Feed, m.Kind}]
		if norm.Weeks >= leastWeeks && !m.Minute.Before(usual.Hour) && m.Minute.Before(until) {
			came[m.Kind] += float64(m.Accepted)
		}
	}
	shares := map[campaign.Kind]float64{}
	for kind, sum := range expected {
		if sum > 0 {
			shares[kind] = came[kind] / sum
		}
	}
	return shares
}
