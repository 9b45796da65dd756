package board

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

const (
	// sparkMinutes are the minutes of the small picture.
	sparkMinutes = 60
	// minutesBack are more than that: while the engine is away, the hour that is compared grows old.
	minutesBack = 3 * time.Hour
	// silentAfter and silentEvents say when silence is loud: chance alone leaves ten expected events out once in
	// twenty thousand times.
	silentAfter  = 2 * time.Minute
	silentEvents = 10
	// fewEvents are too few to call a part of the usual rate low.
	fewEvents = 30
	lowShare  = 0.5
	// lateAfter is when a lag is marked: the boards say so from then on, too.
	lateAfter = 5 * time.Second
)

// feeds is the table of all feeds and kinds.
func (d feedDesk) feeds() Panel {
	return d.inside("feeds.feeds", "Feeds", "as this server receives them", func(p Panel, m Moment) Answer {
		rows := d.feedRows(m.At)
		return Answer{Rows: rows, Fragment: views.FeedsPanel(d.feedTable(p, m, rows))}
	})
}

// feedRow is one feed and kind as the API gives it.
type feedRow struct {
	Feed           string     `json:"feed"`
	Kind           string     `json:"kind"`
	LastEventAt    *time.Time `json:"last_event_at"`
	LastReceivedAt *time.Time `json:"last_received_at"`
	PerMinute      float64    `json:"per_minute"` // accepted events, now
	LastHour       []uint64   `json:"last_hour"`  // accepted events by the minute, oldest first, the current one last
	LagMS          int64      `json:"lag_ms"`     // age of the oldest acknowledged event of the kind that isn't counted yet
	Usual          *usualRow  `json:"usual"`      // null: there is no usual yet
	Silent         string     `json:"silent,omitempty"`
	Accepted       uint64     `json:"accepted"`
	Rejected       uint64     `json:"rejected"`
	Duplicates     uint64     `json:"duplicates"`        // inside one request
	Repeats        *uint64    `json:"repeats_last_day"`  // came again and are counted once; null: not kept, or not known
	Conflicts      *uint64    `json:"conflicts"`         // null: not known
	Letters        int        `json:"dead_letters_open"` // put aside and not counted yet
	Engine         engineRow  `json:"engine"`

	key FeedKind
}

// usualRow compares the hour so far with the same minutes of the same hour in the weeks before.
type usualRow struct {
	Hour     time.Time `json:"hour"`
	Minutes  int       `json:"minutes"`
	Accepted uint64    `json:"accepted"`
	Median   float64   `json:"median"`
	Weeks    int       `json:"weeks"`
	Coverage *float64  `json:"coverage"` // a ratio; null when nothing is usual
}

// engineRow says how old usual, repeats and conflicts are, and why.
type engineRow struct {
	At    *time.Time `json:"at"`
	Doubt string     `json:"doubt,omitempty"`
}

func (d feedDesk) feedRows(now time.Time) []feedRow {
	usual, letters := d.from.Usual(), d.from.Letters().open()
	hour, _, _ := weekHour(now, d.Zone)
	minutes := map[FeedKind][]campaign.FeedMinute{}
	for _, m := range d.from.Minutes(now.Add(-minutesBack)) {
		key := FeedKind{m.Feed, m.Kind}
		minutes[key] = append(minutes[key], m)
	}
	rows := []feedRow{}
	for _, s := range d.from.States() {
		key := FeedKind{s.Feed, s.Kind}
		row := feedRow{
			Feed: s.Feed, Kind: s.Kind.String(), key: key,
			LastEventAt: someTime(s.LastEventAt), LastReceivedAt: someTime(s.LastReceivedAt),
			LagMS: s.Lag.Milliseconds(), Accepted: s.Accepted, Rejected: s.Rejected, Duplicates: s.Duplicates,
			Letters: letters[key], Engine: engineRow{At: someTime(usual.At), Doubt: usual.Doubt},
		}
		row.LastHour = lastHour(minutes[key], now)
		row.PerMinute = perMinute(row.LastHour, now)
		if !usual.At.IsZero() {
			again := usual.Came[key]
			row.Conflicts = &again.Conflicts
			if s.Kind == campaign.Donations {
				row.Repeats = &again.Repeats
			}
		}
		row.compare(usual, minutes[key])
		if usual.Hour.Equal(hour) {
			row.Silent = silence(s, usual.Norms[key], now)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b feedRow) int {
		return cmp.Or(cmp.Compare(a.key.Kind, b.key.Kind), strings.Compare(a.Feed, b.Feed))
	})
	return rows
}

// lastHour is what was accepted in each of the last sixty minutes, the current one last.
func lastHour(minutes []campaign.FeedMinute, now time.Time) []uint64 {
	out := make([]uint64, sparkMinutes)
	current := now.Truncate(time.Minute)
	for _, m := range minutes {
		if i := sparkMinutes - 1 - int(current.Sub(m.Minute)/time.Minute); i >= 0 && i < sparkMinutes {
			out[i] += m.Accepted
		}
	}
	return out
}

// perMinute is the rate of the last sixty seconds, as well as counts by the minute tell it.
func perMinute(hour []uint64, now time.Time) float64 {
	over := now.Sub(now.Truncate(time.Minute)).Seconds() / 60
	rate := float64(hour[len(hour)-1]) + float64(hour[len(hour)-2])*(1-over)
	return math.Round(rate*10) / 10
}

// compare looks at whole minutes only, at those that the norm was asked for.
func (r *feedRow) compare(usual Usual, minutes []campaign.FeedMinute) {
	norm := usual.Norms[r.key]
	if norm.Weeks < leastWeeks {
		return
	}
	u := &usualRow{Hour: usual.Hour, Minutes: usual.Part, Median: norm.Part, Weeks: norm.Weeks}
	until := usual.Hour.Add(time.Duration(usual.Part) * time.Minute)
	for _, m := range minutes {
		if !m.Minute.Before(usual.Hour) && m.Minute.Before(until) {
			u.Accepted += m.Accepted
		}
	}
	if norm.Part > 0 {
		ratio := float64(u.Accepted) / norm.Part
		u.Coverage = &ratio
	}
	r.Usual = u
}

// silence says loudly that a feed which usually talks at this hour has sent nothing for a while; empty when not.
func silence(s campaign.FeedState, norm Norm, now time.Time) string {
	quiet := now.Sub(s.LastReceivedAt)
	missing := norm.Whole / 60 * min(quiet.Minutes(), 60)
	if norm.Weeks < leastWeeks || quiet < silentAfter || missing < silentEvents {
		return ""
	}
	if quiet > time.Hour {
		return fmt.Sprintf("silent for %s: about %s an hour are usual now", ageText(quiet), roughly(norm.Whole))
	}
	return fmt.Sprintf("silent for %s: about %s would be usual", ageText(quiet), roughly(missing))
}

// roughly writes a number of events as one speaks of it, with two digits that mean something.
func roughly(n float64) string {
	digits := math.Pow(10, max(0, math.Floor(math.Log10(max(n, 1)))-1))
	return counted(uint64(math.Round(n/digits)*digits), "event", "events")
}

func (d feedDesk) feedTable(p Panel, m Moment, rows []feedRow) views.FeedTable {
	t := views.FeedTable{Panel: d.head(p, m, "")}
	if len(rows) == 0 {
		t.Empty = "No feed yet."
		return t
	}
	t.Doubt = rows[0].Engine.says(m.At)
	for _, r := range rows {
		t.Rows = append(t.Rows, d.feedLine(r, m.At))
	}
	return t
}

// says is why the engine's columns can't be trusted, with their age.
func (e engineRow) says(now time.Time) string {
	switch {
	case e.Doubt == "":
		return ""
	case e.At == nil:
		return e.Doubt + ": what is usual, came again or differs is not known yet"
	}
	return e.Doubt + ": what is usual, came again or differs is as of " + since(*e.At, now) + " ago"
}

func (d feedDesk) feedLine(r feedRow, now time.Time) views.FeedLine {
	line := views.FeedLine{
		Key: r.Feed + "-" + r.Kind, Feed: r.Feed, Kind: r.Kind,
		LastEvent: ago(r.LastEventAt, now), LastReceipt: ago(r.LastReceivedAt, now),
		Rate: rateText(r.PerMinute), Spark: spark(r.LastHour), Alarm: r.Silent,
		Lag: lagText(r.LagMS), Late: time.Duration(r.LagMS)*time.Millisecond > lateAfter,
		Accepted: countText(r.Accepted), Rejected: countText(r.Rejected), Duplicates: countText(r.Duplicates),
		Repeats: someCount(r.Repeats), Conflicts: someCount(r.Conflicts), Letters: strconv.Itoa(r.Letters),
		SomeRejected: r.Rejected > 0, SomeConflicts: r.Conflicts != nil && *r.Conflicts > 0, SomeLetters: r.Letters > 0,
	}
	line.Coverage = r.Usual.view()
	return line
}

// view is the coverage in words and as a bar.
func (u *usualRow) view() views.Coverage {
	switch {
	case u == nil:
		return views.Coverage{Text: "no usual yet", None: true}
	case u.Coverage == nil && u.Accepted == 0:
		return views.Coverage{Text: "usually quiet now", None: true}
	case u.Coverage == nil:
		return views.Coverage{Text: "more than usual", Sub: "usually quiet now", Width: "100.0"}
	}
	c := views.Coverage{
		Width: width(*u.Coverage), Low: *u.Coverage < lowShare && u.Median >= fewEvents,
		Sub: "median of " + counted(uint64(u.Weeks), "week", "weeks"),
	}
	switch {
	case *u.Coverage >= 2:
		c.Text = trimZeros(*u.Coverage, 1) + "× usual"
	case c.Low:
		c.Text = "only " + wholePercent(*u.Coverage) + " of usual"
	default:
		c.Text = wholePercent(*u.Coverage) + " of usual"
	}
	return c
}

func wholePercent(ratio float64) string { return strconv.Itoa(int(math.Round(ratio*100))) + " %" }

func ago(t *time.Time, now time.Time) views.Ago {
	if t == nil {
		return views.Ago{Text: nothing}
	}
	return views.Ago{Text: since(*t, now), ISO: t.Format(time.RFC3339)}
}

func lagText(ms int64) string {
	if ms < 1000 {
		return "none"
	}
	return ageText(time.Duration(ms) * time.Millisecond)
}

func someCount(n *uint64) string {
	if n == nil {
		return nothing
	}
	return countText(*n)
}

// spark draws counts by the minute as an area of 60 × 16.
func spark(hour []uint64) views.Spark {
	most := slices.Max(hour)
	label := "at most " + countText(most) + " a minute in the last hour"
	if most == 0 {
		return views.Spark{Path: "M0 16H60", Label: "nothing in the last hour"}
	}
	var path strings.Builder
	path.WriteString("M0 16")
	for i, n := range hour {
		height := 16 - 15*float64(n)/float64(most)
		fmt.Fprintf(&path, "V%sH%d", trimZeros(height, 1), i+1)
	}
	path.WriteString("V16Z")
	return views.Spark{Path: path.String(), Label: label}
}
