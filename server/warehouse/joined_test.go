package warehouse

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"warroom/server/campaign"
)

// join makes one batch of several, as a replay does.
func join[T any](batches ...campaign.Batch[T]) campaign.Batch[T] {
	j := campaign.Batch[T]{Segment: batches[0].Segment}
	for _, b := range batches {
		j.N, j.Rows = append(j.N, b.N...), append(j.Rows, b.Rows...)
		for range b.Rows {
			j.Of = append(j.Of, b.Segment)
		}
	}
	return j
}

// joinSome joins each so many batches.
func joinSome[T any](batches []campaign.Batch[T], size int) (out []campaign.Batch[T]) {
	for some := range slices.Chunk(batches, size) {
		out = append(out, join(some...))
	}
	return out
}

// contents are all rows of some queries.
func contents(t *testing.T, w *Warehouse, queries ...string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for i, sql := range queries {
		for key, value := range minuteLines(t, w, sql) {
			all[fmt.Sprint(i, " ", key)] = value
		}
	}
	return all
}

func wantContents(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: %s: got %q, want %q", what, key, got[key], value)
			break
		}
	}
	t.Fatalf("%s: %d rows, want %d", what, len(got), len(want))
}

// manyGifts are small segments with repeats, other roads, conflicts and refunds, within a segment and across them.
func manyGifts(t *testing.T) (batches []campaign.Batch[campaign.Donation]) {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 4)) //nolint:gosec // a test's dice
	for i := range 30 {
		var rows []campaign.Donation
		for range 2 + dice.IntN(4) {
			id := dice.IntN(60)
			d := gift(fmt.Sprint(id), int64(100+id), now().Add(time.Duration(id)*7*time.Second))
			d.ReceivedAt = now().Add(time.Duration(i) * time.Second)
			if id%10 == 3 {
				d.Kind, d.AmountMinor, d.Of = "refund", -d.AmountMinor, fmt.Sprint(id-1)
			}
			if dice.IntN(4) == 0 {
				d.Path, d.Feed = "mirror", "tap"
			}
			if dice.IntN(8) == 0 {
				d.AmountMinor++
			}
			rows = append(rows, d)
		}
		batches = append(batches, batchOf(fmt.Sprintf("seg-%03d", i), rows...))
	}
	return batches
}

var giftTables = []string{
	`SELECT concat(source, ' ', id, ' ', segment, ' ', toString(n)), toString(tuple(*)) FROM donations FINAL`,
	`SELECT concat(source, ' ', id), toString(tuple(*)) FROM donations_by_time FINAL`,
	`SELECT toString(tuple(* EXCEPT (version))), 'sums' FROM donation_minutes FINAL`,
	`SELECT toString(tuple(* EXCEPT (version, segment, n))), toString((segment, n)) FROM donation_copies FINAL`,
}

func TestJoinedGiftsChangeNothing(t *testing.T) {
	w, batches := open(t), manyGifts(t)
	storeDonations(t, w, batches...)
	before := contents(t, w, giftTables...)
	for _, size := range []int{7, 30, 30} {
		storeDonations(t, w, joinSome(batches, size)...)
		wantContents(t, fmt.Sprint(size, " together"), contents(t, w, giftTables...), before)
	}
	// Some feed of each, as a replay of one feed asks for.
	var some []campaign.Batch[campaign.Donation]
	for _, b := range batches {
		some = append(some, only(b, len(b.Rows)-1))
	}
	storeDonations(t, reopen(t), join(some...))
	wantContents(t, "some of each", contents(t, w, giftTables...), before)
}

// Rows go as a lost part would take them: from one table or from all. All that is joined brings them back, the same
// copies first.
func TestJoinedGiftsBringBackWhatWasLost(t *testing.T) {
	w, batches := open(t), manyGifts(t)
	storeDonations(t, w, batches...)
	before := contents(t, w, giftTables...)
	const third = " DELETE WHERE cityHash64(id) % 3 = "
	for name, lost := range map[string][]string{
		"identities": {"donations" + third + "0"},
		"events":     {"donations_by_time" + third + "0"},
		"copies":     {"donation_copies DELETE WHERE 1"},
		"both":       {"donations" + third + "1", "donations_by_time" + third + "1"},
		"some":       {"donations" + third + "0", "donations_by_time" + third + "2", "donation_copies" + third + "1"},
		"all": {"donations DELETE WHERE 1", "donations_by_time DELETE WHERE 1", "donation_copies DELETE WHERE 1",
			"donation_minutes DELETE WHERE 1"},
	} {
		for range 2 { // the second time the engine knows every token
			for _, sql := range lost {
				run(t, w, "ALTER TABLE "+sql+" SETTINGS mutations_sync = 2")
			}
			storeDonations(t, w, joinSome(batches, 20)...)
			wantContents(t, name, contents(t, w, giftTables...), before)
		}
	}
}

// What is all there is not inserted again: nothing but the sums is written.
func TestWhatIsThereIsNotInsertedAgain(t *testing.T) {
	w := open(t)
	at := now()
	batches := []campaign.Batch[campaign.Donation]{
		batchOf("seg-1", gift("a", 2500, at), gift("b", 3, at)), batchOf("seg-2", gift("c", 9, at.Add(time.Second))),
	}
	storeDonations(t, w, batches...)
	inserts := w.Stats().Inserts
	storeDonations(t, w, join(batches...))
	if n := w.Stats().Inserts - inserts; n != 3 {
		t.Errorf("%d inserts, want the sums only", n)
	}
}

func TestJoinedMailChangesNothingAndComesBack(t *testing.T) {
	w := open(t)
	var batches []campaign.Batch[campaign.EmailEvent]
	for i := range 30 {
		at := now().Add(time.Duration(i) * time.Second)
		rows := []campaign.EmailEvent{
			mail(fmt.Sprint("a", i), "delivered", at),
			mail(fmt.Sprint("a", i/2), "bounced", at), // a conflict
			mail(fmt.Sprint("b", i%7), "opened", now()),
		}
		batches = append(batches, batchOf(fmt.Sprintf("seg-%03d", i), rows...))
	}
	storeEmails(t, w, batches...)
	tables := []string{
		`SELECT concat(source, ' ', id, ' ', segment, ' ', toString(n)), toString(tuple(*)) FROM email_identities FINAL`,
		`SELECT concat(source, ' ', id), toString(tuple(*)) FROM email_events FINAL`,
		`SELECT toString(tuple(* EXCEPT (version))), 'sums' FROM email_minutes FINAL`,
		`SELECT toString(tuple(* EXCEPT (version, segment, n))), toString((segment, n)) FROM email_conflicts FINAL`,
	}
	before := contents(t, w, tables...)
	for _, lost := range []string{"", "email_identities DELETE WHERE n = 1", "email_events DELETE WHERE 1"} {
		if lost != "" {
			run(t, w, "ALTER TABLE "+lost+" SETTINGS mutations_sync = 2")
		}
		for range 2 {
			storeEmails(t, w, joinSome(batches, 20)...)
			wantContents(t, "after "+lost, contents(t, w, tables...), before)
		}
	}
}

// Segments of several days, each of which is stored under its own day.
func TestJoinedTrafficCountsOnce(t *testing.T) {
	w := open(t)
	var batches []campaign.Batch[campaign.Request]
	for i := range 20 {
		rows := hits(1+i%4, now().Add(-time.Duration(20-i)*2*time.Hour))
		for k := range rows {
			rows[k].ReceivedAt = rows[k].OccurredAt
		}
		batches = append(batches, batchOf(fmt.Sprintf("seg-%03d", i), rows...))
	}
	storeTraffic(t, w, batches...)
	tables := []string{
		"SELECT concat(segment, ' ', toString(n)), toString(tuple(*)) FROM requests",
		`SELECT toString((second, app, class)), toString((sum(requests), sum(bytes))) FROM request_seconds
			GROUP BY second, app, class`,
		`SELECT toString((minute, app, class)), toString((sum(requests), sum(bytes))) FROM request_minutes
			GROUP BY minute, app, class`,
	}
	before := contents(t, w, tables...)
	requests := contents(t, w, tables[0])
	for _, size := range []int{7, 20, 20} {
		storeTraffic(t, w, joinSome(batches, size)...)
		want(t, w, "SELECT count() FROM requests", uint64(50))
		wantContents(t, fmt.Sprint(size, " together"), contents(t, w, tables...), before)
	}
	// What was lost comes back, also when only some of each segment is asked for. (The rollups still have it: what they
	// have too much is found by Compare.)
	for range 2 {
		run(t, w, `ALTER TABLE requests DELETE WHERE segment BETWEEN 'seg-005' AND 'seg-015' AND n > 0
			SETTINGS mutations_sync = 2`)
		var last []campaign.Batch[campaign.Request]
		for _, b := range batches {
			last = append(last, only(b, len(b.Rows)-1))
		}
		storeTraffic(t, w, join(last...))
		storeTraffic(t, w, joinSome(batches, 8)...)
		want(t, w, "SELECT count() FROM requests", uint64(50))
		wantContents(t, "lost", contents(t, w, tables[0]), requests)
	}
}

// Of joined segments one lacks its share in a rollup: that is added, and no more.
func TestTheRollupOfOneOfManySegmentsIsMended(t *testing.T) {
	for _, table := range []string{"request_seconds", "request_minutes", "request_visitors"} {
		w := open(t)
		var batches []campaign.Batch[campaign.Request]
		for i := range 6 {
			batches = append(batches, batchOf(fmt.Sprintf("seg-%d", i), hits(10, now())...))
			if i == 3 {
				run(t, w, "DETACH TABLE "+table+"_from_requests")
			}
			err := w.StoreTraffic(t.Context(), batches[i])
			if i == 3 {
				run(t, w, "ATTACH TABLE "+table+"_from_requests")
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			storeTraffic(t, w, join(batches...))
			wantHits(t, w, 60)
		}
		if t.Failed() {
			t.Fatalf("without its share in %s", table)
		}
	}
}

// BenchmarkReplayGifts stores small segments of gifts again that are all there, joined as a replay does; the peer is
// to store them one by one. x-single is how many times as long the peer takes.
func BenchmarkReplayGifts(b *testing.B) {
	const segments, alone = 3_000, 20
	w := open(b)
	var batches []campaign.Batch[campaign.Donation]
	for i := range segments {
		rows := make([]campaign.Donation, 2+i%4)
		for k := range rows {
			rows[k] = gift(fmt.Sprintf("%d-%d", i, k), 2500, now().Add(time.Duration(i)*200*time.Millisecond))
		}
		batches = append(batches, batchOf(fmt.Sprintf("seg-%06d", i), rows...))
	}
	joined := join(batches...)
	if err := w.StoreDonations(b.Context(), joined); err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	runs := 0
	for b.Loop() {
		runs++
		started := time.Now()
		if err := w.StoreDonations(b.Context(), joined); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(started)
		b.StopTimer()
		started = time.Now()
		for i := range alone {
			if err := w.StoreDonations(b.Context(), batches[i*segments/alone]); err != nil {
				b.Fatal(err)
			}
		}
		theirs += time.Since(started) * segments / alone
		b.StartTimer()
	}
	b.ReportMetric(float64(segments*runs)/ours.Seconds(), "segments/s")
	b.ReportMetric(float64(segments*runs)/theirs.Seconds(), "single-segments/s")
	b.ReportMetric(float64(theirs)/float64(ours), "x-single")
}
