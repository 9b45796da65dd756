package main

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// fleetTruth computes the panels of the board of the fleet. Dollars at risk are an estimate by a rule that the board
// tells; the rule is followed here with the journal's numbers.
func fleetTruth() map[string]computation {
	return map[string]computation{
		"fleet.apps": fleetAppsTruth, "fleet.hosts": fleetHostsTruth, "fleet.risk": riskTruth,
		"fleet.failing": appFailures,
	}
}

func appFailures(l *ledger, at time.Time, window time.Duration) expected {
	starts, seconds, step := fineSteps(at, window, 30*time.Second)
	all := l.requests(starts[0], starts[len(starts)-1].Add(step))
	names := slices.Sorted(maps.Keys(groups(all, app)))
	failed := groups(which(all, status(5)), app)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(weight(failed[b]), weight(failed[a])) })
	columns := make([]any, len(names))
	for i, name := range names {
		var values []any
		seen := false
		for _, start := range starts {
			hits := l.requests(start, start.Add(step))
			if seen = seen || len(hits) > 0; !seen {
				values = append(values, nil)
				continue
			}
			values = append(values, weight(which(hits, status(5), func(h *hit) bool { return h.App == name }))/step.Seconds())
		}
		columns[i] = lane(name, "rate", values)
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": columns}}
}

// tier is how much hangs on an app, and whether that is guessed.
func tier(app string) (int, bool) {
	set := map[string]int{"donate": 1, "site": 2, "events": 3} // as truthEnv has them
	if n, ok := set[app]; ok {
		return n, false
	}
	return 3, true
}

func ofApp(name string) func(*hit) bool { return func(h *hit) bool { return h.App == name } }

// lastMinute are the 60 seconds that ended two seconds before the moment's second.
func lastMinute(l *ledger, at time.Time, name string) []*hit {
	edge := at.Truncate(time.Second).Add(-2 * time.Second)
	return which(l.requests(edge.Add(-time.Minute), edge), ofApp(name))
}

// usualShare is what an app fails at the same hour of earlier weeks, else in the last day; nil when too little is known.
func usualShare(l *ledger, at time.Time, name string) any {
	minute := at.Truncate(time.Minute)
	local := minute.Add(-time.Minute).In(eastern())
	var weeks []*hit
	for week := 1; week <= 8; week++ {
		from := time.Date(local.Year(), local.Month(), local.Day()-7*week, local.Hour(), 0, 0, 0, eastern())
		weeks = append(weeks, l.requests(from, from.Add(hour))...)
	}
	day := which(l.requests(minute.Add(-24*hour), minute.Add(-15*time.Minute)), ofApp(name))
	for _, known := range [][]*hit{which(weeks, ofApp(name)), day} {
		if weight(known) >= 1000 {
			return shareOf(which(known, status(5)), known)
		}
	}
	return nil
}

// excess is how much more fails than usual, 0 where that can be chance.
func excess(now []*hit, usual float64) float64 {
	failed, all := weight(which(now, status(5))), weight(now)
	if failed < 5 {
		return 0
	}
	over, p := failed/all-usual, max(usual, 0.001)
	if over < max(0.005, 3*math.Sqrt(p*(1-p)/all)) {
		return 0
	}
	return over
}

// orZero reads a share that may be unknown.
func orZero(share any) float64 {
	known, _ := share.(float64)
	return known
}

func meanMS(all []*hit) any {
	if weight(all) == 0 {
		return nil
	}
	sum := 0.0
	for _, h := range all {
		sum += h.DurationMS * h.Weight
	}
	return about(sum/weight(all), 0.06)
}

func fleetAppsTruth(l *ledger, at time.Time, _ time.Duration) expected {
	edge, minute := at.Truncate(time.Second).Add(-2*time.Second), at.Truncate(time.Minute)
	five := groups(l.requests(edge.Add(-5*time.Minute), edge), app)
	names := heaviest(groups(l.requests(minute.Add(-24*hour), minute), app))
	slices.Sort(names)
	slices.SortStableFunc(names, func(a, b string) int {
		x, _ := tier(a)
		y, _ := tier(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(weight(five[b]), weight(five[a])))
	})
	hosts := func(name string, from time.Duration) int {
		return kinds(which(l.requests(minute.Add(-from), minute), ofApp(name)), func(h *hit) string { return h.Host })
	}
	rows := []any{}
	for _, name := range names {
		n, guessed := tier(name)
		now, usual := lastMinute(l, at, name), usualShare(l, at, name)
		rows = append(rows, obj{
			"app": name, "tier": n, "tier_guessed": guessed, "per_second": weight(five[name]) / 300,
			"failed_share":    shareOf(which(five[name], status(5)), five[name]),
			"failed_share_1m": shareOf(which(now, status(5)), now), "usual_share": usual, "usual_of": words{},
			"mean_ms": meanMS(five[name]), "hosts": hosts(name, 5*time.Minute), "hosts_seen": hosts(name, 6*hour),
			"over": excess(now, orZero(usual)) > 0,
		})
	}
	return expected{rows: rows}
}

// machine is what is known of one host.
type machine struct {
	row     obj
	quiet   bool
	last    time.Time
	failing float64
	rate    float64
}

func fleetHostsTruth(l *ledger, at time.Time, _ time.Duration) expected {
	edge := at.Truncate(time.Minute)
	load := edge.Add(-5 * time.Minute)
	heaps := groups(l.requests(edge.Add(-6*hour), edge.Add(time.Minute)), func(h *hit) string { return h.App + " " + h.Host })
	var list []machine
	for _, name := range slices.Sorted(maps.Keys(heaps)) {
		in := func(from, until time.Time) []*hit {
			return which(heaps[name], func(h *hit) bool { return !h.OccurredAt.Before(from) && h.OccurredAt.Before(until) })
		}
		last := heaps[name][len(heaps[name])-1].OccurredAt
		if last.After(at) {
			last = at
		}
		now, before := in(load, edge), in(load.Add(-hour), load)
		list = append(list, machineOf(name, now, before, last, at))
	}
	slices.SortStableFunc(list, func(a, b machine) int {
		switch {
		case a.quiet != b.quiet && a.quiet:
			return -1
		case a.quiet != b.quiet:
			return 1
		case a.quiet:
			return b.last.Compare(a.last)
		}
		return cmp.Or(cmp.Compare(b.failing, a.failing), cmp.Compare(b.rate, a.rate),
			strings.Compare(a.row["host"].(string), b.row["host"].(string)))
	})
	rows := []any{}
	for _, m := range list {
		rows = append(rows, m.row)
	}
	return expected{rows: rows}
}

func machineOf(name string, now, before []*hit, last, at time.Time) machine {
	app, host, _ := strings.Cut(name, " ")
	active := kinds(before, func(h *hit) string { return h.OccurredAt.Format("15:04") })
	m := machine{last: last, rate: weight(now) / 300, quiet: silentFor(at.Sub(last), weight(before), active)}
	failed := shareOf(which(now, status(5)), now)
	if m.failing = orZero(failed); m.failing < 0.01 {
		m.failing = 0
	}
	m.row = obj{
		"app": app, "host": host, "per_second": m.rate, "usual_per_second": weight(before) / 3600, "failed_share": failed,
		"mean_ms": meanMS(now), "last_at": last.UTC().Format("2006-01-02T15:04:05.999Z07:00"), "quiet": m.quiet,
	}
	return m
}

// silentFor is the board's rule: a minute at least, and ten times what usually lies between two requests.
func silentFor(silence time.Duration, before float64, active int) bool {
	if silence < time.Minute || before <= 0 {
		return silence >= time.Minute
	}
	gap := time.Duration(float64(active) * float64(time.Minute) / before)
	if active < 30 {
		gap = max(gap, time.Duration(60/float64(active)*float64(time.Minute)))
	}
	return silence > 10*gap
}

// expectedMinute is the mean of what the 30 minutes before gave. The story has one week before its own, which is too
// little to be usual.
func expectedMinute(l *ledger, before time.Time) int64 {
	const grain = time.Millisecond
	sum := netOf(which(l.money(before.Add(-30*time.Minute-grain), before.Add(-grain)), usd, gave))
	return (2*sum + 30) / 60
}

// riskApp is an app in trouble.
type riskApp struct {
	row          obj
	cost, expect int64
	tier         int
	share        float64
}

func riskTruth(l *ledger, at time.Time, _ time.Duration) expected {
	minute := at.Truncate(time.Minute)
	half := l.requests(minute.Add(-30*time.Minute), minute)
	asked := which(half, ofApp("donate"), func(h *hit) bool { return !strings.HasSuffix(pageOf(h), "(assets)") })
	owner := map[string]string{"https://www.example.org/": "site", "https://events.example.org/near-me": "events"}
	passes := func(name string) float64 {
		if name == "donate" {
			return min(1, weight(asked))
		}
		sent := which(half, ofApp("donate"), func(h *hit) bool { return owner[h.Referrer] == name })
		return min(1, weight(sent)/max(1, weight(asked)))
	}
	var list []riskApp
	for _, name := range []string{"api", "donate", "events", "site"} {
		if r, trouble := incidentOf(l, at, name, passes(name)); trouble {
			list = append(list, r)
		}
	}
	slices.SortStableFunc(list, func(a, b riskApp) int {
		return cmp.Or(cmp.Compare(b.cost, a.cost), cmp.Compare(a.tier, b.tier), cmp.Compare(b.share, a.share))
	})
	expect, sum, rows := expectedMinute(l, minute), int64(0), []any{}
	for _, r := range list {
		expect, sum, rows = max(expect, r.expect), sum+r.cost, append(rows, r.row)
	}
	return expected{value: obj{
		"at_risk_per_minute": dollars(min(sum, expect)), "expected_per_minute": dollars(expect), "expected_from": words{},
		"incidents": rows,
	}}
}

// incidentOf says what an app in trouble costs a minute.
func incidentOf(l *ledger, at time.Time, name string, passes float64) (riskApp, bool) {
	minute := at.Truncate(time.Minute)
	now, usual := lastMinute(l, at, name), orZero(usualShare(l, at, name))
	share, over := orZero(shareOf(which(now, status(5)), now)), excess(now, usual)
	two := which(l.requests(minute.Add(-2*hour), minute), ofApp(name))
	since, longer, silent := badSince(two, at, usual, over)
	if len(now) == 0 && len(two) > 0 {
		last := two[len(two)-1].OccurredAt.Truncate(time.Minute).Add(time.Minute)
		busy := which(two, func(h *hit) bool { return !h.OccurredAt.Before(last.Add(-30 * time.Minute)) })
		if at.Sub(last) >= 3*time.Minute && weight(busy) >= 600 {
			since, longer, silent, share, over = last, false, true, 1, 1-usual
		}
	}
	n, guessed := tier(name)
	r := riskApp{tier: n, share: share, expect: expectedMinute(l, since)}
	r.cost = int64(math.Round(float64(r.expect) * passes * max(share-usual, 0)))
	r.row = obj{
		"app": name, "tier": n, "tier_guessed": guessed, "at_risk_per_minute": dollars(r.cost),
		"expected_per_minute": dollars(r.expect), "share_of_gifts": passes, "failed_share": share, "usual_share": usual,
		"usual_of": words{}, "failed_1m": weight(which(now, status(5))), "since": since.UTC().Format(time.RFC3339),
		"since_or_earlier": longer, "silent": silent,
	}
	return r, over > 0
}

// badSince goes back over whole minutes with requests until two in a row were good.
func badSince(two []*hit, at time.Time, usual, over float64) (since time.Time, longer, silent bool) {
	minutes := groups(two, func(h *hit) string { return h.OccurredAt.UTC().Format(time.RFC3339)[:17] + "00Z" })
	names := slices.Sorted(maps.Keys(minutes))
	good := 0
	for _, name := range slices.Backward(names) {
		heap := minutes[name]
		if orZero(shareOf(which(heap, status(5)), heap)) >= usual+max(0.005, over/3) {
			since, _ = time.Parse(time.RFC3339, name)
			good = 0
		} else if good++; good == 2 {
			break
		}
	}
	if since.IsZero() {
		return at.Add(-time.Minute).Truncate(time.Minute), false, false
	}
	return since, good < 2 && len(names) >= 115, false
}
