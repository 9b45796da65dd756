package sink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/campaign"
	"warroom/server/spool"
)

var (
	errAway   = errors.New("the engine is away")
	errPoison = errors.New("the engine refused with code 321 (a test)")
)

// rig is a stream of donations from a real spool into a pretended warehouse. Its clock is synctest's.
type rig struct {
	t      *testing.T
	dir    string
	spool  *spool.Spool
	opened spool.Options
	kept   *Letters
	stream *Stream[campaign.Donation]
	more   func(*Options[campaign.Donation]) // changes what open would make
	stop   context.CancelFunc
	ended  chan error

	whenTold func(Confirmed)

	mu    sync.Mutex                                                           // guards what follows
	store func(ctx context.Context, b campaign.Batch[campaign.Donation]) error // nil = works at once
	seen
}

// seen is what the warehouse and the readers' side have seen so far.
type seen struct {
	asked     []campaign.Batch[campaign.Donation] // every attempt
	stored    []campaign.Batch[campaign.Donation]
	confirmed []Confirmed
}

func (r *rig) look() seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return seen{slices.Clone(r.asked), slices.Clone(r.stored), slices.Clone(r.confirmed)}
}

func newRig(t *testing.T, pace time.Duration) *rig {
	t.Helper()
	r := &rig{t: t, dir: t.TempDir()}
	r.open(pace)
	return r
}

// open opens the spool and makes a stream on it; start runs it.
func (r *rig) open(pace time.Duration) {
	r.t.Helper()
	var err error
	if r.spool, err = spool.Open(filepath.Join(r.dir, "spool"), r.opened); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = r.spool.Close() })
	if r.kept, err = OpenLetters(r.letters(), campaign.Donations); err != nil {
		r.t.Fatal(err)
	}
	o := Options[campaign.Donation]{
		Kind: campaign.Donations, Spool: r.spool, Decode: campaign.DecodeDonation, Store: r.keep,
		Refused: func(err error) bool { return errors.Is(err, errPoison) },
		Times:   func(d *campaign.Donation) (time.Time, time.Time) { return d.OccurredAt, d.ReceivedAt },
		Feed:    func(d *campaign.Donation) string { return d.Feed },
		Letters: r.kept, Confirmed: r.told, Pace: pace, Logger: slog.New(slog.DiscardHandler),
	}
	if r.more != nil {
		r.more(&o)
	}
	r.stream = New(o)
}

func (r *rig) letters() string { return filepath.Join(r.dir, "dead", "donations.jsonl") }

func (r *rig) start() {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan error, 1)
	stream := r.stream
	r.stop, r.ended = stop, ended
	go func() { ended <- stream.Run(ctx) }()
	r.t.Cleanup(stop)
}

// end stops the stream and closes the spool.
func (r *rig) end() {
	r.t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		r.t.Errorf("Run: %v", err)
	}
	if err := r.spool.Close(); err != nil {
		r.t.Error(err)
	}
}

// end4test is end for a stream that may not have been started.
func (r *rig) end4test() {
	r.t.Helper()
	if r.ended != nil {
		r.end()
		r.ended = nil
		return
	}
	if err := r.spool.Close(); err != nil {
		r.t.Error(err)
	}
}

// keep is the warehouse. Like the real one it stores or doesn't, honours ctx, and keeps nothing of the batch's memory.
func (r *rig) keep(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
	b.N, b.Rows = slices.Clone(b.N), slices.Clone(b.Rows)
	r.mu.Lock()
	r.asked = append(r.asked, b)
	store := r.store
	r.mu.Unlock()
	if store != nil {
		if err := store(ctx, b); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stored = append(r.stored, b)
	return nil
}

// sameBatch says whether two tries are of the same batch; only one of them can be the first.
func sameBatch(a, b campaign.Batch[campaign.Donation]) bool {
	return a.Segment == b.Segment && slices.Equal(a.N, b.N) && slices.Equal(a.Rows, b.Rows)
}

func (r *rig) told(c Confirmed) {
	r.mu.Lock()
	r.confirmed = append(r.confirmed, c)
	r.mu.Unlock()
	if r.whenTold != nil {
		r.whenTold(c)
	}
}

func (r *rig) setStore(f func(ctx context.Context, b campaign.Batch[campaign.Donation]) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store = f
}

// slow is a warehouse that takes its time.
func slow(storing time.Duration) func(context.Context, campaign.Batch[campaign.Donation]) error {
	return func(context.Context, campaign.Batch[campaign.Donation]) error {
		time.Sleep(storing)
		return nil
	}
}

// give appends donations that happened a minute before they are received, which is now.
func (r *rig) give(ids ...string) {
	r.t.Helper()
	var records [][]byte
	for _, id := range ids {
		d := campaign.Donation{Source: "s", ID: id, Feed: "vendor", OccurredAt: time.Now().Add(-time.Minute), ReceivedAt: time.Now()}
		records = append(records, campaign.AppendDonation(nil, &d))
	}
	if err := r.spool.Append(r.t.Context(), records...); err != nil {
		r.t.Fatal(err)
	}
}

// ids are the ids stored so far, in their order.
func (r *rig) ids() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, b := range r.stored {
		for _, d := range b.Rows {
			out = append(out, d.ID)
		}
	}
	return out
}

func (r *rig) wantIDs(want ...string) {
	r.t.Helper()
	if got := r.ids(); !slices.Equal(got, want) {
		r.t.Errorf("stored %v, want %v", got, want)
	}
}

func (r *rig) wantEmpty() {
	r.t.Helper()
	if st := r.spool.Stats(); st.Records != 0 || st.Segments != 0 || st.Bytes != 0 {
		r.t.Errorf("left in the spool: %+v", st)
	}
}

// wantHeld says that the warehouse was not even asked, that the records are still there, and that the trouble is told.
func (r *rig) wantHeld(records int, trouble string) {
	r.t.Helper()
	if asked := r.look().asked; len(asked) > 0 {
		r.t.Errorf("the warehouse got %+v", asked)
	}
	if st := r.spool.Stats(); st.Records != records {
		r.t.Errorf("in the spool: %+v", st)
	}
	if st := r.stream.Stats(); !strings.Contains(st.Trouble, trouble) {
		r.t.Errorf("stats %+v", st)
	}
}

func TestStoreThenConfirmThenDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(slow(30 * time.Millisecond))
		r.whenTold = func(Confirmed) {
			if len(r.look().stored) != 1 {
				t.Error("confirmed before the warehouse had it")
			}
			if r.spool.Stats().Records != 2 {
				t.Error("deleted before the readers were told")
			}
		}
		r.give("a", "b")
		r.start()
		time.Sleep(time.Second)
		r.wantIDs("a", "b")
		r.wantEmpty()
		batch := r.look().stored[0]
		if batch.Segment == "" || !slices.Equal(batch.N, []uint32{0, 1}) {
			t.Errorf("batch %q with numbers %v", batch.Segment, batch.N)
		}
		want := Confirmed{
			Kind: campaign.Donations, Rows: 2, First: batch.Rows[0].OccurredAt, Watermark: batch.Rows[0].OccurredAt,
			Lag: 30 * time.Millisecond,
		}
		if !reflect.DeepEqual(r.look().confirmed, []Confirmed{want}) {
			t.Errorf("confirmed %+v, want %+v", r.look().confirmed, want)
		}
		st := r.stream.Stats()
		if st.LastConfirmed.IsZero() {
			t.Error("LastConfirmed is zero")
		}
		st.LastConfirmed = time.Time{}
		if st != (Stats{Batches: 1, Rows: 2}) {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

func TestTheSameBatchUntilItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 200*time.Millisecond)
		r.setStore(func(context.Context, campaign.Batch[campaign.Donation]) error { return errAway })
		r.give("a", "b")
		r.start()
		synctest.Wait()
		var lags []time.Duration
		for range 6 {
			time.Sleep(10 * time.Second)
			r.give("later") // acknowledged all the while
			st := r.stream.Stats()
			lags = append(lags, st.Lag)
			if !strings.Contains(st.Trouble, errAway.Error()) || st.Failures == 0 || st.Batches != 0 {
				t.Errorf("stats %+v", st)
			}
		}
		for i, lag := range lags {
			if want := time.Duration(i+1) * 10 * time.Second; lag != want {
				t.Errorf("lag %v, want %v", lag, want)
			}
		}
		if tries := len(r.look().asked); tries < 60/5 || tries > 40 {
			t.Errorf("%d attempts in a minute", tries)
		}
		for _, again := range r.look().asked {
			if !sameBatch(again, r.look().asked[0]) {
				t.Errorf("another batch: %+v, was %+v", again, r.look().asked[0])
			}
		}
		if len(r.look().confirmed) != 0 || r.spool.Stats().Records != 8 {
			t.Errorf("confirmed %v, stats %+v", r.look().confirmed, r.spool.Stats())
		}
		r.setStore(nil)
		time.Sleep(lastBackoff + time.Second)
		r.wantIDs("a", "b", "later", "later", "later", "later", "later", "later")
		r.wantEmpty()
		if st := r.stream.Stats(); st.Trouble != "" || st.Lag != 0 {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

// The warehouse may hang until it is told to stop, and be told so in the middle of a batch.
func TestStoppingLeavesTheBatchForTheNextStart(t *testing.T) {
	for name, store := range map[string]func(context.Context, campaign.Batch[campaign.Donation]) error{
		"it hangs": func(ctx context.Context, _ campaign.Batch[campaign.Donation]) error {
			<-ctx.Done()
			return ctx.Err()
		},
		"it fails": func(context.Context, campaign.Batch[campaign.Donation]) error { return errAway },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 0)
				r.setStore(store)
				r.give("a", "b")
				r.start()
				time.Sleep(firstBackoff / 4)
				r.give("c")
				r.end()
				if len(r.look().confirmed) > 0 || len(r.look().stored) > 0 {
					t.Error("confirmed what was not stored")
				}
				r.setStore(nil)
				r.open(0)
				r.start()
				synctest.Wait()
				r.wantIDs("a", "b", "c")
				if !sameBatch(r.look().stored[0], r.look().asked[0]) {
					t.Errorf("another batch after the restart: %+v, was %+v", r.look().stored[0], r.look().asked[0])
				}
				r.wantEmpty()
				r.end()
			})
		})
	}
}

// Being killed between storing and deleting gives the same batch again, which the warehouse knows by its name.
func TestStoredButNotDeletedComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(func(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
			if err := r.spool.Close(); err != nil { // nothing can be deleted any more, as after a kill
				t.Error(err)
			}
			return nil
		})
		r.give("a")
		r.start()
		if err := <-r.ended; err != nil {
			t.Errorf("Run on a closed spool: %v", err)
		}
		r.setStore(nil)
		r.open(0)
		r.start()
		synctest.Wait()
		r.wantIDs("a", "a")
		if stored := r.look().stored; !sameBatch(stored[0], stored[1]) {
			t.Errorf("batches %+v and %+v", stored[0], stored[1])
		}
		r.end()
	})
}

// A file that can't be deleted holds up neither the readers nor the next batch.
func TestDeletingFailsAndTheStreamGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(func(_ context.Context, b campaign.Batch[campaign.Donation]) error {
			if b.Rows[0].ID == "a" { // in the file's place, a folder that is not empty
				path := filepath.Join(r.dir, "spool", b.Segment+".seg")
				return errors.Join(os.Remove(path), os.MkdirAll(filepath.Join(path, "x"), 0o700))
			}
			return nil
		})
		r.give("a")
		r.start()
		synctest.Wait()
		if len(r.look().confirmed) != 1 || r.stream.Stats().Failures != 1 || r.stream.Stats().Lag != 0 {
			t.Errorf("confirmed %v, stats %+v", r.look().confirmed, r.stream.Stats())
		}
		r.give("b")
		synctest.Wait()
		r.wantIDs("a", "b")
		if len(r.look().confirmed) != 2 {
			t.Errorf("confirmed %v", r.look().confirmed)
		}
		r.end()
	})
}

func TestUnreadableRecordsAreKeptApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		good := campaign.AppendDonation(nil, &campaign.Donation{ID: "good"})
		bad := []byte("not a donation")
		for range 2 {
			if err := r.spool.Append(t.Context(), bad, good, bad[:1], good); err != nil {
				t.Fatal(err)
			}
		}
		r.start()
		synctest.Wait()
		r.wantIDs("good", "good", "good", "good")
		r.wantEmpty()
		if n := r.look().stored[0].N; !slices.Equal(n, []uint32{1, 3, 5, 7}) {
			t.Errorf("numbers %v", n)
		}
		letters := readLetters(t, r.letters())
		if len(letters) != 4 || r.stream.Stats().DeadLetters != 4 {
			t.Fatalf("letters %+v, stats %+v", letters, r.stream.Stats())
		}
		second := letters[1]
		if second.Segment != r.look().stored[0].Segment || second.N != 2 || string(second.Record) != "n" ||
			second.Reason == "" || second.At.IsZero() {
			t.Errorf("letter %+v", second)
		}
		// A segment of nothing else is finished, too, and confirms nothing.
		if err := r.spool.Append(t.Context(), bad); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		r.wantEmpty()
		if len(r.look().confirmed) != 1 || len(readLetters(t, r.letters())) != 5 {
			t.Errorf("confirmed %v", r.look().confirmed)
		}
		r.end()
	})
}

// A letter outlives the buffer that its record was read into.
func TestALetterHasItsOwnCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		large := campaign.AppendDonation(nil, &campaign.Donation{ID: "large", Props: strings.Repeat("x", 1000_000)})
		if err := r.spool.Append(t.Context(), []byte("first"), large, []byte("second"), large); err != nil {
			t.Fatal(err)
		}
		r.start()
		synctest.Wait()
		var got []string
		for _, l := range readLetters(t, r.letters()) {
			got = append(got, string(l.Record))
		}
		if !slices.Equal(got, []string{"first", "second"}) {
			t.Errorf("letters %q", got)
		}
		r.end()
	})
}

func readLetters(t *testing.T, path string) (letters []line) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(content)) {
		var l line
		if json.Unmarshal([]byte(text), &l) == nil {
			letters = append(letters, l)
		}
	}
	return letters
}

// Nothing is stored, and so nothing deleted, before the unreadable records are safe.
func TestDeadLettersCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		if err := os.MkdirAll(r.letters(), 0o700); err != nil { // a folder in the file's place
			t.Fatal(err)
		}
		good := campaign.AppendDonation(nil, &campaign.Donation{ID: "good"})
		if err := r.spool.Append(t.Context(), []byte("bad"), good); err != nil {
			t.Fatal(err)
		}
		r.start()
		time.Sleep(time.Minute)
		r.wantHeld(2, "dead letters")
		if err := os.Remove(r.letters()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lastBackoff + time.Second)
		r.wantIDs("good")
		r.wantEmpty()
		if letters := readLetters(t, r.letters()); len(letters) != 1 {
			t.Errorf("letters %+v", letters)
		}
		r.end()
	})
}

func TestALetterThatACrashHasCutCostsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead", "letters.jsonl")
	letters := open4test(t, path)
	if _, err := letters.put([]line{{Segment: "s", N: 1}}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(content, content[:len(content)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := letters.put([]line{{Segment: "s", N: 2}, {Segment: "s", N: 3}}); err != nil {
		t.Fatal(err)
	}
	var numbers []uint32
	for _, l := range readLetters(t, path) {
		numbers = append(numbers, l.N)
	}
	if !slices.Equal(numbers, []uint32{1, 2, 3}) {
		t.Errorf("letters %v", numbers)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// A record of a newer version waits for that version; it is neither a dead letter nor left out.
func TestRecordOfANewerVersionIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		newer := campaign.AppendDonation(nil, &campaign.Donation{ID: "newer"})
		newer[1]++ // the layout
		ours := campaign.AppendDonation(nil, &campaign.Donation{ID: "ours"})
		if err := r.spool.Append(t.Context(), ours, newer); err != nil {
			t.Fatal(err)
		}
		r.start()
		time.Sleep(time.Minute)
		r.wantHeld(2, "newer warroom")
		if st := r.stream.Stats(); st.DeadLetters > 0 {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

// A segment that the disk can't read now is read again, not finished half read.
func TestSegmentThatCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.give("a")
		g, err := r.spool.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(r.dir, "spool", g.Name()+".seg")
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		r.start()
		time.Sleep(5 * time.Second)
		r.wantHeld(1, "read a segment")
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(lastBackoff + time.Second)
		r.wantIDs("a")
		r.wantEmpty()
		r.end()
	})
}

func TestBacklogIsDrainedOldestFirstWithoutRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, time.Second)
		var want []string
		for i := range 10 { // every restart leaves a segment
			want = append(want, fmt.Sprint(i))
			r.give(want[i])
			if err := r.spool.Close(); err != nil {
				t.Fatal(err)
			}
			r.open(time.Second)
		}
		if n := r.spool.Stats().Segments; n != 10 {
			t.Fatalf("%d segments", n)
		}
		r.start()
		synctest.Wait() // no time passes
		if n := len(r.look().stored); n < 9 {
			t.Errorf("%d stored before the first rest; only the last, alone, may be preceded by one", n)
		}
		time.Sleep(2 * time.Second)
		r.wantIDs(want...)
		if len(r.look().stored) != 10 {
			t.Errorf("%d batches of 10 segments", len(r.look().stored))
		}
		r.end()
	})
}

// Between batches the stream rests so that they begin a pace apart; an event after a quiet time doesn't wait at all.
func TestPace(t *testing.T) {
	const pace, storing = 200 * time.Millisecond, 20 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pace)
		r.setStore(slow(storing))
		r.start()
		time.Sleep(time.Hour)
		const events = 1000
		for i := range events { // one each 7 ms
			r.give(fmt.Sprint(i))
			time.Sleep(7 * time.Millisecond)
		}
		time.Sleep(time.Second)
		if n := len(r.ids()); n != events {
			t.Errorf("%d stored", n)
		}
		if r.look().confirmed[0].Lag != storing {
			t.Errorf("the first event waited %v", r.look().confirmed[0].Lag)
		}
		if most := int(7*time.Second*events/1000/pace) + 2; len(r.look().stored) > most {
			t.Errorf("%d batches, want %d at most", len(r.look().stored), most)
		}
		for _, c := range r.look().confirmed {
			if c.Lag > pace+storing {
				t.Errorf("an event waited %v", c.Lag)
			}
		}
		r.end()
	})
}

// When storing is slow, its rest is as long, but an event never waits for more than a pace of rest.
func TestRestIsBounded(t *testing.T) {
	for storing, most := range map[time.Duration]time.Duration{
		150 * time.Millisecond: 450 * time.Millisecond,  // storing before it, rest, storing
		time.Second:            2200 * time.Millisecond, // the rest is a pace
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 200*time.Millisecond)
			r.setStore(slow(storing))
			r.start()
			for range 200 {
				r.give("x")
				time.Sleep(31 * time.Millisecond)
			}
			time.Sleep(10 * time.Second)
			for _, c := range r.look().confirmed {
				if c.Lag > most {
					t.Errorf("storing takes %v: an event waited %v, want %v at most", storing, c.Lag, most)
				}
			}
			r.end()
		})
	}
}

// A clock that was wrong when an event was received makes no negative lag.
func TestReceivedInTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		d := campaign.Donation{ID: "a", ReceivedAt: time.Now().Add(time.Hour)}
		if err := r.spool.Append(t.Context(), campaign.AppendDonation(nil, &d)); err != nil {
			t.Fatal(err)
		}
		r.setStore(slow(time.Second))
		r.start()
		time.Sleep(time.Second / 2)
		if lag := r.stream.Stats().Lag; lag != 0 {
			t.Errorf("lag %v", lag)
		}
		time.Sleep(time.Second)
		if len(r.look().confirmed) != 1 || r.look().confirmed[0].Lag != 0 {
			t.Errorf("confirmed %+v", r.look().confirmed)
		}
		r.end()
	})
}

func TestAnEventFromTheFutureDoesNotMoveTheMarkThere(t *testing.T) {
	now := time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)
	s := &Stream[time.Time]{Options: Options[time.Time]{Times: func(occurred *time.Time) (time.Time, time.Time) { return *occurred, now }}}
	sp := s.span(campaign.Batch[time.Time]{Rows: []time.Time{now.Add(-time.Minute), now.Add(23 * time.Hour)}})
	if !sp.latest.Equal(now) || !sp.first.Equal(now.Add(-time.Minute)) {
		t.Errorf("the batch is from %v to %v, want the mark at %v", sp.first, sp.latest, now)
	}
}
