package board

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"warroom/server/campaign"
)

// moneySteps is the chart of dollars over a span, before refunds, one-time and recurring gifts apart.
func (d desk) moneySteps() Panel {
	p := d.panel("money.steps", campaign.Donations)
	p.Note, p.Chart, p.Steps = "gifts, before refunds", "bars", true
	p.Window, p.Windows = moneyWindow, moneyWindows()
	p.Params = func(m Moment) map[string]string {
		s := spanSteps(m, d.Zone)
		return map[string]string{
			"at": engineTime(m.At), "from": engineTime(s.starts[0]), "currency": d.Currency, "starts": s.unix(),
			"span": strconv.Itoa(int(s.sums / time.Second)), "last": m.At.UTC().Truncate(s.sums).Format(time.DateTime),
		}
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		series, err := d.readSteps(rows, m)
		return Answer{Series: series}, err
	}
	return p
}

// stepRow are the steps of a span that may be days of the campaign, of 23, 24 or 25 hours.
type stepRow struct {
	starts []time.Time
	each   time.Duration // their usual length
	sums   time.Duration // the length of the sums that they consist of
}

// spanSteps are as many steps as read well, and the last is the one that the moment is in.
func spanSteps(m Moment, zone *time.Location) stepRow {
	switch {
	case m.Window <= 3*time.Hour:
		return evenSteps(m, time.Minute)
	case m.Window <= 36*time.Hour:
		return evenSteps(m, 15*time.Minute)
	case m.Window <= 14*utcDay:
		return evenSteps(m, time.Hour)
	}
	return daySteps(m, zone)
}

func evenSteps(m Moment, each time.Duration) stepRow {
	s := lastSteps(m.At.Truncate(each).Add(each), m.Window, each)
	row := stepRow{each: each, sums: min(each, time.Hour)}
	if each < time.Hour {
		row.sums = time.Minute
	}
	for i := range s.count {
		row.starts = append(row.starts, s.start(i))
	}
	return row
}

// daySteps are today and the days before it. Where days don't begin with an hour of UTC their sums are the minutes'.
func daySteps(m Moment, zone *time.Location) stepRow {
	row := stepRow{each: utcDay, sums: time.Hour}
	start := dayStart(m.At, zone)
	for range min(int(m.Window/utcDay), most) {
		row.starts = append(row.starts, start.UTC())
		if !start.Truncate(time.Hour).Equal(start) {
			row.sums = time.Minute
		}
		start = dayStart(start.Add(-time.Millisecond), zone)
	}
	slices.Reverse(row.starts)
	return row
}

// unix writes the starts as a parameter of type Array(UInt32).
func (s stepRow) unix() string {
	var texts []string
	for _, start := range s.starts {
		texts = append(texts, strconv.FormatInt(start.Unix(), 10))
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// layout is how the table writes a step's start.
func (s stepRow) layout() string {
	switch {
	case s.each >= utcDay:
		return "Mon 2 Jan"
	case len(s.starts) > 1 && s.starts[len(s.starts)-1].Sub(s.starts[0]) > 12*time.Hour:
		return "Mon 2 Jan, 3:04 PM MST"
	}
	return "3:04 PM MST"
}

func (d desk) readSteps(rows Rows, m Moment) (*Series, error) {
	s := spanSteps(m, d.Zone)
	once, recurring := make([]money, len(s.starts)), make([]money, len(s.starts))
	for i := range once {
		once[i], recurring[i] = newMoney(0, d.Currency), newMoney(0, d.Currency)
	}
	err := each(rows, "money.steps", func() error {
		var start time.Time
		var onceSum, repeatedSum big.Int
		if err := rows.Scan(&start, &onceSum, &repeatedSum); err != nil {
			return err
		}
		i, found := slices.BinarySearchFunc(s.starts, start, time.Time.Compare)
		if !found {
			return fmt.Errorf("the engine answered with a step at %s, which is none of those asked for", start.UTC())
		}
		return sums(d.Currency, []*big.Int{&onceSum, &repeatedSum}, &once[i], &recurring[i])
	})
	if err != nil {
		return nil, err
	}
	series := &Series{Step: int(s.each / time.Second), Doubt: m.Doubt, Table: [][]string{{"From", "One-time", "Recurring"}}}
	for i, start := range s.starts {
		series.Times = append(series.Times, start.Unix())
		series.Table = append(series.Table, []string{
			start.In(d.Zone).Format(s.layout()), once[i].exact(), recurring[i].exact(),
		})
	}
	series.Columns = []Lane{
		{Name: "once", Label: "One-time", Unit: d.unit(), Values: majors(once)},
		{Name: "recurring", Label: "Recurring", Unit: d.unit(), Values: majors(recurring)},
	}
	return series, nil
}
