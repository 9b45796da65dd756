package board

import (
	"math/big"

	"warroom/views"
)

// moneyTotal is what a span brought, net, and what it consists of.
func (d desk) moneyTotal() Panel {
	p := d.windowed("money.total")
	p.Params = anyCurrency
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readTotal(rows)
		if err != nil {
			return Answer{}, err
		}
		p := p
		p.Note = lastSpan(m)
		return Answer{Value: value, Fragment: views.TotalPanel(d.total(p, m, value))}, nil
	}
	return p
}

// totalValue is the API's answer. The amount is net; all counts are of the campaign's currency.
type totalValue struct {
	money
	Given          money   `json:"given"`
	Refunded       money   `json:"refunded"`
	Refunds        uint64  `json:"refunds"`
	Gifts          uint64  `json:"gifts"`
	Average        money   `json:"average"`
	FirstGifts     uint64  `json:"first_gifts"`
	RecurringGifts uint64  `json:"recurring_gifts"`
	Recurring      money   `json:"recurring"` // given by gifts that repeat
	Before         money   `json:"before"`    // net of the span before
	GivenBefore    money   `json:"given_before"`
	GiftsBefore    uint64  `json:"gifts_before"`
	Others         []money `json:"others"` // net in other currencies
	moved          bool
}

func (d desk) readTotal(rows Rows) (totalValue, error) {
	none := newMoney(0, d.Currency)
	v := totalValue{
		money: none, Given: none, Refunded: none, Average: none, Recurring: none, Before: none, GivenBefore: none,
		Others: []money{},
	}
	err := each(rows, "money.total", func() error {
		var currency string
		var net, given, recurring, before, givenBefore big.Int
		row := totalValue{Others: v.Others}
		err := rows.Scan(&currency, &net, &given, &row.Gifts, &row.FirstGifts, &row.Refunds, &row.RecurringGifts,
			&recurring, &before, &givenBefore, &row.GiftsBefore)
		if err != nil {
			return err
		}
		v.moved = v.moved || row.Gifts+row.Refunds > 0 || net.Sign() != 0
		if currency != d.Currency {
			return d.other(&v.Others, &net, currency)
		}
		row.moved = v.moved
		v = row
		return sums(currency, []*big.Int{&net, &given, &recurring, &before, &givenBefore},
			&v.money, &v.Given, &v.Recurring, &v.Before, &v.GivenBefore)
	})
	v.Refunded, v.Average = v.Given.less(v.money), v.Given.average(v.Gifts)
	return v, err
}

func (d desk) total(p Panel, m Moment, v totalValue) views.Total {
	empty := ""
	if !v.moved {
		empty = "No gifts in the last " + spanText(m.Window) + ". The next one appears here within a second of arriving."
	}
	return views.Total{
		Panel: d.head(p, m, empty), Raised: v.figure(), Change: change(v.money, v.Before, spanBefore(m)),
		Sub: givenAndRefunded(v.Given, v.Refunded), Others: texts(v.Others), Cells: v.cells(),
	}
}

func (v totalValue) cells() []views.Cell {
	averageCell := views.Cell{Label: "Average", Figure: views.Figure{Text: nothing}, Sub: "a gift"}
	if v.Gifts > 0 {
		averageCell.Figure = v.Average.figure()
	}
	return []views.Cell{
		{Label: "Gifts", Figure: countFigure(v.Gifts), Sub: countText(v.GiftsBefore) + " in the span before"},
		averageCell,
		v.newDonors(),
		{Label: "Recurring", Figure: percentFigure(float64(v.RecurringGifts), float64(v.Gifts)), Sub: "of gifts, " + v.Recurring.text()},
		{Label: "Refunds", Figure: v.Refunded.figure(), Sub: counted(v.Refunds, "movement", "movements")},
		{Label: "Kept", Figure: percentFigure(float64(v.Minor), float64(v.Given.Minor)), Sub: "net of what was given"},
	}
}

// newDonors are the first gifts; where no feed tells them apart it says so.
func (v totalValue) newDonors() views.Cell {
	if v.FirstGifts == 0 {
		return views.Cell{Label: "New donors", Figure: views.Figure{Text: nothing}, Sub: "no feed tells first gifts"}
	}
	return views.Cell{
		Label: "New donors", Figure: countFigure(v.FirstGifts),
		Sub: percentFigure(float64(v.FirstGifts), float64(v.Gifts)).Text + " of gifts",
	}
}
