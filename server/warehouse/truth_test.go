package warehouse

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

func compare(t *testing.T, w *Warehouse, kind campaign.Kind) Comparison {
	t.Helper()
	c, err := w.Compare(t.Context(), kind)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantSettled tampers, and wants the next comparison to name a table and a place, to repair it, and the one after it
// to find nothing.
func wantSettled(t *testing.T, w *Warehouse, kind campaign.Kind, tamper, table, where string) {
	t.Helper()
	if c := compare(t, w, kind); c.Found != 0 {
		t.Fatalf("before: %+v", c.Differences)
	}
	run(t, w, tamper)
	c := compare(t, w, kind)
	named := false
	for _, d := range c.Differences {
		named = named || d.Table == table && strings.Contains(d.Where, where) && d.Rollup != d.Truth
		if !d.Repaired {
			t.Errorf("%s\nstays: %+v", tamper, d)
		}
	}
	if !named {
		t.Errorf("%s\nfound %+v, want %s at %s", tamper, c.Differences, table, where)
	}
	if c := compare(t, w, kind); c.Found != 0 {
		t.Errorf("%s\nfound again: %+v", tamper, c.Differences)
	}
}

func TestMoneyIsComparedAndRepaired(t *testing.T) {
	w := open(t)
	at := now()
	refund := gift("r", -300, at.Add(time.Minute))
	refund.Kind = "refund"
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, at), gift("b", 1000, at), refund),
		batchOf("seg-2", gift("c", 1, at.Add(-30*24*time.Hour)), gift("a", 9900, at)))
	minute := at.Format("2006-01-02 15:04")
	const settled = " SETTINGS mutations_sync = 2"
	for _, x := range []struct{ tamper, table, where string }{
		{"INSERT INTO donation_minutes VALUES ('" + minute + ":00', 'EUR', 'gift', 'none', 3, 4, 9000000000000000000)",
			"donation_minutes", minute + " EUR gift none"},
		{"INSERT INTO donation_minutes VALUES ('" + minute + ":00', 'USD', 'gift', 'none', 2, 3501, 9000000000000000001)",
			"donation_minutes", minute + " USD gift none"},
		{"INSERT INTO donation_minutes VALUES ('2001-01-01 00:00:00', 'USD', 'gift', 'none', 1, 1, 1)",
			"donation_minutes", "2001-01-01 00:00"},
		{"ALTER TABLE donation_minutes DELETE WHERE kind = 'refund'" + settled, "donation_minutes", "USD refund none"},
		{"ALTER TABLE donations_by_time DELETE WHERE id = 'b'" + settled, "donations_by_time", minute},
		{"ALTER TABLE donations_by_time DELETE WHERE 1" + settled, "donations_by_time", minute},
		{"INSERT INTO donations_by_time SELECT * REPLACE (1 AS amount_minor) FROM donations_by_time WHERE id = 'a'",
			"donations_by_time", minute},
		{"INSERT INTO donations_by_time SELECT * REPLACE ('x' AS refcode) FROM donations_by_time WHERE id = 'c'",
			"donations_by_time", at.Add(-30 * 24 * time.Hour).Format("2006-01-02")},
		{"INSERT INTO donations_by_time SELECT * REPLACE (occurred_at + 86400 AS occurred_at) FROM donations_by_time WHERE id = 'a'",
			"donations_by_time", at.Add(24 * time.Hour).Format("2006-01-02 15:04")},
		{"ALTER TABLE donations DELETE WHERE id = 'a'" + settled, "donations", minute},
		{"ALTER TABLE donations DELETE WHERE 1" + settled, "donations", minute},
		{"TRUNCATE TABLE donation_minutes", "donation_minutes", minute},
	} {
		wantSettled(t, w, campaign.Donations, x.tamper, x.table, x.where)
		wantCents(t, w, 4, 3201)
		want(t, w, "SELECT count() FROM donation_minutes FINAL", uint64(3))
	}
	if c := compare(t, w, campaign.Donations); c.Rows != 4 {
		t.Errorf("%d rows, want 4", c.Rows)
	}
}

// A row that was put back from the other table has lost its receipt and props. The same event from the spool gives them
// back, and counts once; another one under its name stays a conflict.
func TestWhatWasPutBackTakesItsReceiptFromTheSpool(t *testing.T) {
	w := open(t)
	whole := gift("a", 2500, now())
	whole.Props = `{"form":"x"}`
	first := batchOf("seg-1", whole)
	storeDonations(t, w, first)
	run(t, w, "ALTER TABLE donations DELETE WHERE 1 SETTINGS mutations_sync = 2")
	if c := compare(t, w, campaign.Donations); c.Found != 1 {
		t.Fatalf("%+v", c)
	}
	want(t, w, "SELECT any(segment) FROM donations FINAL", "")
	storeDonations(t, w, batchOf("seg-2", gift("a", 9900, now())), first)
	wantCents(t, w, 1, 2500)
	want(t, w, "SELECT any(segment) FROM donations FINAL", "seg-1")
	want(t, w, "SELECT any(props) FROM donations FINAL", `{"form":"x"}`)
	want(t, w, "SELECT count() FROM donation_copies FINAL", uint64(1))
	if c := compare(t, w, campaign.Donations); c.Found != 0 {
		t.Errorf("%+v", c)
	}
}

func TestMailIsComparedAndRepaired(t *testing.T) {
	w := open(t)
	at := now()
	b := batchOf("seg-1", mail("a", "send", at), mail("b", "open", at), mail("c", "click", at.Add(-9*24*time.Hour)))
	storeEmails(t, w, b)
	minute := at.Format("2006-01-02 15:04")
	const settled = " SETTINGS mutations_sync = 2"
	for _, x := range []struct{ tamper, table, where string }{
		{"INSERT INTO email_minutes (minute, type, events, version) VALUES ('" + minute + ":00', 'send', 7, 9000000000000000000)",
			"email_minutes", minute},
		{"ALTER TABLE email_minutes DELETE WHERE type = 'click'" + settled, "email_minutes", "click"},
		{"ALTER TABLE email_identities DELETE WHERE id = 'a'" + settled, "email_identities", minute},
		{"ALTER TABLE email_identities DELETE WHERE 1" + settled, "email_identities", minute},
		{"INSERT INTO email_events SELECT * REPLACE ('open' AS type) FROM email_events WHERE id = 'a'", "email_events", minute},
		{"ALTER TABLE email_events UPDATE domain = 'x' WHERE id = 'b'" + settled, "email_minutes", minute},
	} {
		wantSettled(t, w, campaign.Emails, x.tamper, x.table, x.where)
		want(t, w, "SELECT sum(events) FROM email_minutes FINAL", uint64(3))
		want(t, w, "SELECT count() FROM email_events FINAL", uint64(3))
		want(t, w, "SELECT count() FROM email_identities FINAL", uint64(3))
	}
}

// What only the events know can't be made from identities: the spool has to bring it.
func TestMailThatHasGoneIsNamedUntilItComesAgain(t *testing.T) {
	w := open(t)
	b := batchOf("seg-1", mail("a", "send", now()), mail("c", "click", now()), mail("d", "open", now()))
	storeEmails(t, w, b)
	run(t, w, "ALTER TABLE email_events DELETE WHERE id = 'c' SETTINGS mutations_sync = 2")
	c := compare(t, w, campaign.Emails)
	if c.Left != 1 {
		t.Errorf("%+v", c.Differences)
	}
	storeEmails(t, w, b)
	if c := compare(t, w, campaign.Emails); c.Found != 0 {
		t.Errorf("%+v", c.Differences)
	}
	want(t, w, "SELECT sum(events) FROM email_minutes FINAL", uint64(3))
}

func TestTrafficIsComparedAndRepaired(t *testing.T) {
	w := open(t)
	storeTraffic(t, w, batchOf("seg-1", hits(100, now())...), batchOf("seg-2", hits(50, now().Add(-24*time.Hour))...))
	minute := now().Format("2006-01-02 15:04")
	const settled = " SETTINGS mutations_sync = 2"
	for _, x := range []struct{ tamper, table, where string }{
		{"INSERT INTO request_seconds (second, app, class, requests) VALUES ('" + minute + ":07', 'donate', 2, 5)",
			"request_seconds", minute + " donate 2xx"},
		{"INSERT INTO request_seconds (second, app, class, bytes) VALUES ('" + minute + ":07', 'other', 5, 5)",
			"request_seconds", minute + " other 5xx"},
		{"ALTER TABLE request_seconds DELETE WHERE toSecond(second) = 3" + settled, "request_seconds", minute},
		{"TRUNCATE TABLE request_seconds", "request_seconds", minute},
		{"INSERT INTO request_minutes SELECT * FROM request_minutes", "request_minutes", minute},
		{"TRUNCATE TABLE request_minutes", "request_minutes", minute},
	} {
		wantSettled(t, w, campaign.Traffic, x.tamper, x.table, x.where)
		wantHits(t, w, 150)
	}
	run(t, w, "TRUNCATE TABLE request_visitors")
	if err := w.RefillSketches(t.Context(), campaign.Traffic); err != nil {
		t.Fatal(err)
	}
	wantHits(t, w, 150)
}

// Sums whose single requests have been dropped are all that is left of them.
func TestSumsOutliveTheirRequests(t *testing.T) {
	w := open(t)
	old := time.Now().UTC().Add(-20 * 24 * time.Hour).Format(time.DateTime)
	run(t, w, "INSERT INTO request_minutes (minute, app, class, requests) VALUES ('"+old+"', 'donate', 2, 70)")
	storeTraffic(t, w, batchOf("seg-1", hits(10, now())...))
	if c := compare(t, w, campaign.Traffic); c.Found != 0 {
		t.Errorf("%+v", c.Differences)
	}
	want(t, w, "SELECT sum(requests) FROM request_minutes", float64(80))
}

// Where a part of the single requests was lost, sums are not made less for it.
func TestSumsAreNotLoweredToADamagedTable(t *testing.T) {
	w := open(t)
	storeTraffic(t, w, batchOf("seg-1", hits(60, now())...))
	part := one[string](t, w, "SELECT any(name) FROM system.parts WHERE active AND table = 'requests'")
	run(t, w, "ALTER TABLE requests DETACH PART '"+part+"'")
	defer dropDetached(t, w, "requests")
	if c := compare(t, w, campaign.Traffic); c.Found != 0 {
		t.Errorf("%+v", c.Differences)
	}
	want(t, w, "SELECT sum(requests) FROM request_minutes", float64(60))
	run(t, w, "ALTER TABLE requests ATTACH PART '"+part+"'")
}

// A batch that is being stored while its tables are compared is no difference.
func TestStoringIsNoDifference(t *testing.T) {
	w := open(t)
	stop, ended := make(chan struct{}), make(chan error)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
			id := fmt.Sprint(i)
			if err := w.StoreDonations(t.Context(), batchOf("d-"+id, gift(id, 100, now().Add(time.Duration(i)*time.Second)))); err != nil {
				ended <- err
				return
			}
			if err := w.StoreTraffic(t.Context(), batchOf("t-"+id, hits(5, now())...)); err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 15 {
		for _, kind := range []campaign.Kind{campaign.Donations, campaign.Traffic} {
			if c := compare(t, w, kind); c.Found != 0 {
				t.Errorf("%+v", c.Differences)
			}
		}
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func dropDetached(t *testing.T, w *Warehouse, table string) {
	t.Helper()
	for _, name := range one[[]string](t, w, "SELECT groupArray(name) FROM system.detached_parts WHERE table = '"+table+"'") {
		run(t, w, "ALTER TABLE "+table+" DROP DETACHED PART '"+name+"' SETTINGS allow_drop_detached = 1")
	}
}

// A flipped byte that only reading finds: the part is set aside, the sibling gives its rows back.
func TestADamagedPartIsSetAsideAndRefilled(t *testing.T) {
	w := open(t)
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, now()), gift("b", 1000, now())))
	run(t, w, "SYSTEM STOP MERGES donations")
	defer run(t, w, "SYSTEM START MERGES donations")
	storeDonations(t, w, batchOf("seg-2", gift("c", 1, now())))
	before, err := w.BrokenParts(t.Context())
	if err != nil || len(before) != 0 {
		t.Fatal(before, err)
	}
	path := one[string](t, w, "SELECT path FROM system.parts WHERE active AND table = 'donations' AND rows = 2")
	flip(t, filepath.Join(path, "data.bin"))
	run(t, w, "SYSTEM DROP MARK CACHE")
	if c, err := w.Compare(t.Context(), campaign.Donations); err == nil || !strings.Contains(err.Error(), "1 damaged parts") {
		t.Fatalf("%+v, %v", c, err)
	}
	defer dropDetached(t, w, "donations")
	parts, err := w.BrokenParts(t.Context())
	if err != nil || len(parts) != 1 || parts[0].Table != "donations" || parts[0].Kind != campaign.Donations {
		t.Errorf("%+v, %v", parts, err)
	}
	if c := compare(t, w, campaign.Donations); c.Left != 0 || c.Found == 0 {
		t.Errorf("%+v", c.Differences)
	}
	wantCents(t, w, 3, 3501)
}

func flip(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 0xff
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRoom(t *testing.T) {
	w := open(t)
	storeDonations(t, w, batchOf("seg-1", gift("a", 1, now())))
	for _, kind := range campaign.Kinds() {
		if err := w.Room(t.Context(), kind); err != nil {
			t.Error(err)
		}
	}
	run(t, w, "ALTER TABLE donations_by_time MODIFY SETTING parts_to_delay_insert = 1")
	defer run(t, w, "ALTER TABLE donations_by_time RESET SETTING parts_to_delay_insert")
	err := w.Room(t.Context(), campaign.Donations)
	if !errors.Is(err, ErrTooManyParts) || !strings.Contains(err.Error(), "donations_by_time has 1 parts") {
		t.Errorf("got %v", err)
	}
	if err := w.Room(t.Context(), campaign.Emails); err != nil {
		t.Error(err)
	}
}

func TestDeadLettersAreKeptAndSettled(t *testing.T) {
	w := open(t)
	run(t, w, "TRUNCATE TABLE dead_letters")
	letter := campaign.DeadLetter{Kind: campaign.Emails, Feed: "ses", Segment: "seg-1", N: 7, At: now(), Reason: "not JSON"}
	for range 2 {
		if err := w.SaveLetters(t.Context(), []campaign.DeadLetter{letter}); err != nil {
			t.Fatal(err)
		}
	}
	wantAnswer(t, "SELECT kind, feed, reason, settled FROM dead_letters",
		`{"kind":"emails","feed":"ses","reason":"not JSON","settled":0}`)
	letter.Settled = now().Add(time.Minute)
	if err := w.SaveLetters(t.Context(), []campaign.DeadLetter{letter}); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "SELECT count() AS n, any(settled) AS s FROM dead_letters", `{"n":1,"s":1}`)
	if err := w.SaveLetters(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestRoundsHoldEveryMinuteOnceAndFitIntoAStatement(t *testing.T) {
	var all []uint32
	for i := range uint32(100_000) {
		if i%7 != 3 || i > 50_000 { // gaps at first, then a long row
			all = append(all, i*60)
		}
	}
	for i := range uint32(9_000) {
		all = append(all, 10_000_000+i*120) // singles
	}
	var seen []uint32
	for _, some := range rounds(all) {
		if text := when(some); len(some) > atOnce || 3*len(text) > 200<<10 {
			t.Errorf("%d minutes in %d bytes", len(some), len(text))
		}
		seen = append(seen, some...)
	}
	if !slices.Equal(seen, all) {
		t.Errorf("%d minutes of %d", len(seen), len(all))
	}
	if rounds(nil) != nil {
		t.Error("rounds of nothing")
	}
	const want = "(m >= '1970-01-01 00:00:00' AND m <= '1970-01-01 00:02:00' OR m IN ('1970-01-01 00:05:00','1970-01-01 00:09:00'))"
	if got := spans("m", []uint32{0, 60, 120, 300, 540}); got != want {
		t.Errorf("got %s", got)
	}
}
