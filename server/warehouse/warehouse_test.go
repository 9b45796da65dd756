package warehouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"
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
	run(t, w, "TRUNCATE TABLE feed_minutes")
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

// only takes some rows of a batch, under their own receipts.
func only[T any](b campaign.Batch[T], rows ...int) campaign.Batch[T] {
	part := campaign.Batch[T]{Segment: b.Segment}
	for _, i := range rows {
		part.N, part.Rows = append(part.N, b.N[i]), append(part.Rows, b.Rows[i])
	}
	return part
}

// partly stores any parts of a batch in any order, again and again, and at last every row of it once more.
func partly[T any](t *testing.T, b campaign.Batch[T], store func(b campaign.Batch[T]) error) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // a test's dice
	parts := []campaign.Batch[T]{b}
	for range 12 {
		from := dice.IntN(len(b.Rows))
		var rows []int
		for i := from; i < len(b.Rows) && len(rows) < 40; i += 1 + dice.IntN(3)*dice.IntN(2) {
			rows = append(rows, i)
		}
		parts = append(parts, only(b, rows...))
	}
	dice.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	parts[0].First = true
	for _, part := range append(parts, b) {
		if err := store(part); err != nil {
			t.Fatal(err)
		}
	}
}

// chunkOf makes the one chunk of a small batch.
func chunkOf[T any](b campaign.Batch[T]) chunk[T] {
	c := chunk[T]{segment: b.Segment, first: b.First}
	for i := range b.Rows {
		c.rows = append(c.rows, row[T]{event: &b.Rows[i], receipt: receipt{b.Segment, b.N[i]}})
	}
	return c
}

// now is a moment that no lifetime touches.
func now() time.Time { return time.Now().UTC().Truncate(time.Minute).Add(-time.Hour) }

var errCut = errors.New("cut off")

// cut says where a connection is cut: at which step of storing, and how far that step gets.
type cut struct {
	at    int // step: a statement of the driver, a write or a read of a line
	how   how
	steps int // so far
	done  bool
}

type how int

const (
	before how = iota // nothing of it gets through
	half              // of a block, the first half does
	after             // all of it does, and nobody hears of it
)

func (c *cut) hit() bool {
	c.steps++
	if c.steps == c.at {
		c.done = true
	}
	return c.steps == c.at
}

// into makes a warehouse's connections for storing those of the cut.
func (c *cut) into(w *Warehouse) {
	w.write = &flaky{w.write, c}
	dial := w.dialing.DialContext
	w.dialing.DialContext = func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return &flakyLine{Conn: conn, cut: c}, nil
	}
}

// flaky is a pool of connections of which one is cut.
type flaky struct {
	driver.Conn
	*cut
}

func (f *flaky) Query(ctx context.Context, sql string, args ...any) (driver.Rows, error) {
	if f.how == before && f.hit() {
		return nil, errCut
	}
	return f.Conn.Query(ctx, sql, args...)
}

func (f *flaky) Exec(ctx context.Context, sql string, args ...any) error {
	if f.how == half || !f.hit() {
		return f.Conn.Exec(ctx, sql, args...)
	}
	if f.how == after {
		_ = f.Conn.Exec(ctx, sql, args...)
	}
	return errCut
}

// flakyLine is the socket of a line that is cut. The engine sees the end of what was sent, never a reset, nor half of
// a greeting or a statement: an exception outside of a statement ends the embedded one (26.7.3), which is for the
// fault suite.
type flakyLine struct {
	net.Conn
	*cut
	gone    bool
	reading bool // the last step was a read: the next one belongs to it
}

func (f *flakyLine) Write(b []byte) (int, error) {
	ping := len(b) == 1 && b[0] == byte(proto.ClientCodePing)
	f.reading = ping
	block := b[0] == byte(proto.ClientCodeData)
	switch {
	case f.gone:
		return 0, errCut
	case ping || f.how == half && !block || !f.hit():
		return f.Conn.Write(b)
	}
	_, _ = f.Conn.Write(b[:len(b)*int(f.how)/2])
	return 0, f.lose()
}

func (f *flakyLine) Read(b []byte) (int, error) {
	first := !f.reading
	f.reading = true
	switch {
	case f.gone:
		return 0, errCut
	case f.how == before && first && f.hit():
		return 0, f.lose()
	}
	return f.Conn.Read(b)
}

func (f *flakyLine) lose() error {
	f.gone = true
	_ = f.SetReadDeadline(time.Time{})
	_ = f.Conn.(*socket).CloseWrite()
	go func() {
		_, _ = io.Copy(io.Discard, f.Conn)
		_ = f.Conn.Close()
	}()
	return errCut
}

func (f *flakyLine) Close() error {
	if f.gone {
		return nil // see lose
	}
	return f.Conn.Close()
}

// cutEverywhere stores with a cut at every step in turn, each time into an empty warehouse, then stores again as the
// sink does: at once, or after a restart. check looks at what is there.
func cutEverywhere(t *testing.T, store func(w *Warehouse, first bool) error, check func(t *testing.T, w *Warehouse)) {
	for name, how := range map[string]how{"before": before, "half": half, "after": after} {
		for at, more := 1, true; more; at++ {
			t.Run(fmt.Sprintf("%s %d", name, at), func(t *testing.T) { // closes its connections
				more = cutAt(t, &cut{at: at, how: how}, store)
				if !more && at < 2 {
					t.Fatalf("only %d steps were seen: the test cuts nothing", at-1)
				}
				check(t, reopen(t))
			})
			if t.Failed() {
				return
			}
		}
	}
}

// cutAt says whether there was anything left to cut.
func cutAt(t *testing.T, c *cut, store func(w *Warehouse, first bool) error) (more bool) {
	w := open(t)
	whole := w.write
	c.into(w)
	err := store(w, true)
	more = c.done
	c.at, w.write = 0, whole
	switch {
	case !more && err != nil:
		t.Fatalf("not cut, and yet: %v", err)
	case more && !errors.Is(err, errCut):
		t.Fatalf("got %v, want the cut", err)
	case c.steps%2 == 0:
		w = reopen(t)
	}
	for err = store(w, false); errors.Is(err, errRunning); { // the engine may still be at the one that was cut
		err = store(w, false)
	}
	if err != nil {
		t.Fatalf("stored again: %v", err)
	}
	return more
}

func TestOpenIsRepeatable(t *testing.T) {
	w := open(t)
	want(t, w, "SELECT uniqExact(version_id) FROM goose_db_version WHERE version_id > 0", uint64(migrationFiles(t)))
	reopen(t)
	want(t, w, "SELECT count() FROM goose_db_version WHERE version_id > 0", uint64(migrationFiles(t)))
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
