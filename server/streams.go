package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"warroom/server/campaign"
	"warroom/server/sink"
	"warroom/server/spool"
	"warroom/server/warehouse"
)

// streams are the three ways from a door into the warehouse. Each has a spool of its own, so that a flood of requests
// or a poisoned mail never holds up a gift.
type streams struct {
	spools map[campaign.Kind]*spool.Spool
	dead   map[campaign.Kind]*sink.Letters
	sinks  map[campaign.Kind]runner
	copies *letterCopies

	mu        sync.Mutex // guards watermark
	watermark map[campaign.Kind]time.Time
	confirmed func(kind campaign.Kind, first time.Time)
	started   chan struct{} // closed when the sinks run
}

// runner is a sink.Stream of any kind.
type runner interface {
	Run(ctx context.Context) error
	Stats() sink.Stats
	Replay(ctx context.Context, since time.Time, feed string, told func(sink.Replayed)) (sink.Replayed, error)
	SendAgain(ctx context.Context, reason string) (sent, failed int, err error)
}

// The paces keep the engine's idle cost down: an insert costs it about 20 ms of CPU whatever its size.
const (
	donationPace = 200 * time.Millisecond
	emailPace    = 500 * time.Millisecond
	trafficPace  = 700 * time.Millisecond
)

// Gifts go first: while they are late, mail and traffic wait before each batch, but never so long that they starve.
const (
	lateGifts   = 2 * time.Second
	longestTurn = time.Second
	lookForTurn = 20 * time.Millisecond
)

func openStreams(o Options, store *store) (_ *streams, err error) {
	s := &streams{
		spools: map[campaign.Kind]*spool.Spool{}, dead: map[campaign.Kind]*sink.Letters{},
		copies: newLetterCopies(store, o.Logger), watermark: map[campaign.Kind]time.Time{}, started: make(chan struct{}),
	}
	for _, kind := range campaign.Kinds() {
		if err := s.openDisk(o, kind); err != nil {
			return nil, errors.Join(err, s.close())
		}
	}
	s.sinks = map[campaign.Kind]runner{
		campaign.Donations: streamOf(s, o, store, sink.Options[campaign.Donation]{
			Kind: campaign.Donations, Decode: campaign.DecodeDonation, Store: store.donations, Pace: donationPace,
			Times: func(d *campaign.Donation) (time.Time, time.Time) { return d.OccurredAt, d.ReceivedAt },
			Feed:  func(d *campaign.Donation) string { return d.Feed },
		}),
		campaign.Emails: streamOf(s, o, store, sink.Options[campaign.EmailEvent]{
			Kind: campaign.Emails, Decode: campaign.DecodeEmail, Store: store.emails, Pace: emailPace, Turn: s.afterGifts,
			Times: func(e *campaign.EmailEvent) (time.Time, time.Time) { return e.OccurredAt, e.ReceivedAt },
			Feed:  func(e *campaign.EmailEvent) string { return e.Feed },
		}),
		campaign.Traffic: streamOf(s, o, store, sink.Options[campaign.Request]{
			Kind: campaign.Traffic, Decode: campaign.DecodeRequest, Store: store.traffic, Pace: trafficPace, Turn: s.afterGifts,
			Times: func(q *campaign.Request) (time.Time, time.Time) { return q.OccurredAt, q.ReceivedAt },
			Feed:  func(q *campaign.Request) string { return q.Feed },
		}),
	}
	return s, nil
}

// openDisk opens a kind's spool and its dead letters.
func (s *streams) openDisk(o Options, kind campaign.Kind) error {
	sp, err := spool.Open(filepath.Join(o.Data, "spool", kind.String()), spool.Options{
		Limit: o.SpoolLimit, Keep: keepOf(o, kind), Logger: o.Logger,
		Room: func(bytes int64) int64 { return s.giveUp(kind, bytes) },
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.spools[kind] = sp
	s.mu.Unlock()
	if s.dead[kind], err = sink.OpenLetters(filepath.Join(o.Data, "deadletters", kind.String()+".jsonl"), kind); err != nil {
		return err
	}
	if n := s.dead[kind].Damaged(); n > 0 {
		o.Logger.Warn("some lines in the file of dead letters can't be read: a crash may have cut them", "kind", kind.String(), "lines", n)
	}
	return nil
}

// keepOf divides the disk space for replays. An hour of traffic is as much as weeks of gifts and mail, which have a
// fifth each; a gift of 300 bytes then has room for three million others before it goes.
func keepOf(o Options, kind campaign.Kind) spool.Keep {
	if o.Keep <= 0 || o.KeepBytes <= 0 {
		return spool.Keep{}
	}
	fifths := int64(1)
	if kind == campaign.Traffic {
		fifths = 3
	}
	return spool.Keep{Age: o.Keep, Bytes: o.KeepBytes / 5 * fifths}
}

// giveUp makes room on a full disk for a spool that has nothing left to give up itself: traffic's kept segments go
// before mail's, and gifts' last.
func (s *streams) giveUp(asking campaign.Kind, bytes int64) (freed int64) {
	for _, kind := range []campaign.Kind{campaign.Traffic, campaign.Emails, campaign.Donations} {
		s.mu.Lock()
		sp := s.spools[kind]
		s.mu.Unlock()
		if kind != asking && sp != nil && freed < bytes {
			freed += sp.GiveUp(bytes - freed)
		}
	}
	return freed
}

// streamOf makes a stream of what its kind has of its own and what all have.
func streamOf[T any](s *streams, o Options, store *store, of sink.Options[T]) runner {
	of.Spool, of.Letters, of.Logger = s.spools[of.Kind], s.dead[of.Kind], o.Logger
	of.Confirmed, of.Buried = s.confirm, s.copies.add
	of.Refused = warehouse.Refused
	of.Room = func(ctx context.Context) error {
		wh, err := store.warehouse()
		if err != nil {
			return err
		}
		return wh.Room(ctx, of.Kind)
	}
	return sink.New(of)
}

// run starts the sinks; they end with ctx.
func (s *streams) run(ctx context.Context, running *sync.WaitGroup, confirmed func(campaign.Kind, time.Time)) {
	s.confirmed = confirmed
	for _, stream := range s.sinks {
		running.Go(func() { _ = stream.Run(ctx) }) // ends with ctx or the spool, both regular
	}
	for _, letters := range s.dead {
		s.copies.addOpen(letters.All())
	}
	running.Go(func() { s.copies.run(ctx) })
	close(s.started)
}

// afterGifts waits while gifts are late for want of the engine's time; not when something is wrong with them, which
// waiting doesn't mend.
func (s *streams) afterGifts(ctx context.Context) {
	giveWay(ctx, func() bool {
		return s.sinks[campaign.Donations].Stats().Trouble == "" &&
			(s.lag(campaign.Donations) > lateGifts || s.spools[campaign.Donations].Stats().Segments > 2)
	})
}

// giveWay waits while late says so, for longestTurn at most.
func giveWay(ctx context.Context, late func() bool) {
	if !late() {
		return
	}
	enough := time.NewTimer(longestTurn)
	defer enough.Stop()
	look := time.NewTicker(lookForTurn)
	defer look.Stop()
	for late() {
		select {
		case <-ctx.Done():
			return
		case <-enough.C:
			return
		case <-look.C:
		}
	}
}

func (s *streams) confirm(c sink.Confirmed) {
	s.mu.Lock()
	if c.Watermark.After(s.watermark[c.Kind]) {
		s.watermark[c.Kind] = c.Watermark
	}
	s.mu.Unlock()
	s.confirmed(c.Kind, c.First)
}

// confirmedUpTo is the latest event of these kinds that is counted; of several kinds, the one that is furthest behind.
// It is zero when nothing has been confirmed since the start.
func (s *streams) confirmedUpTo(kinds ...campaign.Kind) (mark time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, kind := range kinds {
		if of := s.watermark[kind]; i == 0 || of.Before(mark) {
			mark = of
		}
	}
	return mark
}

// lag is how long the oldest acknowledged event of a kind has been waiting to be seen.
func (s *streams) lag(kind campaign.Kind) time.Duration {
	return max(s.sinks[kind].Stats().Lag, s.spools[kind].Stats().OldestAge)
}

// errNotStarted says that there is no engine yet to send anything to.
var errNotStarted = errors.New("the engine is starting: ask again in a moment")

// replay sends again what the spools have kept of these kinds, one kind after the other, and changes no total by it.
// told hears how far it is; it may be nil and must not block.
func (s *streams) replay(ctx context.Context, kinds []campaign.Kind, since time.Time, feed string,
	told func(campaign.Kind, sink.Replayed)) (map[campaign.Kind]sink.Replayed, error) {
	if !s.running() {
		return nil, errNotStarted
	}
	done := map[campaign.Kind]sink.Replayed{}
	var errs []error
	for _, kind := range kinds {
		replayed, err := s.sinks[kind].Replay(ctx, since, feed, func(r sink.Replayed) {
			if told != nil {
				told(kind, r)
			}
		})
		done[kind] = replayed
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", kind, err))
		}
	}
	return done, errors.Join(errs...)
}

// letters are a kind's dead letters, newest first, settled ones included.
func (s *streams) letters(kind campaign.Kind) []campaign.DeadLetter { return s.dead[kind].All() }

// sendAgain sends a kind's open dead letters with that reason again ("" = all).
func (s *streams) sendAgain(ctx context.Context, kind campaign.Kind, reason string) (sent, failed int, err error) {
	if !s.running() {
		return 0, 0, errNotStarted
	}
	return s.sinks[kind].SendAgain(ctx, reason)
}

func (s *streams) running() bool {
	select {
	case <-s.started:
		return true
	default:
		return false
	}
}

// drain waits until the spools are empty, for a while. What remains is stored after the next start.
func (s *streams) drain(atMost time.Duration) {
	if !s.running() {
		return
	}
	deadline := time.NewTimer(atMost)
	defer deadline.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !s.empty() {
		select {
		case <-deadline.C:
			return
		case <-look.C:
		}
	}
}

func (s *streams) empty() bool {
	for _, kind := range campaign.Kinds() {
		if s.spools[kind].Stats().Records > 0 {
			return false
		}
	}
	return true
}

// ready names the first spool that can't take events.
func (s *streams) ready() error {
	for _, kind := range campaign.Kinds() {
		if err := s.spools[kind].Ready(); err != nil {
			return err
		}
	}
	return nil
}

func (s *streams) close() error {
	var errs []error
	for _, sp := range s.spools {
		errs = append(errs, sp.Close())
	}
	return errors.Join(errs...)
}
