package warehouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	col "github.com/ClickHouse/clickhouse-go/v2/lib/column"
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

// row is one event of a batch with its receipt, the record of the spool that it was.
type row[T any] struct {
	receipt
	event *T
	// conflict marks a copy that says something else than the first one.
	conflict bool
}

type receipt struct {
	segment string
	n       uint32
}

// chunk is what one insert takes of a batch. The same batch always gives the same chunks.
type chunk[T any] struct {
	name string // "<segment>/<number>"
	rows []row[T]
}

func chunks[T any](b campaign.Batch[T]) []chunk[T] {
	var out []chunk[T]
	for start := 0; start < len(b.Rows); start += maxRows {
		c := chunk[T]{name: fmt.Sprintf("%s/%d", b.Segment, len(out))}
		for i := start; i < min(start+maxRows, len(b.Rows)); i++ {
			c.rows = append(c.rows, row[T]{receipt: receipt{b.Segment, b.N[i]}, event: &b.Rows[i]})
		}
		out = append(out, c)
	}
	return out
}

// storeChunks stores a batch chunk by chunk. When rows that an insert confirmed can't be read back, the engine took
// the token for known although the rows are gone; store is then called once more with other tokens.
func storeChunks[T any](ctx context.Context, w *Warehouse, b campaign.Batch[T],
	store func(ctx context.Context, c chunk[T]) error) error {
	for _, c := range chunks(b) {
		err := store(ctx, c)
		if errors.Is(err, errUnconfirmed) {
			c.name = fmt.Sprintf("%s/again-%d", c.name, w.version())
			err = store(ctx, c)
		}
		if err != nil {
			w.errs.Add(1)
			return fmt.Errorf("batch %s: %w", c.name, err)
		}
	}
	return nil
}

// field is a column of a table: its name, and how rows get into it.
type field[T any] struct {
	name string
	add  func(column driver.BatchColumn, rows []row[T]) error
}

// column takes a column's values from the rows.
func column[T, V any](name string, value func(r *row[T]) V) field[T] {
	return field[T]{name, func(column driver.BatchColumn, rows []row[T]) error {
		values := make([]V, len(rows))
		for i := range rows {
			values[i] = value(&rows[i])
		}
		return column.Append(values)
	}}
}

// insert puts rows into a table as one block. token lets the engine drop a repeat; an error leaves open whether the
// rows are there.
func insert[T any](ctx context.Context, w *Warehouse, to table[T], token string, rows []row[T]) error {
	if len(rows) == 0 {
		return nil
	}
	ctx, release := patient(ctx)
	defer release()
	settings := clickhouse.Settings{"insert_deduplication_token": token + "/" + to.name}
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(settings))
	names := make([]string, len(to.fields))
	for i, f := range to.fields {
		names[i] = f.name
	}
	w.inserts.Add(1)
	batch, err := w.write.PrepareBatch(ctx, "INSERT INTO "+to.name+" ("+strings.Join(names, ", ")+")")
	if err != nil {
		return outcome("insert into "+to.name, err)
	}
	defer func() { _ = batch.Close() }()
	for i, f := range to.fields {
		if err := f.add(batch.Column(i), rows); err != nil {
			_ = batch.Abort()
			return fmt.Errorf("insert into %s: column %s takes not every value", to.name, f.name)
		}
	}
	if err := batch.Send(); err != nil {
		return outcome("insert into "+to.name, err)
	}
	w.rows.Add(uint64(len(rows)))
	return nil
}

// statement is what storing asks or does beside plain inserts.
type statement struct {
	what   string // for errors
	sql    string
	params clickhouse.Parameters
	sheet  *sheet // goes along as a table; nil for none
}

func (s statement) context(ctx context.Context) (context.Context, error) {
	var options []clickhouse.QueryOption
	if len(s.params) > 0 {
		options = append(options, clickhouse.WithParameters(s.params))
	}
	if s.sheet != nil {
		if s.sheet.err != nil {
			return nil, fmt.Errorf("%s: a value has no place in the sheet %s", s.what, s.sheet.Name())
		}
		options = append(options, clickhouse.WithExternalTable(s.sheet.Table))
	}
	return clickhouse.Context(ctx, options...), nil
}

// exec runs an INSERT … SELECT.
func (w *Warehouse) exec(ctx context.Context, s statement) error {
	ctx, release := patient(ctx)
	defer release()
	ctx, err := s.context(ctx)
	if err != nil {
		return err
	}
	w.inserts.Add(1)
	return outcome(s.what, w.write.Exec(ctx, s.sql))
}

// ask runs a query of storing and calls scan for each row.
func (w *Warehouse) ask(ctx context.Context, s statement, scan func(rows driver.Rows) error) error {
	ctx, release := patient(ctx)
	defer release()
	ctx, err := s.context(ctx)
	if err != nil {
		return err
	}
	w.queries.Add(1)
	rows, err := w.write.Query(ctx, s.sql)
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

// sheet is a small table that goes along with a statement.
type sheet struct {
	*ext.Table
	err error
}

// newSheet makes an empty one; columns are pairs of name and type.
func newSheet(name string, columns ...string) *sheet {
	add := make([]func(*ext.Table) error, 0, len(columns)/2)
	for i := 0; i+1 < len(columns); i += 2 {
		add = append(add, ext.Column(columns[i], col.Type(columns[i+1])))
	}
	t, err := ext.NewTable(name, add...)
	return &sheet{t, err}
}

// put adds a row; the first error stays.
func (s *sheet) put(values ...any) {
	if s.err == nil {
		s.err = s.Append(values...)
	}
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
func moment(t time.Time) time.Time {
	ms := min(max(t.UnixMilli(), 0), time.Date(2105, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	return time.UnixMilli(ms).UTC()
}

// precedence is larger for what arrived earlier.
func precedence(received time.Time, n uint32) uint64 {
	const places = 20 // bits for n: more than a segment's records
	ms := uint64(moment(received).UnixMilli())
	return ^(ms<<places | uint64(n)&(1<<places-1))
}
