// Package page answers people and programs that read: full pages, the boards' values as JSON, and the description of
// the API. It asks no database and keeps no state: figures come from live, and the moment and the theme from the URL.
// It promises that a page is never blank: what can't be answered in time is drawn as on its way, or in doubt with the
// reason.
package page

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"warroom/server/board"
	"warroom/server/live"
	"warroom/views"
)

// Options are what the pages show.
type Options struct {
	Boards []board.Board // the first is the first page
	Feeds  []board.Panel // of the Feeds page
	Live   Figures
	// MayOperate says whether a request may run warroom: send dead letters again. nil = nobody may.
	MayOperate func(r *http.Request) bool
	Zone       *time.Location // the campaign's: clocks and labels
	Version    string
	Logger     *slog.Logger
}

// Figures gives the state of a panel: the newest, or as of a moment. A window of 0 is the panel's own.
type Figures interface {
	Newest(ctx context.Context, topic string) (live.State, error)
	At(ctx context.Context, topic string, at time.Time, window time.Duration) (live.State, error)
}

// Pages are the handlers.
type Pages struct {
	Options
	boards []board.Board
	docs   views.Docs
	now    func() time.Time
}

// New makes the pages. It panics when the embedded description of the API can't be read: that is a mistake in this
// program, and a test holds it.
func New(o Options) *Pages {
	return &Pages{
		Options: o,
		boards:  append(slices.Clone(o.Boards), board.Board{Name: feedsBoard, Title: "Feeds", Path: "/feeds", Panels: o.Feeds}),
		docs:    readDocs(),
		now:     time.Now,
	}
}

// WantsHTML says whether a person's browser asks, not a program.
func WantsHTML(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == "" &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// layout is what surrounds a page.
func (p *Pages) layout(r *http.Request, title string) views.Layout {
	now := p.now().In(p.Zone)
	return views.Layout{
		Title: title, Path: r.URL.Path, Theme: theme(r), Zone: p.Zone.String(), Version: p.Version,
		Date: now.Format("Mon 2 Jan"), Clock: now.Format("3:04:05 PM MST"),
	}
}

// theme is what the URL asks for, else what the browser remembers.
func theme(r *http.Request) string {
	wanted := []string{r.URL.Query().Get("theme")}
	if c, err := r.Cookie("theme"); err == nil {
		wanted = append(wanted, c.Value)
	}
	for _, t := range wanted {
		if t == "dark" || t == "light" || t == "auto" {
			return t
		}
	}
	return "auto"
}

// write renders a page whole before its first byte goes out, so that a failure is an error and not half a page.
func (p *Pages) write(w http.ResponseWriter, r *http.Request, status int, l views.Layout, content templ.Component) {
	var html bytes.Buffer
	if err := views.Page(l).Render(templ.WithChildren(r.Context(), content), &html); err != nil {
		p.Logger.Error("a page could not be rendered", "path", r.URL.Path, "error", err)
		http.Error(w, "this page could not be drawn; the server's log says why", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(html.Bytes()) // the client has gone when this fails
}
