package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

// read decodes a segment. A disk that can't be read and a record that only a newer version understands are waited
// for: going on without them would show money that is known to be incomplete.
func (s *Stream[T]) read(ctx context.Context, segment *spool.Segment) (
	batch campaign.Batch[T], unreadable []line, err error,
) {
	err = s.persist(ctx, "read a segment", func() (err error) {
		batch, unreadable, err = s.decode(segment)
		return errors.Join(err, segment.Err())
	})
	return batch, unreadable, err
}

// decode reads a segment's records. Those that can't be read don't hold up the others. The batch is good until the next
// one is decoded or released.
func (s *Stream[T]) decode(segment *spool.Segment) (campaign.Batch[T], []line, error) {
	s.rows, s.numbers = s.rows[:0], s.numbers[:0]
	unreadable, err := s.add(segment)
	return campaign.Batch[T]{Segment: segment.Name(), N: s.numbers, Rows: s.rows}, unreadable, err
}

// add decodes a segment to the batch at hand. All records lie in one piece of memory that the events' strings are parts
// of.
func (s *Stream[T]) add(segment *spool.Segment) ([]line, error) {
	var unreadable []line
	var arena strings.Builder
	arena.Grow(int(segment.Size()))
	s.rows, s.numbers = slices.Grow(s.rows, segment.Count()), slices.Grow(s.numbers, segment.Count())
	for n, record := range segment.Records() {
		start := arena.Len()
		arena.Write(record)
		event, err := s.Decode(arena.String()[start:])
		if errors.Is(err, campaign.ErrRecordNewer) {
			return nil, fmt.Errorf("segment %s, record %d: %w", segment.Name(), n, err)
		}
		number := uint32(n) //nolint:gosec // the spool counts in 32 bits
		if err != nil {
			unreadable = append(unreadable, line{
				Segment: segment.Name(), N: number, At: time.Now(), Reason: strings.Clone(err.Error()), Record: bytes.Clone(record),
			})
			continue
		}
		s.numbers = append(s.numbers, number)
		s.rows = append(s.rows, event)
	}
	return unreadable, nil
}

// fewRows is a batch whose memory is not worth giving back.
const fewRows = 1000

// release lets go of the batch at hand: of its strings at once, and of its rows when it needed far less than there is,
// as after a backlog.
func (s *Stream[T]) release() {
	used := len(s.rows)
	clear(s.rows)
	s.rows, s.numbers = s.rows[:0], s.numbers[:0]
	if cap(s.rows) > 4*max(used, fewRows) {
		s.rows, s.numbers = nil, nil
	}
}

// records reads some records of a segment again, by their numbers.
func (s *Stream[T]) records(ctx context.Context, segment *spool.Segment, numbers []uint32) (map[uint32][]byte, error) {
	found := make(map[uint32][]byte, len(numbers))
	for _, n := range numbers {
		found[n] = nil
	}
	err := s.persist(ctx, "read a segment", func() error {
		for n, record := range segment.Records() {
			number := uint32(n) //nolint:gosec // the spool counts in 32 bits
			if _, wanted := found[number]; wanted {
				found[number] = bytes.Clone(record)
			}
		}
		return segment.Err()
	})
	return found, err
}

// span is the time that a batch covers: from the first to the latest event in it, and when the oldest was received.
type span struct{ oldest, first, latest time.Time }

func (s *Stream[T]) span(batch campaign.Batch[T]) (sp span) {
	for i := range batch.Rows {
		occurred, received := s.Times(&batch.Rows[i])
		if sp.oldest.IsZero() || received.Before(sp.oldest) {
			sp.oldest = received
		}
		if sp.first.IsZero() || occurred.Before(sp.first) {
			sp.first = occurred
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
