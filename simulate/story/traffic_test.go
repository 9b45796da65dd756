package story

import (
	"net/http"
	"testing"
	"time"
)

// planOf sums what all apps see between two moments.
func planOf(p *Plan, from, until int64) (requests float64) {
	for t := from; t < until; t += tickMS {
		requests += p.requests(t) / 1000 * float64(tickMS)
	}
	return requests
}

func TestWeightsAddUpToTheRequestsSeen(t *testing.T) {
	const rate = 50
	p := planned(t, Options{Scenario: "convention", Seed: 2, Backfill: 30 * time.Minute, Rate: rate})
	events := read(t, p, 10*time.Minute, "web")["web"]
	history, live := 0.0, 0.0
	seconds := map[int64]int{}
	for _, e := range events {
		if e.wire.Weight != e.Weight && !(e.Weight == 1 && e.wire.Weight == 0) {
			t.Fatalf("weight %v is sent as %s", e.Weight, e.Body)
		}
		seconds[e.At.Unix()]++
		if e.At.Before(p.Start()) {
			history += e.Weight
		} else {
			live += e.Weight
		}
	}
	for second, n := range seconds {
		if n > rate {
			t.Fatalf("%d requests told in second %d, the limit is %d", n, second, rate)
		}
	}
	end := p.start + 10*minuteMS
	between(t, "history's requests to those seen", history/planOf(p, p.from, p.start), 0.99, 1.01)
	between(t, "live requests to those seen", live/planOf(p, p.start, end), 0.995, 1.005)
	between(t, "requests a second by day", planOf(p, p.from, p.start)/1800, 90, 140)
	between(t, "requests a second at the top", planOf(p, end-minuteMS, end)/60, 9_000, 11_000)
	between(t, "told in history", float64(len(events))-10*60*rate, 14_000, 18_000)
}

func TestEveryRequestIsToldWhenTheRateAllows(t *testing.T) {
	p := planned(t, Options{Seed: 2, Rate: 1000})
	for _, e := range read(t, p, time.Minute, "web")["web"] {
		if e.Weight != 1 {
			t.Fatalf("a weight of %v", e.Weight)
		}
	}
}

// Less than one request a tick: none is lost.
func TestSlowRate(t *testing.T) {
	p := planned(t, Options{Seed: 2, Rate: 3})
	sum, events := 0.0, read(t, p, 5*time.Minute, "web")["web"]
	for _, e := range events {
		sum += e.Weight
	}
	between(t, "told", float64(len(events)), 890, 900)
	between(t, "seen", sum/planOf(p, p.start, p.start+5*minuteMS), 0.98, 1.02)
}

func TestSitesStrainAndRecover(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Seed: 9, Rate: 120, Backfill: time.Minute})
	events := read(t, p, 10*time.Minute, "web")["web"]
	// part looks at the minutes from the first to before the last.
	part := func(from, until time.Duration) (failed, slow float64, visitors int) {
		seen := map[string]bool{}
		n, fails, slows := 0.0, 0.0, 0.0
		for _, e := range events {
			at := e.At.Sub(p.Start())
			if at < from || at >= until {
				continue
			}
			n++
			seen[e.wire.Visitor] = true
			if e.wire.Status >= 500 {
				fails++
			}
			if e.wire.DurationMS > 200 {
				slows++
			}
		}
		return fails / n, slows / n, len(seen)
	}
	failed, slow, visitors := part(-60*time.Second, 20*time.Second)
	between(t, "failures before", failed, 0, 0.004)
	between(t, "slow answers before", slow, 0.005, 0.08)
	between(t, "visitors in the minute before", float64(visitors), 1_000, 4_000)
	stressed, slower, _ := part(30*time.Second, 90*time.Second)
	between(t, "failures in the first minute", stressed, 0.015, 0.09)
	if slower < 2*slow {
		t.Errorf("%.3f of the answers are slow in the first minute, %.3f before", slower, slow)
	}
	after, _, crowd := part(8*time.Minute, 10*time.Minute)
	between(t, "failures when more machines have started", after, 0, 0.004)
	between(t, "visitors at the top", float64(crowd), 8_000, 14_000)
}

func TestRequestsOfAnApp(t *testing.T) {
	p := planned(t, Options{Seed: 9, Rate: 400})
	hosts := map[string]map[string]bool{}
	apps4host := map[string]string{}
	codes := map[int]bool{}
	for _, e := range read(t, p, 2*time.Minute, "web")["web"] {
		w := e.wire
		if w.App != e.App || w.Host == "" || w.Path == "" || w.Path[0] != '/' || w.Visitor == "" || w.Region == "" {
			t.Fatalf("incomplete: %s", e.Body)
		}
		if app, ok := apps4host[w.Host]; ok && app != w.App {
			t.Fatalf("%s is of %s and of %s", w.Host, app, w.App)
		}
		apps4host[w.Host] = w.App
		if hosts[w.App] == nil {
			hosts[w.App] = map[string]bool{}
		}
		hosts[w.App][w.Host] = true
		codes[w.Status/100] = true
	}
	for _, a := range apps() {
		if len(hosts[a.name]) != len(a.hosts) {
			t.Errorf("%s has hosts %v, want %v", a.name, hosts[a.name], a.hosts)
		}
	}
	if len(hosts) != len(apps()) || !codes[2] || !codes[3] || !codes[4] {
		t.Errorf("apps %v, classes of status %v", hosts, codes)
	}
}

// What the night brings: an app that fails for some minutes, and a host that falls silent while the others go on.
func TestIncidentsAndSilence(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Seed: 9, Rate: 120})
	type count struct{ all, failed float64 }
	apps := map[string]map[bool]*count{"events": {true: {}, false: {}}, "site": {true: {}, false: {}}}
	last := map[string]time.Duration{}
	for _, e := range read(t, p, 20*time.Minute, "web")["web"] {
		at := e.At.Sub(p.Start())
		last[e.wire.Host] = at
		if c := apps[e.App]; c != nil && at > 8*time.Minute {
			in := c[at >= 12*time.Minute && at < 19*time.Minute]
			in.all++
			if e.wire.Status >= 500 {
				in.failed++
			}
		}
	}
	rate := func(app string, during bool) float64 { return apps[app][during].failed / apps[app][during].all }
	between(t, "failures of events in its incident", rate("events", true), 0.25, 0.35)
	between(t, "failures of events out of it", rate("events", false), 0, 0.01)
	between(t, "failures of site meanwhile", rate("site", true), 0, 0.005)
	between(t, "minutes when api2 was last seen", last["api2.example.org"].Minutes(), 13.9, 14)
	for _, host := range []string{"api.example.org", "api3.example.org", "give2.example.org"} {
		between(t, "minutes when "+host+" was last seen", last[host].Minutes(), 19.9, 20)
	}
}

// The way to a gift: most only look, some come to the form, and about as many send it as there are gifts.
func TestThePathToAGift(t *testing.T) {
	p := planned(t, Options{Seed: 9, Rate: 300, Backfill: 20 * time.Minute})
	saw, came, sent := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, e := range read(t, p, 20*time.Minute, "web")["web"] {
		if e.At.Before(p.Start()) {
			continue
		}
		saw[e.wire.Visitor] = true
		if e.App == "donate" {
			came[e.wire.Visitor] = true
		}
		if e.wire.Method == http.MethodPost && e.App == "donate" && e.wire.Status < 400 {
			sent[e.wire.Visitor] = true
		}
	}
	gifts := 0.0
	for _, e := range read(t, p, 20*time.Minute, "vendor")["vendor"] {
		if !e.At.Before(p.Start()) && e.Type == "gift" && !e.Repeat {
			gifts++
		}
	}
	between(t, "who came, of who saw", float64(len(came))/float64(len(saw)), 0.2, 0.4)
	between(t, "forms to gifts", float64(len(sent))/gifts, 0.8, 1.5)
}
