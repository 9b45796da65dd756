package live

import (
	"fmt"
	"reflect"

	"warroom/server/board"
)

// record passes rows on and keeps what was scanned, so that a panel can be rendered again, in doubt, when the engine
// is away.
type record struct {
	board.Rows
	rows scanned
}

// scanned is the values of each row.
type scanned [][]reflect.Value

// Scan reads the row. A copy of each value is kept. What slices and pointers lead to is shared: drivers make it anew
// for every row, and panels only read it.
func (r *record) Scan(dest ...any) error {
	if err := r.Rows.Scan(dest...); err != nil {
		return err
	}
	row := make([]reflect.Value, len(dest))
	for i, d := range dest {
		value := reflect.ValueOf(d).Elem()
		row[i] = reflect.New(value.Type()).Elem()
		row[i].Set(value)
	}
	r.rows = append(r.rows, row)
	return nil
}

// replay gives the rows that were scanned once more.
func (s scanned) replay() board.Rows { return &replay{rows: s} }

type replay struct {
	rows scanned
	at   int // 1-based
}

func (r *replay) Next() bool {
	r.at++
	return r.at <= len(r.rows)
}

func (r *replay) Err() error { return nil }

func (r *replay) Scan(dest ...any) error {
	if r.at < 1 || r.at > len(r.rows) || len(dest) != len(r.rows[r.at-1]) {
		return fmt.Errorf("no such row of %d columns was scanned before", len(dest))
	}
	for i, value := range r.rows[r.at-1] {
		into := reflect.ValueOf(dest[i]).Elem()
		if !value.Type().AssignableTo(into.Type()) {
			return fmt.Errorf("column %d: scanned as %s before, as %s now", i+1, value.Type(), into.Type())
		}
		into.Set(value)
	}
	return nil
}
