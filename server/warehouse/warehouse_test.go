package warehouse

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
	"warroom/server/engine"
)

// running is the one real engine of this test program: starting one takes seconds.
var running *engine.Engine

func TestMain(m *testing.M) {
	engine.ChildMain()
	os.Exit(withEngine(m))
}

func withEngine(m *testing.M) int {
	dir, err := os.MkdirTemp("", "warehouse")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	running, err = engine.Open(context.Background(), engine.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	defer func() { _ = running.Close() }()
	return m.Run()
}

func options() Options {
	return Options{
		URL: (&url.URL{Scheme: "clickhouse", User: url.UserPassword("app", running.AppPassword()),
			Host: running.Address(), Path: "/campaign"}).String(),
		Logger: slog.New(slog.DiscardHandler),
	}
}

// reopen opens the warehouse as a new process would.
func reopen(t testing.TB) *Warehouse {
	t.Helper()
	w, err := Open(t.Context(), options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// open gives an empty warehouse.
func open(t testing.TB) *Warehouse {
	t.Helper()
	w := reopen(t)
	for name := range tableSettings() {
		run(t, w, "TRUNCATE TABLE "+name)
	}
	run(t, w, "TRUNCATE TABLE feeds")
	return w
}

func run(t testing.TB, w *Warehouse, sql string) {
	t.Helper()
	if err := w.write.Exec(context.WithoutCancel(t.Context()), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// one asks for one value.
func one[V any](t testing.TB, w *Warehouse, sql string) (v V) {
	t.Helper()
	if err := w.read.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func want[V comparable](t testing.TB, w *Warehouse, sql string, wanted V) {
	t.Helper()
	if got := one[V](t, w, sql); got != wanted {
		t.Errorf("%s\ngot %v, want %v", sql, got, wanted)
	}
}

// batchOf makes the batch of a segment.
func batchOf[T any](segment string, rows ...T) campaign.Batch[T] {
	b := campaign.Batch[T]{Segment: segment, Rows: rows}
	for i := range rows {
		b.N = append(b.N, uint32(i))
	}
	return b
}

// now is a moment that no lifetime touches.
func now() time.Time { return time.Now().UTC().Truncate(time.Minute).Add(-time.Hour) }

var errCut = errors.New("cut off")

// flaky is a connection that is cut at one of its statements, before or after the engine got it.
type flaky struct {
	driver.Conn
	left  int // statements until the cut
	after bool
	cut   bool
}

func (f *flaky) hit() bool {
	f.left--
	if f.left == 0 {
		f.cut = true
	}
	return f.left == 0
}

func (f *flaky) Query(ctx context.Context, sql string, args ...any) (driver.Rows, error) {
	if f.hit() {
		return nil, errCut
	}
	return f.Conn.Query(ctx, sql, args...)
}

func (f *flaky) Exec(ctx context.Context, sql string, args ...any) error {
	if !f.hit() {
		return f.Conn.Exec(ctx, sql, args...)
	}
	if f.after {
		_ = f.Conn.Exec(ctx, sql, args...)
	}
	return errCut
}

func (f *flaky) PrepareBatch(ctx context.Context, sql string, o ...driver.PrepareBatchOption) (driver.Batch, error) {
	b, err := f.Conn.PrepareBatch(ctx, sql, o...)
	if err != nil || !f.hit() {
		return b, err
	}
	return &flakyBatch{b, f.after}, nil
}

type flakyBatch struct {
	driver.Batch
	after bool
}

func (b *flakyBatch) Send() error {
	if b.after {
		_ = b.Batch.Send()
	} else {
		_ = b.Abort()
	}
	return errCut
}

// cutEverywhere stores with a cut at every statement in turn, before and after the engine got it, each time into an
// empty warehouse, then stores again as the sink does: at once, or after a restart. check looks at what is there.
func cutEverywhere(t *testing.T, store func(w *Warehouse) error, check func(t *testing.T, w *Warehouse)) {
	for _, after := range []bool{false, true} {
		for at := 1; ; at++ {
			w := open(t)
			cut := &flaky{Conn: w.write, left: at, after: after}
			w.write = cut
			err := store(w)
			w.write = cut.Conn
			if !cut.cut {
				if err != nil {
					t.Fatalf("not cut, and yet: %v", err)
				}
				if at < 4 {
					t.Fatalf("only %d statements were seen: the test cuts nothing", at-1)
				}
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatalf("cut at %d: got %v, want the cut", at, err)
			}
			if at%2 == 0 {
				w = reopen(t)
			}
			if err := store(w); err != nil {
				t.Fatalf("stored again after a cut at %d: %v", at, err)
			}
			check(t, w)
			if t.Failed() {
				t.Fatalf("after a cut at statement %d (after the engine got it: %v)", at, after)
			}
		}
	}
}

func TestOpenIsRepeatable(t *testing.T) {
	w := open(t)
	want(t, w, "SELECT uniqExact(version_id) FROM goose_db_version WHERE version_id > 0", uint64(5))
	reopen(t)
	want(t, w, "SELECT count() FROM goose_db_version WHERE version_id > 0", uint64(5))
	if err := w.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if err := Reachable(t.Context(), options().URL); err != nil {
		t.Error(err)
	}
}

func TestURLsThatCanNotWork(t *testing.T) {
	good, _ := url.Parse(options().URL)
	wrong := func(change func(u *url.URL)) string {
		u := *good
		change(&u)
		return u.String()
	}
	for name, address := range map[string]string{
		"no URL":           "://secretpw",
		"another database": wrong(func(u *url.URL) { u.Path = "/elsewhere" }),
		"http":             wrong(func(u *url.URL) { u.Scheme, u.User = "http", url.UserPassword("app", "secretpw") }),
		"reads only":       wrong(func(u *url.URL) { u.User = url.UserPassword("analyst", running.AnalystPassword()) }),
	} {
		_, err := Open(t.Context(), Options{URL: address, Logger: options().Logger})
		if !errors.Is(err, ErrPermanent) {
			t.Errorf("%s: got %v, want ErrPermanent", name, err)
		} else if strings.Contains(err.Error(), "secretpw") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	nobody := wrong(func(u *url.URL) { u.Host = "127.0.0.1:1" })
	_, err := Open(t.Context(), Options{URL: nobody, Logger: options().Logger})
	if err == nil || errors.Is(err, ErrPermanent) {
		t.Errorf("nobody there: got %v, want an error that may pass", err)
	}
	if err := Reachable(t.Context(), nobody); err == nil {
		t.Error("nobody there, and yet reachable")
	}
}

// A refused login ends the embedded engine (26.7.3), so this asks nobody.
func TestWhichRefusalsArePermanent(t *testing.T) {
	for code, permanent := range map[int32]bool{
		516: true, 192: true, 497: true, 164: true, 452: true, 115: true, 241: false, 252: false, 999: false,
	} {
		err := outcome("try", &clickhouse.Exception{Code: code, Message: "a row of jane@example.org"})
		if errors.Is(err, ErrPermanent) != permanent {
			t.Errorf("%v: permanent is not %v", err, permanent)
		}
		var kept refusal
		if strings.Contains(err.Error(), "jane") || !errors.As(err, &kept) || int32(kept) != code {
			t.Errorf("got %v, want the code and not the text", err)
		}
	}
}
