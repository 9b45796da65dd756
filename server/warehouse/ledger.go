package warehouse

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"

	"warroom/server/campaign"
)

// ledger is how a kind of events with an identity is kept: money and mail differ only in this. T is the event, C what
// one copy of it claims: another copy that claims something else is a conflict, and the first copy counts.
type ledger[T any, C comparable] struct {
	kind  campaign.Kind
	name  func(*T) identity
	claim func(*T) C
	// sheet are the parts of a claim for the sheet `batch`, and answer makes room for them in the engine's answers.
	sheet  []field[entry[C]]
	answer func() (parts []proto.ColResult, claim func(i int) C)

	identities, events, copies table[row[T]]
	copied                     func(row[T]) bool // whether a later copy is kept in copies

	// cuts are the moment of an event, in Unix ms, and the values that sums tell it by.
	cuts func(*T) (at int64, in [][2]string)

	// SQL, in which {version} is new. The sheet `batch` has source and id, from the second one on also mine, the receipt
	// where mine, and the claim.
	known     string   // source, id, segment, n and the claim of the identities in `batch`
	recompute []string // the rollups of what is touched, as {version}, each from those before: see sums.go
	daily     string   // what is due once a day, as {version}, may be empty
	again     []string // further ones that views fill as events come in, unless the engine died in between
	confirm   string   // whether all of `batch` is in identities, in events and, as {version}, in the rollups
}

// identity names one event for ever.
type identity struct{ source, id string }

// first is what is known of the first copy of an identity: where it came from, and what it claims.
type first[C comparable] struct {
	receipt
	claim  C
	listed bool // in the sheet of what must be there
}

// entry is a line of the sheet of what must be there in the end: an identity with the claim that counts, and whether
// this chunk brought it.
type entry[C comparable] struct {
	identity
	receipt // of the first copy
	claim   C
	mine    bool
}

// store brings a chunk into the tables of the ledger. Between any two of its statements the process or the engine may
// die: every statement can be repeated, and each one builds on what the earlier ones left, not on what they answered.
//
//  1. Which identities are there, and whose copy is first?
//  2. The identities that are not there: from here on the first copy is settled.
//  3. Other copies, which never count.
//  4. The events whose first copy is in this chunk, in the order of time, unless they are all there.
//  5. The minutes that these touch, summed again from the events.
//  6. Read all of it back.
func (l ledger[T, C]) store(ctx context.Context, w *Warehouse, c chunk[T]) error {
	known, err := l.look(ctx, w, c)
	if err != nil {
		return err
	}
	s := l.sortOut(c, known)
	anew, fresh := c, c
	anew.salt += "/anew-" + strconv.FormatUint(w.version(), 10)
	if s.restored {
		fresh = anew
	}
	if err := insert(ctx, w, l.kind, l.identities, fresh, s.fresh); err != nil {
		return err
	}
	// A copy that comes twice is one, but one that was lost is not read back.
	if err := insert(ctx, w, l.kind, l.copies, anew, s.copies); err != nil {
		return err
	}
	batch := blockOf("batch", append([]field[entry[C]]{
		word("source", func(e *entry[C]) string { return e.source }),
		text("id", func(e *entry[C]) string { return e.id }),
		truth("mine", func(e *entry[C]) bool { return e.mine }),
		word("segment", func(e *entry[C]) string { return e.segment }),
		number("n", func(e *entry[C]) uint32 { return e.n }),
	}, l.sheet...), s.entries)
	if err := l.insertEvents(ctx, w, c, s, batch); err != nil {
		return err
	}
	version := w.version()
	sums := l.recompute
	if len(s.fresh) < len(s.mine) {
		sums = slices.Concat(l.recompute, l.again)
	}
	touches := touched(s.mine, l.cuts)
	if err := sumAgain(ctx, w, l.kind, version, touches, sums); err != nil {
		return err
	}
	if err := w.closeDay(ctx, l.kind, l.daily); err != nil {
		return err
	}
	there, summed, err := l.readBack(ctx, w, version, batch, touches)
	if err == nil && (!there || !summed) {
		return errUnconfirmed
	}
	return err
}

// insertEvents brings the events into the order of time. A replay comes with a day of events that are all there: looking
// is cheaper than having the engine merge them again.
func (l ledger[T, C]) insertEvents(ctx context.Context, w *Warehouse, c chunk[T], s sorted[T, C], batch block) error {
	if len(s.fresh) == 0 && len(s.mine) > 0 {
		if there, _, err := l.readBack(ctx, w, w.version(), batch, touched(s.mine, l.cuts)); err != nil || there {
			return err
		}
	}
	return insert(ctx, w, l.kind, l.events, c, s.mine)
}

func withVersion(sql string, version uint64) string {
	return strings.ReplaceAll(sql, "{version}", strconv.FormatUint(version, 10))
}

// look asks which of the rows' identities the warehouse has.
func (l ledger[T, C]) look(ctx context.Context, w *Warehouse, c chunk[T]) (map[identity]first[C], error) {
	ids := blockOf("batch", []field[row[T]]{
		word("source", func(r *row[T]) string { return l.name(r.event).source }),
		text("id", func(r *row[T]) string { return l.name(r.event).id }),
	}, c.rows)
	known := make(map[identity]first[C], len(c.rows))
	var source, id, segment proto.ColStr
	var n proto.ColUInt32
	parts, claim := l.answer()
	columns := append([]proto.ColResult{&source, &id, &segment, &n}, parts...)
	err := w.askAlong(ctx, l.kind, "look for what is there", l.known, ids, results(columns...), func(rows int) {
		for i := range rows {
			known[identity{source.Row(i), id.Row(i)}] = first[C]{receipt: receipt{segment.Row(i), n[i]}, claim: claim(i)}
		}
	})
	return known, err
}

// sorted are the rows of a chunk by what becomes of them.
type sorted[T any, C comparable] struct {
	fresh   []row[T] // first copies that the warehouse doesn't have yet
	mine    []row[T] // first copies of this chunk: the fresh ones, and those that an earlier try stored
	copies  []row[T] // others that are kept
	entries []entry[C]
	// restored says that the engine may know the token of fresh, although what it then got has gone.
	restored bool
}

// sortOut lets the first copy of each identity win: the one that is known, else the earliest in the chunk. It adds to
// known.
func (l ledger[T, C]) sortOut(c chunk[T], known map[identity]first[C]) sorted[T, C] {
	s := sorted[T, C]{mine: make([]row[T], 0, len(c.rows)), entries: make([]entry[C], 0, len(c.rows))}
	list := func(who identity, f first[C], mine bool) {
		f.listed = true
		known[who] = f
		s.entries = append(s.entries, entry[C]{who, f.receipt, f.claim, mine})
	}
	var others []row[T]
	for _, r := range c.rows {
		who := l.name(r.event)
		won, there := known[who]
		if there && won.segment == "" && won.claim == l.claim(r.event) {
			there, s.restored = false, true // put back by a repair (see books): without its receipt and props
		}
		switch {
		case !there:
			s.fresh, s.mine = append(s.fresh, r), append(s.mine, r)
			list(who, first[C]{receipt: r.receipt, claim: l.claim(r.event)}, true)
		case won.receipt == r.receipt:
			s.mine = append(s.mine, r)
			list(who, won, true)
		default:
			others = append(others, r)
		}
	}
	for _, r := range others {
		who := l.name(r.event)
		won := known[who]
		if !won.listed {
			list(who, won, false)
		}
		if r.conflict = won.claim != l.claim(r.event); l.copied(r) {
			s.copies = append(s.copies, r)
		}
	}
	return s
}

// readBack has the engine compare what the tables hold with what they must hold, by numbers, sums and hashes: whether
// the events are there, by identity and by time, and whether their minutes are summed as that version.
func (l ledger[T, C]) readBack(ctx context.Context, w *Warehouse, version uint64, batch block, touches []touch) (
	there, summed bool, err error,
) {
	var identities, events, minutes proto.ColUInt8
	answer := results(&identities, &events, &minutes)
	sql := withVersion(overTimes(l.confirm, touches), version) + threads(touches)
	sql = strings.ReplaceAll(sql, "{times}", strconv.Itoa(counts(touches)))
	err = w.askAlong(ctx, l.kind, "read back", sql, batch, answer, func(int) {
		there, summed = identities[0] == 1 && events[0] == 1, minutes[0] == 1
	})
	return there, summed, err
}

// results are the columns of an answer, whatever they are called.
func results(columns ...proto.ColResult) proto.Results {
	out := make(proto.Results, len(columns))
	for i, c := range columns {
		out[i].Data = c
	}
	return out
}
