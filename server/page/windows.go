package page

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"warroom/server/board"
	"warroom/views"
)

// asked is a board as a URL asks for it: the one whose panels look back over ?window=, or as of a moment.
func asked(b board.Board, q url.Values, now time.Time) (board.Board, moment, *fieldError) {
	offered := b.Windows()
	m, wrong := readMoment(q, now, offered...)
	switch {
	case wrong != nil:
		return b, m, wrong
	case m.named || m.window == 0 || len(offered) == 0: // the past of a board may have any window
		return b, m, nil
	}
	for _, window := range offered {
		if window == m.window {
			m.past = false
			return b.Over(window), m, nil
		}
	}
	return b, m, &fieldError{"window", "is none of this board's: want " + choices(offered)}
}

// choices are windows as a sentence has them, "1h, 24h or 7d".
func choices(windows []time.Duration) string {
	var texts []string
	for _, w := range windows {
		texts = append(texts, windowText(w))
	}
	if last := len(texts) - 1; last > 0 {
		return strings.Join(texts[:last], ", ") + " or " + texts[last]
	}
	return strings.Join(texts, "")
}

const day = 24 * time.Hour

// windowText is a window as a URL has it: "15m", "24h", "7d".
func windowText(w time.Duration) string {
	switch {
	case w%day == 0 && w > day:
		return strconv.Itoa(int(w/day)) + "d"
	case w%time.Hour == 0:
		return strconv.Itoa(int(w/time.Hour)) + "h"
	case w%time.Minute == 0:
		return strconv.Itoa(int(w/time.Minute)) + "m"
	}
	return w.String()
}

// windowLabel is a window as a person reads it: "15 minutes", "1 hour", "7 days".
func windowLabel(w time.Duration) string {
	n, unit := int(w/time.Minute), "minute"
	switch {
	case w%day == 0 && w > day:
		n, unit = int(w/day), "day"
	case w%time.Hour == 0:
		n, unit = int(w/time.Hour), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return strconv.Itoa(n) + " " + unit
}

// windowLinks are the windows of a board's page. They keep the moment and the theme. Where the panels look back over
// different spans of their own, the first link leads there.
func windowLinks(b board.Board, path string, q url.Values, m moment) []views.Link {
	usual, one := usualWindow(b)
	var links []views.Link
	if !one && len(b.Windows()) > 0 {
		links = append(links, views.Link{Path: address(path, kept(q, "at", "theme")), Text: "Each its own", Current: m.window == 0})
	}
	for _, w := range b.Windows() {
		keep := kept(q, "at", "theme")
		if !one || w != usual {
			keep.Set("window", windowText(w))
		}
		links = append(links, views.Link{
			Path: address(path, keep), Text: windowLabel(w), Current: w == m.window || m.window == 0 && one && w == usual,
		})
	}
	return links
}

// usualWindow is the span of a board's panels without a choice, if they all have the same.
func usualWindow(b board.Board) (window time.Duration, one bool) {
	for _, p := range b.Panels {
		switch {
		case len(p.Windows) == 0 || p.Window == window:
		case window != 0:
			return window, false
		default:
			window = p.Window
		}
	}
	return window, window != 0
}

// kept are some parameters of a URL.
func kept(q url.Values, names ...string) url.Values {
	keep := url.Values{}
	for _, name := range names {
		if v := q.Get(name); v != "" {
			keep.Set(name, v)
		}
	}
	return keep
}

func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// param is a part of the path, as it was before it was written into the URL.
func param(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	if r.URL.RawPath == "" { // chi has cut the decoded path
		return text
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		return decoded
	}
	return text
}
