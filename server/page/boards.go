package page

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"warroom/server/board"
	"warroom/server/live"
	"warroom/views"
)

const (
	// drawWithin is how long a page waits for its figures; what isn't there by then comes over the websocket.
	drawWithin = 1500 * time.Millisecond
	// pastWithin is longer: nothing comes after a page of the past.
	pastWithin = 6 * time.Second
)

// Leadership is the first page.
func (p *Pages) Leadership(w http.ResponseWriter, r *http.Request) { p.board(w, r, p.boards[0]) }

// Board is a board by its name.
func (p *Pages) Board(w http.ResponseWriter, r *http.Request) {
	b, ok := p.named(chi.URLParam(r, "name"))
	switch {
	case !ok:
		p.NotFound(w, r)
	case b.Name == feedsBoard:
		p.Feeds(w, r)
	default:
		p.board(w, r, b)
	}
}

// Topics says which topics the websocket of ?board= carries; false when there is no such board.
func (p *Pages) Topics(r *http.Request) ([]string, bool) {
	b, ok := p.named(r.URL.Query().Get("board"))
	if !ok {
		return nil, false
	}
	topics := []string{live.PulseTopic}
	for _, panel := range b.Panels {
		topics = append(topics, panel.Topic)
	}
	return topics, true
}

func (p *Pages) named(name string) (board.Board, bool) {
	for _, b := range p.boards {
		if b.Name == name {
			return b, true
		}
	}
	return board.Board{}, false
}

func (p *Pages) board(w http.ResponseWriter, r *http.Request, b board.Board) {
	m, wrong := readMoment(r.URL.Query(), p.now())
	if wrong != nil {
		p.wrong(w, r, wrong)
		return
	}
	l := p.layout(r, b.Title)
	l.Path, l.SignedIn = "/", true
	if m.past {
		l.AsOf, l.Now = m.at.In(p.Zone).Format("3:04:05 PM MST, Mon 2 Jan 2006"), r.URL.Path
	} else {
		l.Live = "/live?board=" + url.QueryEscape(b.Name)
	}
	drawn := p.draw(r.Context(), b.Panels, m)
	p.write(w, r, http.StatusOK, l, views.Leadership(views.LeadershipBoard{
		Headline: drawn["money.hour"], Minutes: drawn["money.minutes"], Today: drawn["money.today"],
		Refcodes: drawn["money.refcodes"], States: drawn["money.states"], Latest: drawn["money.latest"],
		TrafficNow: drawn["traffic.now"], TrafficHour: drawn["traffic.hour"], Visitors: drawn["traffic.visitors"],
		Mail: drawn["mail.hour"],
	}))
}

// draw asks for all panels at once and draws each, with figures or without.
func (p *Pages) draw(ctx context.Context, panels []board.Panel, m moment) map[string]templ.Component {
	within := drawWithin
	if m.past {
		within = pastWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	drawn := make(map[string]templ.Component, len(panels))
	for i, answer := range p.ask(ctx, panels, m) {
		drawn[panels[i].Topic] = p.panel(panels[i], answer, m.past)
	}
	return drawn
}

// answer is a panel's state, or why there is none.
type answer struct {
	live.State
	err error
}

// ask asks for all panels at once and waits for all.
func (p *Pages) ask(ctx context.Context, panels []board.Panel, m moment) []answer {
	answers := make([]answer, len(panels))
	var asking sync.WaitGroup
	for i, panel := range panels {
		asking.Go(func() { answers[i].State, answers[i].err = p.state(ctx, panel, m) })
	}
	asking.Wait()
	return answers
}

// state is a panel's newest state, or the one of a moment. A window counts for panels that have one.
func (p *Pages) state(ctx context.Context, panel board.Panel, m moment) (live.State, error) {
	if !m.past {
		return p.Live.Newest(ctx, panel.Topic)
	}
	window := m.window
	if panel.Window == 0 {
		window = 0
	}
	return p.Live.At(ctx, panel.Topic, m.at, window)
}

// panel draws a panel from its answer.
func (p *Pages) panel(panel board.Panel, a answer, past bool) templ.Component {
	head := views.Panel{Topic: panel.Topic, Title: panel.Title, Note: panel.Note, Doubt: a.Doubt}
	if head.Doubt == "" && a.err != nil && past {
		head.Doubt = "no answer in time: reload the page in a moment"
	}
	switch {
	case panel.Chart != "":
		return p.chart(panel, head, a.State)
	case a.HTML != "":
		return templ.Raw(a.HTML)
	}
	return views.WaitingPanel(head)
}

func (p *Pages) chart(panel board.Panel, head views.Panel, s live.State) templ.Component {
	c := views.Chart{Panel: head, Kind: panel.Chart, Unit: panel.Unit}
	if s.Answer.Series != nil {
		c.At, c.AtISO = s.At.In(p.Zone).Format("3:04:05 PM MST"), instant(s.At)
		c.Series, c.Table = s.Answer.Series, s.Answer.Series.Table
	}
	return views.ChartPanel(c)
}

// instant writes a moment as frames and the API do.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z07:00") }
