package warehouse

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

const (
	// maxRows bounds an insert. A segment of 16 MiB can hold more rows than this when they are tiny.
	maxRows = 100_000
	// linger is how long a statement may go on after its caller gave up: cutting one short leaves its outcome unknown
	// until the batch comes again.
	linger = 3 * time.Second
)

// errUnconfirmed says that rows which an insert confirmed can't be read back.
var errUnconfirmed = errors.New("the rows can't be read back")

// row is one event of a chunk, with its receipt: the record of the spool that it was.
type row[T any] struct {
	event *T
	receipt
	// conflict marks a copy that says something else than the first one.
	conflict bool
}

type receipt struct {
	segment string
	n       uint32
}

// chunk is what one insert takes of a batch.
type chunk[T any] struct {
	segment string // of the first row of the batch, and as a rule of all
	rows    []row[T]
	// first says that nobody can have sent any of it before.
	first bool
	// salt makes other tokens, for when the engine knows those of rows that have gone.
	salt string
}

// storeChunks stores a batch chunk by chunk. When rows that an insert confirmed can't be read back, the engine took
// the token for known although the rows are gone; store is then called once more with other tokens.
func storeChunks[T any](ctx context.Context, w *Warehouse, b campaign.Batch[T],
	store func(ctx context.Context, c chunk[T]) error) error {
	rows := make([]row[T], 0, min(maxRows, len(b.Rows))) // reused: a chunk is done with when store returns
	for start := 0; start < len(b.Rows); start += maxRows {
		rows = rows[:0]
		for i := start; i < min(start+maxRows, len(b.Rows)); i++ {
			segment := b.Segment
			if b.Of != nil {
				segment = b.Of[i]
			}
			rows = append(rows, row[T]{event: &b.Rows[i], receipt: receipt{segment, b.N[i]}})
		}
		c := chunk[T]{segment: b.Segment, rows: rows, first: b.First}
		err := store(ctx, c)
		if errors.Is(err, errUnconfirmed) {
			c.first, c.salt = false, "/again-"+strconv.FormatUint(w.version(), 10)
			err = store(ctx, c)
		}
		if err != nil {
			w.errs.Add(1)
			return fmt.Errorf("batch %s, %d rows from %d: %w", b.Segment, len(rows), rows[0].n, err)
		}
	}
	return nil
}

// bySegment goes through rows segment by segment.
func bySegment[T any](rows []row[T]) iter.Seq[[]row[T]] {
	return func(yield func([]row[T]) bool) {
		for start := 0; start < len(rows); {
			end := start + 1
			for end < len(rows) && rows[end].segment == rows[start].segment {
				end++
			}
			if !yield(rows[start:end]) {
				return
			}
			start = end
		}
	}
}

// token names rows by their receipts: exactly these, in any order. The engine drops what comes with a token that it
// knows, without looking at it, so other rows of the same segments must have another one.
func token[T any](c chunk[T], rows []row[T], table string) string {
	var sum uint64
	for part := range bySegment(rows) {
		segment := fnv.New64a()
		_, _ = segment.Write([]byte(part[0].segment)) // never fails
		for _, r := range part {
			sum += spread(segment.Sum64() + uint64(r.n) + 1)
		}
	}
	return fmt.Sprintf("%s/%d-%016x%s/%s", c.segment, len(rows), sum, c.salt, table)
}

// spread makes a number's bits depend on each other (splitmix64), so that sums of different numbers differ.
func spread(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// table is where rows go, and how.
type table[R any] struct {
	name   string
	fields []field[R]
}

// insert puts rows of a chunk into a table as one block. An error leaves open whether they are there.
func insert[T any](ctx context.Context, w *Warehouse, kind campaign.Kind, to table[row[T]], c chunk[T],
	rows []row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	names := make([]string, len(to.fields))
	for i, f := range to.fields {
		names[i] = f.name
	}
	sql := "INSERT INTO " + to.name + " (" + strings.Join(names, ", ") + ") FORMAT Native"
	w.inserts.Add(1)
	err := w.speak(ctx, kind, "insert into "+to.name, func(l *line) error {
		return l.insert(sql, token(c, rows, to.name), blockOf("", to.fields, rows))
	})
	if err == nil {
		w.rows.Add(uint64(len(rows)))
	}
	return err
}

// askAlong runs a statement of storing on the kind's line, with a table that goes along, and reads its answer into result,
// block by block; each is called after a block. Both are nil for an INSERT … SELECT.
func (w *Warehouse) askAlong(ctx context.Context, kind campaign.Kind, what, sql string, along block,
	result proto.Result, each func(rows int)) error {
	if result == nil {
		w.inserts.Add(1)
	} else {
		w.queries.Add(1)
	}
	return w.speak(ctx, kind, what, func(l *line) error { return l.run(sql, along, result, each) })
}

// speak runs do on the kind's own line. The kind must be owned. A line that has gone since it was last used is
// replaced; one that fails in the middle is given up.
func (w *Warehouse) speak(ctx context.Context, kind campaign.Kind, what string, do func(l *line) error) error {
	ctx, release := patient(ctx)
	defer release()
	l, err := w.lineOf(ctx, kind)
	if err != nil {
		return outcome(what, err)
	}
	defer l.closeWith(ctx)()
	defer l.closeWith(w.ended)()
	if err := do(l); err != nil {
		_ = l.conn.Close()
		w.lines[kind] = nil
		return outcome(what, err)
	}
	return nil
}

func (w *Warehouse) lineOf(ctx context.Context, kind campaign.Kind) (*line, error) {
	if l := w.lines[kind]; l != nil {
		if l.alive() {
			return l, nil
		}
		_ = l.conn.Close()
		w.lines[kind] = nil
	}
	l, err := dial(ctx, w.dialing)
	w.lines[kind] = l
	return l, err
}

// statement is what storing asks or does without rows of its own.
type statement struct {
	what   string // for errors
	sql    string
	params clickhouse.Parameters
}

func (s statement) context(ctx context.Context) context.Context {
	if len(s.params) == 0 {
		return ctx
	}
	return clickhouse.Context(ctx, clickhouse.WithParameters(s.params))
}

// exec runs an INSERT … SELECT.
func (w *Warehouse) exec(ctx context.Context, s statement) error {
	ctx, release := patient(ctx)
	defer release()
	w.inserts.Add(1)
	return outcome(s.what, w.write.Exec(s.context(ctx), s.sql))
}

// ask runs a query of storing and calls scan for each row.
func (w *Warehouse) ask(ctx context.Context, s statement, scan func(rows driver.Rows) error) error {
	ctx, release := patient(ctx)
	defer release()
	w.queries.Add(1)
	rows, err := w.write.Query(s.context(ctx), s.sql)
	if err != nil {
		return outcome(s.what, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return outcome(s.what, err)
		}
	}
	return outcome(s.what, rows.Err())
}

// patient is a context without a deadline that ends a little after ctx. A deadline would become a limit of the engine;
// the pool's timeouts bound the waiting.
func patient(ctx context.Context) (_ context.Context, release func()) {
	if ctx.Err() != nil {
		return ctx, func() {}
	}
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(linger, cancel) })
	return lasting, func() { stop(); cancel() }
}

// moment is a time as the tables keep it: whole milliseconds from 1970 to 2105. What is outside is no time of a
// campaign, and one such row must not hold up the others for ever.
func moment(t time.Time) time.Time { return time.UnixMilli(millis(t)).UTC() }

// millis are the milliseconds of moment since 1970.
func millis(t time.Time) int64 {
	const end = 4_260_211_200_000 // 2105-01-01
	return min(max(t.UnixMilli(), 0), end)
}

// precedence is larger for what arrived earlier.
func precedence(received time.Time, n uint32) uint64 {
	const places = 20 // bits for n: more than a segment's records
	ms := uint64(millis(received))
	return ^(ms<<places | uint64(n)&(1<<places-1))
}
