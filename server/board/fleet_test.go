package board

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
	"time"

	"warroom/server/campaign"
)

// requestsOf are n requests of an app, one a second back from ago, of which every bad-th failed.
func requestsOf(app, host string, ago time.Duration, n, bad int) (list []asked) {
	for i := range n {
		status := uint16(200)
		if bad > 0 && i%bad == 0 {
			status = 503
		}
		list = append(list, asked{ago: ago + time.Duration(i)*time.Second, app: app, host: host, path: "/", status: status, ms: 10, method: "GET"})
	}
	return list
}

func (h *house) testFleet(t *testing.T) {
	at := mustTime(t, "2026-06-02T15:30:30Z")
	week := 7 * 24 * time.Hour
	h.visit(t, at, requestsOf("donate", "give.example.org", 3*time.Second, 1800, 0)...)
	h.visit(t, at, requestsOf("donate", "give2.example.org", 12*time.Minute, 1800, 0)...)
	h.visit(t, at, requestsOf("donate", "give.example.org", week-9*time.Minute, 1200, 100)...) // in the same hour a week ago
	h.visit(t, at, requestsOf("site", "www.example.org", 3*time.Second, 60, 10)...)
	rows := h.ask(t, "fleet.apps", at).Rows.([]fleetRow)
	if len(rows) != 2 || rows[0].App != "donate" || rows[0].Tier != 1 || !rows[0].TierGuessed || rows[0].Hosts != 1 || rows[0].HostsSeen != 2 {
		t.Fatalf("apps: %+v", rows)
	}
	if rows[0].Usual == nil || math.Abs(*rows[0].Usual-0.01) > 1e-4 || rows[0].Over || rows[0].UsualOf != "at this hour of the week" {
		t.Errorf("donate: %+v", rows[0])
	}
	if rows[1].Usual != nil || !rows[1].Over || *rows[1].Failed != 0.1 || *rows[1].MeanMS != 10 {
		t.Errorf("site, of which nothing is known: %+v", rows[1])
	}
	hosts := h.ask(t, "fleet.hosts", at).Rows.([]hostRow)
	if len(hosts) != 3 || !hosts[0].Quiet || hosts[0].Host != "give2.example.org" || hosts[1].Quiet || hosts[1].Host != "www.example.org" {
		t.Fatalf("hosts: %+v", hosts)
	}
	if last := at.Add(-12 * time.Minute); !hosts[0].LastAt.Equal(last) || hosts[0].PerSecond != 0 {
		t.Errorf("the quiet one: %+v, want its last request at %s", hosts[0], last)
	}
}

// Half of what donate answers fails for the last four minutes; events fails altogether, but no gift passes it. A tenth
// of the pages where people give is asked for by people from the site.
func (h *house) testRisk(t *testing.T) {
	at := mustTime(t, "2026-06-11T15:30:02Z")
	since := mustTime(t, "2026-06-11T15:26:00Z")
	before := at.Sub(since)
	h.visit(t, at, requestsOf("donate", "give.example.org", before+time.Millisecond, 3000, 0)...)
	h.visit(t, at, requestsOf("donate", "give.example.org", 3*time.Second, 239, 2)...)
	h.visit(t, at, requestsOf("events", "events.example.org", before+time.Millisecond, 3000, 0)...)
	h.visit(t, at, requestsOf("events", "events.example.org", 3*time.Second, 239, 1)...)
	h.visit(t, at, requestsOf("site", "www.example.org", 3*time.Second, 3200, 0)...)
	var gifts []campaign.Donation
	for i := range 30 {
		gifts = append(gifts, gift("risk "+string(rune('A'+i)), since.Add(-time.Duration(i)*time.Minute-time.Second), 20_00))
	}
	gifts = append(gifts, gift("risk, too early", since.Add(-31*time.Minute), 9_999_00), gift("risk, after it began", since, 7_00))
	for i := range 3 { // what is usual is less
		gifts = append(gifts, gift("risk, usual "+string(rune('A'+i)), mustTime(t, "2026-06-04T15:10:00Z").AddDate(0, 0, -7*i), 60_00))
	}
	h.give(t, gifts...)
	v := h.ask(t, "fleet.risk", at).Value.(riskValue)
	if len(v.Incidents) != 2 || v.Incidents[0].App != "donate" || v.Incidents[1].App != "events" {
		t.Fatalf("incidents: %+v", v.Incidents)
	}
	i := v.Incidents[0]
	if i.Passes != 1 || i.Share != 0.5 || i.Usual != 0 || i.Expected.Amount != "20.00" || i.AtRisk.Amount != "10.00" ||
		i.Since != "2026-06-11T15:26:00Z" || i.Longer || i.Tier != 1 {
		t.Errorf("donate: %+v", i)
	}
	if i = v.Incidents[1]; i.AtRisk.Minor != 0 || i.Passes != 0 || i.Share != 1 {
		t.Errorf("events: %+v", i)
	}
	if v.AtRisk.Amount != "10.00" {
		t.Errorf("at risk: %+v", v.AtRisk)
	}
	wantParts(t, html(t, h.ask(t, "fleet.risk", at)), "$10", "50.0 % of its answers fail, usually 0 %", "since 11:26 AM EDT, 4 minutes")
	wantParts(t, html(t, h.ask(t, "fleet.risk", since)), "Nothing at risk", "All 3 apps are")
}

// What referred pages share of the gifts, what two incidents cost together, and silence.
func TestRiskModel(t *testing.T) {
	d := deskOf(t, newYork(t))
	at := mustTime(t, "2026-06-09T15:30:02Z")
	steady := func(n float64, minutes, until int) (list []minute) {
		for i := minutes; i > until; i-- {
			list = append(list, minute{at.Truncate(time.Minute).Unix() - int64(60*i), answers{n, 0}})
		}
		return list
	}
	gifts := map[int64]*big.Int{}
	for i := range int64(60) {
		gifts[at.Truncate(time.Minute).Unix()-60*i] = big.NewInt(100_00)
	}
	app := func(name string, requests, failed, asked, sent float64) riskApp {
		return riskApp{
			app: name, now: answers{requests, failed}, day: answers{100_000, 0}, minutes: steady(600, 120, 0),
			asked: asked, sent: sent, allAsks: 1000, gifts: gifts, weekGiven: []*big.Int{big.NewInt(1)},
		}
	}
	v, err := d.atRisk([]riskApp{app("donate", 600, 600, 1000, 0), app("site", 600, 600, 0, 300), app("api", 600, 4, 0, 0)}, Moment{At: at})
	if err != nil || len(v.Incidents) != 2 || v.Incidents[0].AtRisk.Amount != "100.00" || v.Incidents[1].AtRisk.Amount != "30.00" {
		t.Fatalf("%+v, %v", v, err)
	}
	if v.AtRisk.Amount != "100.00" {
		t.Errorf("together %s: more than a minute brings", v.AtRisk.Amount)
	}
	gone := app("donate", 0, 0, 1000, 0)
	gone.minutes = steady(600, 120, 4)
	v, err = d.atRisk([]riskApp{gone, app("site", 600, 0, 0, 300)}, Moment{At: at})
	if err != nil || len(v.Incidents) != 1 || !v.Incidents[0].Silent || v.Incidents[0].Since != "2026-06-09T15:26:00Z" {
		t.Errorf("an app that went silent: %+v, %v", v, err)
	}
	if v, err = d.atRisk([]riskApp{gone}, Moment{At: at}); err != nil || len(v.Incidents) != 0 || v.answering != 0 {
		t.Errorf("all silent is the feed's matter, and no incident: %+v, %v", v, err)
	}
	gone.gifts, gone.weekGiven = nil, []*big.Int{big.NewInt(60_00), big.NewInt(120_00), big.NewInt(600_00)}
	if a, basis, err := d.expected([]riskApp{gone}, at); err != nil || a.Amount != "2.00" || basis != "the same hour of earlier weeks" {
		t.Errorf("usual: %+v from %s, %v", a, basis, err)
	}
}

// Chance makes no incident: an app that fails as usual is hardly ever called failing, and one that fails ten times as
// often is always.
func TestExcessIsMoreThanChance(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	wrong, missed := 0, 0
	const rounds = 4000
	for range rounds {
		usual, requests := 0.002+dice.Float64()*0.02, 300+dice.IntN(5000)
		fails := func(p float64) (a answers) {
			a.requests = float64(requests)
			for range requests {
				if dice.Float64() < p {
					a.failed++
				}
			}
			return a
		}
		if fails(usual).excess(usual) > 0 {
			wrong++
		}
		if fails(usual*10).excess(usual) == 0 {
			missed++
		}
	}
	if wrong > rounds/100 || missed > rounds/50 {
		t.Errorf("of %d: %d wrong, %d missed", rounds, wrong, missed)
	}
}

func TestTiersAndTheirNames(t *testing.T) {
	o := newYork(t)
	o.Tiers = map[string]int{"shop": 1, "give": 3, "it's": 1}
	d := deskOf(t, o)
	for app, want := range map[string]int{"donate": 1, "shop": 1, "give": 3, "site": 2, "www-static": 2, "intranet": 3, "": 3} {
		if tier, _ := d.tier(app); tier != want {
			t.Errorf("%q: %d, want %d", app, tier, want)
		}
	}
	if got := engineStrings(d.givingApps()); got != `['donate','contribute','donations','it\'s','shop']` {
		t.Errorf("giving apps: %s", got)
	}
}

func TestQuietHosts(t *testing.T) {
	for name, c := range map[string]struct {
		silence time.Duration
		before  float64
		active  uint64
		want    bool
	}{
		"busy, a moment":                  {30 * time.Second, 60_000, 60, false},
		"busy, a minute":                  {61 * time.Second, 60_000, 60, true},
		"one a minute, five minutes":      {5 * time.Minute, 60, 60, false},
		"one a minute, eleven":            {11 * time.Minute, 60, 60, true},
		"every ten minutes, half an hour": {30 * time.Minute, 600, 6, false},
		"nothing for hours":               {2 * time.Hour, 0, 0, true},
	} {
		if got := quiet(c.silence, c.before, c.active); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
