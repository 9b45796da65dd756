package sink

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

// keeping is a rig whose spool keeps what is done.
func keeping(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir(), opened: spool.Options{Keep: spool.Keep{Age: 24 * time.Hour}}}
	r.open(0)
	return r
}

// receipts are what the warehouse holds: each receipt with its event, however often it came.
func (r *rig) receipts() map[receipt]string {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	held := map[receipt]string{}
	for _, b := range r.stored {
		for i, n := range b.N {
			at := receipt{b.Segment, n}
			if b.Of != nil {
				at.segment = b.Of[i]
			}
			if before, there := held[at]; there && before != b.Rows[i].ID {
				r.t.Errorf("receipt %v is of %s and of %s", at, before, b.Rows[i].ID)
			}
			held[at] = b.Rows[i].ID
		}
	}
	return held
}

// segments gives each id a segment of its own.
func (r *rig) segments(ids ...string) {
	r.t.Helper()
	for _, id := range ids {
		r.give(id)
		synctest.Wait()
	}
}

func (r *rig) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = seen{}
}

// later does something in its own goroutine, as the server's pages do, and returns how to wait for it.
func later(do func()) (wait func()) {
	var running sync.WaitGroup
	running.Go(do)
	return running.Wait
}

func TestReplaySendsTheSameReceiptsAgain(t *testing.T) {
	for together, steps := range map[int][]Replayed{
		1: {
			{Segments: 1, Rows: 1, Looked: 1, Of: 4}, {Segments: 2, Rows: 2, Looked: 2, Of: 4},
			{Segments: 3, Rows: 3, Looked: 3, Of: 4}, {Segments: 4, Rows: 5, Looked: 4, Of: 4},
		},
		2: {
			{Segments: 2, Rows: 2, Looked: 2, Of: 4}, {Segments: 3, Rows: 3, Looked: 3, Of: 4},
			{Segments: 4, Rows: 5, Looked: 4, Of: 4},
		},
		3: {{Segments: 3, Rows: 3, Looked: 3, Of: 4}, {Segments: 4, Rows: 5, Looked: 4, Of: 4}},
		5: {{Segments: 4, Rows: 5, Looked: 4, Of: 4}},
	} {
		t.Run(fmt.Sprint(together), func(t *testing.T) { replaySendsAgain(t, together, steps) })
	}
}

func replaySendsAgain(t *testing.T, together int, steps []Replayed) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.stream.together = together
		r.start()
		r.segments("a", "b", "c")
		r.give("d1", "d2")
		synctest.Wait()
		held := r.receipts()
		for range 2 {
			r.forget()
			var told []Replayed
			got, err := r.stream.Replay(t.Context(), time.Now().Add(-time.Hour), "", func(p Replayed) { told = append(told, p) })
			if want := (Replayed{Segments: 4, Rows: 5, Looked: 4, Of: 4}); err != nil || got != want {
				t.Errorf("replayed %+v, %v; want %+v", got, err, want)
			}
			if !slices.Equal(told, steps) {
				t.Errorf("told %+v", told)
			}
			if asked := r.look().asked; len(asked) != len(steps) {
				t.Errorf("%d batches, want %d", len(asked), len(steps))
			}
			r.wantIDs("a", "b", "c", "d1", "d2")
			if again := r.receipts(); len(again) != len(held) {
				t.Errorf("held %v, again %v", held, again)
			} else {
				for at, id := range held {
					if again[at] != id {
						t.Errorf("receipt %v was of %s and is of %s", at, id, again[at])
					}
				}
			}
			for _, b := range r.look().asked {
				if b.First {
					t.Error("a replay said that it was the first try")
				}
			}
			for _, c := range r.look().confirmed {
				if !c.Watermark.IsZero() || c.Lag != 0 || c.Rows == 0 {
					t.Errorf("confirmed %+v", c)
				}
			}
		}
		if st := r.stream.Stats(); st.Rows != 5 || st.Batches != 4 || st.SentAgain != 10 || st.Lag != 0 {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

func TestReplayTakesWhatIsAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.start()
		r.segments("early")
		time.Sleep(time.Hour)
		record := func(id, feed string, received time.Time) []byte {
			return campaign.AppendDonation(nil, &campaign.Donation{Source: "s", ID: id, Feed: feed, ReceivedAt: received})
		}
		since := time.Now()
		err := r.spool.Append(t.Context(), record("before", "vendor", since.Add(-time.Minute)), record("vendor", "vendor", since),
			[]byte("unreadable"), record("mirror", "mirror", since.Add(time.Second)))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for feed, want := range map[string][]string{"": {"vendor", "mirror"}, "vendor": {"vendor"}, "mirror": {"mirror"}, "other": nil} {
			r.forget()
			got, err := r.stream.Replay(t.Context(), since, feed, nil)
			if err != nil || got.Rows != len(want) || got.Looked != 1 {
				t.Errorf("feed %q: %+v, %v", feed, got, err)
			}
			r.wantIDs(want...)
		}
		if r.kept.Open() != 1 {
			t.Errorf("letters %+v", r.kept.All())
		}
		if got, err := r.stream.Replay(t.Context(), time.Now().Add(time.Hour), "", nil); err != nil || got != (Replayed{}) {
			t.Errorf("nothing was received since then: %+v, %v", got, err)
		}
		r.end()
	})
}

// What is a dead letter is sent again as one: a replay doesn't try it, and doesn't bury it twice.
func TestAReplayLeavesDeadLettersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.setStore(poisoned(startsWithBad))
		r.start()
		r.give("good1", "bad", "good2")
		synctest.Wait()
		r.forget()
		got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil)
		if want := (Replayed{Segments: 1, Rows: 2, Looked: 1, Of: 1}); err != nil || got != want {
			t.Errorf("replayed %+v, %v", got, err)
		}
		if asked := r.look().asked; len(asked) != 1 || !slices.Equal(asked[0].N, []uint32{0, 2}) {
			t.Errorf("asked %+v", asked)
		}
		if r.kept.Open() != 1 || len(readLetters(t, r.letters())) != 1 {
			t.Errorf("letters %+v", r.kept.All())
		}
		r.end()
	})
}

// Segments are joined, and yet each row is narrowed and counted as one of its own.
func TestWhatIsJoinedIsNarrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.setStore(poisoned(startsWithBad))
		r.start()
		since := time.Now()
		for i := range 30 {
			received := since
			if i < 3 {
				received = since.Add(-time.Minute)
			}
			feed := []string{"vendor", "mirror"}[i%2]
			ids := []string{fmt.Sprint("first", i), fmt.Sprint("bad", i), fmt.Sprint("last", i)}
			var records [][]byte
			for _, id := range ids {
				records = append(records, campaign.AppendDonation(nil,
					&campaign.Donation{Source: "s", ID: id, Feed: feed, ReceivedAt: received}))
			}
			if err := r.spool.Append(t.Context(), records...); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		held := r.receipts()
		r.forget()
		got, err := r.stream.Replay(t.Context(), since, "mirror", nil)
		if want := (Replayed{Segments: 14, Rows: 28, Looked: 30, Of: 30}); err != nil || got != want {
			t.Errorf("replayed %+v, %v; want %+v", got, err, want)
		}
		if asked := r.look().asked; len(asked) != 1 || len(r.receipts()) != 28 {
			t.Errorf("asked %+v", asked)
		}
		for at, id := range r.receipts() {
			if held[at] != id {
				t.Errorf("receipt %v was of %s and is of %s", at, held[at], id)
			}
		}
		r.end()
	})
}

// What can't be stored together is stored alone, and joined again when that is over.
func TestWhatIsRefusedTogetherIsStoredAlone(t *testing.T) {
	for name, broken := range map[string]error{"refused": errPoison, "away": errAway} {
		synctest.Test(t, func(t *testing.T) {
			r := keeping(t)
			r.start()
			var ids []string
			for i := range 200 {
				ids = append(ids, fmt.Sprint(i))
			}
			r.segments(ids...)
			held := r.receipts()
			r.forget()
			tries := 0
			r.setStore(func(_ context.Context, b campaign.Batch[campaign.Donation]) error {
				hit := slices.ContainsFunc(b.Rows, func(d campaign.Donation) bool { return d.ID == "70" })
				if tries++; hit && (errors.Is(broken, errPoison) || len(b.Rows) > 1) {
					return broken
				}
				return nil
			})
			got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil)
			want := Replayed{Segments: 200, Rows: 200, Looked: 200, Of: 200}
			if errors.Is(broken, errPoison) {
				want.Rows, want.Refused = 199, 1
				delete(held, receipt{r.kept.All()[0].Segment, 0})
			}
			if err != nil || got != want || r.kept.Open() != want.Refused {
				t.Errorf("%s: replayed %+v, %v; want %+v", name, got, err, want)
			}
			if !maps.Equal(r.receipts(), held) {
				t.Errorf("%s: stored %v", name, r.receipts())
			}
			if tries > 40 {
				t.Errorf("%s: %d tries", name, tries)
			}
			if st := r.stream.Stats(); st.SentAgain != uint64(want.Rows) || st.Trouble != "" {
				t.Errorf("%s: stats %+v", name, st)
			}
			r.end()
		})
	}
}

// A kept segment that can't be read is left out; those around it are stored, together with others.
func TestAReplayLeavesOutWhatCanNotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		newer := false
		r.more = func(o *Options[campaign.Donation]) {
			o.Decode = func(record string) (campaign.Donation, error) {
				d, err := campaign.DecodeDonation(record)
				if newer && d.ID == "c" {
					err = campaign.ErrRecordNewer
				}
				return d, err
			}
		}
		r.end4test()
		r.open(0)
		r.start()
		r.segments("a", "b", "c", "d", "e")
		r.forget()
		newer = true
		got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil)
		if want := (Replayed{Segments: 4, Rows: 4, Looked: 5, Of: 5}); !errors.Is(err, campaign.ErrRecordNewer) || got != want {
			t.Errorf("replayed %+v, %v; want %+v", got, err, want)
		}
		if asked := r.look().asked; len(asked) != 2 {
			t.Errorf("asked %+v", asked)
		}
		r.wantIDs("a", "b", "d", "e")
		r.end()
	})
}

// New events are stored between the kept ones, however many of those there are.
func TestNewEventsFlowDuringAReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.stream.together = 3
		r.start()
		var old []string
		for i := range 100 {
			old = append(old, fmt.Sprint("old", i))
		}
		r.segments(old...)
		r.forget()
		r.setStore(slow(100 * time.Millisecond))
		wait := later(func() {
			if got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); err != nil || got.Segments != len(old) {
				t.Errorf("replayed %+v, %v", got, err)
			}
		})
		for i := range 20 {
			time.Sleep(300 * time.Millisecond)
			r.give(fmt.Sprint("new", i))
		}
		time.Sleep(time.Second)
		for _, c := range r.look().confirmed {
			if c.Lag > 250*time.Millisecond { // a kept segment before it, and its own storing
				t.Errorf("a new event waited %v", c.Lag)
			}
		}
		wait()
		if n := len(r.ids()); n != 120 {
			t.Errorf("%d stored", n)
		}
		r.end()
	})
}

// While the engine is away the replay waits with everything else. What was not Done is not part of it.
func TestAReplayWaitsForTheEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.start()
		r.segments("a", "b")
		r.forget()
		r.setStore(func(context.Context, campaign.Batch[campaign.Donation]) error { return errAway })
		wait := later(func() {
			if got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); err != nil || got.Rows != 2 {
				t.Errorf("replayed %+v, %v", got, err)
			}
		})
		time.Sleep(time.Minute)
		r.give("new")
		if st := r.stream.Stats(); !strings.Contains(st.Trouble, errAway.Error()) {
			t.Errorf("stats %+v", st)
		}
		r.setStore(nil)
		wait()
		synctest.Wait()
		if got := r.ids(); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"a", "b", "new"}) {
			t.Errorf("stored %v", got)
		}
		if st := r.stream.Stats(); st.Trouble != "" {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

// An engine that takes nothing of what it once confirmed ends the replay and holds up nobody.
func TestAReplayThatTheEngineRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.start()
		old := numbered(suspicious + 5)
		r.give(old...)
		synctest.Wait()
		r.segments("one")
		r.setStore(poisoned(func(id string) bool { return id != "new" }))
		got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil)
		if !errors.Is(err, errTakesNothing) || got.Rows != 0 || r.kept.Open() != 0 {
			t.Errorf("replayed %+v, %v, %d letters", got, err, r.kept.Open())
		}
		r.segments("new")
		r.wantIDs(append(old, "one", "new")...)
		r.end()
	})
}

func TestAReplayEndsWithWhoAskedAndWithTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.stream.together = 1
		r.start()
		r.segments("a", "b", "c")
		r.setStore(slow(time.Second))
		ctx, enough := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer enough()
		if _, err := r.stream.Replay(ctx, time.Time{}, "", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the caller gave up: %v", err)
		}
		time.Sleep(time.Minute)
		r.wantIDs("a", "b", "c", "a", "b") // the step at hand is finished
		wait := later(func() {
			if _, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); !errors.Is(err, ErrEnded) {
				t.Errorf("the stream ended: %v", err)
			}
		})
		time.Sleep(500 * time.Millisecond)
		r.end()
		wait()
		if _, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); !errors.Is(err, ErrEnded) {
			t.Errorf("the stream has ended: %v", err)
		}
	})
}

func TestALetterIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		var told []campaign.DeadLetter
		r.more = func(o *Options[campaign.Donation]) {
			o.Buried = func(letters []campaign.DeadLetter) { told = append(told, letters...) }
		}
		r.end4test()
		r.open(0)
		r.setStore(poisoned(startsWithBad))
		r.start()
		r.give("good1", "bad1", "good2", "bad2")
		synctest.Wait()
		if len(told) != 2 || !told[0].Settled.IsZero() || told[1].Feed != "vendor" {
			t.Fatalf("told %+v", told)
		}
		segment := told[0].Segment

		// Nothing has changed: they stay, and nothing is written.
		size := len(readLetters(t, r.letters()))
		if sent, failed, err := r.stream.SendAgain(t.Context(), ""); sent != 0 || failed != 2 || err != nil {
			t.Errorf("sent %d, failed %d, %v", sent, failed, err)
		}
		if n := len(readLetters(t, r.letters())); n != size || len(told) != 2 {
			t.Errorf("%d lines, told %+v", n, told)
		}

		// One of them is taken now, the other one is refused for another reason.
		other := errors.New("the engine refused with code 654 (another test)")
		r.forget()
		r.setStore(func(_ context.Context, b campaign.Batch[campaign.Donation]) error {
			for _, d := range b.Rows {
				if d.ID == "bad2" {
					return errors.Join(other, errPoison)
				}
			}
			return nil
		})
		if sent, failed, err := r.stream.SendAgain(t.Context(), errPoison.Error()); sent != 1 || failed != 1 || err != nil {
			t.Errorf("sent %d, failed %d, %v", sent, failed, err)
		}
		r.wantIDs("bad1")
		if held := r.receipts(); held[receipt{segment, 1}] != "bad1" {
			t.Errorf("stored as %v, its receipt was %s/1", held, segment)
		}
		if c := r.look().confirmed; len(c) != 1 || c[0].Rows != 1 {
			t.Errorf("confirmed %+v", c)
		}
		if len(told) != 4 || told[2].Settled.IsZero() || told[2].Feed != "vendor" || told[3].Reason == errPoison.Error() {
			t.Errorf("told %+v", told[2:])
		}
		if sent, failed, err := r.stream.SendAgain(t.Context(), errPoison.Error()); sent != 0 || failed != 0 || err != nil {
			t.Errorf("none has that reason any more: sent %d, failed %d, %v", sent, failed, err)
		}

		// The same after a restart.
		r.end4test()
		r.setStore(nil)
		r.open(0)
		r.start()
		if sent, failed, err := r.stream.SendAgain(t.Context(), ""); sent != 1 || failed != 0 || err != nil {
			t.Errorf("sent %d, failed %d, %v", sent, failed, err)
		}
		if r.kept.Open() != 0 || open4test(t, r.letters()).Open() != 0 {
			t.Errorf("letters %+v", r.kept.All())
		}
		r.end()
	})
}

// A record that can't be read stays a letter until a version comes that can.
func TestAnUnreadableLetterIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.start()
		good := campaign.AppendDonation(nil, &campaign.Donation{ID: "good", Feed: "vendor"})
		if err := r.spool.Append(t.Context(), []byte("bad"), append([]byte("later"), good...)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if sent, failed, err := r.stream.SendAgain(t.Context(), ""); sent != 0 || failed != 2 || err != nil {
			t.Errorf("sent %d, failed %d, %v", sent, failed, err)
		}
		r.end4test()
		r.more = func(o *Options[campaign.Donation]) {
			o.Decode = func(record string) (campaign.Donation, error) {
				return campaign.DecodeDonation(strings.TrimPrefix(record, "later"))
			}
		}
		r.open(0)
		r.start()
		if sent, failed, err := r.stream.SendAgain(t.Context(), ""); sent != 1 || failed != 1 || err != nil {
			t.Errorf("sent %d, failed %d, %v", sent, failed, err)
		}
		r.wantIDs("good")
		r.end()
	})
}

// Nothing is settled before it is on disk, and a letter that is sent again twice at once is sent once.
func TestSendingAgainTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		r.start()
		r.give("bad")
		synctest.Wait()
		r.setStore(slow(time.Second))
		var sent [2]int
		var both sync.WaitGroup
		for i := range sent {
			both.Go(func() { sent[i], _, _ = r.stream.SendAgain(t.Context(), "") })
		}
		both.Wait()
		if sent[0]+sent[1] != 1 {
			t.Errorf("sent %v", sent)
		}
		r.wantIDs("bad")
		r.end()
	})
}

// An errand doesn't wait for the next event.
func TestAnErrandWakesAStreamThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		r.start()
		r.segments("a")
		time.Sleep(time.Hour)
		before := time.Now()
		if got, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); err != nil || got.Rows != 1 || time.Since(before) > 0 {
			t.Errorf("replayed %+v, %v after %v", got, err, time.Since(before))
		}
		r.end()
	})
}

// With a backlog the engine is asked for room; without one, never.
func TestRoomIsAskedForABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		errParts := errors.New("280 of 300 parts")
		var full atomic.Bool
		var asked atomic.Int64
		full.Store(true)
		r.more = func(o *Options[campaign.Donation]) {
			o.Room = func(context.Context) error {
				if asked.Add(1); full.Load() {
					return errParts
				}
				return nil
			}
		}
		var ids []string
		for i := range 20 {
			ids = append(ids, fmt.Sprint(i))
			r.give(ids[i])
			r.end4test()
			r.open(0)
		}
		r.start()
		time.Sleep(time.Minute)
		r.wantHeld(20, errParts.Error())
		if n := asked.Swap(0); n < 60/5 || n > 60/2+1 {
			t.Errorf("asked %d times in a minute", n)
		}
		full.Store(false)
		r.setStore(slow(time.Second))
		time.Sleep(time.Minute)
		r.wantIDs(ids...)
		if n := asked.Load(); n < 2 || n > 20/5+2 {
			t.Errorf("asked %d times while 20 batches of a second were stored", n)
		}
		if st := r.stream.Stats(); st.Trouble != "" {
			t.Errorf("stats %+v", st)
		}
		full.Store(true)
		r.give("alone")
		time.Sleep(time.Minute)
		r.wantIDs(append(ids, "alone")...)
		r.end()
	})
}

// The turn is waited for before a batch is read, and before a kept one.
func TestTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := keeping(t)
		turns := 0
		r.more = func(o *Options[campaign.Donation]) {
			o.Turn = func(ctx context.Context) { turns++; sleep(ctx, time.Second) }
		}
		r.end4test()
		r.open(0)
		r.start()
		r.give("a")
		time.Sleep(time.Second / 2)
		r.wantIDs()
		time.Sleep(time.Second)
		r.wantIDs("a")
		if _, err := r.stream.Replay(t.Context(), time.Time{}, "", nil); err != nil || turns != 2 {
			t.Errorf("%d turns, %v", turns, err)
		}
		r.end()
	})
}
