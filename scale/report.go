package scale

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Report prints each query beside its budget, and each board's first paint. It returns what is over, a line each.
func Report(out io.Writer, measured []Measured) (over []string, err error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "board\ttopic\twindow\tclock ms\tp95\tengine ms\tbudget\trows\tKiB\ttick ms\ttick KiB\t")
	for _, m := range measured {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%s\t%d\t\n", m.Board, m.Topic, span(m.Window), ms(m.Whole.Median),
			ms(m.Whole.P95), ms(m.Whole.Work), ms(m.Budget), m.Whole.Rows, m.Whole.Bytes>>10, ms(m.Tick.Work), m.Tick.Bytes>>10)
		over = append(over, m.overTime()...)
		over = append(over, m.overBytes()...)
	}
	for _, p := range paints(measured) {
		fmt.Fprintf(w, "%s\tfirst paint\t%s\t\t\t%s\t%s\t\t\t\t\t\n", p.board, span(p.window), ms(p.time), ms(FirstPaint))
		if p.time > FirstPaint {
			over = append(over, fmt.Sprintf("%s over %s: the first paint takes %s ms of the engine, want %s", p.board,
				span(p.window), ms(p.time), ms(FirstPaint)))
		}
	}
	return over, w.Flush()
}

func (m Measured) overTime() (over []string) {
	if m.Whole.Work > m.Budget {
		over = append(over, fmt.Sprintf("%s takes %s ms, its header says %s", m.name(), ms(m.Whole.Work), ms(m.Budget)))
	}
	if m.Tick.Work > TickTime {
		over = append(over, fmt.Sprintf("%s takes %s ms a tick, want %s", m.name(), ms(m.Tick.Work), ms(TickTime)))
	}
	return over
}

func (m Measured) overBytes() []string {
	if m.Tick.Bytes <= TickBytes {
		return nil
	}
	return []string{fmt.Sprintf("%s reads %d KiB a tick, want %d", m.name(), m.Tick.Bytes>>10, TickBytes>>10)}
}

func (m Measured) name() string { return m.Topic + " over " + span(m.Window) }

// paint is the first paint of a board over a window: its panels that know the window over it, the others over their own.
type paint struct {
	board        string
	window, time time.Duration // window 0 is each panel's own
}

func paints(measured []Measured) (all []paint) {
	for _, m := range measured {
		for _, window := range []time.Duration{0, m.Window} {
			p := paint{board: m.Board, window: window}
			if window == 0 && !m.Usual || has(all, p) {
				continue
			}
			for _, time := range chosen(measured, p) {
				p.time += time
			}
			all = append(all, p)
		}
	}
	return all
}

func has(all []paint, p paint) bool {
	for _, other := range all {
		if other.board == p.board && other.window == p.window {
			return true
		}
	}
	return false
}

// chosen are the medians of the topics of a paint.
func chosen(measured []Measured, p paint) map[string]time.Duration {
	times := map[string]time.Duration{}
	for _, m := range measured {
		if m.Board == p.board && m.Usual {
			times[m.Topic] = m.Whole.Work
		}
	}
	for _, m := range measured {
		if m.Board == p.board && p.window != 0 && m.Window == p.window {
			times[m.Topic] = m.Whole.Work
		}
	}
	return times
}

// Compare prints how much dearer each query is with more history. What it says of time is of the best runs, which meet
// the least noise; differences below noise and blocks say nothing.
func Compare(out io.Writer, before, after []Measured, timed bool) (over []string, err error) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "topic\twindow\tbest ms\twith more history\ttimes\tKiB\twith more history\ttimes\t")
	for i, m := range before {
		a := after[i]
		time, bytes := times(m.Whole.Least, a.Whole.Least), times(m.Whole.Bytes, a.Whole.Bytes)
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%.2f\t%d\t%d\t%.2f\t\n", m.Topic, span(m.Window), ms(m.Whole.Least), ms(a.Whole.Least), time,
			m.Whole.Bytes>>10, a.Whole.Bytes>>10, bytes)
		if bytes > Growth && a.Whole.Bytes-m.Whole.Bytes > blocks {
			over = append(over, fmt.Sprintf("%s reads %.2f times as much with more history", m.name(), bytes))
		}
		if timed && time > Growth && a.Whole.Least-m.Whole.Least > noise {
			over = append(over, fmt.Sprintf("%s takes %.2f times as long with more history", m.name(), time))
		}
	}
	return over, w.Flush()
}

const (
	noise = 500 * time.Microsecond
	// blocks is what a query reads more or less of by chance: rows come in granules, whose edges lie elsewhere after a merge.
	blocks = 128 << 10
)

func times[T ~int64](before, after T) float64 {
	if before <= 0 {
		return 1
	}
	return float64(after) / float64(before)
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

func span(d time.Duration) string {
	switch {
	case d == 0:
		return "–"
	case d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dm", d/time.Minute)
}
