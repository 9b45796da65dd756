package board

import (
	"math/big"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyToday is the campaign's day so far.
func (d desk) moneyToday() Panel {
	p := d.panel("money.today", campaign.Donations)
	p.Params = d.todayAndYesterday
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readToday(rows)
		if err != nil {
			return Answer{}, err
		}
		p := p
		p.Note = sinceDayStart(dayStart(m.At, d.Zone))
		return Answer{Value: value, Fragment: views.TodayPanel(d.today(p, m, value))}, nil
	}
	return p
}

// todayValue is the API's answer. The amount is net; all counts are of gifts in the campaign's currency.
type todayValue struct {
	money
	Given      money   `json:"given"`
	Refunded   money   `json:"refunded"`
	Refunds    uint64  `json:"refunds"`
	Gifts      uint64  `json:"gifts"`
	Average    money   `json:"average"`
	Median     money   `json:"median"`
	Donors     uint64  `json:"donors"`
	Recurring  uint64  `json:"recurring_gifts"`
	FirstGifts uint64  `json:"first_gifts"`
	SameTime   money   `json:"yesterday_so_far"` // net up to the same time of the campaign's clock
	Yesterday  money   `json:"yesterday"`        // net of the whole day
	Others     []money `json:"others"`           // net in other currencies
	lastMinute uint64  // gifts
	moved      bool
}

// todayAndYesterday are the parameters of the day so far, and of the day before it.
func (d desk) todayAndYesterday(m Moment) map[string]string {
	day := dayStart(m.At, d.Zone)
	yesterday, same := dayStart(day.Add(-time.Millisecond), d.Zone), sameClock(m.At, -1, d.Zone)
	const tick = time.Millisecond // a day begins with its first moment
	if same.Before(yesterday) || !same.Before(day) {
		same = day.Add(-tick)
	}
	var p pieces
	p.add(yesterday.Add(-tick), same)
	p.add(same, day.Add(-tick))
	if minute := m.At.Add(-time.Minute); minute.After(day) { // the gifts of the last minute are read one by one
		p.add(day.Add(-tick), minute)
		p.add(minute, m.At)
	} else {
		p.add(day.Add(-tick), m.At)
	}
	params := map[string]string{
		"at": engineTime(m.At), "day": engineTime(day), "day_before": engineTime(yesterday), "same": engineTime(same),
		"half": m.At.UTC().Truncate(30 * time.Minute).Format(time.DateTime), "currency": d.Currency,
	}
	p.write(params)
	return params
}

func (d desk) readToday(rows Rows) (todayValue, error) {
	none := newMoney(0, d.Currency)
	v := todayValue{money: none, Given: none, Refunded: none, Average: none, Median: none, SameTime: none, Yesterday: none, Others: []money{}}
	err := each(rows, "money.today", func() error { return d.readTodayRow(rows, &v) })
	v.Refunded = v.Given.less(v.money)
	v.Average = v.Given.average(v.Gifts)
	return v, err
}

func (d desk) readTodayRow(rows Rows, v *todayValue) error {
	var (
		currency                    string
		net, given, same, dayBefore big.Int
		median                      int64
	)
	row := todayValue{Others: v.Others}
	err := rows.Scan(&currency, &net, &given, &row.Gifts, &row.lastMinute, &median, &row.Donors,
		&row.Recurring, &row.FirstGifts, &row.Refunds, &same, &dayBefore)
	if err != nil {
		return err
	}
	v.moved = v.moved || net.Sign() != 0 || given.Sign() != 0 || row.Refunds > 0
	row.moved = v.moved
	if currency != d.Currency {
		return d.other(&v.Others, &net, currency)
	}
	*v = row
	v.Median = newMoney(median, currency)
	return sums(currency, []*big.Int{&net, &given, &same, &dayBefore}, &v.money, &v.Given, &v.SameTime, &v.Yesterday)
}

func (d desk) today(p Panel, m Moment, v todayValue) views.Today {
	empty := ""
	if !v.moved {
		empty = "No gifts yet today. They appear here within a second of arriving."
	}
	return views.Today{
		Panel:  d.head(p, m, empty),
		Raised: v.figure(),
		Sub:    givenAndRefunded(v.Given, v.Refunded),
		Others: texts(v.Others),
		Near:   v.neighbours(),
		Cells:  v.cells(),
	}
}

// neighbours are what the day is compared with.
func (v todayValue) neighbours() []views.Neighbour {
	return []views.Neighbour{
		{Label: "Yesterday by this time", Figure: v.SameTime.figure(), Change: shift(v.money, v.SameTime)},
		{Label: "Yesterday in all", Figure: v.Yesterday.figure(), Sub: v.ofYesterday()},
	}
}

// ofYesterday says how far the day has come on the way to the day before.
func (v todayValue) ofYesterday() string {
	ratio, ok := share(float64(v.Minor), float64(v.Yesterday.Minor))
	switch {
	case !ok || ratio < 0:
		return ""
	case ratio >= 1:
		return "passed"
	}
	return percentText(ratio) + " of it so far"
}

func (v todayValue) cells() []views.Cell {
	cells := []views.Cell{
		{Label: "Gifts", Figure: countFigure(v.Gifts), Sub: countText(v.lastMinute) + " in the last minute"},
		v.averageCell(),
		{Label: "Donors", Figure: countFigure(v.Donors), Sub: v.donorsNote()},
	}
	if v.FirstGifts > 0 { // otherwise no feed tells first gifts apart
		cells = append(cells, views.Cell{
			Label: "New donors", Figure: percentFigure(float64(v.FirstGifts), float64(v.Gifts)),
			Sub: countText(v.FirstGifts) + " first gifts",
		})
	}
	return append(cells,
		views.Cell{Label: "Recurring", Figure: percentFigure(float64(v.Recurring), float64(v.Gifts)), Sub: "of gifts"},
		views.Cell{Label: "Refunds", Figure: v.Refunded.figure(), Sub: v.refundsNote()},
	)
}

func (v todayValue) averageCell() views.Cell {
	if v.Gifts == 0 {
		return views.Cell{Label: "Average", Figure: views.Figure{Text: nothing, Unit: v.Average.figure().Unit}}
	}
	return views.Cell{Label: "Average", Figure: v.Average.figure(), Sub: "median " + v.Median.text()}
}

func (v todayValue) donorsNote() string {
	if v.Donors > exactDonors {
		return "about (±1 %)"
	}
	return "where a gift names one"
}

// exactDonors is how many people a sketch counts exactly: see donor_sketches.
const exactDonors = 2048

func (v todayValue) refundsNote() string {
	if v.Refunds == 0 {
		return "none today"
	}
	return countText(v.Refunds) + " today"
}
