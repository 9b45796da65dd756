package warehouse

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ledger is how a kind of events with an identity is kept: money and mail differ only in this. T is the event, C what
// one copy of it claims: another copy that claims something else is a conflict, and the first copy counts.
type ledger[T any, C comparable] struct {
	name     func(*T) identity
	occurred func(*T) time.Time
	claim    func(*T) C
	// claimed are the places of a claim's parts, in the order of the SQL below, for reading and for the sheet.
	claimed func(*C) []any
	// sheet are the names and types of the claim's parts in the sheet `batch`.
	sheet []string

	identities, events, copies table[T]
	copied                     func(row[T]) bool // whether a later copy is kept in copies

	known     string // SQL: source, id, segment, n and the claim of the identities in `batch`
	recompute string // SQL: the rollup of the minutes that `batch` touches, as {version:UInt64}
	confirm   string // SQL: how much of `batch` is in identities, events and, as {version:UInt64}, minutes
}

// table is where rows go, and how.
type table[T any] struct {
	name   string
	fields []field[T]
}

// identity names one event for ever.
type identity struct{ source, id string }

// first is what is known of the first copy of an identity: where it came from, and what it claims.
type first[C comparable] struct {
	receipt
	claim C
}

// store brings a chunk into the tables of the ledger. Between any two of its statements the process or the engine may
// die: every statement can be repeated, and each one builds on what the earlier ones left, not on what they answered.
//
//  1. Which identities are there, and whose copy is first?
//  2. The identities that are not there: from here on the first copy is settled.
//  3. Other copies, which never count.
//  4. The events whose first copy is in this chunk, in the order of time.
//  5. The minutes that these touch, summed again from the events.
//  6. Read all of it back.
func (l ledger[T, C]) store(ctx context.Context, w *Warehouse, c chunk[T]) error {
	known, err := l.look(ctx, w, c.rows)
	if err != nil {
		return err
	}
	s := l.sortOut(c.rows, known)
	if err := insert(ctx, w, l.identities, c.name, s.fresh); err != nil {
		return err
	}
	if err := insert(ctx, w, l.copies, c.name, s.copies); err != nil {
		return err
	}
	if err := insert(ctx, w, l.events, c.name, s.mine); err != nil {
		return err
	}
	batch := l.batch(s)
	version := clickhouse.Parameters{"version": strconv.FormatUint(w.version(), 10)}
	if len(s.mine) > 0 {
		if err := w.exec(ctx, statement{"sum the minutes again", l.recompute, version, batch}); err != nil {
			return err
		}
	}
	return l.readBack(ctx, w, s, statement{"read back", l.confirm, version, batch})
}

// look asks which of the rows' identities the warehouse has.
func (l ledger[T, C]) look(ctx context.Context, w *Warehouse, rows []row[T]) (map[identity]first[C], error) {
	ids := newSheet("batch", "source", "String", "id", "String")
	for _, r := range rows {
		who := l.name(r.event)
		ids.put(who.source, who.id)
	}
	known := make(map[identity]first[C], len(rows))
	err := w.ask(ctx, statement{what: "look for what is there", sql: l.known, sheet: ids}, func(rows driver.Rows) error {
		var who identity
		var f first[C]
		if err := rows.Scan(append([]any{&who.source, &who.id, &f.segment, &f.n}, l.claimed(&f.claim)...)...); err != nil {
			return err
		}
		known[who] = f
		return nil
	})
	return known, err
}

// sorted are the rows of a chunk by what becomes of them.
type sorted[T any, C comparable] struct {
	fresh  []row[T] // first copies that the warehouse doesn't have yet
	mine   []row[T] // first copies of this chunk: the fresh ones, and those that an earlier try stored
	copies []row[T] // others that are kept
	firsts map[identity]first[C]
}

// sortOut lets the first copy of each identity win: the one that is known, else the earliest in the chunk. It adds to
// known.
func (l ledger[T, C]) sortOut(rows []row[T], known map[identity]first[C]) sorted[T, C] {
	s := sorted[T, C]{firsts: known}
	for _, r := range rows {
		who, says := l.name(r.event), l.claim(r.event)
		won, there := known[who]
		if !there {
			known[who] = first[C]{r.receipt, says}
			s.fresh = append(s.fresh, r)
		}
		if !there || won.receipt == r.receipt {
			s.mine = append(s.mine, r)
			continue
		}
		r.conflict = won.claim != says
		if l.copied(r) {
			s.copies = append(s.copies, r)
		}
	}
	return s
}

// batch is the sheet of what must be there in the end: each identity with the claim that counts, and whether this
// chunk brought it.
func (l ledger[T, C]) batch(s sorted[T, C]) *sheet {
	mine := make(map[receipt]bool, len(s.mine))
	for _, r := range s.mine {
		mine[r.receipt] = true
	}
	b := newSheet("batch", append([]string{"source", "String", "id", "String", "mine", "Bool"}, l.sheet...)...)
	for who, f := range s.firsts {
		b.put(append([]any{who.source, who.id, mine[f.receipt]}, l.claimed(&f.claim)...)...)
	}
	return b
}

// readBack compares what the tables hold with what they must hold.
func (l ledger[T, C]) readBack(ctx context.Context, w *Warehouse, s sorted[T, C], confirm statement) error {
	var identities, events, minutes uint64
	err := w.ask(ctx, confirm, func(rows driver.Rows) error { return rows.Scan(&identities, &events, &minutes) })
	if err != nil {
		return err
	}
	touched := map[time.Time]struct{}{}
	for _, r := range s.mine {
		touched[moment(l.occurred(r.event)).Truncate(time.Minute)] = struct{}{}
	}
	if identities != uint64(len(s.firsts)) || events != uint64(len(s.mine)) || minutes != uint64(len(touched)) {
		return errUnconfirmed
	}
	return nil
}
