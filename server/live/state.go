package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warroom/server/board"
)

var (
	// ErrUnknown says that there is no such topic.
	ErrUnknown = errors.New("there is no such panel")
	// ErrNoPast says that a panel only knows the present.
	ErrNoPast = errors.New("this panel has no past")
)

// State is what a panel shows at a moment.
type State struct {
	Topic, Title, Unit string
	At                 time.Time     // the moment the figures stand for
	Window             time.Duration // how far they look back; 0 when the query fixes it
	Watermark          time.Time     // the latest event in them; zero: unknown
	Coverage           *Coverage     // of the panel's kinds; nil for the past
	Usual              *float64      // share of the usual volume of these kinds for this hour of the week; nil: unknown
	Quiet              []string      // their feeds that are missing
	Work               *Work         // nil for the past
	Answer             board.Answer
	HTML               string // the rendered fragment; empty for charts
	Doubt              string // why the figures can't be trusted, in words for a person; empty when they can
	Err                error  // why the last query failed, for the log; nil when it did not
}

// Coverage is how many of the known feeds are sending.
type Coverage struct {
	Feeds int `json:"feeds"`
	Of    int `json:"of"`
}

// Work is what a topic costs.
type Work struct {
	Viewers int `json:"viewers"` // that watch it now
	Queries int `json:"queries"` // that it sent to the engine in the last second, for all of them
}

// patience is how long a reader who could have the last figures waits for newer ones.
const patience = time.Second

func (t *topic) stateOf(f *figures, cause error) *State {
	return &State{
		Topic: t.panel.Topic, Title: t.panel.Title, Unit: t.panel.Unit,
		At: f.moment.At, Window: f.moment.Window, Watermark: f.watermark,
		Answer: f.answer, HTML: f.html, Doubt: f.moment.Doubt, Err: cause,
	}
}

// Newest is the topic's newest state. When it is due it is answered first: one query, however many ask at once, and it
// is published too, so that a page and its websocket agree. A panel whose query fails gives its last figures, with
// Doubt and Err set and no error. The errors are ErrUnknown, ErrFull, ctx's, and the query's when there have never been any
// figures: the state then has the titles, the Doubt, and the HTML of an empty panel that says so, if it has a fragment.
func (p *Publisher) Newest(ctx context.Context, topic string) (State, error) {
	t, err := p.lookup(topic)
	if err != nil {
		return State{}, err
	}
	if err := p.freshen(ctx, t); err != nil {
		return State{}, err
	}
	newest := t.state.Load()
	if newest == nil {
		return State{}, errors.New("warroom is stopping") // the flight was told to stop before its first answer
	}
	state := *newest
	known := p.pulse.newest().of(t.panel.Kinds)
	state.Coverage, state.Usual, state.Quiet = &known.Coverage, known.Usual, known.Quiet
	state.Work = &Work{Viewers: p.Hub.Watchers(topic), Queries: p.queriesOf(t)}
	if state.bare() {
		return state, state.Err
	}
	return state, nil
}

// bare says that there are no figures at all.
func (s State) bare() bool {
	return s.Answer.Series == nil && s.Answer.Value == nil && s.Answer.Rows == nil
}

// freshen answers the topic if it is due, or waits for the answer that is under way. It gives up waiting, not the
// answer, when there are figures to show.
func (p *Publisher) freshen(ctx context.Context, t *topic) error {
	p.mu.Lock()
	fresh := !t.answering && p.due(t).After(time.Now())
	p.mu.Unlock()
	if fresh {
		return nil
	}
	answered := p.flights.DoChan(t.panel.Topic, p.refresh(context.WithoutCancel(ctx), t))
	var enough <-chan time.Time
	if t.state.Load() != nil {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		enough = timer.C
	}
	select {
	case <-answered:
	case <-enough:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// At is the topic as of a moment, looking back over window (0: the panel's own). It is never kept as the newest state;
// those who ask for the same at the same time share one query.
func (p *Publisher) At(ctx context.Context, topic string, at time.Time, window time.Duration) (State, error) {
	t, err := p.asked(topic)
	switch {
	case err != nil:
		return State{}, err
	case t.panel.Inside:
		return State{}, ErrNoPast
	}
	m := t.moment(at, window)
	key := fmt.Sprintf("%s %d %d", topic, m.At.UnixMilli(), m.Window) // no topic has a space
	answered := p.flights.DoChan(key, func() (any, error) { return p.askPast(context.WithoutCancel(ctx), t, m) })
	select {
	case result := <-answered:
		if result.Err != nil {
			return State{}, result.Err
		}
		return *t.stateOf(result.Val.(*figures), nil), nil
	case <-ctx.Done():
		return State{}, ctx.Err()
	}
}

// askPast waits for its turn: however many people look into the past, the present goes on.
func (p *Publisher) askPast(ctx context.Context, t *topic, m board.Moment) (*figures, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*answerWithin)
	defer cancel()
	select {
	case p.past <- struct{}{}:
		defer func() { <-p.past }()
		return p.askTogether(ctx, t, m, nil)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: too many questions about the past are waiting: %w", t.panel.Topic, ctx.Err())
	}
}
