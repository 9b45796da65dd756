// Package sink carries segments of the spool into the warehouse: one segment, one batch, stored and verified, then
// done. It never drops an event: what the warehouse can't take now is tried again for as long as it lasts; an event
// that the engine refuses for itself, and a record that can't even be read, are kept as dead letters and can be sent
// again. It promises that a segment is done only after the warehouse has confirmed its rows and its dead letters are on
// disk, so being killed between any two lines loses nothing and, because storing is idempotent, counts nothing twice.
package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

const (
	firstBackoff = 200 * time.Millisecond
	lastBackoff  = 5 * time.Second
	// heldBackoff is for a batch of which the engine takes nothing: each try is many inserts.
	heldBackoff = time.Minute
	// roomEvery is how often the engine is asked whether it has room for a backlog: the question costs a query.
	roomEvery = 5 * time.Second
)

// Options of a Stream. T is the kind's event.
type Options[T any] struct {
	Kind   campaign.Kind
	Spool  *spool.Spool
	Decode func(record string) (T, error)
	// Store puts the batch into the warehouse and returns nil only when its rows were read back from there. It is
	// idempotent for each row by its receipt: after any error the same batch, or parts of it, are stored again. It keeps
	// nothing of the batch when it returns.
	Store func(ctx context.Context, batch campaign.Batch[T]) error
	// Refused says of an error of Store that the engine refuses the rows themselves: trying the same again can't help.
	// nil = never.
	Refused func(error) bool
	// Room returns an error while the engine should be left alone: it has too many parts. It is asked before a batch when
	// there is a backlog, every few seconds. nil = always room.
	Room func(ctx context.Context) error
	// Turn waits until a batch may have the engine, for a bounded time. nil = at once.
	Turn func(ctx context.Context)
	// Times returns when the event happened and when it was received; Feed returns who sent it.
	Times func(event *T) (occurred, received time.Time)
	Feed  func(event *T) string
	// Confirmed is told of every batch that readers can see now. It must not block.
	Confirmed func(Confirmed)
	// Letters are the kind's dead letters. Buried is told of those that are new, changed or settled; it must not block.
	Letters *Letters
	Buried  func([]campaign.DeadLetter)
	// Pace is the least time between the starts of two batches while there is no backlog: many small inserts cost the
	// engine more than they tell anybody.
	Pace   time.Duration
	Logger *slog.Logger
}

// Confirmed says what a batch brought.
type Confirmed struct {
	Kind      campaign.Kind
	Rows      int
	First     time.Time     // earliest occurred_at in the batch; zero for what was sent again: any time
	Watermark time.Time     // latest occurred_at in the batch, never after it was received; zero for what was sent again
	Lag       time.Duration // from the receipt of its oldest event until now; 0 for what was sent again
}

// Stats are one stream's figures so far.
type Stats struct {
	Batches, Rows, Failures, DeadLetters uint64
	SentAgain                            uint64        // events that a replay, or sending a dead letter again, stored
	LastConfirmed                        time.Time     // zero before the first batch
	Lag                                  time.Duration // age of the oldest acknowledged event that readers can't see yet
	Trouble                              string        // why the batch at hand could not be stored; empty when all is well
}

// Stream is one kind's way into the warehouse. Run it once.
type Stream[T any] struct {
	Options[T]
	ended chan struct{} // closed when Run has ended

	// Run's goroutine alone has these.
	rows      []T       // the batch at hand; its memory is used again
	numbers   []uint32  // of rows
	refusals  int       // rows that were refused since one was taken
	askedRoom time.Time // when the engine was last asked for room
	together  int       // records of kept segments that a replay stores in one batch

	mu    sync.Mutex // guards what follows
	stats Stats
	// oldest is the receipt of the oldest event in the batch at hand; zero between batches.
	oldest  time.Time
	errands []*errand
	wake    context.CancelFunc // ends the waiting for a segment
}

// New makes a stream; Run starts it.
func New[T any](o Options[T]) *Stream[T] {
	return &Stream[T]{Options: o, ended: make(chan struct{}), together: together}
}

// Run stores segments, and does errands between them, until ctx ends or the spool is closed; both are a regular end
// (nil).
func (s *Stream[T]) Run(ctx context.Context) error {
	defer close(s.ended)
	for {
		segment, err := s.next(ctx)
		if ctx.Err() != nil || errors.Is(err, spool.ErrClosed) {
			return nil //nolint:nilerr // both are a regular end
		}
		if err != nil {
			return fmt.Errorf("read the %s spool: %w", s.Kind, err)
		}
		started := time.Now()
		if segment != nil {
			if err := s.carry(ctx, segment); err != nil {
				return nil //nolint:nilerr // only ctx ends a batch before it is stored; the segment stays
			}
		}
		s.rest(ctx, time.Since(started))
	}
}

// next is the next segment, or nil when there is none and an errand waits.
func (s *Stream[T]) next(ctx context.Context) (*spool.Segment, error) {
	waiting, enough := context.WithCancel(ctx)
	defer enough()
	s.mu.Lock()
	s.wake = enough
	errands := len(s.errands) > 0
	s.mu.Unlock()
	if errands && s.Spool.Stats().Segments == 0 {
		return nil, nil
	}
	segment, err := s.Spool.Next(waiting)
	if err != nil && waiting.Err() != nil {
		return nil, ctx.Err()
	}
	return segment, err
}

// carry stores one segment, tells the readers' side, and gives it back, in this order. It gives up only when ctx ends.
func (s *Stream[T]) carry(ctx context.Context, segment *spool.Segment) error {
	if err := s.makeWay(ctx); err != nil {
		return err
	}
	batch, unreadable, err := s.read(ctx, segment)
	if err != nil {
		return err
	}
	defer s.release()
	span := s.span(batch)
	s.begin(span.oldest)
	if err := s.bury(ctx, unreadable); err != nil {
		return err
	}
	batch.First = !segment.Inherited()
	refused, err := s.store(ctx, batch, segment)
	if err != nil {
		return err
	}
	stored := len(batch.Rows) - refused
	s.finish(stored)
	if s.Confirmed != nil && stored > 0 {
		s.Confirmed(Confirmed{Kind: s.Kind, Rows: stored, First: span.first, Watermark: span.latest, Lag: since(span.oldest)})
	}
	s.remove(segment)
	return nil
}

// makeWay waits for the batch's turn, and with a backlog for room in the engine.
func (s *Stream[T]) makeWay(ctx context.Context) error {
	if s.Turn != nil {
		s.Turn(ctx)
	}
	if s.Room == nil || s.Spool.Stats().Segments <= 1 || time.Since(s.askedRoom) < roomEvery {
		return ctx.Err()
	}
	return s.persist(ctx, "store a backlog", func() error {
		if err := s.Room(ctx); err != nil {
			return noRoom{err}
		}
		s.askedRoom = time.Now()
		return nil
	})
}

// remove gives a stored segment back to the spool. If that fails, the stream goes on all the same: the spool does it
// later, or gives the segment out again after a restart, and storing it again changes nothing.
func (s *Stream[T]) remove(segment *spool.Segment) {
	if err := segment.Done(); err != nil {
		s.count(func(st *Stats) { st.Failures++ })
		s.Logger.Warn("can't delete a stored segment; trying again with the next one", "kind", s.Kind.String(), "error", err)
	}
}

// noRoom is an error of Options.Room: asking again at once would cost the engine what it lacks.
type noRoom struct{ error }

// persist tries until it works: with back-off and jitter, so that an engine that comes back isn't met by all streams
// at the same moment. It returns an error only when ctx ends. The trouble is told until the batch is finished.
func (s *Stream[T]) persist(ctx context.Context, what string, try func() error) error {
	wait := firstBackoff
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil { // stopping is no failure
			return ctx.Err()
		}
		level, longest := slog.LevelWarn, lastBackoff
		if errors.Is(err, errTakesNothing) {
			level, longest = slog.LevelError, heldBackoff
		}
		if _, full := err.(noRoom); full { //nolint:errorlint // it is never wrapped
			wait = max(wait, roomEvery/2)
		}
		s.count(func(st *Stats) { st.Failures++; st.Trouble = what + ": " + err.Error() })
		s.Logger.Log(ctx, level, "can't "+what+", trying again; its events are safe on disk",
			"kind", s.Kind.String(), "in", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2)) { //nolint:gosec // jitter, not a secret
			return ctx.Err()
		}
		wait = min(2*wait, longest)
	}
}

// rest keeps the pace while there is no backlog, and does errands meanwhile: one at least, so that a backlog doesn't
// hold them up, nor they the backlog. Storing that takes long is given a rest as long as itself, so that it has half of
// the engine's time at most, but never a longer one than the pace: an event must not wait for that.
func (s *Stream[T]) rest(ctx context.Context, took time.Duration) {
	until := time.Now()
	if s.Spool.Stats().Segments <= 1 {
		until = until.Add(min(max(s.Pace-took, took), s.Pace))
	}
	for s.runErrand(ctx) && time.Now().Before(until) {
	}
	sleep(ctx, time.Until(until))
}

// sleep waits and says whether it slept to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (s *Stream[T]) begin(oldest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = oldest
}

func (s *Stream[T]) finish(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = time.Time{}
	s.stats.Batches++
	s.stats.Rows += uint64(rows) //nolint:gosec // a count
	s.stats.LastConfirmed = time.Now()
	s.stats.Trouble = ""
}

func (s *Stream[T]) count(change func(*Stats)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.stats)
}

// Stats returns the stream's figures. Lag grows while a batch can't be stored.
func (s *Stream[T]) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Lag = since(s.oldest)
	return st
}

// since is the age of a moment on some clock; 0 for the zero time and for one that is still to come.
func since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return max(0, time.Since(t))
}
