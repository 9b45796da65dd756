package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"warroom/server/board"
	"warroom/server/live"
	"warroom/server/problem"
	"warroom/views"
)

// feedsBoard is the name of the Feeds page's topics.
const feedsBoard = "feeds"

// Feeds is the page of the feeds. With a window alone everything is as of now and only the two paths look back
// further; with a moment, what the engine knows of it is shown, and the rest says that it has no past.
func (p *Pages) Feeds(w http.ResponseWriter, r *http.Request) {
	m, wrong := readMoment(r.URL.Query(), p.now())
	if wrong != nil {
		p.wrong(w, r, wrong)
		return
	}
	b, _ := board.Named(p.boards, feedsBoard)
	l := p.layout(r, b.Title)
	l.Path, l.SignedIn = "/feeds", true
	if m.past {
		l.AsOf, l.Now = m.at.In(p.Zone).Format("3:04:05 PM MST, Mon 2 Jan 2006"), "/feeds"
	} else {
		l.Live = "/live?board=" + feedsBoard
	}
	drawn := p.drawFeeds(r.Context(), b.Panels, m)
	p.write(w, r, http.StatusOK, l, views.Feeds(views.FeedsBoard{
		Table: drawn["feeds.feeds"], Paths: drawn["feeds.paths"], Rejects: drawn["feeds.rejects"],
		Conflicts: drawn["feeds.conflicts"], Letters: drawn["feeds.letters"], Truth: drawn["feeds.truth"],
		Spools: drawn["feeds.spool"], Windows: windows(r.URL.Query()), Operate: p.MayOperate != nil && p.MayOperate(r),
	}))
}

func (p *Pages) drawFeeds(ctx context.Context, panels []board.Panel, m moment) map[string]templ.Component {
	within := drawWithin
	if m.past {
		within = pastWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	drawn := make(map[string]templ.Component, len(panels))
	for i, a := range p.askFeeds(ctx, panels, m) {
		if errors.Is(a.err, live.ErrNoPast) {
			drawn[panels[i].Topic] = views.NoPastPanel(views.Panel{
				Topic: panels[i].Topic, Title: panels[i].Title, Empty: noPast,
			})
			continue
		}
		drawn[panels[i].Topic] = p.panel(panels[i], a, m.past)
	}
	return drawn
}

const noPast = "Only the present is known of this: the page without “at” shows it."

// askFeeds asks for the moment that each panel can answer: without ?at= all but the paths have their newest state.
func (p *Pages) askFeeds(ctx context.Context, panels []board.Panel, m moment) []answer {
	if !m.past || m.named {
		return p.ask(ctx, panels, m)
	}
	answers := p.ask(ctx, panels, moment{at: m.at})
	for i, panel := range panels {
		if panel.Window != 0 {
			answers[i] = p.ask(ctx, panels[i:i+1], m)[0]
		}
	}
	return answers
}

// windows are the links to how far the paths can look back.
func windows(q url.Values) []views.Link {
	current := q.Get("window")
	list := []views.Link{{Text: "1 hour"}, {Text: "6 hours"}, {Text: "24 hours"}}
	for i, value := range []string{"", "6h", "24h"} {
		keep := url.Values{}
		for _, name := range []string{"at", "theme"} {
			if v := q.Get(name); v != "" {
				keep.Set(name, v)
			}
		}
		if value != "" {
			keep.Set("window", value)
		}
		list[i].Path = "/feeds"
		if len(keep) > 0 {
			list[i].Path += "?" + keep.Encode()
		}
		list[i].Current = value == current
	}
	return list
}

// FeedsValue is the same as JSON: a section for each panel. A section that can't be answered has a doubt and no value;
// the others are there all the same, also while the engine is away.
func (p *Pages) FeedsValue(w http.ResponseWriter, r *http.Request) {
	m, wrong := readMoment(r.URL.Query(), p.now())
	if wrong != nil {
		problem.WriteField(w, http.StatusBadRequest, wrong.field, wrong.Error())
		return
	}
	b, _ := board.Named(p.boards, feedsBoard)
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	out := map[string]any{"at": instant(m.at)}
	for i, a := range p.askFeeds(ctx, b.Panels, m) {
		s := section{At: someInstant(a.At), Window: int(a.Window.Seconds()), Doubt: a.Doubt, Value: a.Answer.Rows}
		switch {
		case errors.Is(a.err, live.ErrNoPast):
			s.Doubt = "only the present is known of this"
		case a.err != nil:
			p.Logger.Warn("a section of the feeds could not be answered", "topic", b.Panels[i].Topic, "error", a.err)
			s.Doubt = reason(a.State)
		case a.Answer.Value != nil:
			s.Value = a.Answer.Value
		}
		out[sectionName(b.Panels[i].Topic)] = s
	}
	p.json(w, out)
}

// section is one panel of the feeds as JSON.
type section struct {
	At     *string `json:"at"`               // what it is as of; null: never answered
	Window int     `json:"window,omitempty"` // seconds
	Doubt  string  `json:"doubt,omitempty"`
	Value  any     `json:"value"` // null: nothing is known
}

// sectionName is a topic's name in the JSON, "feeds.letters" → "dead_letters".
func sectionName(topic string) string {
	if topic == "feeds.letters" {
		return "dead_letters"
	}
	return strings.TrimPrefix(topic, "feeds.")
}

func someInstant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := instant(t)
	return &text
}
