package board

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

// The moments of a span are each in exactly one piece or in a cut minute.
func TestPiecesCoverASpanOnce(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		since := mustTime(t, "2026-08-20T00:00:00Z").Add(time.Duration(dice.IntN(40*86_400_000)) * time.Millisecond)
		if dice.IntN(3) == 0 {
			since = since.Truncate(time.Hour).Add(time.Duration(dice.IntN(3)-1) * time.Millisecond)
		}
		until := since.Add(time.Duration(dice.IntN(5*86_400_000)+1) * time.Millisecond)
		p := pieces{short: dice.IntN(4) == 0}
		p.add(since, until)
		if p.short && len(p.hours)+len(p.days) > 0 {
			t.Fatalf("short pieces have hours: %+v", p)
		}
		for range 200 {
			at := since.Add(time.Duration(dice.Int64N(int64(until.Sub(since) + 2*time.Minute)))).Add(-time.Minute).Truncate(time.Millisecond)
			got := count(p.minutes, at, time.Minute) + count(p.hours, at, time.Hour) + count(p.days, at, utcDay)
			if slices.ContainsFunc(p.ends, at.Truncate(time.Minute).Equal) && at.After(since) && !at.After(until) {
				got++
			}
			want := 0
			if at.After(since) && !at.After(until) {
				want = 1
			}
			if got != want {
				t.Fatalf("%s is counted %d times in (%s, %s], want %d", at, got, since, until, want)
			}
		}
	}
}

func count(starts []time.Time, at time.Time, length time.Duration) (n int) {
	for _, start := range starts {
		if !at.Before(start) && at.Before(start.Add(length)) {
			n++
		}
	}
	return n
}

func TestMoneyOnTheEngine(t *testing.T) {
	h := openHouse(t)
	t.Run("record", h.testRecord)
	t.Run("last week and yesterday", h.testNeighbours)
	t.Run("days of 23 and 25 hours", h.testLongDays)
	t.Run("hours of the week", h.testWeek)
	t.Run("many", h.testMany)
}

// many are random movements of sixty days, dense near the moment.
func many(at time.Time, n int) []campaign.Donation {
	dice := rand.New(rand.NewPCG(7, 8))
	pick := func(words ...string) string { return words[dice.IntN(len(words))] }
	var list []campaign.Donation
	for i := range n {
		ago := time.Duration(dice.Int64N(int64([]time.Duration{2 * time.Hour, 48 * time.Hour, 14 * utcDay, 62 * utcDay}[i%4])))
		d := gift(fmt.Sprintf("many-%d", i), at.Add(-ago).Truncate(time.Millisecond), int64(1+dice.IntN(300))*50)
		if dice.IntN(10) == 0 { // on the edges
			edge := []time.Duration{time.Hour, 2 * time.Hour, utcDay, 2 * utcDay, 7 * utcDay, 14 * utcDay, 30 * utcDay}[dice.IntN(7)]
			d.OccurredAt = at.Add(-edge).Add(time.Duration(dice.IntN(3)-1) * time.Millisecond)
		}
		d.Source, d.Path = pick("actblue", "stripe"), pick("vendor", "mirror")
		d.Form, d.Channel, d.Refcode = pick("", "main", "speech"), pick("", "email", "sms", "web"), pick("", "em1", "em2", "fb")
		d.Recurring, d.State = pick("none", "none", "none", "weekly", "monthly"), pick("OH", "ca", "NY", "", "PR")
		d.FirstGift, d.Currency = dice.IntN(3) == 0, pick("USD", "USD", "USD", "EUR")
		switch dice.IntN(20) {
		case 0:
			d.Kind, d.AmountMinor, d.FirstGift = "refund", -d.AmountMinor, false
		case 1:
			d.Kind, d.AmountMinor, d.FirstGift = "cancellation", 0, false
		case 2:
			d.Kind, d.FirstGift = "dispute_won", false
		}
		list = append(list, d)
	}
	return list
}

func (h *house) testMany(t *testing.T) {
	at := mustTime(t, "2031-06-18T17:23:41.207Z")
	list := many(at, 6000)
	for start := 0; start < len(list); start += 2500 {
		h.give(t, list[start:min(start+2500, len(list))]...)
	}
	for _, window := range append(moneyWindows(), 90*time.Minute, 10*time.Second) {
		for _, moment := range []time.Time{at, at.Truncate(time.Minute), at.Truncate(time.Hour).Add(-time.Millisecond)} {
			m := Moment{At: moment, Window: window}
			h.compareCuts(t, m, list)
			h.compareTotal(t, m, list)
			h.compareSizes(t, m, list)
			h.compareSteps(t, m, list)
		}
	}
}

// within are the movements of one currency in a span.
func within(list []campaign.Donation, since, until time.Time) (in []campaign.Donation) {
	for _, d := range list {
		if d.Currency == "USD" && d.OccurredAt.After(since) && !d.OccurredAt.After(until) {
			in = append(in, d)
		}
	}
	return in
}

// tally is what the panels say, counted in another way.
type tally struct{ given, net, gifts, firsts, refunds int64 }

func tallyBy(list []campaign.Donation, of func(campaign.Donation) string) map[string]tally {
	by := map[string]tally{}
	for _, d := range list {
		x := by[of(d)]
		x.net += d.AmountMinor
		switch d.Kind {
		case "gift":
			x.given, x.gifts = x.given+d.AmountMinor, x.gifts+1
			if d.FirstGift {
				x.firsts++
			}
		case "refund", "chargeback":
			x.refunds++
		}
		by[of(d)] = x
	}
	return by
}

func (h *house) compareCuts(t *testing.T, m Moment, list []campaign.Donation) {
	t.Helper()
	since := m.At.Add(-m.Window)
	for topic, of := range map[string]func(campaign.Donation) string{
		"money.sources":  func(d campaign.Donation) string { return d.Source },
		"money.paths":    func(d campaign.Donation) string { return d.Path },
		"money.forms":    func(d campaign.Donation) string { return d.Form },
		"money.channels": func(d campaign.Donation) string { return d.Channel },
		"money.codes":    func(d campaign.Donation) string { return d.Refcode },
		"money.rhythms":  func(d campaign.Donation) string { return d.Recurring },
		"money.map": func(d campaign.Donation) string {
			if state := strings.ToUpper(d.State); state != "PR" {
				return state
			}
			return ""
		},
	} {
		now := tallyBy(within(list, since, m.At), of)
		before := tallyBy(within(list, since.Add(-m.Window), since), of)
		seen := map[string]bool{}
		var given int64
		for _, row := range h.answer(t, h.panels[topic], m).Rows.([]cutRow) {
			seen[row.Value] = true
			given += row.Minor
			got := tally{row.Minor, row.Net.Minor, int64(row.Gifts), int64(row.FirstGifts), int64(row.Refunds)}
			want := now[row.Value]
			if topic == "money.map" {
				want = tally{given: want.given, gifts: want.gifts}
			}
			if got != want || row.Before.Minor != before[row.Value].given || int64(row.GiftsBefore) != before[row.Value].gifts {
				t.Errorf("%s of %s at %s: %q is %+v, want %+v; before %s", topic, m.Window, m.At, row.Value, got, want, row.Before.Amount)
			}
		}
		for value, x := range now {
			if x.gifts > 0 && !seen[value] {
				t.Errorf("%s of %s: %q is missing", topic, m.Window, value)
			}
		}
	}
}

func (h *house) compareTotal(t *testing.T, m Moment, list []campaign.Donation) {
	t.Helper()
	since := m.At.Add(-m.Window)
	all := func(campaign.Donation) string { return "" }
	now, before := tallyBy(within(list, since, m.At), all)[""], tallyBy(within(list, since.Add(-m.Window), since), all)[""]
	repeated := tallyBy(within(list, since, m.At), func(d campaign.Donation) string { return d.Recurring })
	v := h.answer(t, h.panels["money.total"], m).Value.(totalValue)
	got := tally{v.Given.Minor, v.Minor, int64(v.Gifts), int64(v.FirstGifts), int64(v.Refunds)}
	if got != now || v.Before.Minor != before.net || v.GivenBefore.Minor != before.given || int64(v.GiftsBefore) != before.gifts {
		t.Errorf("total of %s at %s: %+v, want %+v and before %+v; got %+v", m.Window, m.At, got, now, before, v)
	}
	if v.Recurring.Minor != repeated["weekly"].given+repeated["monthly"].given || v.Refunded.Minor != now.given-now.net {
		t.Errorf("recurring of %s: %+v", m.Window, v)
	}
}

func (h *house) compareSizes(t *testing.T, m Moment, list []campaign.Donation) {
	t.Helper()
	var amounts []int64
	bands := map[int64]tally{}
	for _, d := range within(list, m.At.Add(-m.Window), m.At) {
		if d.Kind != "gift" {
			continue
		}
		amounts = append(amounts, d.AmountMinor)
		i, found := slices.BinarySearch(sizeEdges(), d.AmountMinor)
		if !found {
			i--
		}
		x := bands[sizeEdges()[i]]
		x.given, x.gifts = x.given+d.AmountMinor, x.gifts+1
		bands[sizeEdges()[i]] = x
	}
	slices.Sort(amounts)
	rows := h.answer(t, h.panels["money.sizes"], m).Rows.([]sizeRow)
	for _, row := range rows[:len(rows)-1] {
		if x := bands[row.From.Minor]; x.given != row.Minor || x.gifts != int64(row.Gifts) {
			t.Errorf("sizes of %s from %s: %+v, want %+v", m.Window, row.From.Amount, row, x)
		}
	}
	all := rows[len(rows)-1]
	if len(amounts) > 0 && all.Mid.Minor != amounts[(len(amounts)-1)/2] || int(all.Gifts) != len(amounts) {
		t.Errorf("all sizes of %s: %+v, want the median of %d", m.Window, all, len(amounts))
	}
}

func (h *house) compareSteps(t *testing.T, m Moment, list []campaign.Donation) {
	t.Helper()
	s := h.answer(t, h.panels["money.steps"], m).Series
	for i, start := range s.Times {
		until := m.At
		if i+1 < len(s.Times) {
			until = time.Unix(s.Times[i+1], 0).Add(-time.Millisecond)
		}
		by := tallyBy(within(list, time.Unix(start, 0).Add(-time.Millisecond), until), func(d campaign.Donation) string {
			if d.Recurring == "none" {
				return "once"
			}
			return "recurring"
		})
		for k, lane := range s.Columns {
			want := newMoney(by[lane.Name].given, "USD")
			if *lane.Values[i] != want.major() || s.Table[i+1][k+1] != want.exact() {
				t.Fatalf("%s of %s at %s from %s: %v, want %v", lane.Name, m.Window, m.At, s.Table[i+1][0], *lane.Values[i], want.exact())
			}
		}
	}
}

// The record is the highest hour before the present one, as of the moment, and falls in the minute that passes it.
func (h *house) testRecord(t *testing.T) {
	at := mustTime(t, "2029-05-10T18:30:00Z")
	h.give(t,
		gift("r1", at.Add(-80*utcDay), 100_00), gift("r2", at.Add(-3*utcDay), 400_00),
		with(gift("r3", at.Add(-3*utcDay), -100_00), func(d *campaign.Donation) { d.Kind = "refund" }),
		gift("r4", at.Add(-2*time.Hour), 250_00),
		gift("r5", at.Add(-10*time.Minute), 300_00), gift("r6", at.Add(-5*time.Minute), 1), gift("r7", at.Add(time.Minute), 900_00),
		with(gift("euro", at.Add(-4*utcDay), 9_000_00), func(d *campaign.Donation) { d.Currency = "EUR" }),
	)
	record := func(at time.Time) recordValue { return h.ask(t, "money.record", at).Value.(recordValue) }
	v := record(at)
	if !v.Falls || v.Amount != "300.01" || v.Before.Amount != "300.00" || !v.Since.Equal(at.Add(-5*time.Minute)) ||
		!v.Hour.Equal(at.Truncate(time.Hour)) || !v.Before.Hour.Equal(at.Add(-3*utcDay).Truncate(time.Hour)) {
		t.Errorf("when it falls: %+v", v)
	}
	wantParts(t, html(t, h.ask(t, "money.record", at)), "highest hour ever, since 2:25 PM EDT",
		`data-announce="Record hour: 2 PM has passed $300.00, the highest before it (Mon 7 May, 2–3 PM EDT)"`)
	v = record(at.Add(-5*time.Minute - time.Millisecond))
	if v.Falls || v.Amount != "300.00" || v.Now.Amount != "300.00" || v.Since != nil {
		t.Errorf("level with it is no record: %+v", v)
	}
	if v = record(at.Add(-30 * time.Minute)); v.Amount != "300.00" || v.Now.Amount != "0.00" {
		t.Errorf("the start of the hour: %+v", v)
	}
	if v = record(at.Add(-4 * utcDay)); v.Amount != "100.00" {
		t.Errorf("as of a day before the record: %+v", v)
	}
	if v = record(at.Add(time.Hour)); v.Falls || v.Amount != "1200.01" || !v.Hour.Equal(at.Truncate(time.Hour)) {
		t.Errorf("the hour after: %+v", v)
	}
	if text := html(t, h.ask(t, "money.record", at.Add(time.Hour))); strings.Contains(text, "data-announce") {
		t.Errorf("an old record is announced: %s", text)
	}
	h.give(t, gift("r8", at.Add(-3*utcDay), 5_000_00)) // late
	if v = record(at); v.Falls || v.Amount != "5300.00" {
		t.Errorf("after a late gift: %+v", v)
	}
}

// The hour is compared with the same clock hour a week ago, and the day with yesterday up to the same time of the clock,
// also when the clocks have changed in between.
func (h *house) testNeighbours(t *testing.T) {
	at := mustTime(t, "2030-03-12T16:30:00Z") // 12:30 PM EDT, a Tuesday; the clocks went forward on Sunday
	week := mustTime(t, "2030-03-05T17:30:00Z")
	h.give(t,
		gift("n1", at, 10_00), gift("n2", at.Add(-time.Hour), 7_00),
		gift("w1", week, 3_00), gift("w2", week.Add(-time.Hour), 1_00), gift("w3", week.Add(-time.Hour+time.Millisecond), 2_00),
		gift("w4", week.Add(time.Millisecond), 50_00),
	)
	v := h.ask(t, "money.hour", at).Value.(hourValue)
	if v.Amount != "10.00" || v.HourBefore.Amount != "7.00" || v.LastWeek.Amount != "5.00" {
		t.Errorf("the hour: %+v", v)
	}
	start, at := mustTime(t, "2030-03-10T05:00:00Z"), mustTime(t, "2030-03-11T14:00:00Z") // Sunday had 23 hours; Monday 10 AM EDT
	h.give(t,
		gift("y0", start.Add(-time.Millisecond), 1_000_00), gift("y1", start, 1_00),
		gift("y2", mustTime(t, "2030-03-10T14:00:00Z"), 2_00), gift("y3", mustTime(t, "2030-03-10T14:00:00.001Z"), 4_00),
		gift("y4", mustTime(t, "2030-03-11T03:59:59.999Z"), 8_00), gift("y5", mustTime(t, "2030-03-11T04:00:00Z"), 16_00),
	)
	day := h.ask(t, "money.today", at).Value.(todayValue)
	if day.Amount != "16.00" || day.SameTime.Amount != "3.00" || day.Yesterday.Amount != "15.00" {
		t.Errorf("the day: %+v", day)
	}
	later := at.Add(90 * time.Second) // the last minute begins within a minute of the clock
	h.give(t, gift("y6", later.Add(-time.Minute), 1_00), gift("y7", later.Add(-time.Minute+time.Millisecond), 1_00), gift("y8", later, 1_00))
	if day = h.ask(t, "money.today", later).Value.(todayValue); day.lastMinute != 2 || day.Gifts != 4 {
		t.Errorf("a little later: %+v", day)
	}
}

func (h *house) testLongDays(t *testing.T) {
	p := h.panels["money.steps"]
	m := Moment{At: mustTime(t, "2027-11-08T12:00:00Z"), Window: 30 * utcDay} // the clocks went back on 7 November
	day := mustTime(t, "2027-11-07T04:00:00Z")
	h.give(t, gift("l1", day.Add(-time.Millisecond), 1_00), gift("l2", day, 2_00), gift("l3", day.Add(25*time.Hour-time.Millisecond), 4_00),
		gift("l4", day.Add(25*time.Hour), 8_00))
	s := h.answer(t, p, m).Series
	last := len(s.Times) - 1
	if len(s.Times) != 30 || s.Times[last]-s.Times[last-1] != 25*3600 || s.Times[last-1]-s.Times[last-2] != 24*3600 {
		t.Fatalf("times %v", s.Times)
	}
	for i, want := range []float64{1, 6, 8} {
		if got := *s.Columns[0].Values[last-2+i]; got != want {
			t.Errorf("%s: %v, want %v", s.Table[last-1+i][0], got, want)
		}
	}
}

// An hour that happens twice is two hours of its place in the week, and one that is skipped is none.
func (h *house) testWeek(t *testing.T) {
	at := mustTime(t, "2027-11-08T12:10:00Z")
	first := mustTime(t, "2027-10-30T04:00:00Z") // Saturday midnight
	twice := mustTime(t, "2027-11-07T05:30:00Z") // Sunday 1:30 AM EDT, and an hour later 1:30 AM EST
	h.give(t, gift("k1", first, 4_00), gift("k2", first.Add(7*utcDay), 6_00), gift("k3", twice, 30_00), gift("k4", twice.Add(time.Hour), 60_00),
		gift("k5", at, 500_00))
	rows := h.ask(t, "money.week", at).Rows.([]weekRow)
	if r := rows[5*24]; r.Weekday != "Saturday" || r.Hour != 0 || r.Hours != 2 || r.Gifts < 2 || r.Given.Minor < 10_00 {
		t.Errorf("Saturday midnight: %+v", r)
	}
	if r := rows[6*24+1]; r.Weekday != "Sunday" || r.Hours != 3 || r.Amount != "30.00" {
		t.Errorf("the hour that happens twice: %+v, want (30 + 60) / 3", r)
	}
	if r := rows[7]; r.Weekday != "Monday" || r.Hour != 7 || r.Given.Minor != 0 {
		t.Errorf("the present hour counts: %+v", r)
	}
}

func TestCutsAsText(t *testing.T) {
	p := leadership(t, newYork(t))["money.codes"]
	m := Moment{At: evening(t).At, Window: 7 * utcDay}
	var rows [][]any
	for i := range 20 {
		rows = append(rows, []any{"state", "OH", 1, 1, 1, 0, 0, 0, 0}) // of the other panel of the query
		rows = append(rows, []any{"refcode", fmt.Sprintf("code%02d", i), (20 - i) * 100_00, (20 - i) * 100_00, 10, 1, 0, 50_00, 1})
	}
	rows = append(rows, []any{"refcode", "gone", 0, 0, 0, 0, 0, 70_00, 1}, []any{"refcode", "cancelled", 0, 0, 0, 0, 0, 0, 0})
	api, fragment := answer(t, p, m, rows...)
	var got []struct {
		Value  string
		Share  float64
		Change *float64
	}
	if err := json.Unmarshal([]byte(api), &got); err != nil || len(got) != 21 || *got[20].Change != -1 || got[0].Share != 20.0/210 {
		t.Errorf("%v: %s", err, api)
	}
	wantParts(t, fragment, "last 7 days, before refunds", "code00", "$2,000", "$200.00", "9.5 %", "40×", "8 others", "$3,600",
		`data-topic="money.codes@604800"`, `id="p-money-codes"`, "10 gifts, $200.00 on average")
	if strings.Contains(fragment, "code12") || strings.Contains(fragment, "gone") {
		t.Error("rows beyond the room, or without a gift, are named")
	}
}

func TestShortAmounts(t *testing.T) {
	for minor, want := range map[int64]string{
		0: "$0", 49: "$0", 940_00: "$940", 999_49: "$999", 999_50: "$1k", 12_345_00: "$12k", 1_240_00: "$1.2k",
		999_499_00: "$999k", 999_500_00: "$1M", 12_345_678_00: "$12M", -12_345_00: "−$12k",
	} {
		if got := newMoney(minor, "USD").short(); got != want {
			t.Errorf("%d: %q, want %q", minor, got, want)
		}
	}
}

func TestSpanTexts(t *testing.T) {
	for window, want := range map[time.Duration]string{
		time.Hour: "hour", utcDay: "24 hours", 7 * utcDay: "7 days", 90 * time.Minute: "90 minutes", 10 * time.Second: "10 seconds",
	} {
		if got := spanText(window); got != want {
			t.Errorf("%s: %q, want %q", window, got, want)
		}
	}
}
