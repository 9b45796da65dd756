package live

import (
	"context"
	"fmt"
	"slices"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

// Panels that show different sides of one query are topics of their own. Those that are due together ask it once: the
// first one asks, and the others read its rows, as of its moment.

// reply is what the engine said to a question, or will say once done is closed.
type reply struct {
	key   string
	began time.Time // what was confirmed before is in it
	done  chan struct{}

	from *figures // the asker's, for its rows; set with err before done is closed
	err  error
}

// key is equal for topics that ask the same: the query over the same span and about the same thing.
func (t *topic) key() string {
	topic := t.panel.Topic
	return t.panel.Query.SQL + topic[len(board.Base(topic)):]
}

// askTogether is ask, or another topic's answer to the same question. A doubt of nil is a question about the past.
func (p *Publisher) askTogether(
	ctx context.Context, t *topic, m board.Moment, doubt func(...campaign.Kind) string,
) (*figures, error) {
	if t.panel.Inside || t.panel.Steps { // nobody shares a process, and steps are asked from where one has them
		return p.ask(ctx, t, m, doubt)
	}
	key := t.key()
	if doubt == nil {
		key = fmt.Sprintf("%s at %d over %d", key, m.At.UnixMilli(), m.Window)
	}
	r, isMine := p.replyTo(t, key, doubt == nil)
	if isMine {
		defer close(r.done)
		r.from, r.err = p.ask(ctx, t, m, doubt)
		return r.from, r.err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if r.err != nil || r.from == nil {
		return nil, fmt.Errorf("%s: with another panel: %w", t.panel.Topic, r.err)
	}
	return r.read(ctx, t, doubt)
}

// replyTo is a reply that is new enough for a topic: nothing that it has to show was confirmed since. There is a new
// one, which the caller has to fill, where there is none.
func (p *Publisher) replyTo(t *topic, key string, past bool) (r *reply, isMine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.replies = slices.DeleteFunc(p.replies, func(r *reply) bool { return now.Sub(r.began) >= coalesce })
	for _, r := range p.replies {
		if r.key == key && (past || !t.latest.After(r.began)) {
			return r, false
		}
	}
	r = &reply{key: key, began: now, done: make(chan struct{})}
	p.replies = append(p.replies, r)
	return r, true
}

// read makes a topic's figures of the rows of another one.
func (r *reply) read(ctx context.Context, t *topic, doubt func(...campaign.Kind) string) (*figures, error) {
	f := &figures{moment: r.from.moment, watermark: r.from.watermark, rows: r.from.rows}
	f.moment.Doubt = ""
	if doubt != nil {
		f.moment.Doubt = doubt(t.panel.Kinds...)
	}
	if err := f.read(ctx, t.panel, f.rows.replay()); err != nil {
		t.counts.failures.Add(1)
		return nil, fmt.Errorf("%s: %w", t.panel.Topic, err)
	}
	return f, nil
}
