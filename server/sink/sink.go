// Package sink carries segments of the spool into the warehouse: one segment, one batch, stored and verified, then
// deleted. It never drops an event: what the warehouse can't take now is tried again for as long as it lasts, and a
// record that can't even be read is kept as a dead letter. It promises that a segment is deleted only after the
// warehouse has confirmed its rows, so being killed between any two lines loses nothing and, because storing is
// idempotent, counts nothing twice.
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
	Watermark time.Time     // latest occurred_at in the batch
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
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the %s spool: %w", s.Kind, err)
		}
		started := time.Now()
		if err := s.carry(ctx, segment); err != nil {
			return nil //nolint:nilerr // only ctx ends a batch before it is stored; the segment stays
		}
		s.rest(ctx, started)
	}
}

// carry stores one segment and deletes it. It gives up only when ctx ends.
func (s *Stream[T]) carry(ctx context.Context, segment *spool.Segment) error {
	batch, unreadable := s.decode(segment)
	span := s.span(batch)
	s.begin(span.oldest)
	if len(unreadable) > 0 {
		if err := s.persist(ctx, "keep unreadable records", func() error { return bury(s.DeadLetters, unreadable) }); err != nil {
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
	if err := s.persist(ctx, "delete a stored segment", segment.Done); err != nil {
		return err
	}
	s.finish(len(batch.Rows))
	if s.Confirmed != nil && len(batch.Rows) > 0 {
		s.Confirmed(Confirmed{Kind: s.Kind, Rows: len(batch.Rows), Watermark: span.latest, Lag: time.Since(span.oldest)})
	}
	return nil
}

// decode reads a segment's records. Those that can't be read don't hold up the others.
func (s *Stream[T]) decode(segment *spool.Segment) (campaign.Batch[T], []deadLetter) {
	batch := campaign.Batch[T]{Segment: segment.Name()}
	var unreadable []deadLetter
	for n, record := range segment.Records() {
		event, err := s.Decode(record)
		if err != nil {
			unreadable = append(unreadable, deadLetter{Segment: batch.Segment, N: n, At: time.Now(), Reason: err.Error(), Record: append([]byte(nil), record...)})
			continue
		}
		batch.N = append(batch.N, uint32(n)) //nolint:gosec // a segment of 16 MiB holds fewer than 2^32 records
		batch.Rows = append(batch.Rows, event)
	}
	return batch, unreadable
}

// span is the time that a batch covers.
type span struct{ oldest, latest time.Time }

func (s *Stream[T]) span(batch campaign.Batch[T]) (sp span) {
	for i := range batch.Rows {
		occurred, received := s.Times(&batch.Rows[i])
		if sp.oldest.IsZero() || received.Before(sp.oldest) {
			sp.oldest = received
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
		s.count(func(st *Stats) { st.Failures++; st.Trouble = what + ": " + err.Error() })
		s.Logger.Warn("can't "+what+", trying again; its events are safe on disk", "kind", s.Kind.String(), "in", wait, "error", err)
		if !sleep(ctx, wait/2+rand.N(wait/2)) { //nolint:gosec // jitter, not a secret
			return ctx.Err()
		}
		wait = min(2*wait, lastBackoff)
	}
}

// rest keeps the pace while there is no backlog, and never lets storing take more than half of the time.
func (s *Stream[T]) rest(ctx context.Context, started time.Time) {
	if s.Spool.Stats().Segments > 1 {
		return
	}
	took := time.Since(started)
	sleep(ctx, max(s.Pace, 2*took)-took)
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
	if !s.oldest.IsZero() {
		st.Lag = time.Since(s.oldest)
	}
	return st
}
