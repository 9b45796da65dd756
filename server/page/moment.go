package page

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// ahead is how far another machine's clock may be before ours.
	ahead = time.Minute
	// shortest and longest bound ?window=: below, a chart has no second point; above, a series is longer than a screen.
	// A board whose panels offer more has more.
	shortest, longest = time.Minute, 24 * time.Hour
)

// moment is what a URL asks for. It is past when the URL names a moment, or a window that no live panel offers: then
// nothing is live.
type moment struct {
	at     time.Time
	window time.Duration // 0: each panel's own
	past   bool
	named  bool // the URL names a moment, not only a window
}

// fieldError says which parameter is wrong, and what would be right.
type fieldError struct{ field, says string }

func (e *fieldError) Error() string { return e.field + " " + e.says }

// readMoment reads ?at= and ?window=. The windows that the panels offer may be longer than others.
func readMoment(q url.Values, now time.Time, offered ...time.Duration) (m moment, wrong *fieldError) {
	m.at = now
	if text := q.Get("at"); text != "" {
		// An unescaped + of an offset arrives as a space.
		at, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+"))
		switch {
		case err != nil:
			return m, &fieldError{"at", "is no moment: want RFC 3339 with an offset, such as 2012-09-06T22:46:12-04:00"}
		case at.After(now.Add(ahead)):
			return m, &fieldError{"at", "is in the future: want a moment up to now"}
		}
		m.at, m.past, m.named = at, true, true
	}
	if text := q.Get("window"); text != "" {
		if m.window, wrong = readWindow(text, slices.Max(append(offered, longest))); wrong != nil {
			return m, wrong
		}
		m.past = true
	}
	return m, nil
}

// readWindow reads "7d", "3h", "90m", or a number of seconds.
func readWindow(text string, most time.Duration) (time.Duration, *fieldError) {
	window, err := time.ParseDuration(text)
	if days, is := strings.CutSuffix(text, "d"); is {
		var n int64
		n, err = strconv.ParseInt(days, 10, 16)
		window = time.Duration(n) * day
	}
	if seconds, failed := strconv.ParseInt(text, 10, 32); failed == nil {
		window, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil {
		return 0, &fieldError{"window", "is no length of time: want a duration such as 3h, 90m or 7d, or seconds"}
	}
	if window < shortest || window > most {
		return 0, &fieldError{"window", "is out of range: want between 1m and " + windowText(most)}
	}
	return window, nil
}
