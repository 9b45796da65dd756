package board

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/warehouse"
)

func TestMain(m *testing.M) {
	engine.ChildMain()
	os.Exit(m.Run())
}

// house is a real engine with the real tables.
type house struct {
	*warehouse.Warehouse
	engine  *engine.Engine
	panels  map[string]Panel
	batches int
}

func openHouse(t testing.TB) *house {
	t.Helper()
	quiet := slog.New(slog.DiscardHandler)
	e, err := engine.Open(t.Context(), engine.Options{Dir: t.TempDir(), MemoryBytes: 2 << 30, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	app := url.UserPassword("app", e.AppPassword())
	address := url.URL{Scheme: "clickhouse", User: app, Host: e.Address(), Path: "/campaign"}
	const ages = 20 * 365 * 24 * time.Hour // the events of these tests have fixed dates
	w, err := warehouse.Open(t.Context(), warehouse.Options{
		URL: address.String(), Logger: quiet,
		Retain: warehouse.Retain{Requests: ages, Seconds: ages, Minutes: ages},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &house{Warehouse: w, engine: e, panels: leadership(t, newYork(t))}
}

// batch makes a segment of rows, in the order of arrival.
func batch[T any](h *house, rows ...T) campaign.Batch[T] {
	h.batches++
	b := campaign.Batch[T]{Segment: fmt.Sprintf("segment-%d", h.batches), Rows: rows}
	for i := range rows {
		b.N = append(b.N, uint32(i))
	}
	return b
}

func (h *house) give(t testing.TB, rows ...campaign.Donation) {
	t.Helper()
	if err := h.StoreDonations(t.Context(), batch(h, rows...)); err != nil {
		t.Fatal(err)
	}
}

func (h *house) ask(t testing.TB, topic string, at time.Time) Answer {
	t.Helper()
	p := h.panels[topic]
	return h.answer(t, p, Moment{At: at, Window: p.Window})
}

func (h *house) answer(t testing.TB, p Panel, m Moment) (a Answer) {
	t.Helper()
	err := h.Query(t.Context(), p.Query.SQL, p.Params(m), func(rows warehouse.Rows) (err error) {
		a, err = p.Answer(rows, m)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", p.Topic, err)
	}
	if a.Fragment != nil {
		if err := a.Fragment.Render(context.Background(), &strings.Builder{}); err != nil {
			t.Errorf("%s: %v", p.Topic, err)
		}
	}
	return a
}

// exec runs a statement that the warehouse has no word for.
func (h *house) exec(t testing.TB, sql string) {
	t.Helper()
	address := "http://" + h.engine.HTTPAddress() + "/"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("app", h.engine.AppPassword())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(answer.Body)
		t.Fatalf("%s: %s", sql, text)
	}
}

// gift is a gift of dollars; change it as needed.
func gift(id string, at time.Time, minor int64) campaign.Donation {
	return campaign.Donation{
		Source: "actblue", ID: id, Path: "vendor", Feed: "actblue-hook", Kind: "gift", OccurredAt: at, ReceivedAt: at,
		AmountMinor: minor, Currency: "USD", Recurring: "none", State: "OH", Country: "US",
		Refcode: "em0906a", Channel: "email",
	}
}

func with(d campaign.Donation, change func(*campaign.Donation)) campaign.Donation {
	change(&d)
	return d
}

func TestOnTheEngine(t *testing.T) {
	h := openHouse(t)
	t.Run("headers", h.testHeaders)
	t.Run("nothing yet", h.testNothing)
	t.Run("the night", h.testNight)
	t.Run("refcodes", h.testRefcodes)
	t.Run("days", h.testDays)
	t.Run("traffic", h.testTraffic)
	t.Run("mail", h.testMail)
	t.Run("huge sums", h.testHuge)
}

// The engine must agree with every header: parameters, columns and types.
func (h *house) testHeaders(t *testing.T) {
	live, err := queries.Live()
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range live {
		if strings.HasPrefix(name, "feeds.") {
			continue // see testFeedHeaders
		}
		p, ok := h.asking(q)
		if !ok {
			t.Errorf("%s is no panel's query", name)
			continue
		}
		params := p.Params(Moment{At: evening(t).At, Window: p.Window})
		if got := h.describe(t, "DESCRIBE TABLE (\n"+q.SQL+"\n)", params); !slices.Equal(got, q.Returns) {
			t.Errorf("%s returns  %v\nits header says %v", name, got, q.Returns)
		}
	}
}

// asking is a panel that asks a query.
func (h *house) asking(q queries.Query) (Panel, bool) {
	for _, p := range h.panels {
		if p.Query.SQL == q.SQL {
			return p, true
		}
	}
	return Panel{}, false
}

func (h *house) describe(t *testing.T, sql string, params map[string]string) (columns []queries.Column) {
	t.Helper()
	err := h.Query(t.Context(), sql, params, func(rows warehouse.Rows) error {
		for rows.Next() {
			var c queries.Column
			var rest [5]string
			if err := rows.Scan(&c.Name, &c.Type, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4]); err != nil {
				return err
			}
			c.Type = strings.ReplaceAll(c.Type, ", ", ",")
			columns = append(columns, c)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return columns
}

func (h *house) testNothing(t *testing.T) {
	for topic, p := range h.panels {
		a := h.ask(t, topic, evening(t).At)
		if p.Chart == "" && !strings.Contains(html(t, a), `class="empty"`) {
			t.Errorf("%s doesn't say that there is nothing", topic)
		}
	}
}

// The night is a set of gifts around a moment, with everything that could count twice or not at all.
func (h *house) testNight(t *testing.T) {
	at := evening(t).At
	hour := time.Hour
	euro := func(d *campaign.Donation) { d.Currency = "EUR" }
	h.give(t,
		gift("edge", at, 10_00),
		gift("later", at.Add(time.Millisecond), 1_000_00),
		gift("hour", at.Add(-hour), 20_00),
		gift("within", at.Add(-hour+time.Millisecond), 30_00),
		gift("two hours", at.Add(-2*hour), 99_00),
		gift("within two", at.Add(-2*hour+time.Millisecond), 7_00),
		with(gift("monthly", at.Add(-5*time.Minute), 25_00), func(d *campaign.Donation) {
			d.Recurring, d.State, d.DonorKey, d.FirstGift = "monthly", "wy", strings.Repeat("a", 32), true
		}),
		with(gift("weekly", at.Add(-5*time.Minute), 25_00), func(d *campaign.Donation) {
			d.Recurring, d.DonorKey = "weekly", strings.Repeat("a", 32)
		}),
		with(gift("euros", at.Add(-time.Minute), 12_00), euro),
		with(gift("yen", at.Add(-time.Minute), 1_200), func(d *campaign.Donation) { d.Currency = "JPY" }),
		with(gift("abroad", at.Add(-time.Minute), 3_00), func(d *campaign.Donation) { d.State, d.Country = "CA", "GB" }),
		with(gift("refund", at.Add(-10*time.Minute), -5_00), func(d *campaign.Donation) { d.Kind, d.Of = "refund", "hour" }),
		with(gift("chargeback", at.Add(-10*time.Minute), -2_00), func(d *campaign.Donation) { d.Kind = "chargeback" }),
		with(gift("won", at.Add(-10*time.Minute), 1_00), func(d *campaign.Donation) { d.Kind = "dispute_won" }),
		with(gift("cancelled", at.Add(-10*time.Minute), 0), func(d *campaign.Donation) { d.Kind = "cancellation" }),
	)
	again := batch(h,
		with(gift("edge", at, 10_00), func(d *campaign.Donation) { d.Path, d.Feed = "mirror", "mirror" }),
		// A conflict: the first counts.
		with(gift("monthly", at.Add(-5*time.Minute), 9_999_00), func(d *campaign.Donation) { d.Path = "mirror" }),
		// Another gift.
		with(gift("edge", at, 4_00), func(d *campaign.Donation) { d.Source = "stripe" }),
	)
	for range 2 { // a batch whose outcome was unknown comes again
		if err := h.StoreDonations(t.Context(), again); err != nil {
			t.Fatal(err)
		}
	}
	// Until parts are merged a row may be there twice: a batch was cut between the engine's disk and its answer.
	for _, table := range []string{"donations_by_time", "donation_minutes", "donation_cuts"} {
		h.exec(t, "SYSTEM STOP MERGES campaign."+table)
		h.exec(t, "INSERT INTO campaign."+table+" SETTINGS insert_deduplicate = 0 SELECT * FROM campaign."+table)
	}
	t.Run("hour", func(t *testing.T) { h.testNightHour(t, at) })
	t.Run("today", func(t *testing.T) { h.testNightToday(t, at) })
	t.Run("minutes", func(t *testing.T) { h.testNightMinutes(t, at) })
	t.Run("states", func(t *testing.T) { h.testNightStates(t, at) })
	t.Run("latest", func(t *testing.T) { h.testNightLatest(t, at) })
}

func (h *house) testNightHour(t *testing.T, at time.Time) {
	// given: 10 + 30 + 25 + 25 + 3 + 4 of stripe; taken back: 5 + 2 − 1
	v := h.ask(t, "money.hour", at).Value.(hourValue)
	if v.Amount != "91.00" || v.Given.Amount != "97.00" || v.Refunded.Amount != "6.00" || v.Gifts != 6 {
		t.Errorf("at the moment: %+v", v)
	}
	if v.HourBefore.Amount != "27.00" {
		t.Errorf("the hour before: %+v, want 20 + 7", v.HourBefore)
	}
	if want := []money{newMoney(12_00, "EUR"), newMoney(1_200, "JPY")}; !slices.Equal(v.Others, want) {
		t.Errorf("others %+v, want %+v", v.Others, want)
	}
	// A millisecond earlier the two gifts of the edge haven't come, and the one an hour ago still counts.
	v = h.ask(t, "money.hour", at.Add(-time.Millisecond)).Value.(hourValue)
	if v.Given.Amount != "103.00" || v.HourBefore.Amount != "106.00" {
		t.Errorf("a millisecond before: %+v", v)
	}
	v = h.ask(t, "money.hour", at.Add(time.Millisecond)).Value.(hourValue)
	if v.Given.Amount != "1067.00" || v.HourBefore.Amount != "50.00" {
		t.Errorf("a millisecond after: %+v", v)
	}
}

func (h *house) testNightToday(t *testing.T, at time.Time) {
	v := h.ask(t, "money.today", at).Value.(todayValue)
	// 10 20 30 99 7 25 25 3 4: the one in the middle is 20
	if v.Given.Amount != "223.00" || v.Amount != "217.00" || v.Gifts != 9 ||
		v.Median.Amount != "20.00" || v.Average.Amount != "24.78" {
		t.Errorf("today: %+v", v)
	}
	if v.Donors != 1 || v.Recurring != 2 || v.FirstGifts != 1 || v.Refunds != 2 || v.lastMinute != 2 {
		t.Errorf("counts of today: %+v", v)
	}
	v = h.ask(t, "money.today", at.Add(-time.Hour)).Value.(todayValue)
	if v.Amount != "126.00" || v.Gifts != 3 || v.Median.Amount != "20.00" || v.Refunds != 0 || len(v.Others) != 0 {
		t.Errorf("an hour ago: %+v", v)
	}
}

func (h *house) testNightMinutes(t *testing.T, at time.Time) {
	s := h.ask(t, "money.minutes", at).Series
	if len(s.Times) != 180 || s.Times[179] != at.Truncate(time.Minute).Unix() {
		t.Fatalf("times from %d to %d", s.Times[0], s.Times[len(s.Times)-1])
	}
	value := func(s *Series, lane, minutesAgo int) float64 { return *s.Columns[lane].Values[179-minutesAgo] }
	for _, c := range []struct {
		lane, ago int
		want      float64
	}{
		{0, 0, 14}, {1, 0, 0}, // the two of the edge, not the one that comes later in the same minute
		{0, 1, 3}, {0, 5, 0}, {1, 5, 50}, {0, 10, 0}, {0, 60, 50}, {0, 120, 106},
	} {
		if got := value(s, c.lane, c.ago); got != c.want {
			t.Errorf("%s %d minutes ago: %v, want %v", s.Columns[c.lane].Name, c.ago, got, c.want)
		}
	}
	if got := value(h.ask(t, "money.minutes", at.Add(time.Minute)).Series, 0, 1); got != 1014 {
		t.Errorf("the whole minute, a minute later: %v, want 1014", got)
	}
	short := h.answer(t, h.panels["money.minutes"], Moment{At: at, Window: 6 * time.Minute}).Series
	if len(short.Times) != 6 || *short.Columns[1].Values[0] != 50 {
		t.Errorf("six minutes: %v", short.Table)
	}
}

func (h *house) testNightStates(t *testing.T, at time.Time) {
	rows := h.ask(t, "money.states", at).Rows.([]stateRow)
	want := []stateRow{
		{"OH", newMoney(69_00, "USD"), 4},
		{"WY", newMoney(25_00, "USD"), 1},
		{"", newMoney(3_00, "USD"), 1},
	}
	if !slices.Equal(rows, want) {
		t.Errorf("got %+v, want %+v", rows, want)
	}
}

func (h *house) testNightLatest(t *testing.T, at time.Time) {
	rows := h.ask(t, "money.latest", at).Rows.([]giftRow)
	var amounts []string
	for _, r := range rows {
		amounts = append(amounts, r.Currency+" "+r.Amount)
	}
	// By time; at the same time by source and id, from the end: stripe before actblue, yen, euros, abroad.
	want := strings.Split("USD 4.00,USD 10.00,JPY 1200,EUR 12.00,USD 3.00,USD 25.00,USD 25.00,"+
		"USD 30.00,USD 20.00,USD 7.00,USD 99.00", ",")
	if !slices.Equal(amounts, want) {
		t.Errorf("got  %q\nwant %q", amounts, want)
	}
}

// Ten refcodes are named at most, and the share is of all.
func (h *house) testRefcodes(t *testing.T) {
	at := mustTime(t, "2026-10-01T12:00:00Z")
	var gifts []campaign.Donation
	for i := range 12 {
		gifts = append(gifts, with(gift(fmt.Sprintf("code-%d", i), at, int64(i+1)*1_00), func(d *campaign.Donation) {
			d.Refcode, d.Channel = fmt.Sprintf("code%02d", i+1), "email"
		}))
	}
	gifts = append(gifts,
		with(gift("sms", at, 5_00), func(d *campaign.Donation) { d.Refcode, d.Channel = "code12", "sms" }),
		with(gift("none", at, 17_00), func(d *campaign.Donation) { d.Refcode = "" }),
		with(gift("euro", at, 99_00), func(d *campaign.Donation) { d.Refcode, d.Currency = "code01", "EUR" }),
		with(gift("back", at, -99_00), func(d *campaign.Donation) { d.Refcode, d.Kind = "code12", "refund" }),
	)
	h.give(t, gifts...)
	rows := h.ask(t, "money.refcodes", at).Rows.([]refcodeRow)
	if len(rows) != 11 {
		t.Fatalf("%d rows, want ten and what has none: %+v", len(rows), rows)
	}
	if want := (refcodeRow{"code12", "email", newMoney(17_00, "USD"), 2, 0.17}); rows[0] != want {
		t.Errorf("first %+v, want %+v", rows[0], want)
	}
	if want := (refcodeRow{"code03", "email", newMoney(3_00, "USD"), 1, 0.03}); rows[9] != want {
		t.Errorf("tenth %+v, want %+v", rows[9], want)
	}
	if want := (refcodeRow{"", "email", newMoney(17_00, "USD"), 1, 0.17}); rows[10] != want {
		t.Errorf("last %+v, want %+v", rows[10], want)
	}
}

// The campaign's day has 25 hours when the clocks go back and 23 when they go forward.
func (h *house) testDays(t *testing.T) {
	for name, c := range map[string]struct{ start, end string }{
		"25 hours": {"2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"},
		"23 hours": {"2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z"},
	} {
		start, end := mustTime(t, c.start), mustTime(t, c.end)
		h.give(t,
			gift(name+" before", start.Add(-time.Millisecond), 1_00),
			gift(name+" first", start, 10_00),
			gift(name+" second hour", start.Add(90*time.Minute), 100_00),
			gift(name+" third hour", start.Add(150*time.Minute), 1_000_00),
			gift(name+" last", end.Add(-time.Millisecond), 10_000_00),
			gift(name+" next", end, 100_000_00),
		)
		for at, want := range map[time.Time]string{
			start.Add(-time.Millisecond): "1.00", start: "10.00", start.Add(2 * time.Hour): "110.00",
			end.Add(-time.Millisecond): "11110.00", end: "100000.00",
		} {
			if got := h.ask(t, "money.today", at).Value.(todayValue); got.Amount != want {
				t.Errorf("%s: raised by %s: %s, want %s", name, at, got.Amount, want)
			}
		}
	}
}

// More than an Int64 of cents must be an error and never a wrapped number.
func (h *house) testHuge(t *testing.T) {
	at := mustTime(t, "2027-06-01T12:00:00Z")
	h.give(t, gift("huge 1", at, 1<<62), gift("huge 2", at, 1<<62))
	p := h.panels["money.hour"]
	m := Moment{At: at}
	err := h.Query(t.Context(), p.Query.SQL, p.Params(m), func(rows warehouse.Rows) error {
		_, err := p.Answer(rows, m)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "9223372036854775808") {
		t.Errorf("got %v", err)
	}
}

func (h *house) testTraffic(t *testing.T) {
	at := mustTime(t, "2026-09-07T02:46:12.345Z")
	request := func(secondsAgo float64, status uint16, visitor string, weight float64) campaign.Request {
		when := at.Add(-time.Duration(secondsAgo * float64(time.Second))).Truncate(time.Millisecond)
		return campaign.Request{
			Feed: "edge", OccurredAt: when, ReceivedAt: when, App: "donate", Method: "GET", Path: "/", Status: status,
			DurationMS: 100, VisitorKey: visitor, Weight: weight,
		}
	}
	rows := []campaign.Request{
		request(0, 200, "now", 1), request(-0.001, 200, "later", 1),
		request(2.344, 200, "", 1),              // the first second that is too young
		request(2.346, 200, "settled", 4),       // second 09
		request(12.345, 302, "settled", 1),      // second 00: the first that counts
		request(12.346, 500, "a minute ago", 1), // second 59: too old for the rate
		request(289.345, 404, "at the edge", 1),
		request(302.4, 200, "gone", 1), request(302.4, 0, "gone", 1),
		request(3600, 200, "an hour ago", 1),
	}
	if err := h.StoreTraffic(t.Context(), batch(h, rows...)); err != nil {
		t.Fatal(err)
	}
	v := h.ask(t, "traffic.now", at).Value.(trafficValue)
	if v.PerSecond != 0.5 || v.Requests != 8 ||
		v.ErrorShare == nil || *v.ErrorShare != 0.125 || v.P95 == nil || *v.P95 != 100 {
		t.Errorf("now: %+v", v)
	}
	if v := h.ask(t, "traffic.visitors", at).Value.(visitorsValue); v.Visitors != 4 {
		t.Errorf("%d visitors, want 4: now, settled, a minute ago, at the edge", v.Visitors)
	}
	if v := h.ask(t, "traffic.visitors", at.Add(time.Millisecond)).Value.(visitorsValue); v.Visitors != 5 {
		t.Errorf("%d visitors a millisecond later, want 5", v.Visitors)
	}
	h.testOutcomes(t, at)
}

func (h *house) testOutcomes(t *testing.T, at time.Time) {
	s := h.ask(t, "traffic.hour", at).Series // ends at 02:46:10
	if len(s.Times) != 360 || s.Times[359] != mustTime(t, "2026-09-07T02:46:00Z").Unix() {
		t.Fatalf("times from %d to %d", s.Times[0], s.Times[len(s.Times)-1])
	}
	for _, c := range []struct {
		lane, step int
		want       float64
	}{{0, 359, 0.4}, {1, 359, 0.1}, {3, 358, 0.1}, {0, 358, 0}, {0, 329, 0.2}, {2, 331, 0.1}, {0, 0, 0.1}} {
		if got := s.Columns[c.lane].Values[c.step]; got == nil || *got != c.want {
			t.Errorf("%s, step %d: %v, want %v", s.Columns[c.lane].Name, c.step, got, c.want)
		}
	}
	early := h.ask(t, "traffic.hour", at.Add(-time.Hour+3*time.Minute)).Series
	if early.Columns[0].Values[0] != nil || early.Columns[0].Values[359] == nil {
		t.Error("before the first request there is no point, after it there is one")
	}
}

func (h *house) testMail(t *testing.T) {
	at := mustTime(t, "2026-09-07T02:46:12.345Z")
	mail := func(id, kind, bounce string, when time.Time) campaign.EmailEvent {
		return campaign.EmailEvent{
			Source: "ses", ID: id, Feed: "ses-hook", Type: kind, Bounce: bounce, OccurredAt: when, ReceivedAt: when,
			SendID: "em0906a", Domain: "example.org",
		}
	}
	events := batch(h,
		mail("s1", "send", "", at), mail("s2", "send", "", at.Add(time.Millisecond)),
		mail("s3", "send", "", at.Add(-time.Hour)), mail("s4", "send", "", at.Add(-time.Hour+time.Millisecond)),
		mail("s5", "send", "", at.Add(-59*time.Minute)), mail("s6", "send", "", at.Truncate(time.Minute)),
		mail("s7", "send", "", at.Truncate(time.Minute).Add(-time.Millisecond)),
		mail("s7", "send", "", at.Truncate(time.Minute).Add(-time.Millisecond)),
		mail("b1", "bounce", "hard", at.Add(-30*time.Minute)), mail("b2", "bounce", "soft", at.Add(-30*time.Minute)),
		mail("c1", "complaint", "", at.Add(-time.Second)), mail("o1", "open", "", at.Add(-time.Second)),
	)
	for range 2 {
		if err := h.StoreEmails(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	}
	for when, want := range map[time.Time][3]uint64{
		at:                        {5, 1, 1},
		at.Add(-time.Millisecond): {5, 1, 1}, // without s1, with s3
		at.Add(time.Millisecond):  {5, 1, 1}, // with s2, without s4
		at.Add(-time.Minute):      {3, 1, 0}, // s3, s4, s5
		at.Add(time.Hour):         {1, 0, 0}, // s2
	} {
		v := h.ask(t, "mail.hour", when).Value.(mailValue)
		if got := [3]uint64{v.Sends, v.HardBounces, v.Complaints}; got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
}
