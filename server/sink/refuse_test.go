package sink

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/campaign"
)

// poisoned is a warehouse that refuses batches with bad rows, as an engine does: as a whole.
func poisoned(bad func(id string) bool) func(context.Context, campaign.Batch[campaign.Donation]) error {
	return func(_ context.Context, b campaign.Batch[campaign.Donation]) error {
		for _, d := range b.Rows {
			if bad(d.ID) {
				return fmt.Errorf("batch %s: insert into donations: %w", b.Segment, errPoison)
			}
		}
		return nil
	}
}

func startsWithBad(id string) bool { return strings.HasPrefix(id, "bad") }

// numbered are names of events, those at the given places bad.
func numbered(count int, bad ...int) (ids []string) {
	for i := range count {
		if slices.Contains(bad, i) {
			ids = append(ids, fmt.Sprint("bad", i))
		} else {
			ids = append(ids, fmt.Sprint("good", i))
		}
	}
	return ids
}

func good(ids []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), startsWithBad)
}

func TestOneBadRowCostsFewInserts(t *testing.T) {
	const rows, levels = 1000, 10 // 2^10 > 1000
	for _, at := range []int{0, 1, 499, 500, 777, 999} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, 0)
			r.setStore(poisoned(startsWithBad))
			ids := numbered(rows, at)
			r.give(ids...)
			r.start()
			synctest.Wait()
			r.wantIDs(good(ids)...)
			r.wantEmpty()
			extra := len(r.look().asked) - len(r.look().stored) - 1
			if extra > levels+1 {
				t.Errorf("bad row %d: %d refused inserts beside the first", at, extra)
			}
			for i, b := range r.look().asked {
				if b.First != (i == 0) || b.Segment != r.look().asked[0].Segment {
					t.Errorf("try %d: First %v, segment %s", i, b.First, b.Segment)
				}
				for k := range b.Rows {
					if b.Rows[k].ID != ids[b.N[k]] {
						t.Fatalf("row %s has the receipt of %s", b.Rows[k].ID, ids[b.N[k]])
					}
				}
			}
			if c := r.look().confirmed; len(c) != 1 || c[0].Rows != rows-1 {
				t.Errorf("confirmed %+v", c)
			}
			all := r.kept.All()
			if len(all) != 1 || all[0].N != uint32(at) || all[0].Reason != errPoison.Error() || all[0].Feed != "vendor" {
				t.Errorf("letters %+v", all)
			}
			record, err := r.kept.read([]receipt{{all[0].Segment, all[0].N}})
			if err != nil || !bytes.Contains(record[0].Record, []byte(ids[at])) {
				t.Errorf("the letter holds %+v, %v", record, err)
			}
			r.end()
		})
	}
}

func TestSomeBadRowsCostNoGoodOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		var bad []int
		for i := range 100 { // a request of bad ones first, then one here and there
			bad = append(bad, i, 100+9*i)
		}
		ids := numbered(1000, bad...)
		r.give(ids...)
		r.start()
		synctest.Wait()
		r.wantEmpty()
		if n := len(ids) - len(good(ids)); r.kept.Open() != n || r.stream.Stats().DeadLetters != uint64(n) {
			t.Errorf("%d letters, stats %+v", r.kept.Open(), r.stream.Stats())
		}
		got := r.ids()
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, slices.Sorted(slices.Values(good(ids)))) {
			t.Errorf("%d of %d good ones are stored", len(got), len(good(ids)))
		}
		if st := r.stream.Stats(); st.Rows != uint64(len(good(ids))) {
			t.Errorf("stats %+v", st)
		}
		r.end()
	})
}

// A refused row's letter outlives the buffer that its record was read into.
func TestALetterOfARefusedRowHasItsOwnCopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		var records [][]byte
		for _, id := range []string{"bad1", "good1", "bad2", "good2"} {
			d := campaign.Donation{ID: id, Props: strings.Repeat("x", 300_000)}
			records = append(records, campaign.AppendDonation(nil, &d))
		}
		if err := r.spool.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
		r.start()
		synctest.Wait()
		letters := readLetters(t, r.letters())
		if len(letters) != 2 || !bytes.Equal(letters[0].Record, records[0]) || !bytes.Equal(letters[1].Record, records[2]) {
			t.Errorf("%d letters, not of the refused records", len(letters))
		}
		r.end()
	})
}

// An engine that goes away in the middle is waited for; nothing becomes a dead letter for it.
func TestOnlyRefusalsAreHalved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		tries := 0
		refuse := poisoned(startsWithBad)
		r.setStore(func(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
			if tries++; tries > 3 && tries < 10 {
				return errAway
			}
			return refuse(ctx, b)
		})
		ids := numbered(16, 5)
		r.give(ids...)
		r.start()
		time.Sleep(time.Minute)
		r.wantEmpty()
		if r.kept.Open() != 1 {
			t.Errorf("letters %+v", r.kept.All())
		}
		for i, b := range r.look().asked[4:9] { // what failed otherwise begins again as a whole
			if len(b.Rows) != len(ids) {
				t.Errorf("try %d has %d rows", 4+i, len(b.Rows))
			}
		}
		got := r.ids()
		slices.Sort(got)
		if got = slices.Compact(got); len(got) != len(ids)-1 {
			t.Errorf("stored %v", got)
		}
		r.end()
	})
}

// A table that takes nothing is no poison: a whole segment doesn't become dead letters, and all of it is stored when the
// table is mended.
func TestATableThatTakesNothingIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(func(string) bool { return true }))
		ids := numbered(mostRefused + 1)
		r.give(ids...)
		r.start()
		time.Sleep(2 * time.Hour)
		st := r.stream.Stats()
		if r.kept.Open() != 0 || st.Batches != 0 || !strings.Contains(st.Trouble, errPoison.Error()) || !strings.Contains(st.Trouble, "tables") {
			t.Errorf("%d letters, stats %+v", r.kept.Open(), st)
		}
		if tries := len(r.look().asked); tries > 2*60*2*(2*suspicious+30) {
			t.Errorf("%d inserts in two hours", tries)
		}
		r.setStore(nil)
		time.Sleep(heldBackoff)
		r.wantIDs(ids...)
		if r.kept.Open() != 0 || r.stream.Stats().Trouble != "" {
			t.Errorf("%d letters, stats %+v", r.kept.Open(), r.stream.Stats())
		}
		r.end()
	})
}

// More bad rows than that are waited for even among good ones.
func TestTooManyBadRowsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		var bad []int
		for i := range mostRefused + 1 {
			bad = append(bad, 2*i)
		}
		r.give(numbered(2*mostRefused+2, bad...)...)
		r.start()
		time.Sleep(2 * doubtFor)
		if st := r.stream.Stats(); r.kept.Open() != 0 || st.Batches != 0 || st.Trouble == "" {
			t.Errorf("%d letters, stats %+v", r.kept.Open(), st)
		}
		r.end()
	})
}

// A feed that sends nothing but bad events holds up the good ones behind them for minutes, not for ever.
func TestNothingButBadRowsHoldsUpForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		var bad []int
		for i := range 500 {
			bad = append(bad, i)
		}
		r.give(numbered(500, bad...)...)
		r.start()
		time.Sleep(doubtFor / 2)
		r.give("good")
		if r.kept.Open() != 0 || r.stream.Stats().Trouble == "" {
			t.Errorf("%d letters, stats %+v", r.kept.Open(), r.stream.Stats())
		}
		time.Sleep(doubtFor/2 + 2*heldBackoff)
		r.wantIDs("good")
		r.wantEmpty()
		if r.kept.Open() != 500 {
			t.Errorf("%d letters", r.kept.Open())
		}
		r.end()
	})
}

// Refusals in a row are suspicious wherever the batches' borders are.
func TestSuspicionReachesAcrossBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.setStore(poisoned(startsWithBad))
		r.start()
		for i := range suspicious - 1 {
			r.give(fmt.Sprint("bad", i))
			synctest.Wait()
		}
		if n := r.kept.Open(); n != suspicious-1 {
			t.Errorf("%d letters", n)
		}
		r.give("good")
		synctest.Wait()
		for i := range suspicious {
			r.give(fmt.Sprint("bad again", i))
			synctest.Wait()
		}
		if n := r.kept.Open(); n != 2*(suspicious-1) {
			t.Errorf("%d letters: the last one had to be doubted", n)
		}
		r.give("good behind it")
		time.Sleep(doubtFor + 2*heldBackoff)
		r.wantIDs("good", "good behind it")
		if n := r.kept.Open(); n != 2*suspicious-1 {
			t.Errorf("%d letters", n)
		}
		r.end()
	})
}

// Only what no process has tried is first.
func TestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, 0)
		r.give("inherited")
		if err := r.spool.Close(); err != nil {
			t.Fatal(err)
		}
		r.open(0)
		fails := true
		r.setStore(func(_ context.Context, b campaign.Batch[campaign.Donation]) error {
			if b.Rows[0].ID == "new" && fails {
				fails = false
				return errAway
			}
			return nil
		})
		r.start()
		synctest.Wait()
		r.give("new")
		time.Sleep(time.Second)
		var first []bool
		for _, b := range r.look().asked {
			first = append(first, b.First)
		}
		if !slices.Equal(first, []bool{false, true, false}) {
			t.Errorf("First was %v for one inherited batch and two tries of a new one", first)
		}
		r.end()
	})
}

func TestRootIsTheSameForEveryBatch(t *testing.T) {
	if got := root(fmt.Errorf("batch 7/0: %w", fmt.Errorf("insert: %w", errors.New("code 53")))); got != "code 53" {
		t.Errorf("root %q", got)
	}
}
