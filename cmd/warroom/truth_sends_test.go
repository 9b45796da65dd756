package main

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// sendsTruth computes the list of the sends: counts and sums are exact. Projections are estimates: they must be in
// order, and not below what is there.
func sendsTruth() map[string]computation { return map[string]computation{"sends.list": sendsListTruth} }

// sendTruth computes the panels of one send. The middle and the band of earlier sends, projections and how sure a
// difference is are estimates with tests of their own beside the board.
func sendTruth(id string) map[string]computation {
	return map[string]computation{
		"send.summary":  func(l *ledger, at time.Time, _ time.Duration) expected { return summaryTruth(l, id, at) },
		"send.variants": func(l *ledger, at time.Time, _ time.Duration) expected { return variantsTruth(l, id, at) },
		"send.gifts":    func(l *ledger, at time.Time, _ time.Duration) expected { return sendGiftsTruth(l, id, at) },
		"send.curve":    func(l *ledger, at time.Time, _ time.Duration) expected { return curveTruth(l, id, at) },
		"send.projection": func(l *ledger, at time.Time, _ time.Duration) expected {
			return expected{value: judged(func(got any) string { return orderly(got.(obj)["at"]) })}
		},
	}
}

// sent are the mail events of a blast in whole minutes up to the moment.
func sent(l *ledger, id string, at time.Time) []*mailing {
	until := at.Truncate(time.Minute).Add(-time.Millisecond)
	return which(l.mails(time.Time{}, until), func(m *mailing) bool { return m.SendID == id })
}

// brought are the dollars that name a blast.
func brought(l *ledger, id string, at time.Time) []*movement {
	return which(l.money(time.Time{}, at), usd, func(m *movement) bool { return m.SendID == id })
}

func mailCounts(mails []*mailing) obj {
	return obj{
		"sent": count(mails, "send", ""), "delivered": count(mails, "delivery", ""),
		"hard_bounces": count(mails, "bounce", "hard"), "soft_bounces": count(mails, "bounce", "soft"),
		"complaints": count(mails, "complaint", ""), "opens": count(mails, "open", ""), "clicks": count(mails, "click", ""),
		"unsubscribes": count(mails, "unsubscribe", ""),
	}
}

// perThousand is what a thousand delivered mails brought, to the nearest cent; nil before the first delivery.
func perThousand(gifts []*movement, mails []*mailing) any {
	n := int64(count(mails, "delivery", ""))
	if n == 0 {
		return nil
	}
	return dollars((2*1000*netOf(gifts) + n) / (2 * n))
}

func sendsListTruth(l *ledger, at time.Time, _ time.Duration) expected {
	mails := l.mails(time.Time{}, at.Truncate(time.Minute).Add(-time.Millisecond))
	left := groups(which(mails, mailed("send", "")), func(m *mailing) string { return m.SendID })
	first := func(id string) time.Time { return left[id][0].OccurredAt.UTC().Truncate(time.Minute) }
	names := slices.Sorted(maps.Keys(left))
	slices.SortStableFunc(names, func(a, b string) int { return first(b).Compare(first(a)) })
	rows := []any{}
	for _, id := range names[:min(50, len(names))] {
		mails, gifts := sent(l, id, at), which(brought(l, id, at), gave)
		days := kinds(left[id], func(m *mailing) string { return m.OccurredAt.UTC().Format(time.DateOnly) })
		rows = append(rows, with(mailCounts(mails), with(dollars(netOf(gifts)), obj{
			"send_id": id, "first_at": first(id).Format(time.RFC3339), "gifts": len(gifts),
			"per_thousand_delivered": perThousand(gifts, mails), "final": at.Sub(first(id)) >= 72*hour, "ongoing": days > 3,
			"projected_final": judged(func(got any) string { return inOrder(got, netOf(gifts)) }),
		})))
	}
	return expected{rows: rows}
}

// inOrder says what is wrong with a projection of a send that has raised so much.
func inOrder(got any, raised int64) string {
	if got == nil {
		return ""
	}
	o, _ := got.(obj)
	part := func(name string) float64 {
		money, _ := o[name].(obj)
		x, _ := number(money["amount_minor"])
		return x
	}
	sends, _ := number(o["earlier_sends"])
	if low, mid, high := part("low"), part("middle"), part("high"); low < float64(raised) || mid < low || high < mid || sends < 5 {
		return "a projection out of order"
	}
	return ""
}

// orderly looks at the projections of one send.
func orderly(list any) string {
	all, _ := list.([]any)
	for _, one := range all {
		o, _ := one.(obj)
		if wrong := inOrder(o["projection"], 0); wrong != "" {
			return wrong
		}
	}
	return ""
}

func summaryTruth(l *ledger, id string, at time.Time) expected {
	mails, moved := sent(l, id, at), brought(l, id, at)
	gifts := which(moved, gave)
	value := with(mailCounts(mails), with(dollars(netOf(gifts)), obj{
		"gifts": len(gifts), "net": dollars(netOf(moved)), "refunds": len(which(moved, takenBack)),
		"average": dollars(meanGift(gifts)), "per_thousand_delivered": perThousand(gifts, mails), "first_at": nil,
		"last_sent": nil,
	}))
	if left := which(mails, mailed("send", "")); len(left) > 0 {
		value["first_at"] = left[0].OccurredAt.UTC().Truncate(time.Minute).Format(time.RFC3339)
		value["last_sent"] = words{} // the start of the minute, hour or day of the newest mail
	}
	return expected{value: value}
}

func variantsTruth(l *ledger, id string, at time.Time) expected {
	heaps := groups(sent(l, id, at), func(m *mailing) string { return m.Variant })
	rows := []any{}
	for _, name := range slices.Sorted(maps.Keys(heaps)) {
		row := mailCounts(heaps[name])
		delete(row, "hard_bounces")
		delete(row, "soft_bounces")
		rows = append(rows, with(row, obj{"variant": name, "left_at": words{}}))
	}
	return expected{value: obj{"variants": rows, "differences": judged(func(got any) string {
		list, _ := got.([]any)
		for _, one := range list {
			o, _ := one.(obj)
			if p, ok := number(o["always_valid_p"]); !ok || p < 0 || p > 1 {
				return "a p that is none"
			}
			if wrong := ratioOf(o, heaps, count); wrong != "" {
				return wrong
			}
		}
		return ""
	})}}
}

// ratioOf checks the ratio of the rates of two versions.
func ratioOf(o obj, heaps map[string][]*mailing, count func([]*mailing, string, string) int) string {
	kind := map[string]string{"opens": "open", "clicks": "click", "unsubscribes": "unsubscribe", "complaints": "complaint"}
	rate := func(key string) float64 {
		variant, _ := o[key].(string)
		what, _ := o["what"].(string)
		return float64(count(heaps[variant], kind[what], "")) / float64(max(1, count(heaps[variant], "delivery", "")))
	}
	got, known := number(o["ratio"])
	if known && math.Abs(got-rate("variant")/rate("against")) > 1e-9 {
		return "a ratio of rates that is none"
	}
	return ""
}

// sendSteps are the steps of a send's charts, by its age.
func sendSteps(age time.Duration) (step time.Duration, n int) {
	for _, s := range []struct {
		step time.Duration
		n    int
	}{{time.Minute, 60}, {2 * time.Minute, 90}, {5 * time.Minute, 72}, {15 * time.Minute, 96}} {
		if time.Duration(s.n)*s.step > age {
			return s.step, s.n
		}
	}
	return hour, 72
}

func sendGiftsTruth(l *ledger, id string, at time.Time) expected {
	left := which(sent(l, id, at), mailed("send", ""))
	if len(left) == 0 {
		return expected{series: obj{"times": []any{}, "step": 60, "columns": []any{lane("gifts", "count", []any{})}}}
	}
	from := left[0].OccurredAt.UTC().Truncate(time.Minute)
	step, n := sendSteps(at.Sub(from))
	starts, seconds := times(from.Add(time.Duration(n-1)*step), n, step)
	var values []any
	for _, start := range starts {
		if start.After(at) {
			values = append(values, nil)
			continue
		}
		gifts := which(inStep(l, start, step, at), usd, gave, func(m *movement) bool { return m.SendID == id })
		values = append(values, float64(len(gifts)))
	}
	return expected{series: obj{"times": seconds, "step": int(step.Seconds()), "columns": []any{lane("gifts", "count", values)}}}
}

// curveTruth knows the send's own line, in dollars; the others are estimates.
func curveTruth(l *ledger, id string, at time.Time) expected {
	return expected{series: judged(func(got any) string {
		o, _ := got.(obj)
		starts, _ := o["times"].([]any)
		columns, _ := o["columns"].([]any)
		if len(columns) != 4 {
			return "not four lines"
		}
		values, _ := columns[0].(obj)["values"].([]any)
		for i := range starts {
			unix, _ := number(starts[i])
			end := time.Unix(int64(unix), 0)
			raised, known := number(values[i])
			if known == end.After(at) {
				return "a line that ends too early or too late"
			}
			exact := float64(netOf(which(brought(l, id, end.Add(-time.Millisecond)), gave))) / 100
			if known && cmp.Compare(math.Abs(raised-exact), 0.005) > 0 {
				return "another sum at " + end.UTC().Format(time.RFC3339)
			}
		}
		return ""
	})}
}
