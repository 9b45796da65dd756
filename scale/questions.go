package scale

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"warroom/server/board"
	"warroom/server/warehouse"
)

// The goals of every board, beside the budget in each query's header.
const (
	TickTime   = 10 * time.Millisecond // median of what a tick asks
	TickBytes  = 1 << 20               // read by it
	FirstPaint = 80 * time.Millisecond // the medians of a board's panels together
	Growth     = 1.3                   // times as dear with ten times the history
)

// question is what one topic asks the engine. Panels of a board that ask the same are one: they are asked together, and
// the question has the query's name.
type question struct {
	board, topic string
	panel        board.Panel
	window       time.Duration
	usual        bool   // the panel's own window
	tick         values // the parameters of a tick that asks for the newest steps only; nil: it asks for everything
	params       values
}

// questions are those of every panel of every board, for each of its windows. A panel about one thing is asked about the
// newest blast.
func (g *Ground) questions(ctx context.Context, boards []board.Board) (all []question, err error) {
	for _, b := range boards {
		for _, p := range b.Panels {
			if p.Of != nil {
				p = p.Of(g.Newest())
			}
			if p.Inside {
				continue
			}
			for _, window := range windows(p) {
				q := question{board: b.Name, topic: p.Topic, panel: p, window: window, usual: window == p.Window}
				if err := g.prepare(ctx, &q); err != nil {
					return nil, fmt.Errorf("%s over %s: %w", p.Topic, window, err)
				}
				if same := slices.IndexFunc(all, q.asks); same >= 0 {
					all[same].topic = p.Query.Name
					continue
				}
				all = append(all, q)
			}
		}
	}
	return all, nil
}

// asks says that another question is this one.
func (q question) asks(other question) bool {
	return q.board == other.board && q.panel.Query.SQL == other.panel.Query.SQL && maps.Equal(q.params, other.params)
}

// windows are a panel's own, then the others that a page may ask for, shortest first.
func windows(p board.Panel) []time.Duration {
	others := slices.DeleteFunc(slices.Clone(p.Windows), func(w time.Duration) bool { return w == p.Window })
	slices.Sort(others)
	return append([]time.Duration{p.Window}, others...)
}

// prepare finds the parameters, and asks once through the warehouse so that the panel has read the rows.
func (g *Ground) prepare(ctx context.Context, q *question) error {
	m := board.Moment{At: At(), Window: q.window}
	q.params = q.panel.Params(m)
	var answer board.Answer
	err := g.warehouse.Query(ctx, q.panel.Query.SQL, q.params, func(rows warehouse.Rows) (err error) {
		answer, err = q.panel.Answer(rows, m)
		return err
	})
	if err != nil || !q.panel.Steps || answer.Series == nil {
		return err
	}
	if times := answer.Series.Times; len(times) > 2 {
		q.tick = q.params.with(values{"from": moment(time.Unix(times[len(times)-2], 0))})
	}
	return nil
}

// Measured is what one topic cost in a number of runs.
type Measured struct {
	Board, Topic string
	Window       time.Duration
	Usual        bool
	Budget       time.Duration
	Whole, Tick  Figures // Tick is Whole where a tick asks for everything
}

// Figures are those of one statement.
type Figures struct {
	Median, P95 time.Duration // by the clock
	Work, Least time.Duration // engine time, median and best, see Cost.work
	Rows, Bytes int64
}

// Measure asks everything runs times, after some times that don't count. The questions take turns, so that all of them
// meet the same noise.
func (g *Ground) Measure(ctx context.Context, boards []board.Board, runs int) ([]Measured, error) {
	all, err := g.questions(ctx, boards)
	if err != nil {
		return nil, err
	}
	whole, tick := make([][]Cost, len(all)), make([][]Cost, len(all))
	const warm = 3
	for i := range warm + runs {
		for k, q := range all {
			if whole[k], err = g.once(ctx, q.panel.Query.SQL, q.params, whole[k], i >= warm); err != nil {
				return nil, fmt.Errorf("%s: %w", q.topic, err)
			}
			if q.tick == nil {
				continue
			}
			if tick[k], err = g.once(ctx, q.panel.Query.SQL, q.tick, tick[k], i >= warm); err != nil {
				return nil, fmt.Errorf("%s, a tick: %w", q.topic, err)
			}
		}
	}
	measured := make([]Measured, len(all))
	for k, q := range all {
		measured[k] = Measured{
			Board: q.board, Topic: q.topic, Window: q.window, Usual: q.usual, Budget: q.panel.Query.Budget,
			Whole: figures(whole[k]), Tick: figures(whole[k]),
		}
		if q.tick != nil {
			measured[k].Tick = figures(tick[k])
		}
	}
	return measured, nil
}

func (g *Ground) once(ctx context.Context, sql string, v values, costs []Cost, counts bool) ([]Cost, error) {
	before := cpuTime()
	cost, err := g.ask(ctx, sql, v, "max_threads", strconv.Itoa(warehouse.BoardThreads))
	cost.CPU = cpuTime() - before
	if counts {
		costs = append(costs, cost)
	}
	return costs, err
}

// figures are those of several runs; what was read is the most of them.
func figures(costs []Cost) (f Figures) {
	at := func(part float64) Cost { return costs[int(part*float64(len(costs)-1))] }
	slices.SortFunc(costs, func(a, b Cost) int { return cmp.Compare(a.work(), b.work()) })
	f.Work, f.Least = at(0.5).work(), at(0).work()
	slices.SortFunc(costs, func(a, b Cost) int { return cmp.Compare(a.Time, b.Time) })
	f.Median, f.P95 = at(0.5).Time, at(0.95).Time
	for _, c := range costs {
		f.Rows, f.Bytes = max(f.Rows, c.Rows), max(f.Bytes, c.Bytes)
	}
	return f
}
