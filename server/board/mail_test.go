package board

import (
	"strings"
	"testing"
)

func TestCrossing(t *testing.T) {
	for name, c := range map[string]struct {
		bad, all, recentBad, recentAll uint64
		says                           string
	}{
		// (200 + 0.1 n) / (10,000 + n) = 0.05 at n = 6,000
		"on its way": {200, 10_000, 100, 1_000, "at the rate of the last 15 minutes (10.0 %) you cross 5 % after 6,000 more"},
		"never":      {200, 10_000, 20, 1_000, "at the rate of the last 15 minutes (2.0 %) you never cross 5 %"},
		// (600 + 0) / (10,000 + n) = 0.05 at n = 2,000
		"mending":           {600, 10_000, 0, 1_000, "at the rate of the last 15 minutes (0 %) you are under 5 % again after 2,000 more"},
		"to the pause":      {600, 10_000, 200, 1_000, "at the rate of the last 15 minutes (20.0 %) you cross 10 % after 4,000 more"},
		"not to the pause":  {600, 10_000, 80, 1_000, "at the rate of the last 15 minutes (8.0 %) you never reach 10 %"},
		"beyond the pause":  {1_200, 10_000, 200, 1_000, "at the rate of the last 15 minutes (20.0 %) it stays over 10 %"},
		"exactly the limit": {500, 10_000, 50, 1_000, "at the rate of the last 15 minutes (5.0 %) it stays over 5 %"},
		"quiet":             {200, 10_000, 0, 0, "no mail in the last 15 minutes"},
		"nothing":           {0, 0, 0, 0, ""},
	} {
		if got := cross(c.bad, c.all, c.recentBad, c.recentAll, bounceReview, bouncePause).says(); got != c.says {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
}

func TestQuota(t *testing.T) {
	o := newYork(t)
	p := deskOf(t, o).mailQuota()
	row := []any{uint64(5_400), uint64(6_000), uint64(123_456)}
	_, fragment := answer(t, p, evening(t), row)
	for _, want := range []string{"quota unknown: set WARROOM_MAIL_PER_SECOND", "quota unknown: set WARROOM_MAIL_PER_DAY", ">90<", "123,456"} {
		if !strings.Contains(fragment, want) {
			t.Errorf("no %q in %s", want, fragment)
		}
	}
	o.MailPerSecond, o.MailPerDay = 100, 100_000
	api, fragment := answer(t, deskOf(t, o).mailQuota(), evening(t), row)
	for _, want := range []string{"90.0 % of 100: nearly full", "123.5 % of 100,000: over it, mails will be refused", `class="over"`} {
		if !strings.Contains(fragment, want) {
			t.Errorf("no %q in %s", want, fragment)
		}
	}
	if want := `"share_of_second":0.9,`; !strings.Contains(api, want) {
		t.Errorf("no %s in %s", want, api)
	}
}

func TestLag(t *testing.T) {
	p := deskOf(t, newYork(t)).mailLag()
	// 1,000 − 700 − 20 − 30 − 10 = 240 under way, and 600 ended in 300 s: 120 s
	api, fragment := answer(t, p, evening(t),
		[]any{uint64(1_000), uint64(700), uint64(20), uint64(30), uint64(10), uint64(5), uint64(600)})
	if !strings.Contains(api, `"under_way":240,"lag_s":120}`) || !strings.Contains(fragment, ">2 min<") {
		t.Errorf("%s\n%s", api, fragment)
	}
	api, fragment = answer(t, p, evening(t),
		[]any{uint64(0), uint64(700), uint64(20), uint64(30), uint64(10), uint64(5), uint64(0)})
	if !strings.Contains(api, `"under_way":0,"lag_s":null}`) || !strings.Contains(fragment, "–") {
		t.Errorf("%s\n%s", api, fragment)
	}
}

func TestProviders(t *testing.T) {
	p := deskOf(t, newYork(t)).mailProviders()
	row := func(domain string, n, hard, complaints uint64) []any {
		return []any{domain, uint64(3), n, n - hard, hard, uint64(7), complaints, uint64(1), uint64(2)}
	}
	_, fragment := answer(t, p, evening(t), row("gmail.example", 100_000, 6_000, 20), row("", 40, 4, 1))
	for _, want := range []string{"gmail.example", "6.0 %", "over 5 %", "3 others"} {
		if !strings.Contains(fragment, want) {
			t.Errorf("no %q in %s", want, fragment)
		}
	}
	if strings.Count(fragment, "over 5 %") != strings.Count(fragment, "over 5 %: review due")+1 {
		t.Errorf("four bounces of forty are too few to cry: %s", fragment)
	}
}
