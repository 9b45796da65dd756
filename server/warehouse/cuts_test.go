package warehouse

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"warroom/server/campaign"
)

// variedGifts are random movements of three days, of all kinds, in what boards cut money by.
func variedGifts(dice *rand.Rand, n int) (rows []campaign.Donation) {
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	first := now().Truncate(24 * time.Hour).Add(-48 * time.Hour)
	for i := range n {
		d := gift(fmt.Sprint(i), 100*(1+dice.Int64N(20)), first.Add(time.Duration(dice.Int64N(int64(47*time.Hour)/1e6))*time.Millisecond))
		d.Kind = pick("gift", "gift", "gift", "gift", "refund", "chargeback", "dispute_won", "cancellation")
		switch d.Kind {
		case "refund", "chargeback":
			d.AmountMinor = -d.AmountMinor
		case "cancellation":
			d.AmountMinor = 0
		}
		d.Source, d.Path, d.Currency = pick("actblue", "stripe"), pick("vendor", "mirror"), pick("USD", "USD", "CAD")
		d.Recurring, d.Refcode, d.Channel = pick("none", "monthly"), pick("", "em 1", "em'2", "ad3"), pick("email", "ads")
		d.SendID, d.State, d.Country = pick("", "s1", "s2"), pick("ny", "TX", "", "ñ"), pick("US", "us", "", "CA")
		d.Form, d.FirstGift, d.DonorKey = pick("f1", "f2"), dice.IntN(4) == 0, fmt.Sprint("d", dice.IntN(200))
		rows = append(rows, d)
	}
	return rows
}

// cutTables are the sums beyond the minutes; best may also name hours that once were the best.
var cutTables = []string{
	"SELECT toString(tuple(* EXCEPT (version))), '' FROM donation_cuts FINAL WHERE cut != 'best'",
	`SELECT toString((start, currency, max(net_minor))), '' FROM donation_cuts FINAL WHERE cut = 'best' GROUP BY start, currency`,
	"SELECT toString(tuple(* EXCEPT (version))), '' FROM send_gifts FINAL",
	"SELECT toString((start, currency, uniqCombined64Merge(16)(donors))), '' FROM donor_sketches GROUP BY start, currency",
	"SELECT toString(tuple(* EXCEPT (version))), '' FROM send_cuts FINAL",
	"SELECT toString(tuple(* EXCEPT (version))), '' FROM mail_hours FINAL",
	"SELECT toString((send_id, min(first_at), max(last_at))), '' FROM send_spans GROUP BY send_id",
	"SELECT toString((minute, app, page, class, sum(requests))), '' FROM request_pages GROUP BY minute, app, page, class",
	`SELECT toString((minute, app, host, sum(requests), sum(errors), max(last_at))), '' FROM request_hosts
		GROUP BY minute, app, host`,
	"SELECT toString((minute, app, referrer, sum(requests))), '' FROM request_referrers GROUP BY minute, app, referrer",
	`SELECT toString((start, uniqCombinedMerge(12)(saw), uniqCombinedMerge(12)(came), uniqCombinedMerge(12)(sent))), ''
		FROM request_steps GROUP BY start`,
}

// variedMail are events of two blasts and of none.
func variedMail(dice *rand.Rand, n int) (rows []campaign.EmailEvent) {
	for i := range n {
		e := mail(fmt.Sprint(i), []string{"send", "delivery", "bounce", "open", "click"}[dice.IntN(5)],
			now().Add(-time.Duration(dice.IntN(30*3600))*time.Second))
		e.SendID, e.Variant = []string{"", "s1", "s2"}[dice.IntN(3)], []string{"a", "b"}[dice.IntN(2)]
		e.Domain = []string{"x.org", "y.org"}[dice.IntN(2)]
		rows = append(rows, e)
	}
	return rows
}

// variedHits are requests of one day for pages, assets and what is not there.
func variedHits(n int) []campaign.Request {
	rows := hits(n, now())
	for i := range rows {
		rows[i].Path = []string{"/", "/event/123", "/give/a", "/x.css"}[i%4]
		rows[i].Referrer = []string{"", "https://www.news.example/x"}[i%2]
		rows[i].Host, rows[i].Method = fmt.Sprint("h", i%3), []string{"GET", "POST"}[i/4%2]
		rows[i].Status = []uint16{200, 200, 404, 503}[i%4]
	}
	return rows
}

func testDice(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 6)) //nolint:gosec // a test's dice
}

// storeVaried stores all kinds in several batches.
func storeVaried(t *testing.T, w *Warehouse, dice *rand.Rand) {
	t.Helper()
	gifts, mails := variedGifts(dice, 600), variedMail(dice, 300)
	for i := range 6 {
		storeDonations(t, w, batchOf(fmt.Sprint("g", i), gifts[i*100:(i+1)*100]...))
		storeEmails(t, w, batchOf(fmt.Sprint("m", i), mails[i*50:(i+1)*50]...))
	}
	storeTraffic(t, w, batchOf("t", variedHits(400)...))
}

// donations_cut tells, for any time and cut, what the movements tell.
func TestCutsEqualTheMovements(t *testing.T) {
	dice := testDice(t)
	w := open(t)
	gifts := variedGifts(dice, 2000)
	for start := 0; start < len(gifts); {
		end := min(start+1+dice.IntN(200), len(gifts))
		storeDonations(t, w, batchOf(fmt.Sprint("seg-", start), gifts[start:end]...))
		start = end
	}
	cuts := []string{"all", "recurring", "source", "path", "form", "channel", "refcode", "state", "send", "amount"}
	const sums = `sum(movements), sum(gifts), sum(first_gifts), sum(refunds), sum(given_minor), sum(net_minor)`
	direct := overTimes(`SELECT toString((toString(currency), v, d)), toString((count(), countIf(kind = 'gift'),
			countIf(kind = 'gift' AND first_gift), countIf(kind IN ('refund', 'chargeback')),
			sumIf(toInt128(amount_minor), kind = 'gift'), sum(toInt128(amount_minor))))
		FROM donations_by_time FINAL {cuts}
		WHERE c = {cut:String} AND occurred_at > {since:DateTime64(3,'UTC')} AND occurred_at <= {until:DateTime64(3,'UTC')}
			AND {inCut} GROUP BY currency, v, d`, nil)
	const ours = `SELECT toString((currency, value, detail)), toString((` + sums + `))
		FROM donations_cut(since={since:DateTime64(3,'UTC')}, until={until:DateTime64(3,'UTC')}, cut={cut:String})
		GROUP BY currency, value, detail`
	first := now().Truncate(24 * time.Hour).Add(-49 * time.Hour)
	moment := func() time.Time {
		return first.Add(time.Duration(dice.Int64N(int64(50*time.Hour)/1e6)) * time.Millisecond)
	}
	edges := []func(time.Time) time.Time{
		func(m time.Time) time.Time { return m },
		func(m time.Time) time.Time { return m.Truncate(time.Minute) },
		func(m time.Time) time.Time { return m.Truncate(time.Hour).Add(-time.Millisecond) },
		func(m time.Time) time.Time { return m.Truncate(24 * time.Hour) },
		func(m time.Time) time.Time { return gifts[dice.IntN(len(gifts))].OccurredAt },
	}
	for range 60 {
		since, until := edges[dice.IntN(len(edges))](moment()), edges[dice.IntN(len(edges))](moment())
		params := clickhouse.Parameters{"cut": cuts[dice.IntN(len(cuts))], "since": since.Format("2006-01-02 15:04:05.000"),
			"until": until.Format("2006-01-02 15:04:05.000")}
		want, got := answers(t, w, direct, params), answers(t, w, ours, params)
		if !maps.Equal(want, got) {
			t.Fatalf("%v\ngot  %v\nwant %v", params, got, want)
		}
	}
	if c := compare(t, w, campaign.Donations); c.Found != 0 {
		t.Errorf("%+v", c.Differences)
	}
}

func answers(t *testing.T, w *Warehouse, sql string, params clickhouse.Parameters) map[string]string {
	t.Helper()
	out := map[string]string{}
	rows, err := w.read.Query(clickhouse.Context(t.Context(), clickhouse.WithParameters(params)), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			t.Fatal(err)
		}
		out[key] = value
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// A database of before 0010 with rows in it gets the sums that storing gives, wherever the migration is cut.
func TestTheFillOfCutsCanBeCutAnywhere(t *testing.T) {
	w := open(t)
	storeVaried(t, w, testDice(t))
	before := contents(t, w, cutTables...)
	defer func() {
		if _, err := Migrate(t.Context(), options()); err != nil {
			t.Error(err)
		}
	}()
	all := statements(t, "0010_cuts.sql")
	for at := len(all); at >= 0; at -= 1 + len(all)/12 {
		for _, table := range []string{"donation_cuts", "send_gifts", "donor_sketches", "send_cuts", "mail_hours", "send_spans",
			"request_pages", "request_hosts", "request_referrers", "request_steps", "request_groups", "backfills"} {
			for _, view := range []string{"send_gifts_from_cuts", "donor_sketches_from_donations", "send_spans_from_cuts",
				"request_pages_from_groups", "request_hosts_from_groups", "request_referrers_from_groups",
				"request_groups_from_requests", "request_steps_from_requests"} {
				run(t, w, "DROP TABLE IF EXISTS "+view+" SYNC")
			}
			run(t, w, "DROP TABLE IF EXISTS "+table+" SYNC")
		}
		run(t, w, "ALTER TABLE goose_db_version DELETE WHERE version_id >= 10 SETTINGS mutations_sync = 2")
		for _, sql := range all[:at] {
			run(t, w, sql)
		}
		if _, err := Migrate(t.Context(), options()); err != nil {
			t.Fatal(err)
		}
		wantContents(t, fmt.Sprint("cut after ", at), contents(t, w, cutTables...), before)
	}
	// Run again because some other table has gone, it adds nothing and drops nothing.
	run(t, w, "ALTER TABLE goose_db_version DELETE WHERE version_id > 0 SETTINGS mutations_sync = 2")
	run(t, w, "ALTER TABLE requests DELETE WHERE n % 2 = 0 SETTINGS mutations_sync = 2")
	if _, err := Migrate(t.Context(), options()); err != nil {
		t.Fatal(err)
	}
	wantContents(t, "run again", contents(t, w, cutTables...), before)
}

func TestCutsAreComparedAndRepaired(t *testing.T) {
	w := open(t)
	storeVaried(t, w, testDice(t))
	before := contents(t, w, cutTables...)
	const settled = " SETTINGS mutations_sync = 2"
	for _, x := range []struct {
		kind                 campaign.Kind
		tamper, table, where string
	}{
		{campaign.Donations, "ALTER TABLE donation_cuts DELETE WHERE span = 60 AND value = 'em 1'" + settled, "donation_cuts", "60s refcode em 1"},
		{campaign.Donations, "ALTER TABLE donation_cuts DELETE WHERE span = 3600 AND cut = 'state'" + settled, "donation_cuts", "3600s state"},
		{campaign.Donations, "ALTER TABLE donation_cuts DELETE WHERE span = 86400 AND cut = 'all'" + settled, "donation_cuts", "86400s all"},
		{campaign.Donations, "ALTER TABLE donation_cuts DELETE WHERE cut = 'best'" + settled, "donation_cuts", "86400s best"},
		{campaign.Donations, "INSERT INTO donation_cuts SELECT * REPLACE (first_gifts + 1 AS first_gifts, 9000000000000000000 AS version)" +
			" FROM donation_cuts FINAL WHERE span = 60 AND cut = 'form' LIMIT 1", "donation_cuts", "60s form"},
		{campaign.Donations, "INSERT INTO donation_cuts SELECT * REPLACE ('x' AS value) FROM donation_cuts FINAL WHERE span = 3600 LIMIT 3",
			"donation_cuts", "3600s"},
		{campaign.Donations, "TRUNCATE TABLE send_gifts", "send_gifts", "s1 USD"},
		{campaign.Donations, "TRUNCATE TABLE donation_cuts", "donation_cuts", "60s all"},
		{campaign.Emails, "ALTER TABLE send_cuts DELETE WHERE span = 3600 AND send_id = 's1'" + settled, "send_cuts", "3600s s1"},
		{campaign.Emails, "INSERT INTO send_cuts SELECT * REPLACE ('s9' AS send_id) FROM send_cuts FINAL WHERE span = 60 LIMIT 3",
			"send_cuts", "60s s9"},
		{campaign.Emails, "TRUNCATE TABLE mail_hours", "mail_hours", "x.org send"},
		{campaign.Traffic, "INSERT INTO request_pages SELECT * FROM request_pages", "request_pages", "donate"},
		{campaign.Traffic, "TRUNCATE TABLE request_hosts", "request_hosts", "donate"},
		{campaign.Traffic, "TRUNCATE TABLE request_referrers", "request_referrers", "donate"},
	} {
		wantSettled(t, w, x.kind, x.tamper, x.table, x.where)
		if x.table == "send_cuts" {
			run(t, w, "ALTER TABLE send_spans DELETE WHERE send_id = 's9'"+settled)
		}
		wantContents(t, x.tamper, contents(t, w, cutTables...), before)
	}
	for _, table := range []string{"donor_sketches", "send_spans", "request_steps"} {
		run(t, w, "TRUNCATE TABLE "+table)
	}
	for _, kind := range campaign.Kinds() {
		if err := w.RefillSketches(t.Context(), kind); err != nil {
			t.Fatal(err)
		}
	}
	wantContents(t, "sketches", contents(t, w, cutTables...), before)
}

// A segment whose share was cut off before the sums by page, host, referrer and step gets it, and no more.
func TestTheSumsByPageOfOneSegmentAreMended(t *testing.T) {
	for _, view := range []string{"request_groups_from_requests", "request_pages_from_groups", "request_hosts_from_groups",
		"request_referrers_from_groups", "request_steps_from_requests"} {
		w := open(t)
		var batches []campaign.Batch[campaign.Request]
		for i := range 4 {
			batches = append(batches, batchOf(fmt.Sprintf("seg-%d", i), variedHits(20+i)...))
		}
		storeTraffic(t, w, batches...)
		before := contents(t, w, cutTables[7:]...)
		w = open(t)
		for i, b := range batches {
			if i == 2 {
				run(t, w, "DETACH TABLE "+view)
			}
			err := w.StoreTraffic(t.Context(), b)
			if i == 2 {
				run(t, w, "ATTACH TABLE "+view)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			storeTraffic(t, w, join(batches...))
			wantContents(t, view, contents(t, w, cutTables[7:]...), before)
		}
	}
}

func TestCutsAreExactAfterACutAnywhere(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 6)) //nolint:gosec // a test's dice
	gifts := variedGifts(dice, 12)
	var whole map[string]string
	cutEverywhere(t, func(w *Warehouse, _ bool) error { return w.StoreDonations(t.Context(), batchOf("seg-1", gifts...)) },
		func(t *testing.T, w *Warehouse) {
			got := contents(t, w, cutTables[:4]...)
			if whole == nil {
				whole = got
				want(t, w, "SELECT sum(movements) FROM donation_cuts FINAL WHERE span = 86400 AND cut = 'all'", uint64(12))
			}
			wantContents(t, "cut", got, whole)
		})
}

// A batch that brings a mail of one blast leaves the hour and the day of another, which has mail in the same minute,
// as they are.
func TestABlastKeepsItsHoursWhenAnotherIsSummed(t *testing.T) {
	w := open(t)
	at := now().Truncate(time.Minute)
	of := func(id, send string, at time.Time) campaign.EmailEvent {
		e := mail(id, "open", at)
		e.SendID = send
		return e
	}
	storeEmails(t, w,
		batchOf("1", of("a", "s1", at.Add(-time.Minute)), of("b", "s2", at.Add(-time.Minute)), of("c", "s1", at), of("d", "s2", at)),
		batchOf("2", of("e", "s2", at.Add(time.Second))))
	got := answers(t, w, `SELECT concat(send_id, ' ', toString(span)), toString(sum(events)) FROM send_cuts FINAL
		GROUP BY span, send_id`, nil)
	want := map[string]string{"s1 60": "2", "s1 3600": "2", "s1 86400": "2", "s2 60": "3", "s2 3600": "3", "s2 86400": "3"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The best hour of today is named tomorrow, with the first batch of a process: until then its hours tell.
func TestTheBestHourIsNamedWhenTheDayIsOver(t *testing.T) {
	w := open(t)
	day := time.Unix(today(), 0).UTC()
	storeDonations(t, w, batchOf("1", gift("a", 100, day), gift("b", 200, day.Add(-5*time.Hour)), gift("c", 300, day.Add(-99*time.Hour))))
	const best = `SELECT toString(groupArray((toDate(start), net_minor))) FROM
		(SELECT start, net_minor FROM donation_cuts FINAL WHERE cut = 'best' ORDER BY start)`
	wanted := fmt.Sprintf("[('%s',300),('%s',200)]", day.Add(-99*time.Hour).Format(time.DateOnly), day.Add(-time.Hour).Format(time.DateOnly))
	want(t, w, best, wanted)
	if c := compare(t, w, campaign.Donations); c.Found != 0 {
		t.Errorf("%+v", c.Differences)
	}
	// As if those days had passed without a batch after them.
	run(t, w, "ALTER TABLE donation_cuts DELETE WHERE cut = 'best' SETTINGS mutations_sync = 2")
	w = reopen(t)
	storeDonations(t, w, batchOf("2", gift("d", 100, day)))
	want(t, w, best, wanted)
}
