package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

// figures are an answer of a panel, with the rows that it was made from.
type figures struct {
	moment    board.Moment
	watermark time.Time // the latest event in them; zero: unknown
	rows      scanned
	answer    board.Answer
	html      string // of panels with a fragment
	data      []byte // JSON, of the others
}

// ask runs a panel's query as of a moment. What it finds is in doubt when doubt, asked once the engine has answered,
// gives a reason; nil is no doubt.
func (p *Publisher) ask(
	ctx context.Context, t *topic, m board.Moment, doubt func(...campaign.Kind) string,
) (*figures, error) {
	if t.panel.Inside {
		return askInside(ctx, t, m)
	}
	return p.query(ctx, t, m, t.panel.Params(m), doubt, func(f *figures, rows board.Rows) error {
		recording := &record{Rows: rows}
		err := f.read(ctx, t.panel, recording)
		f.rows = recording.rows
		return err
	})
}

// query runs a panel's query; read makes the figures of its rows.
func (p *Publisher) query(
	ctx context.Context, t *topic, m board.Moment, params map[string]string, doubt func(...campaign.Kind) string,
	read func(f *figures, rows board.Rows) error,
) (*figures, error) {
	p.queries.Add(1)
	t.counts.queries.Add(1)
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	f := &figures{moment: m, watermark: p.watermark(t, m)}
	err := p.Query.Query(ctx, t.panel.Query.SQL, params, func(rows board.Rows) error {
		if doubt != nil {
			f.moment.Doubt = doubt(t.panel.Kinds...)
		}
		return read(f, rows)
	})
	if err == nil && ctx.Err() != nil {
		err = ctx.Err() // what was read may be a part
	}
	if err != nil {
		t.counts.failures.Add(1)
		return nil, fmt.Errorf("%s: %w", t.panel.Topic, err)
	}
	return f, nil
}

// askInside answers a panel that needs no engine, and so is never in doubt.
func askInside(ctx context.Context, t *topic, m board.Moment) (*figures, error) {
	f := &figures{moment: m}
	if err := f.read(ctx, t.panel, f.rows.replay()); err != nil {
		t.counts.failures.Add(1)
		return nil, fmt.Errorf("%s: %w", t.panel.Topic, err)
	}
	return f, nil
}

// watermark is asked for before the query, so that it never claims too much.
func (p *Publisher) watermark(t *topic, m board.Moment) time.Time {
	mark := p.Watermark(t.panel.Kinds...)
	if mark.After(m.At) {
		return m.At
	}
	return mark
}

// again makes the same figures with another doubt, from the same rows.
func (f *figures) again(ctx context.Context, panel board.Panel, doubt string) (*figures, error) {
	g := &figures{moment: f.moment, watermark: f.watermark, rows: f.rows}
	g.moment.Doubt = doubt
	if err := g.read(ctx, panel, f.rows.replay()); err != nil {
		return nil, err
	}
	return g, nil
}

// none is the panel before its first figures: made from no rows, and without the zeros that these give.
func (p *Publisher) none(ctx context.Context, t *topic, doubt string) (*figures, error) {
	empty := &figures{moment: t.moment(time.Now(), 0)}
	f, err := empty.again(ctx, t.panel, doubt)
	if err != nil {
		return nil, err
	}
	if s := f.answer.Series; s != nil {
		f.data, err = encodeData(board.Answer{Series: unknown(s)})
	}
	f.answer = board.Answer{}
	return f, err
}

// unknown is a series of the same times with every point missing.
func unknown(s *board.Series) *board.Series {
	without := *s
	without.Columns = slices.Clone(s.Columns)
	for i := range without.Columns {
		without.Columns[i].Values = make([]*float64, len(s.Times))
	}
	return &without
}

// read makes the answer and renders it. A panel that panics over rows that it did not expect has failed; it must not
// take the doors down with it.
func (f *figures) read(ctx context.Context, panel board.Panel, rows board.Rows) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic while reading the rows: %v", r)
		}
	}()
	if f.answer, err = panel.Answer(rows, f.moment); err != nil {
		return err
	}
	if f.answer.Series != nil {
		marked := *f.answer.Series
		marked.Doubt = f.moment.Doubt
		f.answer.Series = &marked
	}
	if f.answer.Fragment == nil {
		f.data, err = encodeData(f.answer)
		return err
	}
	var html bytes.Buffer
	if err := f.answer.Fragment.Render(ctx, &html); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	f.html = html.String()
	return nil
}

// encodeData is what a panel without a fragment sends: mostly a chart's series, with the doubt in it.
func encodeData(a board.Answer) ([]byte, error) {
	switch {
	case a.Series != nil:
		return json.Marshal(a.Series)
	case a.Rows != nil:
		return json.Marshal(a.Rows)
	case a.Value != nil:
		return json.Marshal(a.Value)
	}
	return nil, errors.New("the panel has no fragment, no series, no rows and no value")
}

func (f *figures) same(g *figures) bool {
	return f != nil && f.html == g.html && bytes.Equal(f.data, g.data)
}

// alike says that fragments are the same but for their data time, as a panel's head and its attributes have it.
func (f *figures) alike(g *figures, zone *time.Location) bool {
	return f != nil && f.html != "" && f.timeless(zone) == g.timeless(zone)
}

func (f *figures) timeless(zone *time.Location) string {
	at := f.moment.At
	return strings.NewReplacer(at.UTC().Format(rfc3339ms), "", at.In(zone).Format("3:04:05 PM MST"), "").Replace(f.html)
}

// empty says that there is nothing to publish.
func (f *figures) empty() bool { return f.html == "" && f.data == nil }
