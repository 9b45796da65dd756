package board

import (
	"fmt"
	"strconv"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/views"
)

// FeedSource is what the running process knows of its feeds. All of it must be given, answers at once, and asks
// neither engine nor disk.
type FeedSource struct {
	States  func() []campaign.FeedState
	Minutes func(since time.Time) []campaign.FeedMinute // those in which something came, from since on
	Rejects func() []campaign.FeedReject                // newest first
	Usual   func() Usual                                // as it was last known
	Letters func() Letters
	Truth   func() []TruthCheck
	Spools  func() []Spool
}

// FeedKind names what is counted apart.
type FeedKind struct {
	Feed string
	Kind campaign.Kind
}

// insideEvery is how often what the process knows is shown anew.
const insideEvery = 2 * time.Second

// Feeds makes the panels of the Feeds page, in its order. The errors name the query file that is wrong.
func Feeds(o Options, from FeedSource) ([]Panel, error) {
	live, err := queries.Live()
	if err != nil {
		return nil, err
	}
	d := feedDesk{desk{Options: o, queries: live}, from}
	panels := []Panel{
		d.feeds(), d.rejects(), d.paths(), d.conflicts(), d.letters(), d.truth(), d.spools(),
	}
	for _, p := range panels {
		if p.Query.Name == "" {
			return nil, fmt.Errorf("board: the panel %s has no query: write queries/live/%s.sql", p.Topic, p.Topic)
		}
	}
	return panels, nil
}

// feedDesk is what the panels of the Feeds page share.
type feedDesk struct {
	desk
	from FeedSource
}

// inside is a panel that needs no engine.
func (d feedDesk) inside(topic, title, note string, answer func(p Panel, m Moment) Answer) Panel {
	p := Panel{
		Topic: topic, Title: title, Note: note, Unit: "count", Inside: true, Params: asOf,
		Query: queries.Query{Name: topic, Title: title, Unit: "count", Every: insideEvery},
	}
	p.Answer = func(_ Rows, m Moment) (Answer, error) { return answer(p, m), nil }
	return p
}

// still is the head of a panel that says itself when its figures are from: its frame changes only when they do.
func still(p Panel) views.Panel { return views.Panel{Topic: p.Topic, Title: p.Title, Note: p.Note} }

// clock writes a moment for a table: the time of a moment of today, else the day too.
func (d desk) clock(t, now time.Time) string {
	if t.IsZero() {
		return nothing
	}
	t, now = t.In(d.Zone), now.In(d.Zone)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("3:04:05 PM")
	}
	return t.Format("2 Jan 3:04 PM")
}

// ageText writes how long ago something was, or how long it took: "now", "4 s", "3 min", "5 h", "2 days".
func ageText(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// since is the age of a moment, as text; nothing for the zero time.
func since(t, now time.Time) string {
	if t.IsZero() {
		return nothing
	}
	return ageText(max(0, now.Sub(t)))
}

// bytesText writes a size: "412 B", "1.4 MiB".
func bytesText(n int64) string {
	if n < 1024 {
		return strconv.FormatInt(n, 10) + " B"
	}
	size, unit := float64(n)/1024, "KiB"
	for _, next := range []string{"MiB", "GiB", "TiB"} {
		if size < 1023.95 {
			break
		}
		size, unit = size/1024, next
	}
	return trimZeros(size, 1) + " " + unit
}

// someTime is a moment as the API gives it; nil when there is none.
func someTime(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
