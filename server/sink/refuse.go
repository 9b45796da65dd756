package sink

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

// Where a refusal of rows ends to be about these rows. A broken event is refused among others that are taken; a broken
// table takes nothing at all, and then whole segments must not become dead letters.
const (
	// mostRefused bounds the dead letters of one batch. More are waited for without end.
	mostRefused = 1000
	// suspicious is how many rows in a row may be refused before it counts that none was taken.
	suspicious = 20
	// doubtFor is how long a batch of which nothing is taken is waited for. After that, up to mostRefused rows are put
	// aside all the same: what waits behind them may be good, and a letter can be sent again.
	doubtFor = 5 * time.Minute
)

// errTakesNothing says that the engine refuses more than single events can explain.
var errTakesNothing = errors.New("the engine refuses all of it: mend its tables rather than the events")

// store brings a batch into the warehouse; rows that the engine refuses become dead letters on disk. It returns how
// many these are. What the engine can't take for another reason is waited for.
func (s *Stream[T]) store(ctx context.Context, batch campaign.Batch[T], segment *spool.Segment) (refused int, err error) {
	if len(batch.Rows) == 0 {
		return 0, nil
	}
	var doubted time.Time
	var found *sorting[T]
	err = s.persist(ctx, "store a batch", func() (err error) {
		believe := !doubted.IsZero() && since(doubted) >= doubtFor && len(batch.Rows) <= mostRefused
		found, err = s.sort(ctx, batch, believe)
		batch.First = false
		if errors.Is(err, errTakesNothing) && doubted.IsZero() {
			doubted = time.Now()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	if s.refusals += len(found.refused); found.takes {
		s.refusals = 0
	}
	return len(found.refused), s.buryRefused(ctx, segment, found.refused)
}

// sorting is one try to store a batch with rows that the engine refuses: its halves are stored, their halves, and so on
// down to the single rows. The rows are tried in their order, so that of two copies in a batch the first one wins.
type sorting[T any] struct {
	stream  *Stream[T]
	whole   campaign.Batch[T]
	believe bool // nothing being taken is no reason to stop
	takes   bool // the engine has taken a row
	refused []refusedRow
}

// refusedRow is a row that the engine refuses even alone.
type refusedRow struct {
	n            uint32
	feed, reason string
}

// sort stores what can be stored of a batch. Its error is errTakesNothing, or any that is not about the rows; then
// nothing is known.
func (s *Stream[T]) sort(ctx context.Context, batch campaign.Batch[T], believe bool) (*sorting[T], error) {
	r := &sorting[T]{stream: s, whole: batch, believe: believe}
	if err := r.put(ctx, batch); err != nil {
		return r, err
	}
	if !r.takes && !believe && s.refusals+len(r.refused) >= suspicious {
		return r, r.takesNothing()
	}
	return r, nil
}

func (r *sorting[T]) put(ctx context.Context, b campaign.Batch[T]) error {
	err := r.stream.Store(ctx, b)
	switch {
	case err == nil:
		r.takes = true
		return nil
	case r.stream.Refused == nil || !r.stream.Refused(err):
		return err
	case len(b.Rows) == 1:
		return r.refuse(ctx, b, err)
	}
	middle := len(b.Rows) / 2
	if err := r.put(ctx, part(b, 0, middle)); err != nil {
		return err
	}
	return r.put(ctx, part(b, middle, len(b.Rows)))
}

// part is a stretch of a batch of one segment. It is never the first try.
func part[T any](b campaign.Batch[T], from, to int) campaign.Batch[T] {
	return campaign.Batch[T]{Segment: b.Segment, N: b.N[from:to], Rows: b.Rows[from:to]}
}

// refuse notes a bad row, and stops when there are more than bad rows can explain.
func (r *sorting[T]) refuse(ctx context.Context, b campaign.Batch[T], why error) error {
	r.refused = append(r.refused, refusedRow{b.N[0], strings.Clone(r.stream.Feed(&b.Rows[0])), root(why)})
	switch {
	case len(r.refused) > mostRefused:
		return r.takesNothing()
	case r.takes || r.believe || len(r.refused) != suspicious:
		return nil
	}
	return r.sample(ctx)
}

// sample tries single rows from everywhere in the batch, so that a run of bad rows at its beginning is told from a
// table that takes nothing without trying each row.
func (r *sorting[T]) sample(ctx context.Context) error {
	for range suspicious {
		i := rand.N(len(r.whole.Rows)) //nolint:gosec // a sample, not a secret
		err := r.stream.Store(ctx, part(r.whole, i, i+1))
		if err == nil {
			r.takes = true
			return nil
		}
		if !r.stream.Refused(err) {
			return err
		}
	}
	return r.takesNothing()
}

func (r *sorting[T]) takesNothing() error {
	advice := fmt.Sprintf("after %v they are put aside as dead letters", doubtFor)
	if len(r.whole.Rows) > mostRefused {
		advice = "if the events are bad after all, stop warroom and move the segment's file out of the spool"
	}
	return fmt.Errorf("%w: %s, segment %s; %s", errTakesNothing, r.refused[len(r.refused)-1].reason, r.whole.Segment, advice)
}

// root is what an error began with: the engine's code and its meaning, without the name of the batch, so that equal
// reasons are equal texts.
func root(err error) string {
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return strings.Clone(err.Error())
}

// buryRefused makes dead letters of the rows that the engine refuses.
func (s *Stream[T]) buryRefused(ctx context.Context, segment *spool.Segment, refused []refusedRow) error {
	if len(refused) == 0 {
		return nil
	}
	numbers := make([]uint32, len(refused))
	for i, row := range refused {
		numbers[i] = row.n
	}
	records, err := s.records(ctx, segment, numbers)
	if err != nil {
		return err
	}
	letters := make([]line, len(refused))
	for i, row := range refused {
		letters[i] = line{
			Segment: segment.Name(), N: row.n, At: time.Now(), Feed: row.feed, Reason: row.reason, Record: records[row.n],
		}
	}
	return s.bury(ctx, letters)
}

// bury keeps dead letters; it returns when they are on disk. A settled line ends one.
func (s *Stream[T]) bury(ctx context.Context, letters []line) error {
	if len(letters) == 0 {
		return nil
	}
	var changed []campaign.DeadLetter
	err := s.persist(ctx, "keep dead letters", func() (err error) {
		changed, err = s.Letters.put(letters)
		return err
	})
	if err != nil {
		return err
	}
	s.tell(changed)
	return nil
}

// tell says which letters are new or changed: the log only of the first, since they come in crowds.
func (s *Stream[T]) tell(changed []campaign.DeadLetter) {
	stay := slices.DeleteFunc(slices.Clone(changed), func(l campaign.DeadLetter) bool { return !l.Settled.IsZero() })
	if len(stay) > 0 {
		s.Logger.Error("events could not be counted and are kept as dead letters: see the feeds page",
			"kind", s.Kind.String(), "events", len(stay), "segment", stay[0].Segment, "first", stay[0].N,
			"feed", stay[0].Feed, "reason", stay[0].Reason)
		s.count(func(st *Stats) { st.DeadLetters += uint64(len(stay)) })
	}
	if s.Buried != nil && len(changed) > 0 {
		s.Buried(changed)
	}
}
