package board

import (
	"math/big"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyToday is the campaign's day so far.
func (d desk) moneyToday() Panel {
	p := d.panel("money.today", campaign.Donations)
	p.Params = func(m Moment) map[string]string {
		return map[string]string{"at": engineTime(m.At), "day": engineTime(dayStart(m.At, d.Zone))}
	}
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
	Others     []money `json:"others"` // net in other currencies
	named      uint64  // gifts whose donor is known
	lastMinute uint64  // gifts
	moved      bool
}

func (d desk) readToday(rows Rows) (todayValue, error) {
	none := newMoney(0, d.Currency)
	v := todayValue{money: none, Given: none, Refunded: none, Average: none, Median: none, Others: []money{}}
	err := each(rows, "money.today", func() error { return d.readTodayRow(rows, &v) })
	v.Refunded = v.Given.less(v.money)
	v.Average = v.Given.average(v.Gifts)
	return v, err
}

func (d desk) readTodayRow(rows Rows, v *todayValue) error {
	var (
		currency   string
		net, given big.Int
		median     int64
	)
	row := todayValue{Others: v.Others, moved: true}
	err := rows.Scan(&currency, &net, &given, &row.Gifts, &row.lastMinute, &median, &row.Donors, &row.named,
		&row.Recurring, &row.FirstGifts, &row.Refunds)
	if err != nil {
		return err
	}
	v.moved = true
	if currency != d.Currency {
		return d.other(&v.Others, &net, currency)
	}
	*v = row
	v.Median = newMoney(median, currency)
	return sums(currency, []*big.Int{&net, &given}, &v.money, &v.Given)
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
		Cells:  v.cells(),
	}
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
	if v.named < v.Gifts {
		return "of " + counted(v.named, "gift", "gifts") + " with a name"
	}
	return ""
}

func (v todayValue) refundsNote() string {
	if v.Refunds == 0 {
		return "none today"
	}
	return countText(v.Refunds) + " today"
}
