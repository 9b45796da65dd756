package board

import (
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"warroom/views"
)

func TestMoneyText(t *testing.T) {
	for _, c := range []struct {
		minor                 int64
		currency              string
		text, exact, apiValue string
	}{
		{0, "USD", "$0", "$0.00", "0.00"},
		{1, "USD", "$0.01", "$0.01", "0.01"},
		{-1, "USD", "−$0.01", "−$0.01", "-0.01"},
		{5498, "USD", "$54.98", "$54.98", "54.98"},
		{99_999, "USD", "$999.99", "$999.99", "999.99"},
		{100_000, "USD", "$1,000", "$1,000.00", "1000.00"},
		{100_049, "USD", "$1,000", "$1,000.49", "1000.49"},
		{100_050, "USD", "$1,001", "$1,000.50", "1000.50"},
		{-120_500, "USD", "−$1,205", "−$1,205.00", "-1205.00"},
		{204_133_000, "USD", "$2,041,330", "$2,041,330.00", "2041330.00"},
		{math.MaxInt64, "USD", "$92,233,720,368,547,758", "$92,233,720,368,547,758.07", "92233720368547758.07"},
		{math.MinInt64, "USD", "−$92,233,720,368,547,758", "−$92,233,720,368,547,758.08", "-92233720368547758.08"},
		{120_000, "EUR", "€1,200", "€1,200.00", "1200.00"},
		{999, "GBP", "£9.99", "£9.99", "9.99"},
		{2500, "JPY", "¥2,500", "¥2,500", "2500"},
		{999, "JPY", "¥999", "¥999", "999"},
		{1_234_567, "KWD", "KWD\u00a01,235", "KWD\u00a01,234.567", "1234.567"},
		{-5, "KWD", "−KWD\u00a00.005", "−KWD\u00a00.005", "-0.005"},
		{150_000, "CAD", "CA$1,500", "CA$1,500.00", "1500.00"},
	} {
		m := newMoney(c.minor, c.currency)
		if m.text() != c.text || m.exact() != c.exact || m.Amount != c.apiValue {
			t.Errorf("%d %s: %q, %q, %q; want %q, %q, %q", c.minor, c.currency,
				m.text(), m.exact(), m.Amount, c.text, c.exact, c.apiValue)
		}
	}
}

func TestAverageIsRoundedToTheCent(t *testing.T) {
	for _, c := range []struct {
		sum    int64
		pieces uint64
		want   int64
	}{
		{0, 0, 0}, {100, 0, 0}, {100, 3, 33}, {200, 3, 67}, {101, 2, 51}, {-101, 2, -51}, {-100, 3, -33}, {2500, 1, 2500},
		{math.MaxInt64, 1, math.MaxInt64}, {math.MinInt64, 1, math.MinInt64},
	} {
		if got := newMoney(c.sum, "USD").average(c.pieces); got.Minor != c.want {
			t.Errorf("%d / %d = %d, want %d", c.sum, c.pieces, got.Minor, c.want)
		}
	}
}

func TestSumsThatCannotBeTrueAreRefused(t *testing.T) {
	largest, tooLarge := big.NewInt(math.MaxInt64), new(big.Int).Add(big.NewInt(math.MaxInt64), big.NewInt(1))
	if m, err := sumOf(largest, "USD"); err != nil || m.Minor != math.MaxInt64 {
		t.Errorf("the largest sum: %v, %v", m, err)
	}
	if m, err := sumOf(tooLarge, "USD"); err == nil || !strings.Contains(err.Error(), "9223372036854775808") {
		t.Errorf("one more: %v, %v", m, err)
	}
}

func TestOnlyDollarsRoll(t *testing.T) {
	if got, want := newMoney(-5, "USD").figure(), (views.Figure{Text: "−$0.05", Raw: "-5", Unit: "usd"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := newMoney(5, "EUR").figure(), (views.Figure{Text: "€0.05", Unit: "eur"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestPercentText(t *testing.T) {
	for ratio, want := range map[float64]string{
		0: "0 %", 0.000001: "0 %", 0.000012: "0.001 %", 0.00055: "0.055 %", 0.0008: "0.08 %", 0.001: "0.1 %",
		0.00994: "0.99 %", 0.00996: "1.0 %", 0.026: "2.6 %", 0.441: "44.1 %", 1: "100.0 %", 12.5: "1250.0 %",
	} {
		if got := percentText(ratio); got != want {
			t.Errorf("%v: %q, want %q", ratio, got, want)
		}
	}
}

func TestRateText(t *testing.T) {
	for rate, want := range map[float64]string{
		0: "0", 0.04: "0", 0.1: "0.1", 1: "1", 3.44: "3.4", 9.94: "9.9", 9.96: "10", 10.4: "10", 9412.4: "9,412",
		1e6: "1,000,000",
	} {
		if got := rateText(rate); got != want {
			t.Errorf("%v: %q, want %q", rate, got, want)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	for ms, want := range map[float64]string{
		0.4: "0 ms", 212.4: "212 ms", 999.4: "999 ms", 999.6: "1.0 s", 12_345: "12.3 s",
	} {
		if got := milliseconds(ms); got != want {
			t.Errorf("%v: %q, want %q", ms, got, want)
		}
	}
}

func TestWidthStaysInTheBar(t *testing.T) {
	for ratio, want := range map[float64]string{-1: "0.0", 0: "0.0", 0.3984: "39.8", 1: "100.0", 7: "100.0"} {
		if got := width(ratio); got != want {
			t.Errorf("%v: %q, want %q", ratio, got, want)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		now, before int64
		want        views.Change
	}{
		{204_133_000, 5_312_000, views.Change{Sign: 1, Text: "38×", Against: "the hour before ($53,120)"}},
		{340, 100, views.Change{Sign: 1, Text: "3.4×", Against: "the hour before ($1.00)"}},
		{300, 100, views.Change{Sign: 1, Text: "3×", Against: "the hour before ($1.00)"}},
		{299, 100, views.Change{Sign: 1, Text: "199 %", Against: "from the hour before ($1.00)"}},
		{112, 100, views.Change{Sign: 1, Text: "12 %", Against: "from the hour before ($1.00)"}},
		{100_400, 100_000, views.Change{Text: "level with", Against: "the hour before ($1,000)"}},
		{100, 100, views.Change{Text: "level with", Against: "the hour before ($1.00)"}},
		{60, 100, views.Change{Sign: -1, Text: "40 %", Against: "from the hour before ($1.00)"}},
		{0, 100, views.Change{Sign: -1, Text: "100 %", Against: "from the hour before ($1.00)"}},
		{-2000, 100, views.Change{Sign: -1, Text: "2,100 %", Against: "from the hour before ($1.00)"}},
		{100, 0, views.Change{Against: "nothing in the hour before"}},
		{100, -100, views.Change{Against: "the hour before: −$1.00"}},
		{1_000_000_00, 1, views.Change{Sign: 1, Text: "100,000,000×", Against: "the hour before ($0.01)"}},
	} {
		got := change(newMoney(c.now, "USD"), newMoney(c.before, "USD"), "the hour before")
		if got != c.want {
			t.Errorf("%d after %d: %+v, want %+v", c.now, c.before, got, c.want)
		}
	}
}

// The first moment of a day, in zones that move their clocks at two in the morning, at midnight and over midnight.
func TestDayStart(t *testing.T) {
	for _, c := range []struct{ zone, at, want, since string }{
		{"America/New_York", "2026-09-07T02:46:12Z", "2026-09-06T04:00:00Z", "since midnight EDT"},
		{"America/New_York", "2026-09-07T03:59:59.999Z", "2026-09-06T04:00:00Z", "since midnight EDT"},
		{"America/New_York", "2026-09-07T04:00:00Z", "2026-09-07T04:00:00Z", "since midnight EDT"},
		{"America/New_York", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "since midnight EDT"}, // 25 hours, ends in EST
		{"America/New_York", "2026-11-02T04:59:59Z", "2026-11-01T04:00:00Z", "since midnight EDT"},
		{"America/New_York", "2026-11-02T05:00:00Z", "2026-11-02T05:00:00Z", "since midnight EST"},
		{"America/New_York", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "since midnight EST"}, // 23 hours
		{"America/New_York", "2026-03-09T03:59:59Z", "2026-03-08T05:00:00Z", "since midnight EST"},
		{"America/Havana", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z", "since 1:00 AM CDT"},  // midnight is skipped
		{"America/Havana", "2026-11-01T12:00:00Z", "2026-11-01T04:00:00Z", "since midnight CDT"}, // midnight comes twice
		{"America/Havana", "2026-11-01T04:30:00Z", "2026-11-01T04:00:00Z", "since midnight CDT"},
		{"America/Havana", "2026-11-01T05:30:00Z", "2026-11-01T04:00:00Z", "since midnight CDT"},
		{"Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-23T22:00:00Z", "since 1:00 AM EEST"},
		{"Africa/Cairo", "2026-10-29T20:30:00Z", "2026-10-28T21:00:00Z", "since midnight EEST"}, // 11 PM comes twice
		{"Asia/Kathmandu", "2026-09-06T18:14:59Z", "2026-09-05T18:15:00Z", "since midnight +0545"},
		{"UTC", "2026-09-06T00:00:00Z", "2026-09-06T00:00:00Z", "since midnight UTC"},
	} {
		zone := mustZone(t, c.zone)
		start := dayStart(mustTime(t, c.at), zone)
		if got := start.UTC().Format(time.RFC3339); got != c.want {
			t.Errorf("%s in %s: the day starts at %s, want %s", c.at, c.zone, got, c.want)
		}
		if got := sinceDayStart(start); got != c.since {
			t.Errorf("%s in %s: %q, want %q", c.at, c.zone, got, c.since)
		}
	}
}

// Every moment of two years must be in the day that dayStart says, and no earlier moment of that day may exist.
func TestDayStartIsTheFirstMomentOfItsDay(t *testing.T) {
	for _, name := range []string{
		"America/New_York", "America/Havana", "Africa/Cairo", "Australia/Lord_Howe", "America/Nuuk",
	} {
		zone := mustZone(t, name)
		for at := mustTime(t, "2026-01-01T00:10:00Z"); at.Year() < 2028; at = at.Add(30 * time.Minute) {
			start := dayStart(at, zone)
			same := start.In(zone).Format(time.DateOnly) == at.In(zone).Format(time.DateOnly)
			before := start.Add(-time.Millisecond).In(zone).Format(time.DateOnly)
			if !same || start.After(at) || before == at.In(zone).Format(time.DateOnly) {
				t.Fatalf("%s: the day of %s starts at %s", name, at.In(zone), start.In(zone))
			}
		}
	}
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func mustTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestStates(t *testing.T) {
	people, places := 0, map[[2]int]string{}
	for _, s := range states() {
		people += s.people
		place := [2]int{s.col, s.row}
		if other := places[place]; other != "" || s.col < 1 || s.col > 11 || s.row < 1 || s.row > 8 {
			t.Errorf("%s is at %v, where %q is", s.code, place, other)
		}
		places[place] = s.code
	}
	if people != 331_449_281 || len(places) != 51 {
		t.Errorf("%d people in %d places, want the census's 331,449,281 in 51", people, len(places))
	}
}

func TestLevel(t *testing.T) {
	for _, c := range []struct {
		value, most float64
		want        int
	}{{0, 0, 0}, {0, 5, 0}, {-1, 5, 0}, {5, 5, 9}, {0.0001, 5, 1}, {1.25, 5, 5}, {4.99, 5, 8}} {
		if got := level(c.value, c.most); got != c.want {
			t.Errorf("%v of %v: level %d, want %d", c.value, c.most, got, c.want)
		}
	}
}

func TestSteps(t *testing.T) {
	until := mustTime(t, "2026-09-06T22:47:00Z")
	s := lastSteps(until, 3*time.Hour, time.Minute)
	if s.count != 180 || !s.start(179).Equal(until.Add(-time.Minute)) {
		t.Errorf("steps %+v", s)
	}
	if i, err := s.index(s.start(17)); i != 17 || err != nil {
		t.Errorf("index %d, %v", i, err)
	}
	for _, wrong := range []time.Time{until, s.from.Add(-time.Minute), s.from.Add(time.Second), s.from.Add(-time.Second)} {
		if i, err := s.index(wrong); err == nil {
			t.Errorf("%s is step %d, want an error", wrong, i)
		}
	}
	if got := lastSteps(until, 0, time.Minute).count; got != 1 {
		t.Errorf("no window: %d steps, want 1", got)
	}
	if got := lastSteps(until, 1e6*time.Hour, time.Minute).count; got != most {
		t.Errorf("an endless window: %d steps, want %d", got, most)
	}
}
