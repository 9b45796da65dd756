package server

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/campaign"
	"warroom/server/sink"
	"warroom/server/spool"
)

// pretended is a sink of which only the figures are asked.
type pretended struct {
	runner
	stats sink.Stats
}

func (p pretended) Stats() sink.Stats { return p.stats }

// How long a batch of traffic waits, with gifts as they are.
func TestGiftsGoFirst(t *testing.T) {
	const none, longest = time.Duration(0), longestTurn
	for name, c := range map[string]struct {
		gifts    sink.Stats
		segments int // of gifts that wait
		want     time.Duration
	}{
		"nothing waits":                         {},
		"one batch is stored, the next fills":   {segments: 2, want: none},
		"a backlog":                             {segments: 3, want: longest},
		"late":                                  {gifts: sink.Stats{Lag: lateGifts + time.Millisecond}, want: longest},
		"a little late":                         {gifts: sink.Stats{Lag: lateGifts}, want: none},
		"late, but waiting for traffic is vain": {gifts: sink.Stats{Lag: time.Hour, Trouble: "the engine is away"}, segments: 3, want: none},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for range c.segments { // every restart leaves one
				sp, err := spool.Open(dir, spool.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(sp.Append(t.Context(), []byte("gift")), sp.Close()); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Test(t, func(t *testing.T) {
				sp, err := spool.Open(dir, spool.Options{})
				if err != nil {
					t.Fatal(err)
				}
				s := &streams{
					spools: map[campaign.Kind]*spool.Spool{campaign.Donations: sp},
					sinks:  map[campaign.Kind]runner{campaign.Donations: pretended{stats: c.gifts}},
				}
				before := time.Now()
				s.afterGifts(t.Context())
				if waited := time.Since(before); waited != c.want {
					t.Errorf("traffic waited %v, want %v", waited, c.want)
				}
				if err := sp.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The waiting ends with the lateness, with what it waits for, or after its time, again and again: traffic never starves.
func TestGivingWayEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := time.Now()
		for range 3 {
			giveWay(t.Context(), func() bool { return true })
		}
		if waited := time.Since(before); waited != 3*longestTurn {
			t.Errorf("three batches waited %v", waited)
		}
		before = time.Now()
		giveWay(t.Context(), func() bool { return time.Since(before) < longestTurn/2 })
		if waited := time.Since(before); waited > longestTurn/2+lookForTurn {
			t.Errorf("waited %v for half of it", waited)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		before = time.Now()
		giveWay(ctx, func() bool { return true })
		if waited := time.Since(before); waited > lookForTurn {
			t.Errorf("waited %v after the stop", waited)
		}
	})
}

func TestTheSpaceForReplaysIsDivided(t *testing.T) {
	o := Options{Keep: time.Hour, KeepBytes: 5 << 30}
	sum := int64(0)
	for _, kind := range campaign.Kinds() {
		keep := keepOf(o, kind)
		if keep.Age != time.Hour || keep.Bytes < 1<<30 {
			t.Errorf("%s: %+v", kind, keep)
		}
		sum += keep.Bytes
	}
	if sum > o.KeepBytes || keepOf(o, campaign.Traffic).Bytes != 3<<30 {
		t.Errorf("%d bytes in all", sum)
	}
	for _, o := range []Options{{Keep: time.Hour}, {KeepBytes: 1 << 30}} {
		if keep := keepOf(o, campaign.Donations); keep != (spool.Keep{}) {
			t.Errorf("%+v keeps %+v", o, keep)
		}
	}
}

// A disk that is full for gifts costs what is kept of traffic first.
func TestTrafficsKeptSegmentsGoFirst(t *testing.T) {
	s := &streams{spools: map[campaign.Kind]*spool.Spool{}}
	for _, kind := range campaign.Kinds() {
		sp, err := spool.Open(filepath.Join(t.TempDir(), kind.String()), spool.Options{Keep: spool.Keep{Age: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = sp.Close() })
		s.spools[kind] = sp
		if err := sp.Append(t.Context(), []byte("event")); err != nil {
			t.Fatal(err)
		}
		segment, err := sp.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range segment.Records() {
		}
		if err := segment.Done(); err != nil {
			t.Fatal(err)
		}
	}
	kept := func() (n [3]int) {
		for i, kind := range []campaign.Kind{campaign.Donations, campaign.Emails, campaign.Traffic} {
			n[i] = s.spools[kind].Stats().KeptSegments
		}
		return n
	}
	for i, want := range [][3]int{{1, 1, 0}, {1, 0, 0}, {1, 0, 0}} {
		if freed := s.giveUp(campaign.Donations, 1); (freed > 0) != (i < 2) || kept() != want {
			t.Errorf("freed %d, kept %v, want %v", freed, kept(), want)
		}
	}
	if freed := s.giveUp(campaign.Traffic, 1); freed == 0 || kept() != [3]int{} {
		t.Errorf("freed %d, kept %v", freed, kept())
	}
}

// The table gets the newest state of a letter, however long it can't be written.
func TestLettersAreCopiedUntilItWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newLetterCopies(nil, slog.New(slog.DiscardHandler))
		var broken atomic.Bool
		broken.Store(true)
		var tries atomic.Int64
		table := map[uint32]campaign.DeadLetter{}
		c.store = func(_ context.Context, letters []campaign.DeadLetter) error {
			if tries.Add(1); broken.Load() {
				return errors.New("no such table")
			}
			for _, l := range letters {
				table[l.N] = l
			}
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { c.run(ctx); close(ended) }()
		at := time.Now()
		c.addOpen([]campaign.DeadLetter{{N: 1, At: at}, {N: 2, At: at, Settled: at}})
		time.Sleep(time.Minute)
		c.add([]campaign.DeadLetter{{N: 1, At: at, Settled: at.Add(time.Second)}, {N: 3, At: at}})
		time.Sleep(time.Minute)
		if n := tries.Load(); n < 10 || n > 15 {
			t.Errorf("%d tries in two minutes", n)
		}
		broken.Store(false)
		time.Sleep(copyAgain)
		synctest.Wait()
		if len(table) != 2 || table[1].Settled.IsZero() || table[3].At != at {
			t.Errorf("table %+v", table)
		}
		tries.Store(0)
		time.Sleep(time.Hour)
		if n := tries.Load(); n != 0 {
			t.Errorf("%d tries with nothing to copy", n)
		}
		stop()
		<-ended
	})
}
