package live

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"time"

	"warroom/server/board"
)

// A panel whose rows are steps of time is asked for its newest steps only: the others stay what they were, unless a
// batch brought events for them. What can change them without a batch of this process (a repair, another process) is
// seen within wholeEvery.

// wholeEvery is how long steps are believed without asking for them again, and how long a page follows changes without
// being told the whole: neither can be wrong for longer.
const wholeEvery = time.Minute

// paramTime is how a panel writes a moment as a query's parameter; see board.engineTime.
const paramTime = "2006-01-02 15:04:05.000"

// settle notes how far back the batches since the last answer reach. The caller holds mu and the topic's flight.
func (t *topic) settle() {
	switch {
	case t.confirmed.IsZero():
	case t.touched.IsZero():
		t.whole = time.Time{}
	case t.touched.Before(t.since):
		t.since = t.touched
	}
}

// askNewest asks as of now: for all, or for the newest steps.
func (p *Publisher) askNewest(ctx context.Context, t *topic) (*figures, error) {
	m := t.moment(time.Now(), 0)
	params, kept, ok := t.newestSteps(m)
	if !ok {
		f, err := p.askTogether(ctx, t, m, p.Doubt)
		if err == nil {
			t.whole = m.At
		}
		return f, err
	}
	return p.query(ctx, t, m, params, p.Doubt, func(f *figures, rows board.Rows) error {
		fresh, err := kept.more(rows)
		if err != nil {
			return err
		}
		f.rows = append(kept[:len(kept):len(kept)], fresh...)
		return f.read(ctx, t.panel, f.rows.replay())
	})
}

// newestSteps are the parameters of a query for the steps that may have changed, and the rows of those before; false
// when all steps have to be asked for.
func (t *topic) newestSteps(m board.Moment) (params map[string]string, kept scanned, ok bool) {
	if !t.panel.Steps || t.kept == nil || t.whole.IsZero() || m.At.Sub(t.whole) >= wholeEvery {
		return nil, nil, false
	}
	params = maps.Clone(t.panel.Params(m))
	from, err := time.Parse(paramTime, params["from"])
	if err != nil {
		return nil, nil, false
	}
	var edge time.Time // start of the last step that is known not to be later than what has changed
	first := -1
	for i, row := range t.kept.rows {
		start, is := row[0].Interface().(time.Time)
		if !is {
			return nil, nil, false
		}
		if start.Before(from) {
			continue
		}
		if first < 0 {
			first = i
		}
		if start.After(t.since) {
			break
		}
		if start.After(edge) {
			edge, kept = start, t.kept.rows[first:i]
		}
	}
	params["from"] = edge.UTC().Format(paramTime)
	return params, kept, !edge.IsZero() && len(kept) > 0
}

// more scans rows as the ones before were scanned.
func (s scanned) more(rows board.Rows) (fresh scanned, err error) {
	for rows.Next() {
		row, into := make([]reflect.Value, len(s[0])), make([]any, len(s[0]))
		for i, known := range s[0] {
			place := reflect.New(known.Type())
			row[i], into[i] = place.Elem(), place.Interface()
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		if start, is := row[0].Interface().(time.Time); !is || start.Before(s[len(s)-1][0].Interface().(time.Time)) { //nolint:errcheck,forcetypeassert // newestSteps has looked
			return nil, errors.New("the engine answered with an earlier step than it was asked for")
		}
		fresh = append(fresh, row)
	}
	return fresh, rows.Err()
}
