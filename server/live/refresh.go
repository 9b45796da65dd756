package live

import (
	"context"
	"errors"
	"time"

	"warroom/server/board"
)

// refresh answers a topic as of now and publishes the answer if it changed. It runs as the topic's flight. Whoever
// waited for the flight of another finds the topic fresh and asks nothing.
func (p *Publisher) refresh(ctx context.Context, t *topic) func() (any, error) {
	return func() (any, error) {
		if !p.begin(t) {
			return nil, nil
		}
		f, err := p.askNewest(ctx, t)
		switch {
		case err == nil:
			p.succeed(t, f)
		case ctx.Err() == nil: // otherwise told to stop: nothing has failed
			p.fail(ctx, t, err)
		}
		p.end(t)
		return nil, nil
	}
}

// moment is the question as of at; a window of 0 is the panel's own.
func (t *topic) moment(at time.Time, window time.Duration) board.Moment {
	if window == 0 {
		window = t.panel.Window
	}
	return board.Moment{At: at.UTC().Truncate(time.Millisecond), Window: window} // the engine's precision
}

// begin reports whether the topic is due, and notes that its answer begins: what is confirmed from now on may be
// missing from it.
func (p *Publisher) begin(t *topic) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.due(t).After(now) {
		return false
	}
	t.settle()
	t.cause = t.confirmed
	t.started, t.began, t.confirmed, t.answering = floor(now, p.tick), now, time.Time{}, true
	if !t.panel.Inside {
		t.asked[t.asks%len(t.asked)] = now
		t.asks++
	}
	return true
}

// queriesOf is how many queries a topic sent in the last second.
func (p *Publisher) queriesOf(t *topic) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, at := range t.asked {
		if time.Since(at) < time.Second {
			n++
		}
	}
	return n
}

func (p *Publisher) end(t *topic) {
	p.mu.Lock()
	defer p.mu.Unlock()
	state := t.state.Load()
	t.took, t.answering = time.Since(t.began), false
	t.failed = state != nil && state.Err != nil
	t.doubtful = state != nil && state.Doubt != ""
}

func (p *Publisher) succeed(t *topic, f *figures) {
	if !t.failing.IsZero() {
		after := time.Since(t.failing).Round(time.Second)
		p.Logger.Info("a panel is up to date again", "topic", t.panel.Topic, "after", after)
		t.failing = time.Time{}
	}
	t.kept, t.since = f, f.moment.At
	p.show(t, f, nil)
}

// fail shows the last figures again, in doubt. Before the first figures it shows an empty panel, if the panel can.
func (p *Publisher) fail(ctx context.Context, t *topic, cause error) {
	t.whole = time.Time{}
	if t.failing.IsZero() {
		t.failing = time.Now()
		p.Logger.Warn("a panel can't be refreshed: it shows its last figures and says so",
			"topic", t.panel.Topic, "error", cause)
	}
	p.show(t, p.inDoubt(ctx, t, p.reason(t, cause)), cause)
}

func (p *Publisher) inDoubt(ctx context.Context, t *topic, doubt string) *figures {
	var f *figures
	var err error
	last := t.kept
	if last == nil {
		last = &figures{moment: t.moment(time.Now(), 0)}
		f, err = p.none(ctx, t, doubt)
	} else {
		f, err = last.again(ctx, t.panel, doubt)
	}
	if err != nil { // the panel can't show its doubt, but whoever asks for its state is told
		unsaid := *last
		unsaid.moment.Doubt = doubt
		return &unsaid
	}
	return f
}

// reason says in plain words why a panel is in doubt, and since when. The cause is for the log.
func (p *Publisher) reason(t *topic, cause error) string {
	why := p.Doubt(t.panel.Kinds...)
	switch {
	case why != "":
	case errors.Is(cause, context.DeadlineExceeded):
		why = "these figures take too long to compute"
	default:
		why = "these figures can't be computed right now"
	}
	return why + " (since " + t.failing.In(p.Zone).Format("3:04:05 PM MST") + ")"
}

// show makes f the newest state, and publishes it if it looks different. When only its data time does, that can wait.
func (p *Publisher) show(t *topic, f *figures, cause error) {
	t.state.Store(t.stateOf(f, cause))
	now := time.Now()
	if f.empty() || t.shown.same(f) || t.shown.alike(f, p.Zone) && now.Sub(t.showed) < restamp {
		return
	}
	var change []byte
	if f.html == "" && t.shown != nil && now.Sub(t.told) < wholeEvery {
		change, _ = changeOf(t.shown.answer.Series, f.answer.Series, t.out.seq)
	}
	if change == nil {
		t.told = now
	}
	t.shown, t.showed = f, now
	t.out.send(p.Hub, f.moment.At, t.cause, f.html, f.data, change)
}
