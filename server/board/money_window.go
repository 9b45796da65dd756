package board

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"warroom/server/campaign"
)

// The spans that the board of money offers, and the one that it opens with.
const moneyWindow = 24 * time.Hour

func moneyWindows() []time.Duration {
	return []time.Duration{time.Hour, moneyWindow, 7 * utcDay, 30 * utcDay}
}

// windowed is a panel over the span that the page asks for, with the same span before it to compare with.
func (d desk) windowed(topic string) Panel {
	p := d.panel(topic, campaign.Donations)
	p.Window, p.Windows = moneyWindow, moneyWindows()
	p.Params = d.overWindow
	return p
}

// overWindow are the parameters of a query over a span and the one before it, in one currency.
func (d desk) overWindow(m Moment) map[string]string {
	params := anyCurrency(m)
	params["currency"] = d.Currency
	return params
}

// anyCurrency are the parameters of a query over a span and the one before it.
func anyCurrency(m Moment) map[string]string {
	since, before := m.At.Add(-m.Window), m.At.Add(-2*m.Window)
	params := map[string]string{"at": engineTime(m.At), "since": engineTime(since), "before": engineTime(before)}
	p := pieces{short: m.Window <= time.Hour}
	p.add(before, since)
	p.add(since, m.At)
	p.write(params)
	return params
}

// lastHour are the parameters of a query over the last 60 minutes, in one currency.
func (d desk) lastHour(m Moment) map[string]string {
	p := pieces{short: true}
	p.add(m.At.Add(-time.Hour), m.At)
	params := map[string]string{"currency": d.Currency}
	p.write(params)
	return only(params, m)
}

// only leaves the parameters that a query of minutes takes, and adds the moment.
func only(params map[string]string, m Moment) map[string]string {
	delete(params, "hours")
	delete(params, "days")
	params["at"] = engineTime(m.At)
	return params
}

// spanText names a span: "hour", "24 hours", "7 days", "90 minutes".
func spanText(window time.Duration) string {
	switch {
	case window == time.Hour:
		return "hour"
	case window%utcDay == 0 && window > utcDay:
		return strconv.Itoa(int(window/utcDay)) + " days"
	case window%time.Hour == 0:
		return strconv.Itoa(int(window/time.Hour)) + " hours"
	case window%time.Minute == 0:
		return counted(uint64(window/time.Minute), "minute", "minutes")
	}
	return counted(uint64(window/time.Second), "second", "seconds")
}

// lastSpan is the small print of a panel over a span: "last 24 hours, before refunds".
func lastSpan(m Moment, more ...string) string {
	return strings.Join(slices.Insert(more, 0, "last "+spanText(m.Window)), ", ")
}

// spanBefore names what a span is compared with: "the hour before", "the 7 days before".
func spanBefore(m Moment) string { return "the " + spanText(m.Window) + " before" }
