package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// moneyTruth computes the panels of the board of money; all its numbers are exact. Which of two roads a gift is booked
// under is a race of their messages, so that paths are held against what is possible.
func moneyTruth() map[string]computation {
	return map[string]computation{
		"money.total": totalTruth, "money.map": mapTruth, "money.sizes": sizesTruth, "money.paths": pathsTruth,
		"money.steps": stepsTruth, "money.week": weekTruth,
		"money.codes":    cutTruth(func(m *movement) string { return m.Refcode }),
		"money.channels": cutTruth(func(m *movement) string { return m.Channel }),
		"money.forms":    cutTruth(func(m *movement) string { return m.Form }),
		"money.rhythms":  cutTruth(func(m *movement) string { return m.Recurring }),
		"money.sources":  cutTruth(func(m *movement) string { return m.Source }),
	}
}

// span is a window of money, and the one before it.
type span struct{ now, before, gifts, giftsBefore []*movement }

// over is the span of a window in dollars.
func over(l *ledger, at time.Time, window time.Duration) span {
	s := span{
		now:    which(l.money(at.Add(-window), at), usd),
		before: which(l.money(at.Add(-2*window), at.Add(-window)), usd),
	}
	s.gifts, s.giftsBefore = which(s.now, gave), which(s.before, gave)
	return s
}

// of is the part of a span for which something holds.
func (s span) of(holds func(*movement) bool) span {
	return span{which(s.now, holds), which(s.before, holds), which(s.gifts, holds), which(s.giftsBefore, holds)}
}

// growth is by how much one sum is more than another; nil when that is nothing.
func growth(now, before []*movement) any {
	if sum := netOf(before); sum > 0 {
		return float64(netOf(now))/float64(sum) - 1
	}
	return nil
}

// portion is a part of all gifts, 0 where there are none.
func portion(part, all []*movement) float64 {
	if sum := netOf(all); sum > 0 {
		return float64(netOf(part)) / float64(sum)
	}
	return 0
}

func totalTruth(l *ledger, at time.Time, window time.Duration) expected {
	s := over(l, at, window)
	return expected{value: with(dollars(netOf(s.now)), obj{
		"given": dollars(netOf(s.gifts)), "refunded": dollars(netOf(s.gifts) - netOf(s.now)), "gifts": len(s.gifts),
		"refunds": len(which(s.now, takenBack)), "average": dollars(meanGift(s.gifts)),
		"first_gifts": len(which(s.gifts, first)), "recurring_gifts": len(which(s.gifts, again)),
		"recurring": dollars(netOf(which(s.gifts, again))), "before": dollars(netOf(s.before)),
		"given_before": dollars(netOf(s.giftsBefore)), "gifts_before": len(s.giftsBefore),
		"others": foreign(l.money(at.Add(-window), at)),
	})}
}

// cutRow is what the API says of a part of a span.
func cutRow(value string, s, all span) obj {
	return with(dollars(netOf(s.gifts)), obj{
		"value": value, "net": dollars(netOf(s.now)), "gifts": len(s.gifts), "average": dollars(meanGift(s.gifts)),
		"share": portion(s.gifts, all.gifts), "first_gifts": len(which(s.gifts, first)),
		"refunds": len(which(s.now, takenBack)), "before": dollars(netOf(s.giftsBefore)),
		"gifts_before": len(s.giftsBefore), "change": growth(s.gifts, s.giftsBefore),
	})
}

// cutTruth ranks the parts of a span by what was given.
func cutTruth(name func(*movement) string) computation {
	return func(l *ledger, at time.Time, window time.Duration) expected {
		all := over(l, at, window)
		names := groups(append(slices.Clone(all.now), all.before...), name)
		given := groups(all.gifts, name)
		order := slices.Sorted(maps.Keys(names))
		slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(netOf(given[b]), netOf(given[a])) })
		rows := []any{}
		for _, value := range order {
			s := all.of(func(m *movement) bool { return name(m) == value })
			if len(s.gifts)+len(s.giftsBefore)+len(which(s.now, takenBack)) > 0 || netOf(s.now) != 0 {
				rows = append(rows, cutRow(value, s, all))
			}
		}
		return expected{rows: rows}
	}
}

// mapTruth lists the states that gave something in the span or in the one before; all the rest is the last row.
func mapTruth(l *ledger, at time.Time, window time.Duration) expected {
	all := over(l, at, window)
	state := func(s span) obj { // the map says nothing of refunds
		return with(cutRow("", s, all), obj{"net": dollars(0), "first_gifts": 0, "refunds": 0})
	}
	rows := []any{}
	for _, code := range country() {
		s := all.of(func(m *movement) bool { return home(m) == code })
		if len(s.gifts)+len(s.giftsBefore) > 0 {
			rows = append(rows, with(state(s), obj{"value": code}))
		}
	}
	s := all.of(func(m *movement) bool { return !slices.Contains(country(), home(m)) })
	if len(s.gifts)+len(s.giftsBefore) > 0 {
		rows = append(rows, state(s))
	}
	return expected{rows: rows}
}

func sizesTruth(l *ledger, at time.Time, window time.Duration) expected {
	all := over(l, at, window)
	edges := []int64{0, 1000, 2500, 5000, 10_000, 20_000, 50_000, 100_000}
	rows := []any{}
	band := func(from int64, s span) obj {
		row := with(cutRow("", s, all), obj{"from": dollars(from), "net": dollars(0), "first_gifts": 0, "refunds": 0})
		return row
	}
	for i, from := range edges {
		s := all.of(func(m *movement) bool {
			return m.minor >= from && (i == len(edges)-1 || m.minor < edges[i+1])
		})
		rows = append(rows, band(from, s))
	}
	whole := with(band(0, all), obj{"all": true})
	if len(all.gifts)+len(all.giftsBefore) > 0 {
		whole["median"] = dollars(medianGift(all.gifts))
	}
	return expected{rows: append(rows, whole)}
}

// judged is an expectation that looks for itself: it says what is wrong, or nothing.
type judged func(got any) (wrong string)

// pathsTruth knows of each road what it alone brought, and what it may have been first with.
func pathsTruth(l *ledger, at time.Time, window time.Duration) expected {
	all := over(l, at, window)
	return expected{rows: judged(func(got any) string {
		rows, _ := got.([]any)
		var gifts, given, net, shares float64
		for _, row := range rows {
			o, _ := row.(obj)
			path, _ := o["value"].(string)
			came := all.of(func(m *movement) bool { return m.paths[path] })
			alone := all.of(func(m *movement) bool { return m.paths[path] && len(m.paths) == 1 })
			n, _ := number(o["gifts"])
			minor, _ := number(o["amount_minor"])
			sum, _ := number(o["net"].(obj)["amount_minor"])
			part, _ := number(o["share"])
			if n < float64(len(alone.gifts)) || n > float64(len(came.gifts)) || minor < float64(netOf(alone.gifts)) ||
				minor > float64(netOf(came.gifts)) {
				return fmt.Sprintf("%s: %v gifts, %v cents; it brought %d to %d", path, n, minor, len(alone.gifts), len(came.gifts))
			}
			gifts, given, net, shares = gifts+n, given+minor, net+sum, shares+part
		}
		if gifts != float64(len(all.gifts)) || given != float64(netOf(all.gifts)) || net != float64(netOf(all.now)) {
			return fmt.Sprintf("all paths: %v gifts, %v cents, %v net", gifts, given, net)
		}
		if len(all.gifts) > 0 && (shares < 1-1e-9 || shares > 1+1e-9) {
			return fmt.Sprintf("the shares make %v", shares)
		}
		return ""
	})}
}

// stepStarts are the steps of a window, the last is the one that the moment is in, and how long each usually is.
func stepStarts(at time.Time, window time.Duration) (starts []time.Time, step time.Duration) {
	const day = 24 * time.Hour
	switch window {
	case time.Hour:
		step = time.Minute
	case day:
		step = 15 * time.Minute
	case 7 * day:
		step = time.Hour
	default:
		for i := range int(window / day) {
			starts = append(starts, midnight(at, i+1-int(window/day)))
		}
		return starts, day
	}
	starts, _ = times(at.Truncate(step), int(window/step), step)
	return starts, step
}

func stepsTruth(l *ledger, at time.Time, window time.Duration) expected {
	starts, step := stepStarts(at, window)
	var seconds, once, recurring []any
	for i, start := range starts {
		long := step
		if i+1 < len(starts) {
			long = starts[i+1].Sub(start)
		}
		gifts := which(inStep(l, start, long, at), usd, gave)
		repeated := netOf(which(gifts, again))
		seconds = append(seconds, start.Unix())
		once, recurring = append(once, float64(netOf(gifts)-repeated)/100), append(recurring, float64(repeated)/100)
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": []any{
		lane("once", "usd", once), lane("recurring", "usd", recurring),
	}}}
}

// weekTruth is the mean of each hour of the week, over whole hours since the first one in which something moved.
func weekTruth(l *ledger, at time.Time, _ time.Duration) expected {
	const grain = time.Millisecond
	until := at.Truncate(hour)
	moved := which(l.money(sameClock(until, -56).Truncate(hour).Add(-grain), until.Add(-grain)), usd)
	place := func(t time.Time) int { return (int(t.In(eastern()).Weekday())+6)%7*24 + t.In(eastern()).Hour() }
	heaps, hours := map[int][]*movement{}, map[int]int64{}
	for _, m := range which(moved, gave) {
		heaps[place(m.OccurredAt)] = append(heaps[place(m.OccurredAt)], m)
	}
	if len(moved) > 0 {
		for t := moved[0].OccurredAt.Truncate(hour); t.Before(until); t = t.Add(hour) {
			hours[place(t)]++
		}
	}
	rows := []any{}
	for i := range 7 * 24 {
		sum, n := netOf(heaps[i]), max(1, hours[i])
		rows = append(rows, with(dollars((2*sum+n)/(2*n)), obj{
			"weekday": time.Weekday((i/24 + 1) % 7).String(), "hour": i % 24, "given": dollars(sum),
			"gifts": len(heaps[i]), "hours": hours[i],
		}))
	}
	return expected{rows: rows}
}
