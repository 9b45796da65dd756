package main

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// trafficTruth computes the panels of the board of traffic. Estimates are: visitors, quantiles of times to answer.
func trafficTruth() map[string]computation {
	return map[string]computation{
		"traffic.now": trafficNowTruth, "traffic.visitors": visitorsTruth, "traffic.load": loadTruth,
		"traffic.apps": appsTruth, "traffic.classes": classesTruth, "traffic.rates": appRates(0, func(*hit) bool { return true }),
		"traffic.latency": latencyTruth, "traffic.pages": pagesTruth, "traffic.referrers": referrersTruth,
		"traffic.errors": errorsTruth, "traffic.way": wayTruth,
	}
}

// shareOf is nil when there is no whole.
func shareOf(part, whole []*hit) any {
	if all := weight(whole); all > 0 {
		return weight(part) / all
	}
	return nil
}

// quantileOr is a quantile of the times to answer; nil when there is none.
func quantileOr(timed []*hit, q float64) any {
	if len(timed) == 0 {
		return nil
	}
	return quantileOf(timed, q)
}

func bytesOf(all []*hit) (sum float64) {
	for _, h := range all {
		sum += h.Bytes * h.Weight
	}
	return sum
}

func loadTruth(l *ledger, at time.Time, _ time.Duration) expected {
	edge, minute := at.Truncate(time.Second), at.Truncate(time.Minute)
	five, timed := l.requests(edge.Add(-5*time.Minute), edge), l.requests(minute.Add(-5*time.Minute), minute)
	return expected{value: obj{
		"bytes_per_second": bytesOf(l.requests(edge.Add(-12*time.Second), edge.Add(-2*time.Second))) / 10,
		"requests_5m":      weight(five), "refused_share": shareOf(which(five, status(4)), five),
		"failed_share": shareOf(which(five, status(5)), five),
		"p50_ms":       quantileOr(timed, 0.5), "p95_ms": quantileOr(timed, 0.95), "p99_ms": quantileOr(timed, 0.99),
	}}
}

func app(h *hit) string { return h.App }

// heaviest lists the names of heaps of requests, those that stand for most first.
func heaviest(heaps map[string][]*hit) []string {
	names := slices.Sorted(maps.Keys(heaps))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(weight(heaps[b]), weight(heaps[a])) })
	return names
}

func appsTruth(l *ledger, at time.Time, _ time.Duration) expected {
	minute := at.Truncate(time.Minute)
	heaps := groups(l.requests(minute.Add(-5*time.Minute), minute), app)
	rows := []any{}
	for _, name := range heaviest(heaps) {
		heap := heaps[name]
		rows = append(rows, obj{
			"app": name, "per_second": weight(heap) / 300, "visitors": visitors(heap), "bytes_per_second": bytesOf(heap) / 300,
			"refused_share": shareOf(which(heap, status(4)), heap), "failed_share": shareOf(which(heap, status(5)), heap),
			"p50_ms": quantileOr(heap, 0.5), "p95_ms": quantileOr(heap, 0.95), "p99_ms": quantileOr(heap, 0.99),
		})
	}
	return expected{rows: rows}
}

// fineSteps are the whole steps of a window that ended two seconds before the moment.
func fineSteps(at time.Time, window, least time.Duration) (starts []time.Time, seconds []any, step time.Duration) {
	switch {
	case window <= 15*time.Minute:
		step = 5 * time.Second
	case window <= time.Hour:
		step = 10 * time.Second
	case window <= 6*time.Hour:
		step = time.Minute
	default:
		step = 5 * time.Minute
	}
	step = max(step, least)
	starts, seconds = times(at.Add(-2*time.Second).Truncate(step).Add(-step), int(window/step), step)
	return starts, seconds, step
}

// lanesOf are requests a second in each step, a lane each; unknown before the first request.
func lanesOf(l *ledger, starts []time.Time, step time.Duration, of []func(*hit) bool, counts func(*hit) bool) [][]any {
	lanes := make([][]any, len(of))
	seen := false
	for _, start := range starts {
		hits := which(l.requests(start, start.Add(step)), counts)
		seen = seen || len(hits) > 0
		for i, holds := range of {
			if !seen {
				lanes[i] = append(lanes[i], nil)
				continue
			}
			lanes[i] = append(lanes[i], weight(which(hits, holds))/step.Seconds())
		}
	}
	return lanes
}

func classesTruth(l *ledger, at time.Time, window time.Duration) expected {
	starts, seconds, step := fineSteps(at, window, 0)
	var of []func(*hit) bool
	for class := 2; class <= 5; class++ {
		of = append(of, func(h *hit) bool { return max(2, h.Status/100) == class })
	}
	columns := []any{}
	for i, values := range lanesOf(l, starts, step, of, func(*hit) bool { return true }) {
		columns = append(columns, lane([]string{"2xx", "3xx", "4xx", "5xx"}[i], "rate", values))
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": columns}}
}

// appRates are requests a second by app, those that count. The story has four apps, as many as a chart has lanes.
func appRates(least time.Duration, counts func(*hit) bool) computation {
	return func(l *ledger, at time.Time, window time.Duration) expected {
		starts, seconds, step := fineSteps(at, window, least)
		all := which(l.requests(starts[0], starts[len(starts)-1].Add(step)), counts)
		names := heaviest(groups(all, app))
		var of []func(*hit) bool
		for _, name := range names {
			of = append(of, func(h *hit) bool { return h.App == name })
		}
		columns := []any{}
		for i, values := range lanesOf(l, starts, step, of, counts) {
			columns = append(columns, lane(names[i], "rate", values))
		}
		return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": columns}}
	}
}

func latencyTruth(l *ledger, at time.Time, window time.Duration) expected {
	starts, seconds, step := fineSteps(at, window, time.Minute)
	names, columns := []string{"p50", "p95", "p99"}, []any{}
	for i, q := range []float64{0.5, 0.95, 0.99} {
		var values []any
		for _, start := range starts {
			values = append(values, quantileOr(l.requests(start, start.Add(step)), q))
		}
		columns = append(columns, lane(names[i], "ms", values))
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": columns}}
}

// wholeMinutes are the requests of the whole minutes of a window.
func wholeMinutes(l *ledger, at time.Time, window time.Duration) []*hit {
	edge := at.Truncate(time.Minute)
	return l.requests(edge.Add(-window), edge)
}

// pageOf is the app and the page of a request. The story's paths have no numbers or keys in them.
func pageOf(h *hit) string {
	switch {
	case h.Status == 404:
		return h.App + " (not found)"
	case strings.HasSuffix(h.Path, ".js"):
		return h.App + " (assets)"
	}
	return h.App + " " + h.Path
}

func pagesTruth(l *ledger, at time.Time, window time.Duration) expected {
	answered := which(wholeMinutes(l, at, window), func(h *hit) bool { return h.Status < 400 && !strings.HasSuffix(h.Path, ".js") })
	heaps := groups(answered, pageOf)
	rows := []any{}
	for _, name := range heaviest(heaps) {
		app, page, _ := strings.Cut(name, " ")
		heap, ms := heaps[name], 0.0
		for _, h := range heap {
			ms += h.DurationMS * h.Weight
		}
		rows = append(rows, obj{
			"app": app, "page": page, "requests": weight(heap), "share": weight(heap) / weight(answered),
			"mean_ms": about(ms/weight(heap), 0.06), // times are kept with a tenth of a millisecond
		})
	}
	return expected{rows: rows[:min(12, len(rows))]}
}

func referrersTruth(l *ledger, at time.Time, window time.Duration) expected {
	all := wholeMinutes(l, at, window)
	bare := func(host string) string { return strings.TrimPrefix(host, "www.") }
	ours := groups(all, func(h *hit) string { return bare(h.Host) })
	named := which(all, func(h *hit) bool { return h.Referrer != "" })
	heaps := groups(named, func(h *hit) string {
		host, _, _ := strings.Cut(strings.TrimPrefix(h.Referrer, "https://"), "/")
		if ours[bare(host)] != nil {
			return ""
		}
		return bare(host)
	})
	rows, own := []any{}, []any{}
	for _, site := range heaviest(heaps) {
		row := obj{"site": site, "requests": weight(heaps[site]), "share": weight(heaps[site]) / weight(named)}
		if site == "" {
			own = append(own, row)
			continue
		}
		rows = append(rows, row)
	}
	return expected{rows: append(rows, own...)}
}

func errorsTruth(l *ledger, at time.Time, window time.Duration) expected {
	heaps := groups(wholeMinutes(l, at, window), pageOf)
	names := slices.Sorted(maps.Keys(heaps))
	count := func(name string, class int) float64 { return weight(which(heaps[name], status(class))) }
	names = slices.DeleteFunc(names, func(name string) bool { return count(name, 4)+count(name, 5) == 0 })
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(count(b, 5), count(a, 5)), cmp.Compare(count(b, 4), count(a, 4)))
	})
	rows := []any{}
	for _, name := range names[:min(10, len(names))] {
		app, page, _ := strings.Cut(name, " ")
		rows = append(rows, obj{
			"app": app, "page": page, "requests": weight(heaps[name]), "refused": count(name, 4), "failed": count(name, 5),
		})
	}
	return expected{rows: rows}
}

func wayTruth(l *ledger, at time.Time, window time.Duration) expected {
	const step, grain = 5 * time.Minute, time.Millisecond
	end := at.Truncate(step)
	saw := l.requests(end.Add(-window), end)
	came := which(saw, func(h *hit) bool { return h.App == "donate" })
	sent := which(came, func(h *hit) bool { return h.Method == http.MethodPost && h.Status < 400 })
	gifts := which(l.money(end.Add(-window-grain), end.Add(-grain)), gave)
	formed := which(gifts, func(m *movement) bool { return m.Form != "" })
	value := obj{
		"saw_a_page": visitors(saw), "came_to_give": visitors(came), "sent_the_form": visitors(sent), "gifts": len(gifts),
		"through_forms": len(formed), "conversion": nil,
	}
	if people := visitors(came).(between); people.high > 0 {
		given := float64(len(formed))
		if given == 0 {
			given = float64(len(gifts))
		}
		value["conversion"] = between{given / max(1, people.high), given / max(1, people.low)}
	}
	return expected{value: value}
}
