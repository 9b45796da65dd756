package warehouse

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Rows is a query's result, read from top to bottom.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
}

// Query runs one statement of the boards and hands its rows to scan, within queryTimeout altogether. params are the
// values of its {name:Type} placeholders, as the engine reads them. The engine's text stays in the error: live queries
// and their parameters hold no personal data.
func (w *Warehouse) Query(ctx context.Context, sql string, params map[string]string, scan func(Rows) error) error {
	w.queries.Add(1)
	err := w.query(ctx, sql, params, scan)
	if err != nil && ctx.Err() == nil {
		w.errs.Add(1)
	}
	return err
}

func (w *Warehouse) query(ctx context.Context, sql string, params map[string]string, scan func(Rows) error) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if len(params) > 0 {
		ctx = clickhouse.Context(ctx, clickhouse.WithParameters(escaped(sql, params)))
	}
	rows, err := w.read.Query(ctx, sql)
	if err != nil {
		return queryError(ctx, err)
	}
	defer func() { _ = rows.Close() }()
	if err := scan(rows); err != nil {
		return queryError(ctx, err)
	}
	if err := rows.Close(); err != nil {
		return queryError(ctx, err)
	}
	return queryError(ctx, rows.Err())
}

// queryError says it in one word when there was no answer in time, however the driver found out.
func queryError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("query: no answer from ClickHouse in time: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("query: %w", err)
}

// escaped writes texts as the engine reads parameters, where a backslash begins an escape. Values of other types have
// no such characters, or their own escapes.
func escaped(sql string, params map[string]string) clickhouse.Parameters {
	text := strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)
	out := clickhouse.Parameters{}
	for name, value := range params {
		if strings.Contains(sql, "{"+name+":String}") {
			value = text.Replace(value)
		}
		out[name] = value
	}
	return out
}
