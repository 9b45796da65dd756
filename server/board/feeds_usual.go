package board

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
)

// Usual is what the engine knows of the feeds: what they usually send at this hour of the week, and what came again.
// The zero Usual knows nothing.
type Usual struct {
	At    time.Time // as of when; zero: never asked with success
	Doubt string    // why it is not newer, in words; empty when it is new
	Hour  time.Time // start of the hour that the norms are for
	Part  int       // the minutes of it that the norms' parts cover
	Norms map[FeedKind]Norm
	Came  map[FeedKind]Again
}

// Norm is the median over the same hour of up to eight earlier weeks.
type Norm struct {
	Weeks       int // that it was made from
	Part, Whole float64
}

// Again is what came more than once.
type Again struct {
	Repeats   uint64 // movements of money in the last day
	Conflicts uint64 // ever
}

const (
	usualWeeks = 8 // that are looked at
	leastWeeks = 2 // for something to be usual
)

// weekHour is the hour that a moment is compared in, how many of its minutes are over, and the same hour of the weeks
// before, by the campaign's clock. It goes by whole minutes: in the first one of an hour that is the hour before.
func weekHour(at time.Time, zone *time.Location) (hour time.Time, part int, before []time.Time) {
	minute := at.Truncate(time.Minute)
	local := minute.Add(-time.Minute).In(zone)
	year, month, day := local.Date()
	hour = local.Add(-time.Duration(local.Minute()) * time.Minute)
	for week := 1; week <= usualWeeks; week++ {
		before = append(before, time.Date(year, month, day-7*week, local.Hour(), 0, 0, 0, zone).UTC())
	}
	return hour.UTC(), int(minute.Sub(hour) / time.Minute), before
}

// Query runs one query, as the publisher's Querier does.
type Query func(ctx context.Context, sql string, params map[string]string, scan func(Rows) error) error

// AskUsual asks the engine what is usual at a moment. It returns all or an error.
func AskUsual(ctx context.Context, query Query, at time.Time, zone *time.Location) (Usual, error) {
	live, err := queries.Live()
	if err != nil {
		return Usual{}, err
	}
	hour, part, before := weekHour(at, zone)
	u := Usual{At: at, Hour: hour, Part: part}
	params := asOf(Moment{At: at})
	err = query(ctx, live["feeds.copies"].SQL, params, func(rows Rows) (err error) {
		u.Came, err = readCopies(rows)
		return err
	})
	if err != nil {
		return Usual{}, err
	}
	params["starts"], params["part"] = engineTimes(before), fmt.Sprint(part)
	err = query(ctx, live["feeds.usual"].SQL, params, func(rows Rows) (err error) {
		u.Norms, err = readNorms(rows)
		return err
	})
	if err != nil {
		return Usual{}, err
	}
	return u, nil
}

// engineTimes writes moments as a parameter of type Array(DateTime('UTC')).
func engineTimes(list []time.Time) string {
	var texts []string
	for _, t := range list {
		texts = append(texts, "'"+t.UTC().Format("2006-01-02 15:04:05")+"'")
	}
	return "[" + strings.Join(texts, ",") + "]"
}

func readCopies(rows Rows) (map[FeedKind]Again, error) {
	came := map[FeedKind]Again{}
	err := each(rows, "feeds.copies", func() error {
		var feed, word string
		var a Again
		if err := rows.Scan(&feed, &word, &a.Repeats, &a.Conflicts); err != nil {
			return err
		}
		kind, ok := campaign.ParseKind(word)
		if !ok {
			return fmt.Errorf("%q is no kind of events", word)
		}
		came[FeedKind{feed, kind}] = a
		return nil
	})
	return came, err
}

// week is what a feed sent in the same hour of one week.
type week struct{ part, whole uint64 }

func readNorms(rows Rows) (map[FeedKind]Norm, error) {
	sent := map[FeedKind]map[time.Time]week{}
	talked := map[time.Time]bool{} // weeks in which anybody sent anything: in others warroom itself may have been off
	err := each(rows, "feeds.usual", func() error {
		var feed, word string
		var start time.Time
		var w week
		if err := rows.Scan(&feed, &word, &start, &w.part, &w.whole); err != nil {
			return err
		}
		kind, ok := campaign.ParseKind(word)
		if !ok {
			return fmt.Errorf("%q is no kind of events", word)
		}
		key := FeedKind{feed, kind}
		if sent[key] == nil {
			sent[key] = map[time.Time]week{}
		}
		sent[key][start.UTC()], talked[start.UTC()] = w, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	norms := map[FeedKind]Norm{}
	for key, weeks := range sent {
		norms[key] = normOf(weeks, talked)
	}
	return norms, nil
}

// normOf takes the weeks since the feed's first one into account: in those before it did not exist.
func normOf(sent map[time.Time]week, talked map[time.Time]bool) Norm {
	var first time.Time
	for start := range sent {
		if first.IsZero() || start.Before(first) {
			first = start
		}
	}
	var parts, wholes []uint64
	for start := range talked {
		if !start.Before(first) {
			parts, wholes = append(parts, sent[start].part), append(wholes, sent[start].whole)
		}
	}
	return Norm{Weeks: len(parts), Part: median(parts), Whole: median(wholes)}
}

func median(list []uint64) float64 {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	mid := len(list) / 2
	if len(list)%2 == 1 {
		return float64(list[mid])
	}
	return (float64(list[mid-1]) + float64(list[mid])) / 2
}
