package main

import (
	"cmp"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"
)

// leadershipTruth computes the panels of the leadership board. Estimates are: donors beyond 2,048, visitors, p95.
func leadershipTruth() map[string]computation {
	return map[string]computation{
		"money.hour": hourTruth, "money.today": todayTruth, "money.minutes": minutesTruth, "money.refcodes": refcodesTruth,
		"money.states": statesTruth, "money.latest": latestTruth, "traffic.now": trafficNowTruth,
		"money.record": recordTruth, "traffic.hour": trafficHourTruth, "traffic.visitors": visitorsTruth, "mail.hour": mailHourTruth,
	}
}

const hour = time.Hour

// foreign are the net amounts in other currencies, in the order of their codes.
func foreign(all []*movement) []any {
	out := []any{}
	for _, currency := range []string{"EUR", "JPY"} {
		each := map[string]int64{"EUR": 100, "JPY": 1}[currency]
		sum := netOf(which(all, func(m *movement) bool { return m.Currency == currency }))
		if sum != 0 {
			out = append(out, amountOf(sum, currency, each))
		}
	}
	return out
}

func hourTruth(l *ledger, at time.Time, _ time.Duration) expected {
	now, before := l.money(at.Add(-hour), at), l.money(at.Add(-2*hour), at.Add(-hour))
	ours := which(now, usd)
	gifts := which(ours, gave)
	return expected{value: with(dollars(netOf(ours)), obj{
		"given": dollars(netOf(gifts)), "refunded": dollars(netOf(gifts) - netOf(ours)), "gifts": len(gifts),
		"hour_before": dollars(netOf(which(before, usd))), "others": foreign(now),
		"same_hour_last_week": dollars(netOf(which(l.money(sameClock(at, -7).Add(-hour), sameClock(at, -7)), usd))),
	})}
}

func todayTruth(l *ledger, at time.Time, _ time.Duration) expected {
	today := l.money(midnight(at, 0).Add(-time.Millisecond), at)
	ours := which(today, usd)
	gifts := which(ours, gave)
	const grain = time.Millisecond
	yesterday := func(until time.Time) []*movement { return which(l.money(midnight(at, -1).Add(-grain), until), usd) }
	return expected{value: with(dollars(netOf(ours)), obj{
		"yesterday_so_far": dollars(netOf(yesterday(sameClock(at, -1)))),
		"yesterday":        dollars(netOf(yesterday(midnight(at, 0).Add(-grain)))),
		"given":            dollars(netOf(gifts)), "refunded": dollars(netOf(gifts) - netOf(ours)), "gifts": len(gifts),
		"refunds": len(which(ours, takenBack)), "average": dollars(meanGift(gifts)), "median": dollars(medianGift(gifts)),
		"donors":          roughly(kinds(gifts, func(m *movement) string { return m.Donor }), 2048, 0.0125),
		"recurring_gifts": len(which(gifts, again)), "first_gifts": len(which(gifts, first)), "others": foreign(today),
	})}
}

func first(m *movement) bool { return m.FirstGift }

// roughly is exact up to a number, and then within a share of it.
func roughly(n, exactTo int, share float64) any {
	if n <= exactTo {
		return n
	}
	return about(float64(n), share*float64(n))
}

// meanGift is to the nearest cent.
func meanGift(gifts []*movement) int64 {
	if len(gifts) == 0 {
		return 0
	}
	n := int64(len(gifts))
	return (2*netOf(gifts) + n) / (2 * n)
}

// medianGift is the lower one of two in the middle.
func medianGift(gifts []*movement) int64 {
	if len(gifts) == 0 {
		return 0
	}
	sizes := make([]int64, len(gifts))
	for i, m := range gifts {
		sizes[i] = m.minor
	}
	slices.Sort(sizes)
	return sizes[(len(sizes)-1)/2]
}

// times are the starts of n steps of which the last begins at last.
func times(last time.Time, n int, step time.Duration) (starts []time.Time, seconds []any) {
	for i := range n {
		start := last.Add(time.Duration(i-n+1) * step)
		starts, seconds = append(starts, start), append(seconds, start.Unix())
	}
	return starts, seconds
}

// inStep are the movements of a step, as far as the moment has come.
func inStep(l *ledger, start time.Time, step time.Duration, at time.Time) []*movement {
	const grain = time.Millisecond
	end := start.Add(step - grain)
	if end.After(at) {
		end = at
	}
	return l.money(start.Add(-grain), end)
}

func minutesTruth(l *ledger, at time.Time, _ time.Duration) expected {
	starts, seconds := times(at.Truncate(time.Minute), 180, time.Minute)
	var once, recurring []any
	for _, start := range starts {
		gifts := which(inStep(l, start, time.Minute, at), usd, gave)
		repeated := netOf(which(gifts, again))
		once, recurring = append(once, float64(netOf(gifts)-repeated)/100), append(recurring, float64(repeated)/100)
	}
	return expected{series: obj{"times": seconds, "step": 60, "columns": []any{
		lane("once", "usd", once), lane("recurring", "usd", recurring),
	}}}
}

func lane(name, unit string, values []any) obj {
	return obj{"name": name, "label": words{}, "unit": unit, "values": values}
}

func refcodesTruth(l *ledger, at time.Time, _ time.Duration) expected {
	gifts := which(l.money(at.Add(-hour), at), usd, gave)
	heaps := groups(gifts, func(m *movement) string { return m.Refcode })
	rows, unnamed := []any{}, []any{}
	named := 0
	for _, code := range ranking(heaps) {
		heap := heaps[code]
		channels := groups(heap, func(m *movement) string { return m.Channel })
		row := with(dollars(netOf(heap)), obj{
			"refcode": code, "channel": ranking(channels)[0], "gifts": len(heap),
			"share": float64(netOf(heap)) / float64(netOf(gifts)),
		})
		switch {
		case code == "":
			unnamed = append(unnamed, row)
		case named < 10:
			rows, named = append(rows, row), named+1
		}
	}
	return expected{rows: append(rows, unnamed...)}
}

// ranking lists the names of heaps of money, the largest sum first.
func ranking(heaps map[string][]*movement) []string {
	names := slices.Sorted(maps.Keys(heaps))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(netOf(heaps[b]), netOf(heaps[a])) })
	return names
}

// country are the states and the district.
func country() []string {
	const all = "AKALARAZCACOCTDCDEFLGAHIIAIDILINKSKYLAMAMDMEMIMNMOMSMTNCNDNENHNJNMNVNYOHOKORPARISCSDTNTXUTVAVTWAWIWVWY"
	var codes []string
	for i := 0; i < len(all); i += 2 {
		codes = append(codes, all[i:i+2])
	}
	slices.Sort(codes)
	return codes
}

func statesTruth(l *ledger, at time.Time, _ time.Duration) expected {
	rest := groups(which(l.money(at.Add(-hour), at), usd, gave), home)
	rows := []any{}
	for _, code := range country() {
		if heap := rest[code]; len(heap) > 0 {
			rows = append(rows, with(dollars(netOf(heap)), obj{"state": code, "gifts": len(heap)}))
		}
		delete(rest, code)
	}
	var sum, n int64
	for _, heap := range rest {
		sum, n = sum+netOf(heap), n+int64(len(heap))
	}
	if n > 0 {
		rows = append(rows, with(dollars(sum), obj{"state": "", "gifts": n}))
	}
	return expected{rows: rows}
}

func latestTruth(l *ledger, at time.Time, _ time.Duration) expected {
	gifts := which(l.money(time.Time{}, at), gave)
	rows := []any{}
	for _, m := range slices.Backward(gifts[len(gifts)-12:]) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(m.Source + "\x00" + m.ID))
		each := map[string]int64{"JPY": 1}[m.Currency]
		rows = append(rows, with(amountOf(m.minor, m.Currency, cmp.Or(each, 100)), obj{
			"key": strconv.FormatUint(h.Sum64(), 36), "occurred_at": m.OccurredAt.UTC().Format("2006-01-02T15:04:05.999Z"),
			"recurring": m.Recurring, "state": m.State, "refcode": m.Refcode,
		}))
	}
	return expected{rows: rows}
}

func trafficNowTruth(l *ledger, at time.Time, _ time.Duration) expected {
	edge, minute := at.Truncate(time.Second), at.Truncate(time.Minute)
	five := l.requests(edge.Add(-5*time.Minute), edge)
	value := obj{
		"per_second": weight(l.requests(edge.Add(-12*time.Second), edge.Add(-2*time.Second))) / 10, "requests_5m": weight(five),
		"error_share": nil, "p95_ms": nil,
	}
	if all := weight(five); all > 0 {
		value["error_share"] = weight(which(five, status(5))) / all
	}
	if timed := l.requests(minute.Add(-5*time.Minute), minute); len(timed) > 0 {
		value["p95_ms"] = quantileOf(timed, 0.95)
	}
	return expected{value: value}
}

func status(class int) func(*hit) bool { return func(h *hit) bool { return h.Status/100 == class } }

// quantileOf is where a digest's quantile of the times to answer must lie: it is right within a percent of the ranks,
// and between two of the measured times anything goes.
func quantileOf(timed []*hit, q float64) between {
	ms := make([]float64, len(timed))
	for i, h := range timed {
		ms[i] = h.DurationMS
	}
	slices.Sort(ms)
	rank := func(q float64) int { return int(max(0, min(q, 1)) * float64(len(ms)-1)) }
	spread := 0.01 + 1.5/float64(len(ms))
	low, high := ms[rank(q-spread)], ms[min(rank(q+spread)+1, len(ms)-1)]
	return between{low - 0.1, high + 0.1} // times are kept with a tenth of a millisecond
}

func trafficHourTruth(l *ledger, at time.Time, _ time.Duration) expected {
	const step = 10 * time.Second
	starts, seconds := times(at.Add(-2*time.Second).Truncate(step).Add(-step), 360, step)
	columns := []any{}
	seen := false
	lanes := make([][]any, 4)
	for _, start := range starts {
		hits := l.requests(start, start.Add(step))
		seen = seen || len(hits) > 0
		for i := range lanes {
			if !seen {
				lanes[i] = append(lanes[i], nil)
				continue
			}
			lanes[i] = append(lanes[i], weight(which(hits, func(h *hit) bool { return max(2, h.Status/100) == i+2 }))/10)
		}
	}
	for i, name := range []string{"2xx", "3xx", "4xx", "5xx"} {
		columns = append(columns, lane(name, "rate", lanes[i]))
	}
	return expected{series: obj{"times": seconds, "step": 10, "columns": columns}}
}

// visitors counts people; a sketch of 4,096 cells is right within five percent in all but one case of a thousand.
func visitors(all []*hit) any {
	n := float64(kinds(all, func(h *hit) string { return h.Visitor }))
	return about(n, math.Ceil(0.05*n))
}

func visitorsTruth(l *ledger, at time.Time, _ time.Duration) expected {
	from := at.Truncate(10 * time.Second).Add(-290 * time.Second)
	return expected{value: obj{"visitors": visitors(l.requests(from, at.Add(time.Millisecond)))}}
}

func mailHourTruth(l *ledger, at time.Time, _ time.Duration) expected {
	mails := l.mails(at.Add(-hour), at)
	sends := len(which(mails, mailed("send", "")))
	hard, complaints := len(which(mails, mailed("bounce", "hard"))), len(which(mails, mailed("complaint", "")))
	return expected{value: obj{
		"sends": sends, "hard_bounces": hard, "complaints": complaints,
		"hard_bounce_rate": ratio(hard, sends), "complaint_rate": ratio(complaints, sends),
	}}
}

// ratio is nil when there is nothing to divide by.
func ratio(part, whole int) any {
	if whole == 0 {
		return nil
	}
	return float64(part) / float64(whole)
}

// recordTruth is the best hour of the clock before the present one, and the present one against it.
func recordTruth(l *ledger, at time.Time, _ time.Duration) expected {
	const grain = time.Millisecond
	present := at.Truncate(hour)
	best, bestAt := int64(0), time.Time{}
	heaps := groups(which(l.money(time.Time{}, present.Add(-grain)), usd), func(m *movement) string {
		return m.OccurredAt.UTC().Truncate(hour).Format(time.RFC3339)
	})
	for _, name := range slices.Sorted(maps.Keys(heaps)) {
		if sum := netOf(heaps[name]); sum > best {
			best = sum
			bestAt, _ = time.Parse(time.RFC3339, name)
		}
	}
	moved := which(l.money(present.Add(-grain), at), usd)
	now := with(dollars(netOf(moved)), obj{"hour": present.Format(time.RFC3339)})
	before := with(dollars(best), obj{"hour": bestAt.Format(time.RFC3339)})
	value := with(before, obj{"falls": false, "since": nil, "before": before, "now": now})
	if netOf(moved) > best {
		value = with(now, obj{"falls": true, "since": passed(moved, best), "before": before, "now": now})
	}
	return expected{value: value}
}

// passed is the first minute at whose end, or at the moment if that comes before, the sum was higher than the record.
func passed(moved []*movement, record int64) any {
	sum := int64(0)
	for i, m := range moved {
		minute := m.OccurredAt.UTC().Truncate(time.Minute)
		sum += m.minor
		last := i+1 == len(moved) || !moved[i+1].OccurredAt.UTC().Truncate(time.Minute).Equal(minute)
		if last && sum > record {
			return minute.Format(time.RFC3339)
		}
	}
	return nil
}
