package story

import (
	"math"
	"slices"
	"time"
)

// blast is one mail to many.
type blast struct {
	id    string // its send_id, and the refcode of its links
	at    int64  // when the first mail leaves
	runs  int64  // ms until the last one has left
	key   uint64
	force float64 // how strongly it brings gifts at its best, against 1 for everything else together
	extra bool    // the scenario called for it
}

// The campaign mails every two hours of the day.
const (
	firstMailHour = 6
	lastMailHour  = 20
	mailEvery     = 2
)

// calendar lists the blasts that matter around one moment. It is computed anew for every hour of campaign time.
type calendar struct {
	plan   *Plan
	dice   dice
	hour   int64
	blasts []*blast
}

func newCalendar(p *Plan) *calendar { return &calendar{plan: p, dice: newDice(), hour: math.MinInt64} }

// around returns the blasts that begin in the twelve hours before t or in the two after it, in order.
func (c *calendar) around(t int64) []*blast {
	hour := t / hourMS
	if hour != c.hour {
		c.hour, c.blasts = hour, c.between((hour-12)*hourMS, (hour+2)*hourMS)
	}
	return c.blasts
}

func (c *calendar) between(from, to int64) []*blast {
	extras := c.plan.extras()
	var list []*blast
	inside := func(b *blast) bool { return from <= b.at && b.at < to }
	for _, b := range c.regular(from, to) {
		// The provider's quota is one: the night's mails push a regular one out.
		if inside(b) && !slices.ContainsFunc(extras, b.overlaps) {
			list = append(list, b)
		}
	}
	for _, b := range extras {
		if inside(b) {
			list = append(list, b)
		}
	}
	slices.SortFunc(list, func(a, b *blast) int { return int(a.at - b.at) })
	return list
}

func (b *blast) overlaps(other *blast) bool {
	return b.at < other.at+other.runs && other.at < b.at+b.runs
}

// regular lists the mails of every day that touches the span.
func (c *calendar) regular(from, to int64) []*blast {
	var list []*blast
	day := time.UnixMilli(from).In(c.plan.eastern)
	for ; day.UnixMilli() < to+24*hourMS; day = day.AddDate(0, 0, 1) {
		for hour := firstMailHour; hour <= lastMailHour; hour += mailEvery {
			key := mix(forSchedule, c.plan.seed, uint64(day.Year()), uint64(day.YearDay()), uint64(hour))
			c.dice.shake(key)
			at := time.Date(day.Year(), day.Month(), day.Day(), hour, c.dice.IntN(40), 0, 0, c.plan.eastern)
			runs := int64(10+c.dice.IntN(11)) * minuteMS
			force := min(max(c.dice.skewed(regularForce, forceSpread), regularForce/3), regularForce*3)
			list = append(list, &blast{
				id: at.Format("em060102-15"), at: at.UnixMilli(), runs: runs, key: key, force: force,
			})
		}
	}
	return list
}

// extras are the mails that the scenario calls for.
func (p *Plan) extras() []*blast {
	list := make([]*blast, 0, len(p.scenario.mails))
	for _, m := range p.scenario.mails {
		at := p.start + m.at
		id := m.name + time.UnixMilli(p.start).In(p.eastern).Format("-060102-1504")
		key := mix(forSchedule, p.seed, uint64(at))
		list = append(list, &blast{id: id, at: at, runs: m.runs, key: key, force: m.force, extra: true})
	}
	return list
}

// How mails bring gifts.
const (
	regularForce = 2.2 // of half of the regular mails, and
	forceSpread  = 0.45
	pullHalfLife = 75 * minuteMS
	// Who gives because of the night has seldom this morning's mail open.
	pullForeign = 0.05
)

// pull is the strength of the mail at t: it grows while the mail is going out and then halves again and again.
func (b *blast) pull(t int64) float64 {
	age := t - b.at
	switch {
	case age <= 0:
		return 0
	case age < b.runs:
		return b.force * float64(age) / float64(b.runs)
	}
	return b.force * math.Exp2(-float64(age-b.runs)/float64(pullHalfLife))
}
