package server

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"warroom/server/campaign"
	"warroom/server/sink"
	"warroom/server/spool"
)

// streams are the three ways from a door into the warehouse. Each has a spool of its own, so that a flood of requests
// or a poisoned mail never holds up a gift.
type streams struct {
	spools map[campaign.Kind]*spool.Spool
	sinks  map[campaign.Kind]runner

	mu        sync.Mutex // guards watermark
	watermark map[campaign.Kind]time.Time
	confirmed func(kind campaign.Kind)
	started   chan struct{} // closed when the sinks run
}

// runner is a sink.Stream of any kind.
type runner interface {
	Run(ctx context.Context) error
	Stats() sink.Stats
}

// The paces keep the engine's idle cost down: an insert costs it about 20 ms of CPU whatever its size.
const (
	donationPace = 200 * time.Millisecond
	emailPace    = 500 * time.Millisecond
	trafficPace  = 700 * time.Millisecond
)

func openStreams(o Options, store *store) (*streams, error) {
	s := &streams{spools: map[campaign.Kind]*spool.Spool{}, watermark: map[campaign.Kind]time.Time{}, started: make(chan struct{})}
	for _, kind := range campaign.Kinds() {
		sp, err := spool.Open(filepath.Join(o.Data, "spool", kind.String()), spool.Options{Limit: o.SpoolLimit, Logger: o.Logger})
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.spools[kind] = sp
	}
	letters := func(kind campaign.Kind) string {
		return filepath.Join(o.Data, "deadletters", kind.String()+".jsonl")
	}
	s.sinks = map[campaign.Kind]runner{
		campaign.Donations: sink.New(sink.Options[campaign.Donation]{
			Kind: campaign.Donations, Spool: s.spools[campaign.Donations], Decode: campaign.DecodeDonation, Store: store.donations,
			Times:     func(d *campaign.Donation) (time.Time, time.Time) { return d.OccurredAt, d.ReceivedAt },
			Confirmed: s.confirm, DeadLetters: letters(campaign.Donations), Pace: donationPace, Logger: o.Logger,
		}),
		campaign.Emails: sink.New(sink.Options[campaign.EmailEvent]{
			Kind: campaign.Emails, Spool: s.spools[campaign.Emails], Decode: campaign.DecodeEmail, Store: store.emails,
			Times:     func(e *campaign.EmailEvent) (time.Time, time.Time) { return e.OccurredAt, e.ReceivedAt },
			Confirmed: s.confirm, DeadLetters: letters(campaign.Emails), Pace: emailPace, Logger: o.Logger,
		}),
		campaign.Traffic: sink.New(sink.Options[campaign.Request]{
			Kind: campaign.Traffic, Spool: s.spools[campaign.Traffic], Decode: campaign.DecodeRequest, Store: store.traffic,
			Times:     func(q *campaign.Request) (time.Time, time.Time) { return q.OccurredAt, q.ReceivedAt },
			Confirmed: s.confirm, DeadLetters: letters(campaign.Traffic), Pace: trafficPace, Logger: o.Logger,
		}),
	}
	return s, nil
}

// run starts the sinks; they end with ctx.
func (s *streams) run(ctx context.Context, running *sync.WaitGroup, confirmed func(campaign.Kind)) {
	s.confirmed = confirmed
	for _, stream := range s.sinks {
		running.Go(func() { _ = stream.Run(ctx) }) // ends with ctx or the spool, both regular
	}
	close(s.started)
}

func (s *streams) confirm(c sink.Confirmed) {
	s.mu.Lock()
	if c.Watermark.After(s.watermark[c.Kind]) {
		s.watermark[c.Kind] = c.Watermark
	}
	s.mu.Unlock()
	s.confirmed(c.Kind)
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

// drain waits until the spools are empty, for a while. What remains is stored after the next start.
func (s *streams) drain(atMost time.Duration) {
	select {
	case <-s.started:
	default:
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
