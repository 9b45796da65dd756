package page

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"warroom/server/board"
	"warroom/server/live"
	"warroom/server/problem"
)

// answerWithin is how long a program waits for values before it is told to come back.
const answerWithin = 6 * time.Second

// boardEntry is a board in the list of boards.
type boardEntry struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	URL     string       `json:"url"`
	Windows []string     `json:"windows,omitempty"` // that ?window= may ask for while live
	Panels  []panelEntry `json:"panels"`
}

type panelEntry struct {
	Topic string `json:"topic"`
	Title string `json:"title"`
	Unit  string `json:"unit"`
	URL   string `json:"url"`
}

// ListBoards lists the boards and their panels.
func (p *Pages) ListBoards(w http.ResponseWriter, _ *http.Request) {
	list := make([]boardEntry, 0, len(p.boards))
	for _, b := range p.boards {
		list = append(list, entryOf(b))
	}
	p.json(w, map[string]any{"boards": list})
}

// entryOf lists a board. One that is about one thing, such as a send, has {id} where that stands.
func entryOf(b board.Board) boardEntry {
	about := ""
	if b.AboutOne() {
		about = ":{id}"
	}
	entry := boardEntry{Name: b.Name + about, Title: b.Title, URL: "/api/v1/boards/" + b.Name + about}
	for _, w := range b.Windows() {
		entry.Windows = append(entry.Windows, windowText(w))
	}
	for _, panel := range b.Panels {
		topic := panel.Topic + about
		entry.Panels = append(entry.Panels, panelEntry{topic, panel.Title, panel.Unit, "/api/v1/panels/" + topic})
	}
	return entry
}

// panelValue is a panel as JSON: one of value, series and rows.
type panelValue struct {
	Topic     string         `json:"topic"`
	Title     string         `json:"title"`
	Unit      string         `json:"unit"`
	At        string         `json:"at"`
	Window    int            `json:"window,omitempty"` // seconds
	Watermark *string        `json:"watermark"`        // the latest event in the figures; null: unknown
	Coverage  *coverageValue `json:"coverage"`         // of the panel's kinds; null for the past
	Work      *live.Work     `json:"work,omitempty"`   // left out for the past
	Doubt     string         `json:"doubt,omitempty"`
	Value     any            `json:"value,omitempty"`
	Series    *board.Series  `json:"series,omitempty"`
	Rows      any            `json:"rows,omitempty"`
}

// coverageValue is how much of what usually comes is coming.
type coverageValue struct {
	live.Coverage
	Usual *float64 `json:"usual"` // share of the usual volume for this hour of the week; null: unknown
	Quiet []string `json:"quiet"` // feeds that are missing
}

func coverageOf(s live.State) *coverageValue {
	if s.Coverage == nil {
		return nil
	}
	return &coverageValue{Coverage: *s.Coverage, Usual: s.Usual, Quiet: append([]string{}, s.Quiet...)} // [] and not null
}

func valueOf(panel board.Panel, s live.State, at time.Time) panelValue {
	v := panelValue{
		Topic: panel.Topic, Title: panel.Title, Unit: panel.Unit, At: instant(at), Window: int(s.Window.Seconds()),
		Coverage: coverageOf(s), Work: s.Work, Doubt: s.Doubt, Value: s.Answer.Value, Series: s.Answer.Series, Rows: s.Answer.Rows,
	}
	if !s.At.IsZero() {
		v.At = instant(s.At)
	}
	if !s.Watermark.IsZero() {
		text := instant(s.Watermark)
		v.Watermark = &text
	}
	return v
}

// PanelValue is one panel, at ?at= and over ?window=.
func (p *Pages) PanelValue(w http.ResponseWriter, r *http.Request) {
	panel, ok := p.panelNamed(param(r, "topic"))
	if !ok {
		problem.Write(w, http.StatusNotFound, "there is no such panel: /api/v1/boards lists them")
		return
	}
	m, wrong := readMoment(r.URL.Query(), p.now(), panel.Windows...)
	if wrong == nil && m.window != 0 && panel.Window == 0 {
		wrong = &fieldError{"window", "is fixed for this panel: leave it out"}
	}
	if wrong != nil {
		problem.WriteField(w, http.StatusBadRequest, wrong.field, wrong.Error())
		return
	}
	if over := panel.Over(m.window); !m.named && (over.Topic != panel.Topic || m.window == panel.Window && m.window != 0) {
		panel, m.past = over, false // the live one
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	s, err := p.state(ctx, panel, m)
	if errors.Is(err, live.ErrNoPast) {
		problem.WriteField(w, http.StatusBadRequest, "at", "this panel only knows the present: leave at and window out")
		return
	}
	if err != nil {
		p.later(w, s, err)
		return
	}
	p.json(w, valueOf(panel, s, m.at))
}

// panelNamed is the panel of a topic, also when what it is about is not written as it is in topics.
func (p *Pages) panelNamed(topic string) (board.Panel, bool) {
	if panel, ok := board.Find(p.boards, topic); ok {
		return panel, true
	}
	base, id, _ := strings.Cut(topic, ":")
	return board.Find(p.boards, base+":"+board.Instance(id))
}

// BoardValues is every panel of a board. A panel that can't be answered has a doubt and no value; when none can be,
// the answer is 503.
func (p *Pages) BoardValues(w http.ResponseWriter, r *http.Request) {
	b, ok := board.Named(p.boards, param(r, "name"))
	if !ok {
		problem.Write(w, http.StatusNotFound, "there is no such board: /api/v1/boards lists them")
		return
	}
	b, m, wrong := asked(b, r.URL.Query(), p.now())
	if wrong != nil {
		problem.WriteField(w, http.StatusBadRequest, wrong.field, wrong.Error())
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerWithin)
	defer cancel()
	values := make([]panelValue, 0, len(b.Panels))
	failed := 0
	answers := p.ask(ctx, b.Panels, m)
	for i, a := range answers {
		if a.err != nil {
			failed++
			a.Doubt = reason(a.State)
		}
		values = append(values, valueOf(b.Panels[i], a.State, m.at))
	}
	if failed > 0 && failed == len(answers) {
		p.later(w, answers[0].State, answers[0].err)
		return
	}
	p.json(w, map[string]any{"board": b.Name, "title": b.Title, "at": instant(m.at), "panels": values})
}

// reason says in words why there are no figures.
func reason(s live.State) string {
	if s.Doubt != "" {
		return s.Doubt
	}
	return "the figures can't be asked for right now"
}

// later tells a program to come back. The cause is for the log.
func (p *Pages) later(w http.ResponseWriter, s live.State, cause error) {
	p.Logger.Warn("a value could not be answered", "topic", s.Topic, "error", cause)
	w.Header().Set("Retry-After", "2")
	problem.Write(w, http.StatusServiceUnavailable, reason(s)+": try again in a moment")
}

func (p *Pages) json(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		p.Logger.Error("a value could not be encoded", "error", err)
		problem.Write(w, http.StatusInternalServerError, "the value could not be written; the server's log says why")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(body, '\n')) // the client has gone when this fails
}
