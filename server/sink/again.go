package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

// ErrEnded says that the stream has ended before it was asked, or while it did what it was asked for.
var ErrEnded = errors.New("warroom is stopping: ask again when it runs")

// errand is something that the stream is asked to do beside its segments. It does it in steps between two of them, on
// its own goroutine, so that it never stores two things at once and new events go on flowing.
type errand struct {
	ctx  context.Context // of who asked: no step begins after its end
	step func(ctx context.Context) (more bool)
	done chan struct{}
}

// ask has an errand done and waits for it. After an error a step may still be running.
func (s *Stream[T]) ask(ctx context.Context, step func(ctx context.Context) (more bool)) error {
	e := &errand{ctx: ctx, step: step, done: make(chan struct{})}
	s.mu.Lock()
	s.errands = append(s.errands, e)
	wake := s.wake
	s.mu.Unlock()
	if wake != nil {
		wake()
	}
	select {
	case <-e.done:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.ended:
		return ErrEnded
	}
}

// runErrand does one step of the errand that has waited longest and says whether there was one.
func (s *Stream[T]) runErrand(ctx context.Context) bool {
	s.mu.Lock()
	if len(s.errands) == 0 || ctx.Err() != nil {
		s.mu.Unlock()
		return false
	}
	e := s.errands[0]
	s.errands = s.errands[1:]
	s.mu.Unlock()
	more := e.ctx.Err() == nil && e.step(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Trouble = ""
	if more {
		s.errands = append(s.errands, e) // behind the others
	} else {
		close(e.done)
	}
	return true
}

// Replayed says how far a replay has come.
type Replayed struct {
	Segments, Rows int // sent again
	Looked, Of     int // kept segments that were looked through, of how many
	Refused        int // rows that the engine refused; they are dead letters now
}

const (
	// together bounds how many records of kept segments are stored in one batch. A gift that arrives meanwhile waits for
	// it, and small segments cost the engine as much as large ones: a busy day of gifts leaves 400,000 of them.
	together = 10_000
	// togetherBytes is as much as a segment of the spool holds.
	togetherBytes = 16 << 20
)

// Replay stores again what the spool has kept of a feed ("" = all) and was received at or after since, oldest first,
// under its original receipts: it changes no total, and fills in what the engine has lost. Segments are joined to
// batches; new events flow between these. Records with an open dead letter are left to SendAgain. told hears of each
// batch; it must not block. A kept segment that can't be read is left out and named in the error at the end.
func (s *Stream[T]) Replay(ctx context.Context, since time.Time, feed string, told func(Replayed)) (Replayed, error) {
	r := &replay[T]{stream: s, kept: s.Spool.Kept(since), since: since, feed: feed, most: s.together}
	r.Of = len(r.kept)
	err := s.ask(ctx, func(ctx context.Context) (more bool) {
		if len(r.kept) == 0 {
			return false
		}
		more = r.step(ctx)
		if told != nil {
			told(r.Replayed)
		}
		return more
	})
	if err != nil {
		return Replayed{}, err
	}
	return r.Replayed, r.failed
}

// replay is one on its way. Run's goroutine has it until it is over.
type replay[T any] struct {
	Replayed
	stream *Stream[T]
	kept   []*spool.Segment // those that are still to come
	since  time.Time
	feed   string
	most   int   // records that are stored in one batch now
	failed error // what went wrong with single segments, and what ended it
}

// step stores one batch.
func (r *replay[T]) step(ctx context.Context) (more bool) {
	s := r.stream
	if s.makeWay(ctx) != nil {
		return r.fail(ErrEnded)
	}
	defer s.release()
	joined, err := r.read()
	refused := 0
	switch {
	case err != nil || len(joined.Rows) == 0:
	case joined.segments == 1:
		joined.Of = nil
		refused, err = s.storeAgain(ctx, joined.Batch, r.kept[0])
	default:
		if err := s.Store(ctx, joined.Batch); err != nil {
			return r.storeFewer(ctx, joined, err)
		}
		s.countAgain(len(joined.Rows))
	}
	if err == nil {
		r.Rows, r.Refused = r.Rows+len(joined.Rows)-refused, r.Refused+refused
		r.Segments += joined.with
		r.most = min(2*max(r.most, joined.records), s.together)
	}
	name := r.kept[0].Name()
	r.Looked, r.kept = r.Looked+joined.segments, r.kept[joined.segments:]
	if err == nil && ctx.Err() != nil && len(r.kept) > 0 {
		err = ErrEnded
	}
	if err != nil && !r.fail(fmt.Errorf("kept segment %s: %w", name, err)) {
		return false
	}
	return len(r.kept) > 0
}

// fail notes an error and says whether the replay goes on after it.
func (r *replay[T]) fail(err error) (more bool) {
	r.failed = errors.Join(r.failed, err)
	return !errors.Is(err, ErrEnded) && !errors.Is(err, errTakesNothing)
}

// storeFewer has the next steps do with smaller batches what one could not do, down to single segments: these find the
// rows that the engine refuses, or wait for it.
func (r *replay[T]) storeFewer(ctx context.Context, tried joined[T], err error) (more bool) {
	if ctx.Err() != nil {
		return r.fail(ErrEnded)
	}
	r.most = tried.records / 2
	r.stream.count(func(st *Stats) { st.Failures++ })
	r.stream.Logger.Warn("can't store kept segments together, trying fewer at once", "kind", r.stream.Kind.String(),
		"segments", tried.segments, "error", err)
	return true
}

// joined is a batch of kept segments.
type joined[T any] struct {
	campaign.Batch[T]
	segments, records int // that were read
	with              int // segments with rows in the batch
}

// read makes a batch of the next kept segments. An error is about the first of them.
func (r *replay[T]) read() (joined[T], error) {
	s, j, bytes := r.stream, joined[T]{}, int64(0)
	s.rows, s.numbers = s.rows[:0], s.numbers[:0]
	for i, segment := range r.kept {
		bytes += segment.Size()
		if i > 0 && (j.records+max(1, segment.Count()) > r.most || bytes > togetherBytes) {
			break
		}
		start := len(s.rows)
		_, err := s.add(segment) // what is unreadable is a letter since it was first read
		if err = errors.Join(err, segment.Err()); err != nil && i > 0 {
			s.cut(start) // it begins the next batch
			break
		}
		j.segments++
		if err != nil {
			return j, err
		}
		j.records += len(s.rows) - start
		if s.narrow(segment.Name(), start, r.since, r.feed) {
			j.with++
		}
		for range len(s.rows) - start {
			j.Of = append(j.Of, segment.Name())
		}
	}
	j.N, j.Rows = s.numbers, s.rows
	if len(j.Of) > 0 {
		j.Segment = j.Of[0]
	}
	return j, nil
}

// narrow keeps, of the rows from start on, those that a replay asks for and that are not dead letters, and says whether
// there are any.
func (s *Stream[T]) narrow(segment string, start int, since time.Time, feed string) bool {
	kept := start
	for i := start; i < len(s.rows); i++ {
		_, received := s.Times(&s.rows[i])
		if received.Before(since) || feed != "" && s.Feed(&s.rows[i]) != feed || s.Letters.openIn(segment, s.numbers[i]) {
			continue
		}
		s.rows[kept], s.numbers[kept] = s.rows[i], s.numbers[i]
		kept++
	}
	s.cut(kept)
	return kept > start
}

// cut takes the rows from start on out of the batch at hand.
func (s *Stream[T]) cut(start int) {
	clear(s.rows[start:])
	s.rows, s.numbers = s.rows[:start], s.numbers[:start]
}

// storeAgain stores what a replay asks for of one segment, and returns how many rows the engine refused.
func (s *Stream[T]) storeAgain(ctx context.Context, batch campaign.Batch[T], segment *spool.Segment) (int, error) {
	found, err := s.sendAgain(ctx, batch, false)
	if err != nil {
		return 0, err
	}
	if s.refusals += len(found.refused); found.takes {
		s.refusals = 0
	}
	return len(found.refused), s.buryRefused(ctx, segment, found.refused)
}

// sendAgain stores what may have been stored before. The boards are told, because it may have been lost there. An
// engine that takes nothing is an error here: what was confirmed once holds up no new events.
func (s *Stream[T]) sendAgain(ctx context.Context, batch campaign.Batch[T], believe bool) (found *sorting[T], err error) {
	var held error
	err = s.persist(ctx, "send events again", func() (err error) {
		if found, err = s.sort(ctx, batch, believe); errors.Is(err, errTakesNothing) {
			held, err = err, nil
		}
		return err
	})
	if err != nil {
		return nil, ErrEnded
	}
	if held != nil {
		return nil, held
	}
	s.countAgain(len(batch.Rows) - len(found.refused))
	return found, nil
}

// countAgain tells of rows that were stored again.
func (s *Stream[T]) countAgain(stored int) {
	s.count(func(st *Stats) { st.SentAgain += uint64(stored) }) //nolint:gosec // a count
	if s.Confirmed != nil && stored > 0 {
		s.Confirmed(Confirmed{Kind: s.Kind, Rows: stored})
	}
}

// SendAgain stores the open dead letters with that reason ("" = all) under their original receipts. Those that are
// stored are settled; the others stay, with the reason that there is now. New events flow meanwhile.
func (s *Stream[T]) SendAgain(ctx context.Context, reason string) (sent, failed int, err error) {
	parts := s.Letters.sendings(reason)
	var trouble error
	err = s.ask(ctx, func(ctx context.Context) bool {
		if len(parts) == 0 {
			return false
		}
		var stored, stayed int
		stored, stayed, trouble = s.storeLetters(ctx, parts[0])
		sent, failed, parts = sent+stored, failed+stayed, parts[1:]
		if trouble == nil && ctx.Err() != nil && len(parts) > 0 {
			trouble = ErrEnded
		}
		return len(parts) > 0 && trouble == nil
	})
	if err != nil {
		return 0, 0, err
	}
	return sent, failed, trouble
}

// storeLetters sends some letters of one segment again.
func (s *Stream[T]) storeLetters(ctx context.Context, part []receipt) (stored, stayed int, err error) {
	if err := s.makeWay(ctx); err != nil {
		return 0, 0, ErrEnded
	}
	letters, err := s.Letters.read(part)
	if err != nil {
		return 0, 0, err
	}
	batch, verdict := s.decodeLetters(letters)
	if len(batch.Rows) > 0 {
		found, err := s.sendAgain(ctx, batch, true)
		if err != nil {
			return 0, 0, err
		}
		for _, row := range found.refused {
			verdict[row.n] = group{row.feed, row.reason}
		}
	}
	for i, letter := range letters {
		why, bad := verdict[letter.N]
		if bad {
			letters[i].Feed, letters[i].Reason = why.feed, why.reason
			stayed++
			continue
		}
		letters[i] = line{Segment: letter.Segment, N: letter.N, Settled: time.Now()}
		stored++
	}
	if err := s.bury(ctx, letters); err != nil {
		return 0, 0, ErrEnded
	}
	return stored, stayed, nil
}

// decodeLetters makes a batch of letters, and says what is wrong with those that can't be read.
func (s *Stream[T]) decodeLetters(letters []line) (campaign.Batch[T], map[uint32]group) {
	var batch campaign.Batch[T]
	unreadable := map[uint32]group{}
	for _, letter := range letters {
		event, err := s.Decode(string(letter.Record))
		if err != nil {
			unreadable[letter.N] = group{letter.Feed, err.Error()}
			continue
		}
		batch.Segment = letter.Segment
		batch.N, batch.Rows = append(batch.N, letter.N), append(batch.Rows, event)
	}
	return batch, unreadable
}
