package scale

import (
	"flag"
	"os"
	"testing"
	"time"

	"warroom/server/board"
	"warroom/server/engine"
)

// What `make bench-queries` sets.
type flags struct {
	full    *bool
	data    *string
	history *int
	runs    *int
}

//nolint:gochecknoglobals // package flag needs them before the tests run
var given = flags{
	full:    flag.Bool("full", false, "the campaign's full size, and time is held against the budgets"),
	data:    flag.String("data", "", "folder for the engine, kept and used again; default: one that is removed"),
	history: flag.Int("history", 10, "times of the history that the second measurement has; 1: no second one"),
	runs:    flag.Int("runs", 30, "of each query"),
}

func TestMain(m *testing.M) {
	engine.ChildMain()
	os.Exit(m.Run())
}

// Every query of every board keeps within what it may read, and reads no more with ten times the history. With -full it
// does so in the time of its budget; a small campaign on a machine that builds something else can't tell.
func TestEveryQueryKeepsItsBudget(t *testing.T) {
	g := open(t)
	fill(t, g, 1)
	g.holdsTogether(t)
	boards := everyBoard(t)
	before := measure(t, g, boards)
	if *given.history > 1 {
		fill(t, g, *given.history)
		after := measure(t, g, boards)
		over, err := Compare(t.Output(), before, after, *given.full)
		report(t, over, err)
	}
}

func everyBoard(t *testing.T) []board.Board {
	t.Helper()
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	boards, err := board.All(board.Options{Zone: zone, Currency: "USD", MailPerSecond: 2000, MailPerDay: 20e6})
	if err != nil {
		t.Fatal(err)
	}
	return boards
}

func open(t *testing.T) *Ground {
	t.Helper()
	dir, size := *given.data, Part()
	if dir == "" {
		dir = t.TempDir()
	}
	if *given.full {
		size = Full()
	}
	g, err := Open(t.Context(), dir, size, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

func fill(t *testing.T, g *Ground, times int) {
	t.Helper()
	started := time.Now()
	if err := g.Fill(t.Context(), times); err != nil {
		t.Fatal(err)
	}
	t.Logf("filled in %s", time.Since(started).Round(time.Second))
}

func measure(t *testing.T, g *Ground, boards []board.Board) []Measured {
	t.Helper()
	runs := *given.runs
	if !*given.full {
		runs = min(runs, 3)
	}
	measured, err := g.Measure(t.Context(), boards, runs)
	if err != nil {
		t.Fatal(err)
	}
	over, err := Report(t.Output(), measured)
	if !*given.full {
		over = nil
		for _, m := range measured {
			over = append(over, m.overBytes()...)
		}
	}
	report(t, over, err)
	return measured
}

func report(t *testing.T, over []string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range over {
		t.Errorf("over: %s", line)
	}
}

// holdsTogether checks the filling itself: the sums say what the rows under them say.
func (g *Ground) holdsTogether(t *testing.T) {
	t.Helper()
	if *given.full { // the same statements have been checked on a part
		return
	}
	const at = "toDateTime64('2026-08-21 02:47:31.412', 3, 'UTC')"
	for name, sql := range map[string]string{
		"dollars a day": `SELECT (SELECT (sum(net_minor), sum(movements)) FROM donation_cuts FINAL WHERE cut = 'all' AND span = 86400)
			= (SELECT (sum(toInt128(amount_minor)), count()) FROM donations_by_time FINAL)`,
		"ids": `SELECT uniqExact(source, id) = count() FROM donations_by_time`,
		"refcodes of the last 26 hours": `SELECT (SELECT (sum(net_minor), sum(movements), uniqExact(value, detail))
			FROM donations_cut(since = ` + at + ` - INTERVAL 26 HOUR, until = ` + at + `, cut = 'refcode'))
			= (SELECT (sum(toInt128(amount_minor)), count(), uniqExact(refcode, channel)) FROM donations_by_time FINAL
			WHERE occurred_at > ` + at + ` - INTERVAL 26 HOUR AND occurred_at <= ` + at + `)`,
		"mail": `SELECT (SELECT sum(events) FROM email_minutes FINAL) = (SELECT count() FROM email_events FINAL)`,
		"blasts": `SELECT (SELECT sum(events) FROM email_minutes FINAL)
			= (SELECT sum(events) FROM send_cuts FINAL WHERE span = 86400)`,
		"domains":         `SELECT (SELECT sum(events) FROM email_minutes FINAL) = (SELECT sum(events) FROM mail_hours FINAL)`,
		"names of blasts": `SELECT count() = 60 FROM (SELECT send_id FROM send_spans GROUP BY send_id)`,
		"a busy hour":     `SELECT sum(net_minor) > 150000000 FROM donations_cut(since = ` + at + ` - INTERVAL 1 HOUR, until = ` + at + `, cut = 'all')`,
		"requests of the last minutes": `SELECT (SELECT sum(requests) FROM request_hosts WHERE minute >= '2026-08-21 02:30:00')
			= (SELECT sum(weight) FROM requests WHERE occurred_at >= '2026-08-21 02:30:00')`,
	} {
		if told, err := g.text(t.Context(), sql); err != nil || told != "1" {
			t.Errorf("%s: %q, %v", name, told, err)
		}
	}
}
