// Package sink carries segments of the spool into the warehouse: one segment, one batch, stored and verified, then
// deleted. It never drops an event: what the warehouse can't take now is tried again for as long as it lasts, and a
// record that can't even be read is kept as a dead letter. It promises that a segment is deleted only after the
// warehouse has confirmed its rows, so being killed between any two lines loses nothing and, because storing is
// idempotent, counts nothing twice.
package sink

import (
	"bytes"
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
)

// Options of a Stream. T is the kind's event.
type Options[T any] struct {
	Kind   campaign.Kind
	Spool  *spool.Spool
	Decode func(record []byte) (T, error)
	// Store puts the batch into the warehouse and returns nil only when its rows were read back from there. It is
	// idempotent: after any error the same batch is stored again.
	Store func(ctx context.Context, batch campaign.Batch[T]) error
	// Times returns when the event happened and when it was received.
	Times func(event *T) (occurred, received time.Time)
	// Confirmed is told of every batch that readers can see now. It must not block.
	Confirmed func(Confirmed)
	// DeadLetters is the file for records that can't be read.
	DeadLetters string
	// Pace is the least time between the starts of two batches while there is no backlog: many small inserts cost the
	// engine more than they tell anybody.
	Pace   time.Duration
	Logger *slog.Logger
}

// Confirmed says what a batch brought.
type Confirmed struct {
	Kind      campaign.Kind
	Rows      int
	Watermark time.Time     // latest occurred_at in the batch, never after it was received
	Lag       time.Duration // from the receipt of its oldest event until now
}

// Stats are one stream's figures so far.
type Stats struct {
	Batches, Rows, Failures, DeadLetters uint64
	LastConfirmed                        time.Time     // zero before the first batch
	Lag                                  time.Duration // age of the oldest acknowledged event that readers can't see yet
	Trouble                              string        // why the batch at hand could not be stored; empty when all is well
}

// Stream is one kind's way into the warehouse. Run it once.
type Stream[T any] struct {
	Options[T]
	mu    sync.Mutex // guards stats and oldest
	stats Stats
	// oldest is the receipt of the oldest event in the batch at hand; zero between batches.
	oldest time.Time
}

// New makes a stream; Run starts it.
func New[T any](o Options[T]) *Stream[T] { return &Stream[T]{Options: o} }

// Run stores segments until ctx ends or the spool is closed; both are a regular end (nil).
func (s *Stream[T]) Run(ctx context.Context) error {
	for {
		segment, err := s.Spool.Next(ctx)
		if ctx.Err() != nil || errors.Is(err, spool.ErrClosed) {
			return nil //nolint:nilerr // both are a regular end
		}
		if err != nil {
			return fmt.Errorf("read the %s spool: %w", s.Kind, err)
		}
		started := time.Now()
		if err := s.carry(ctx, segment); err != nil {
			return nil //nolint:nilerr // only ctx ends a batch before it is stored; the segment stays
		}
		s.rest(ctx, time.Since(started))
	}
}

// carry stores one segment, tells the readers' side, and deletes it, in this order. It gives up only when ctx ends.
func (s *Stream[T]) carry(ctx context.Context, segment *spool.Segment) error {
	batch, unreadable, err := s.read(ctx, segment)
	if err != nil {
		return err
	}
	span := s.span(batch)
	s.begin(span.oldest)
	if len(unreadable) > 0 {
		keep := func() error { return bury(s.DeadLetters, unreadable) }
		if err := s.persist(ctx, "keep unreadable records", keep); err != nil {
			return err
		}
		s.count(func(st *Stats) { st.DeadLetters += uint64(len(unreadable)) })
	}
	if len(batch.Rows) > 0 {
		store := func() error { return s.Store(ctx, batch) }
		if err := s.persist(ctx, "store a batch", store); err != nil {
			return err
		}
	}
	s.finish(len(batch.Rows))
	if s.Confirmed != nil && len(batch.Rows) > 0 {
		s.Confirmed(Confirmed{Kind: s.Kind, Rows: len(batch.Rows), Watermark: span.latest, Lag: since(span.oldest)})
	}
	s.remove(segment)
	return nil
}

// read decodes a segment. A disk that can't be read and a record that only a newer version understands are waited
// for: going on without them would show money that is known to be incomplete.
func (s *Stream[T]) read(ctx context.Context, segment *spool.Segment) (
	batch campaign.Batch[T], unreadable []deadLetter, err error,
) {
	err = s.persist(ctx, "read a segment", func() (err error) {
		batch, unreadable, err = s.decode(segment)
		return errors.Join(err, segment.Err())
	})
	return batch, unreadable, err
}

// decode reads a segment's records. Those that can't be read don't hold up the others.
func (s *Stream[T]) decode(segment *spool.Segment) (campaign.Batch[T], []deadLetter, error) {
	batch := campaign.Batch[T]{Segment: segment.Name()}
	var unreadable []deadLetter
	for n, record := range segment.Records() {
		event, err := s.Decode(record)
		if errors.Is(err, campaign.ErrRecordNewer) {
			return batch, nil, fmt.Errorf("segment %s, record %d: %w", batch.Segment, n, err)
		}
		if err != nil {
			unreadable = append(unreadable, deadLetter{
				Segment: batch.Segment, N: n, At: time.Now(), Reason: err.Error(), Record: bytes.Clone(record),
			})
			continue
		}
		batch.N = append(batch.N, uint32(n))
		batch.Rows = append(batch.Rows, event)
	}
	return batch, unreadable, nil
}

// remove deletes a stored segment. If that fails, the stream goes on all the same: the spool deletes the file later,
// or gives it out again after a restart, and storing it again changes nothing.
func (s *Stream[T]) remove(segment *spool.Segment) {
	if err := segment.Done(); err != nil {
		s.count(func(st *Stats) { st.Failures++ })
		s.Logger.Warn("can't delete a stored segment; trying again with the next one", "kind", s.Kind.String(), "error", err)
	}
}

// span is the time that a batch covers.
type span struct{ oldest, latest time.Time }

func (s *Stream[T]) span(batch campaign.Batch[T]) (sp span) {
	for i := range batch.Rows {
		occurred, received := s.Times(&batch.Rows[i])
		if sp.oldest.IsZero() || received.Before(sp.oldest) {
			sp.oldest = received
		}
		if occurred.After(received) { // a clock ahead of ours: the mark must not stand in the future for a day
			occurred = received
		}
		if occurred.After(sp.latest) {
			sp.latest = occurred
		}
	}
	return sp
}

// persist tries until it works: with back-off and jitter, so that an engine that comes back isn't met by all streams
// at the same moment. It returns an error only when ctx ends.
func (s *Stream[T]) persist(ctx context.Context, what string, try func() error) error {
	wait := firstBackoff
	for {
		err := try()
		if err == nil {
			s.count(func(st *Stats) { st.Trouble = "" })
			return nil
		}
		if ctx.Err() != nil { // stopping is no failure
			return ctx.Err()
		}
		s.count(func(st *Stats) { st.Failures++; st.Trouble = what + ": " + err.Error() })
		s.Logger.Warn("can't "+what+", trying again; its events are safe on disk",
			"kind", s.Kind.String(), "in", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2)) { //nolint:gosec // jitter, not a secret
			return ctx.Err()
		}
		wait = min(2*wait, lastBackoff)
	}
}

// rest keeps the pace while there is no backlog. Storing that takes long is given a rest as long as itself, so that it
// has half of the engine's time at most, but never a longer one than the pace: an event must not wait for that.
func (s *Stream[T]) rest(ctx context.Context, took time.Duration) {
	if s.Spool.Stats().Segments > 1 {
		return
	}
	sleep(ctx, min(max(s.Pace-took, took), s.Pace))
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
