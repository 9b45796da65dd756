package warehouse

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"warroom/server/campaign"
)

func gift(id string, cents int64, at time.Time) campaign.Donation {
	return campaign.Donation{
		Source: "actblue", ID: id, Path: "vendor", Feed: "hook", Kind: "gift",
		OccurredAt: at, ReceivedAt: at.Add(time.Second), AmountMinor: cents, Currency: "USD",
		Recurring: "none", Country: "US",
	}
}

func storeDonations(t *testing.T, w *Warehouse, batches ...campaign.Batch[campaign.Donation]) {
	t.Helper()
	for _, b := range batches {
		if err := w.StoreDonations(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// wantCents checks every place that money can be read from.
func wantCents(t *testing.T, w *Warehouse, movements uint64, cents int64) {
	t.Helper()
	for _, table := range []string{"donations", "donations_by_time"} {
		want(t, w, "SELECT count() FROM "+table+" FINAL", movements)
		want(t, w, "SELECT toInt64(sum(toInt128(amount_minor))) FROM "+table+" FINAL", cents)
	}
	want(t, w, "SELECT sum(movements) FROM donation_minutes FINAL", movements)
	want(t, w, "SELECT toInt64(sum(amount_minor)) FROM donation_minutes FINAL", cents)
	want(t, w, "SELECT uniqExact(source, id) FROM donations_by_time", movements)
}

func TestRepeatsChangeNoTotal(t *testing.T) {
	w := open(t)
	at := now()
	first := batchOf("seg-1", gift("a", 2500, at), gift("b", 1000, at.Add(time.Minute)), gift("a", 2500, at))
	second := batchOf("seg-2", gift("c", 1, at), gift("b", 1000, at.Add(time.Minute)))
	storeDonations(t, w, first, second)
	wantCents(t, w, 3, 3501)
	storeDonations(t, w, second, first, first)
	wantCents(t, w, 3, 3501)
	run(t, w, "OPTIMIZE TABLE donations FINAL")
	storeDonations(t, reopen(t), first, second)
	wantCents(t, w, 3, 3501)
}

// Which copy is first depends on which part comes first, what counts doesn't: here all copies say the same.
func TestPartsOfMoneyChangeNoTotal(t *testing.T) {
	w := open(t)
	var rows []campaign.Donation
	for i := range 100 {
		rows = append(rows, gift(fmt.Sprint(i%60), int64(100+i%60), now().Add(time.Duration(i%60)*time.Second)))
		rows[i].Path = []string{"vendor", "mirror"}[i/60]
	}
	partly(t, batchOf("seg-1", rows...), func(b campaign.Batch[campaign.Donation]) error { return w.StoreDonations(t.Context(), b) })
	wantCents(t, w, 60, 60*100+59*60/2)
	want(t, w, "SELECT uniqExact(segment, n) FROM donations", uint64(60))
}

func TestAnotherRoadIsSeenAndCountsOnce(t *testing.T) {
	w := open(t)
	vendor, mirror := gift("a", 2500, now()), gift("a", 2500, now())
	mirror.Path, mirror.Feed = "mirror", "tap"
	storeDonations(t, w, batchOf("seg-1", vendor), batchOf("seg-2", mirror), batchOf("seg-3", mirror))
	wantCents(t, w, 1, 2500)
	want(t, w, "SELECT count() FROM donation_copies FINAL WHERE path = 'mirror' AND NOT conflict", uint64(1))
	want(t, w, "SELECT any(path) FROM donations FINAL", "vendor")
}

func TestTheFirstCopyWins(t *testing.T) {
	w := open(t)
	at := now()
	changed := []campaign.Donation{
		gift("a", 9900, at), gift("a", 2500, at.Add(time.Hour)), gift("a", 2500, at), gift("a", 2500, at),
	}
	changed[2].Currency, changed[3].Kind = "CAD", "chargeback"
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, at)), batchOf("seg-2", changed...))
	wantCents(t, w, 1, 2500)
	want(t, w, "SELECT count() FROM donation_copies FINAL WHERE conflict", uint64(4))
	want(t, w, "SELECT any(segment) FROM donations FINAL", "seg-1")
	storeDonations(t, w, batchOf("seg-2", changed...), batchOf("seg-1", gift("a", 2500, at)))
	wantCents(t, w, 1, 2500)
	want(t, w, "SELECT count() FROM donation_copies FINAL", uint64(4))
}

func TestARefundMayComeBeforeItsGift(t *testing.T) {
	w := open(t)
	refund := gift("r", -2500, now().Add(time.Minute))
	refund.Kind, refund.Of = "refund", "a"
	storeDonations(t, w, batchOf("seg-1", refund))
	wantCents(t, w, 1, -2500)
	storeDonations(t, w, batchOf("seg-2", gift("a", 2500, now())))
	wantCents(t, w, 2, 0)
}

func TestEqualGiftsWithIDsOfTheirOwnAllCount(t *testing.T) {
	w := open(t)
	at := now()
	other := gift("a", 2500, at)
	other.Source = "stripe"
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, at), gift("b", 2500, at), other))
	wantCents(t, w, 3, 7500)
}

func TestSumsBeyondInt64StayRight(t *testing.T) {
	w := open(t)
	const most = 1<<63 - 1
	storeDonations(t, w, batchOf("seg-1", gift("a", most, now()), gift("b", most, now()), gift("c", 3, now())))
	want(t, w, "SELECT toString(sum(amount_minor)) FROM donation_minutes FINAL", "18446744073709551617")
}

func TestTimesThatNoTableHoldsDoNotStopTheOthers(t *testing.T) {
	w := open(t)
	storeDonations(t, w, batchOf("seg-1",
		gift("a", 1, time.Time{}), gift("b", 2, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)),
		gift("c", 4, now().Add(999999*time.Nanosecond)), gift("d", 8, time.Date(1969, 7, 20, 0, 0, 0, 0, time.UTC))))
	wantCents(t, w, 4, 15)
}

func TestMoneyIsExactAfterACutAnywhere(t *testing.T) {
	at := now()
	b := batchOf("seg-1", gift("a", 2500, at), gift("b", -700, at.Add(time.Minute)),
		gift("a", 9900, at.Add(2*time.Minute)), gift("c", 3, at))
	store := func(w *Warehouse, _ bool) error { return w.StoreDonations(t.Context(), b) }
	cutEverywhere(t, store, func(t *testing.T, w *Warehouse) {
		wantCents(t, w, 3, 1803)
		want(t, w, "SELECT count() FROM donation_copies FINAL WHERE conflict", uint64(1))
	})
}

// The deduplication log may outlive the rows it speaks of: after a power cut, or here after a deletion.
func TestATokenThatTheEngineKnowsIsNoProof(t *testing.T) {
	w := open(t)
	b := batchOf("seg-1", gift("a", 2500, now()), gift("b", 1, now()))
	storeDonations(t, w, b)
	for _, table := range []string{"donations", "donations_by_time"} {
		run(t, w, "ALTER TABLE "+table+" DELETE WHERE 1 SETTINGS mutations_sync = 2")
	}
	storeDonations(t, w, b)
	wantCents(t, w, 2, 2501)
}

// A clock that was set back must not make an older sum win.
func TestRollupsSurviveAClockThatGoesBack(t *testing.T) {
	w := open(t)
	w.last = uint64(time.Now().Add(time.Hour).UnixNano())
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, now())))
	w = reopen(t)
	storeDonations(t, w, batchOf("seg-2", gift("b", 1, now())))
	wantCents(t, w, 2, 2501)
}

// model is what the totals must be, by the plainest means.
type model map[identity]campaign.Donation

func (m model) add(b campaign.Batch[campaign.Donation]) {
	for _, d := range b.Rows {
		if _, there := m[identity{d.Source, d.ID}]; !there {
			m[identity{d.Source, d.ID}] = d
		}
	}
}

// lines are the rows of donation_minutes as they must be.
func (m model) lines() map[string]string {
	type sum struct{ movements, cents int64 }
	sums := map[string]sum{}
	for _, d := range m {
		key := fmt.Sprintf("%d %s %s %s", d.OccurredAt.Truncate(time.Minute).Unix(), d.Currency, d.Kind, d.Recurring)
		s := sums[key]
		sums[key] = sum{s.movements + 1, s.cents + d.AmountMinor}
	}
	out := map[string]string{}
	for key, s := range sums {
		out[key] = fmt.Sprintf("%d %d", s.movements, s.cents)
	}
	return out
}

func minuteLines(t *testing.T, w *Warehouse, from string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := w.Query(t.Context(), from, nil, func(rows Rows) error {
		for rows.Next() {
			var key, value string
			if err := rows.Scan(&key, &value); err != nil {
				return err
			}
			out[key] = value
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestRollupsEqualTheTruthForRandomBatches(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a test's dice
	w, m := open(t), model{}
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	var sent []campaign.Batch[campaign.Donation]
	for i := range 25 {
		var rows []campaign.Donation
		for range 1 + dice.IntN(60) {
			at := now().Add(time.Duration(dice.IntN(600_000)) * time.Millisecond)
			d := gift(fmt.Sprint(dice.IntN(300)), dice.Int64N(500_000)-100_000, at)
			d.Source, d.Kind = pick("actblue", "stripe"), pick("gift", "refund", "chargeback", "cancellation")
			d.Currency, d.Recurring = pick("USD", "USD", "EUR", "JPY"), pick("none", "monthly", "weekly")
			rows = append(rows, d)
		}
		b := batchOf(fmt.Sprintf("seg-%d", i), rows...)
		sent = append(sent, b)
		storeDonations(t, w, b)
		m.add(b)
		if dice.IntN(3) == 0 {
			storeDonations(t, w, sent[dice.IntN(len(sent))])
		}
	}
	const truth = `SELECT concat(toString(toUnixTimestamp(toStartOfMinute(occurred_at))), ' ',
			currency, ' ', kind, ' ', recurring) AS k,
		concat(toString(count()), ' ', toString(sum(toInt128(amount_minor)))) FROM `
	sources := map[string]string{
		"minutes": `SELECT concat(toString(toUnixTimestamp(minute)), ' ', currency, ' ', kind, ' ', recurring),
			concat(toString(movements), ' ', toString(amount_minor)) FROM donation_minutes FINAL`,
		"truth":   truth + "donations FINAL GROUP BY k",
		"by time": truth + "donations_by_time FINAL GROUP BY k",
	}
	expected := m.lines()
	for name, sql := range sources {
		got := minuteLines(t, w, sql)
		for key, value := range expected {
			if got[key] != value {
				t.Errorf("%s, %s: got %q, want %q", name, key, got[key], value)
			}
		}
		if len(got) != len(expected) {
			t.Errorf("%s: %d lines, want %d", name, len(got), len(expected))
		}
	}
}

func TestABatchOfManyRowsTakesSeveralInserts(t *testing.T) {
	b := campaign.Batch[campaign.Donation]{Segment: "seg-1"}
	for i := range 2*maxRows + 1 {
		b.N, b.Rows = append(b.N, uint32(i+7)), append(b.Rows, campaign.Donation{})
	}
	b.First = true
	var sizes []int
	again := true
	err := storeChunks(t.Context(), &Warehouse{}, b, func(_ context.Context, c chunk[campaign.Donation]) error {
		if first := c.rows[0]; first.n != uint32(len(sizes)*maxRows+7) || first.event != &b.Rows[len(sizes)*maxRows] {
			t.Error("a row lost its receipt")
		}
		if again && len(sizes) == 1 {
			again = false
			return errUnconfirmed
		}
		if salted := c.salt != ""; salted == c.first || salted != (len(sizes) == 1) {
			t.Errorf("chunk %d: first %v, salt %q", len(sizes), c.first, c.salt)
		}
		sizes = append(sizes, len(c.rows))
		return nil
	})
	if err != nil || !slices.Equal(sizes, []int{maxRows, maxRows, 1}) {
		t.Errorf("chunks %v, %v", sizes, err)
	}
}

// The engine drops what comes with a token that it knows without looking at it.
func TestATokenNamesExactlyItsRows(t *testing.T) {
	of := func(segment string, numbers ...uint32) string {
		c := chunk[campaign.Donation]{segment: segment}
		for _, n := range numbers {
			c.rows = append(c.rows, donation{receipt: receipt{segment, n}})
		}
		return token(c, c.rows, "donations")
	}
	if of("seg-1", 0, 1, 2) != of("seg-1", 2, 0, 1) {
		t.Error("the same rows have two tokens")
	}
	seen := map[string]int{}
	for i, token := range []string{
		of("seg-1", 0), of("seg-1", 1), of("seg-1", 0, 1), of("seg-1", 0, 3), of("seg-1", 1, 2), of("seg-1", 0, 1, 2, 3),
		of("seg-1", 0, 2, 3), of("seg-2", 0), of("seg-1", math.MaxUint32), of("seg-1", 4, 7), of("seg-1", 5, 6),
	} {
		if before, twice := seen[token]; twice {
			t.Errorf("%d and %d have the token %s", before, i, token)
		}
		seen[token] = i
	}
}
