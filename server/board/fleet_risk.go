package board

import (
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// Dollars at risk are an estimate that can be followed by hand. For each app whose answers fail more often than usual:
//
//	expected dollars a minute × share of the gifts that pass the app × failures above usual
//
// Expected is the higher of what the same hour of earlier weeks brought (its median, a minute) and of the mean of the
// 30 minutes before the failures began: gifts of one currency before refunds. Gifts pass an app as far as the pages
// where people give are its own; an app without such pages passes on what its pages send to those: the share of their
// requests that its hosts referred in the last 30 minutes. Failures are the 5xx of the last minute; those of the same
// hour of earlier weeks are usual, else those of the last day, and a rise that can be chance counts as none.

// fleetRisk is what failing apps cost a minute, the dearest first.
func (d desk) fleetRisk() Panel {
	p := d.ofFleet("fleet.risk", "Dollars at risk", d.unit(), campaign.Donations)
	p.Note = "an estimate, a minute"
	if d.Currency != "USD" {
		p.Title = d.Currency + " at risk"
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		now, err := d.readNow(rows, p.Topic, m)
		if err != nil {
			return Answer{}, err
		}
		value, err := d.atRisk(now.risks(), m)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.FleetRiskPanel(d.risk(p, m, value))}, nil
	}
	return p
}

// riskApp is an app that was there within a day, with what is known of the campaign.
type riskApp struct {
	app                  string
	now, weeks, day      answers
	minutes              []minute
	asked, sent, allAsks float64
	gifts                map[int64]*big.Int // minor units by the minute, Unix seconds
	weekGiven            []*big.Int         // minor units, of an hour each
}

func (n *fleetNow) risks() (list []riskApp) {
	all := 0.0
	for _, a := range n.named() {
		if a.now.requests > 0 || a.day.requests > 0 || len(a.minutes) > 0 {
			all += a.asked
			list = append(list, riskApp{
				app: a.name, now: a.now, weeks: a.weeks, day: a.day, minutes: a.minutes, asked: a.asked, sent: a.sent,
				gifts: n.gifts, weekGiven: n.usual,
			})
		}
	}
	for i := range list {
		list[i].allAsks = all
	}
	return list
}

// riskValue is the API's answer. All of it is an estimate.
type riskValue struct {
	AtRisk    money      `json:"at_risk_per_minute"`  // of all incidents together, at most what is expected
	Expected  money      `json:"expected_per_minute"` // as things were before the earliest incident
	Basis     string     `json:"expected_from"`       // "the same hour of earlier weeks" or "the 30 minutes before"
	Incidents []incident `json:"incidents"`           // the dearest first

	apps, answering int // apps seen today, and those with a request in the last minute
}

// incident is an app that fails more than usual.
type incident struct {
	App         string  `json:"app"`
	Tier        int     `json:"tier"`
	TierGuessed bool    `json:"tier_guessed"`
	AtRisk      money   `json:"at_risk_per_minute"`
	Expected    money   `json:"expected_per_minute"`
	Passes      float64 `json:"share_of_gifts"` // that pass the app, 0–1
	Share       float64 `json:"failed_share"`   // 5xx of the last minute, 0–1
	Usual       float64 `json:"usual_share"`
	UsualOf     string  `json:"usual_of"`
	Failed      float64 `json:"failed_1m"`
	Since       string  `json:"since"`            // RFC 3339, to the minute
	Longer      bool    `json:"since_or_earlier"` // two hours and more
	Silent      bool    `json:"silent"`           // no request at all, though others still get theirs

	since time.Time
	basis string
}

// atRisk finds the incidents and what they cost.
func (d desk) atRisk(apps []riskApp, m Moment) (v riskValue, err error) {
	v = riskValue{AtRisk: newMoney(0, d.Currency), Incidents: []incident{}, apps: len(apps)}
	for _, a := range apps {
		if a.now.requests > 0 {
			v.answering++
		}
	}
	if v.Expected, v.Basis, err = d.expected(apps, m.At.Truncate(time.Minute)); err != nil {
		return v, err
	}
	for _, a := range apps {
		i, ok := d.incident(a, m, v.answering > 0)
		if !ok {
			continue
		}
		if i.Expected, i.basis, err = d.expected(apps, i.since); err != nil {
			return v, err
		}
		i.AtRisk = part(i.Expected, i.Passes*max(i.Share-i.Usual, 0))
		v.Incidents = append(v.Incidents, i)
	}
	slices.SortStableFunc(v.Incidents, func(a, b incident) int {
		return cmp.Or(cmp.Compare(b.AtRisk.Minor, a.AtRisk.Minor), cmp.Compare(a.Tier, b.Tier), cmp.Compare(b.Share, a.Share))
	})
	d.addUp(&v)
	return v, nil
}

// addUp adds the incidents. A gift that two of them stop is lost once: together they cost no more than is expected.
func (d desk) addUp(v *riskValue) {
	for _, i := range v.Incidents {
		v.AtRisk = newMoney(v.AtRisk.Minor+i.AtRisk.Minor, d.Currency)
		if i.Expected.Minor > v.Expected.Minor {
			v.Expected, v.Basis = i.Expected, i.basis
		}
	}
	v.AtRisk = newMoney(min(v.AtRisk.Minor, v.Expected.Minor), d.Currency)
}

// part is a ratio of an amount, to the nearest minor unit: an estimate.
func part(a money, ratio float64) money {
	return newMoney(int64(math.Round(float64(a.Minor)*ratio)), a.Currency)
}

// about writes an estimate: no more exact than it is.
func (a money) about() string {
	exponent, _ := campaign.Exponent(a.Currency)
	unit := int64(pow10(exponent))
	if magnitude(a.Minor) < 10*uint64(unit) {
		return a.text()
	}
	whole := newMoney((a.Minor+unit/2)/unit*unit, a.Currency).exact()
	text, _, _ := strings.Cut(whole, ".")
	return text
}

// incident says whether an app fails more than usual, or gets nothing while others do.
func (d desk) incident(a riskApp, m Moment, others bool) (incident, bool) {
	i := incident{App: a.app, Share: a.now.share(), Failed: a.now.failed, Passes: a.passes()}
	i.Tier, i.TierGuessed = d.tier(a.app)
	i.Usual, i.UsualOf, _ = usualOf(a.weeks, a.day)
	excess := a.now.excess(i.Usual)
	if since, silent := a.silent(m.At); silent && others {
		i.Silent, i.Share, excess = true, 1, 1-i.Usual
		i.since = since
	} else if at, whole := began(a.minutes, i.Usual, excess); excess > 0 {
		i.Longer = whole && len(a.minutes) >= 115 // of the 120 that were asked for
		if i.since = time.Unix(at, 0).UTC(); at == 0 {
			i.since = m.At.Add(-time.Minute).Truncate(time.Minute).UTC()
		}
	}
	i.Since = i.since.Format(time.RFC3339)
	return i, excess > 0
}

// passes is the share of the gifts that pass the app.
func (a riskApp) passes() float64 {
	if a.allAsks <= 0 {
		return 0
	}
	if a.asked > 0 {
		return min(a.asked/a.allAsks, 1)
	}
	return min(a.sent/a.allAsks, 1)
}

const (
	unheardAfter = 3   // whole minutes without a request
	busyBefore   = 600 // requests in the 30 minutes before, for silence to mean something
)

// silent says that an app that was busy gets no request any more, and since when.
func (a riskApp) silent(at time.Time) (since time.Time, ok bool) {
	if a.now.requests > 0 || len(a.minutes) == 0 {
		return time.Time{}, false
	}
	last := a.minutes[len(a.minutes)-1].at + 60
	before := 0.0
	for _, one := range a.minutes {
		if one.at >= last-1800 {
			before += one.requests
		}
	}
	since = time.Unix(last, 0).UTC()
	return since, at.Sub(since) >= unheardAfter*time.Minute && before >= busyBefore
}

// expected is what a minute brings: the higher of the same hour of earlier weeks and of the 30 minutes before since.
func (d desk) expected(apps []riskApp, since time.Time) (a money, basis string, err error) {
	if len(apps) == 0 {
		return newMoney(0, d.Currency), "", nil
	}
	sum := new(big.Int)
	for i := int64(1); i <= 30; i++ {
		if given := apps[0].gifts[since.Unix()-60*i]; given != nil {
			sum.Add(sum, given)
		}
	}
	before, err := sumOf(sum, d.Currency)
	if err != nil {
		return a, "", err
	}
	before = before.average(30)
	weeks, err := d.usualMinute(apps[0].weekGiven)
	if weeks.Minor > before.Minor {
		return weeks, "the same hour of earlier weeks", err
	}
	return before, "the 30 minutes before", err
}

// usualMinute is the median of hours, a minute; nothing is usual that there was but once.
func (d desk) usualMinute(hours []*big.Int) (money, error) {
	if len(hours) < leastWeeks {
		return newMoney(0, d.Currency), nil
	}
	hours = slices.SortedFunc(slices.Values(hours), (*big.Int).Cmp)
	mid := new(big.Int).Add(hours[(len(hours)-1)/2], hours[len(hours)/2])
	a, err := sumOf(mid, d.Currency)
	return a.average(120), err
}
