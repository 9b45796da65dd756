package page

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"

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

// Sends is the board of the sends.
func (p *Pages) Sends(w http.ResponseWriter, r *http.Request) { p.show(w, r, "sends") }

// Send is the board of one send, by its id.
func (p *Pages) Send(w http.ResponseWriter, r *http.Request) {
	p.show(w, r, "send:"+board.Instance(param(r, "id")))
}

// Board is a board by its name.
func (p *Pages) Board(w http.ResponseWriter, r *http.Request) { p.show(w, r, param(r, "name")) }

func (p *Pages) show(w http.ResponseWriter, r *http.Request, name string) {
	b, ok := board.Named(p.boards, name)
	switch {
	case !ok:
		p.NotFound(w, r)
	case b.Name == feedsBoard:
		p.Feeds(w, r)
	default:
		p.board(w, r, b)
	}
}

// Topics says which topics the websocket of ?board= carries, over ?window=; false when there is no such board, or when
// it has no such window.
func (p *Pages) Topics(r *http.Request) ([]string, bool) {
	q := r.URL.Query()
	b, ok := board.Named(p.boards, q.Get("board"))
	if !ok {
		return nil, false
	}
	b, m, wrong := asked(b, kept(q, "window"), p.now())
	if wrong != nil || m.past {
		return nil, false
	}
	topics := []string{live.PulseTopic}
	for _, panel := range b.Panels {
		topics = append(topics, panel.Topic)
	}
	return topics, true
}

func (p *Pages) board(w http.ResponseWriter, r *http.Request, whole board.Board) {
	q := r.URL.Query()
	b, m, wrong := asked(whole, q, p.now())
	if wrong != nil {
		p.wrong(w, r, wrong)
		return
	}
	base, _, _ := strings.Cut(b.Name, ":")
	l := p.layout(r, b.Title)
	l.Path, l.Board, l.SignedIn = b.Path, base, true
	l.Windows, l.Keep = windowLinks(whole, r.URL.EscapedPath(), q, m), kept(q, "at", "theme").Encode()
	if m.past {
		l.AsOf = m.at.In(p.Zone).Format("3:04:05 PM MST, Mon 2 Jan 2006")
		l.Now = address(r.URL.EscapedPath(), liveOnly(whole, q, m))
	} else {
		keep := kept(q, "window")
		keep.Set("board", b.Name)
		l.Live = "/live?" + keep.Encode()
	}
	answers := p.answers(r.Context(), b.Panels, m)
	if slices.ContainsFunc(answers, func(a answer) bool { return a.Answer.Unknown }) {
		p.unknown(w, r, b)
		return
	}
	p.write(w, r, http.StatusOK, l, b.Page(p.draw(b.Panels, answers, m)))
}

// liveOnly is what of a past page's parameters makes sense for the present.
func liveOnly(b board.Board, q url.Values, m moment) url.Values {
	if slices.Contains(b.Windows(), m.window) {
		return kept(q, "theme", "window")
	}
	return kept(q, "theme")
}

// answers asks for all panels at once, for as long as a page waits.
func (p *Pages) answers(ctx context.Context, panels []board.Panel, m moment) []answer {
	within := drawWithin
	if m.past {
		within = pastWithin
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return p.ask(ctx, panels, m)
}

// draw draws each panel, with figures or without.
func (p *Pages) draw(panels []board.Panel, answers []answer, m moment) views.Drawn {
	drawn := make(views.Drawn, len(panels))
	for i, answer := range answers {
		drawn[board.Base(panels[i].Topic)] = p.panel(panels[i], answer, m.past)
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
	if panel.Window == 0 || window > longest && len(panel.Windows) == 0 {
		window = 0
	}
	return p.Live.At(ctx, panel.Topic, m.at, window)
}

// panel draws a panel from its answer.
func (p *Pages) panel(panel board.Panel, a answer, past bool) templ.Component {
	head := views.Panel{
		Topic: panel.Topic, Title: panel.Title, Note: panel.Note, Kinds: panel.KindsText(), Doubt: a.Doubt,
	}
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
