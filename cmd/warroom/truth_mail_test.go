package main

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// mailTruth computes the panels of the board of mail: all its counts are exact. The lag is an estimate, by a rule
// that is followed here.
func mailTruth() map[string]computation {
	return map[string]computation{
		"mail.quota": quotaTruth, "mail.limits": limitsTruth, "mail.rate": mailRateTruth, "mail.lag": lagTruth,
		"mail.providers": providersTruth,
	}
}

// lastMinutes are the mail events of whole minutes before the moment.
func lastMinutes(l *ledger, at time.Time, window time.Duration) []*mailing {
	const grain = time.Millisecond
	edge := at.Truncate(time.Minute)
	return l.mails(edge.Add(-window-grain), edge.Add(-grain))
}

// count is how many events of a kind there are; an empty bounce is any.
func count(all []*mailing, kind, bounce string) int {
	return len(which(all, func(m *mailing) bool { return m.Type == kind && (bounce == "" || m.Bounce == bounce) }))
}

func quotaTruth(l *ledger, at time.Time, _ time.Duration) expected {
	const second, day = 2.0, 100_000.0 // as truthEnv has them
	sends := func(window time.Duration) []*mailing { return which(lastMinutes(l, at, window), mailed("send", "")) }
	peak := 0
	for _, heap := range groups(sends(5*time.Minute), func(m *mailing) string { return m.OccurredAt.Format("15:04") }) {
		peak = max(peak, len(heap))
	}
	rate, whole := float64(len(sends(time.Minute)))/60, len(sends(24*hour))
	return expected{value: obj{
		"per_second": rate, "peak_per_second": float64(peak) / 60, "last_24_hours": whole, "quota_per_second": second,
		"quota_per_24_hours": day, "share_of_second": rate / second, "share_of_24_hours": float64(whole) / day,
	}}
}

func limitsTruth(l *ledger, at time.Time, _ time.Duration) expected {
	day, recent := lastMinutes(l, at, 24*hour), lastMinutes(l, at, 15*time.Minute)
	n := func(all []*mailing, kind, bounce string) int { return count(all, kind, bounce) }
	sends, hard, complaints := n(day, "send", ""), n(day, "bounce", "hard"), n(day, "complaint", "")
	lately, hardly, complained := n(recent, "send", ""), n(recent, "bounce", "hard"), n(recent, "complaint", "")
	return expected{value: obj{
		"sends": sends, "deliveries": n(day, "delivery", ""), "hard_bounces": hard, "soft_bounces": n(day, "bounce", "soft"),
		"complaints": complaints, "sends_15_minutes": lately, "hard_bounces_15_minutes": hardly,
		"complaints_15_minutes": complained, "hard_bounce_rate": crossingTruth(hard, sends, hardly, lately, 0.05, 0.10),
		"complaint_rate": crossingTruth(complaints, sends, complained, lately, 0.001, 0.005),
	}}
}

// crossingTruth finds by trying when a rate comes to its limit.
func crossingTruth(bad, all, badLately, lately int, review, pause float64) obj {
	c := obj{
		"rate": ratio(bad, all), "recent": ratio(badLately, lately), "review": review, "pause": pause, "limit": review,
		"after": nil,
	}
	if all == 0 || lately == 0 {
		return c
	}
	rate, recent := float64(bad)/float64(all), float64(badLately)/float64(lately)
	limit := review
	if rate >= pause || rate >= review && recent > review {
		limit = pause
	}
	c["limit"] = limit
	beyond := func(n float64) bool { // has it come to the limit after n more?
		now := (float64(bad) + recent*n) / (float64(all) + n)
		if rate < limit {
			return now >= limit-1e-12
		}
		return now <= limit+1e-12
	}
	const never = 1e15
	if !beyond(never) {
		return c
	}
	low, high := -1.0, never
	for high-low > 1 {
		if middle := math.Floor((low + high) / 2); beyond(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	c["after"] = about(high, 1)
	return c
}

func mailRateTruth(l *ledger, at time.Time, window time.Duration) expected {
	const grain = time.Millisecond
	step := time.Minute
	if window > 3*hour {
		step = hour
	}
	starts, seconds := times(at.Truncate(step).Add(-step), int(window/step), step)
	names, kinds := []string{"sent", "delivered", "opened", "clicked"}, []string{"send", "delivery", "open", "click"}
	columns := []any{}
	for i, kind := range kinds {
		var values []any
		for _, start := range starts {
			n := count(l.mails(start.Add(-grain), start.Add(step-grain)), kind, "")
			values = append(values, float64(n)/step.Seconds())
		}
		columns = append(columns, lane(names[i], "rate", values))
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": columns}}
}

func lagTruth(l *ledger, at time.Time, _ time.Duration) expected {
	mails, recent := lastMinutes(l, at, hour), lastMinutes(l, at, 5*time.Minute)
	ended := func(all []*mailing) int {
		return count(all, "delivery", "") + count(all, "bounce", "") + count(all, "reject", "")
	}
	underWay := max(0, count(mails, "send", "")-ended(mails))
	value := obj{
		"sends": count(mails, "send", ""), "deliveries": count(mails, "delivery", ""),
		"hard_bounces": count(mails, "bounce", "hard"), "soft_bounces": count(mails, "bounce", "soft"),
		"rejects": count(mails, "reject", ""), "delays": count(mails, "delay", ""), "under_way": underWay, "lag_s": nil,
	}
	if n := ended(recent); n > 0 {
		value["lag_s"] = float64(underWay) / float64(n) * 300
	}
	return expected{value: value}
}

// providersTruth lists mailbox providers; the story has eight, so that no row is of several.
func providersTruth(l *ledger, at time.Time, _ time.Duration) expected {
	heaps := groups(which(lastMinutes(l, at, 24*hour), func(m *mailing) bool {
		return slices.Contains([]string{"send", "delivery", "bounce", "complaint", "delay", "reject"}, m.Type)
	}), func(m *mailing) string { _, domain, _ := strings.Cut(m.Recipient, "@"); return domain })
	names := slices.Sorted(maps.Keys(heaps))
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(count(heaps[b], "send", ""), count(heaps[a], "send", ""))
	})
	rows := []any{}
	for _, name := range names {
		heap := heaps[name]
		rows = append(rows, obj{
			"domain": name, "providers": 1, "sends": count(heap, "send", ""), "deliveries": count(heap, "delivery", ""),
			"hard_bounces": count(heap, "bounce", "hard"), "soft_bounces": count(heap, "bounce", "soft"),
			"complaints": count(heap, "complaint", ""), "delays": count(heap, "delay", ""), "rejects": count(heap, "reject", ""),
		})
	}
	return expected{rows: rows}
}
