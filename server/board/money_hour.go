package board

import (
	"math/big"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyHour is the headline: what was raised in the last 60 minutes, net of what was taken back.
func (d desk) moneyHour() Panel {
	p := d.panel("money.hour", campaign.Donations)
	p.Params = d.aroundHour
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readHour(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.HeadlinePanel(d.headline(p, m, value))}, nil
	}
	return p
}

// hourValue is the API's answer. The amount is net.
type hourValue struct {
	money
	Given      money   `json:"given"`
	Refunded   money   `json:"refunded"`
	Gifts      uint64  `json:"gifts"`
	HourBefore money   `json:"hour_before"`
	LastWeek   money   `json:"same_hour_last_week"` // the 60 minutes up to the same time of the campaign's clock
	Others     []money `json:"others"`              // net in other currencies
	moved      bool    // something moved within two hours
}

// aroundHour are the parameters of the hour, the hour before it, and the same hour last week.
func (d desk) aroundHour(m Moment) map[string]string {
	week := sameClock(m.At, -7, d.Zone)
	p := pieces{short: true}
	p.add(week.Add(-time.Hour), week)
	p.add(m.At.Add(-2*time.Hour), m.At.Add(-time.Hour))
	p.add(m.At.Add(-time.Hour), m.At)
	params := map[string]string{"week": engineTime(week)}
	p.write(params)
	return only(params, m)
}

func (d desk) readHour(rows Rows) (hourValue, error) {
	none := newMoney(0, d.Currency)
	v := hourValue{money: none, Given: none, Refunded: none, HourBefore: none, LastWeek: none, Others: []money{}}
	err := each(rows, "money.hour", func() error {
		var (
			currency                 string
			net, given, before, week big.Int
			gifts                    uint64
		)
		if err := rows.Scan(&currency, &net, &given, &gifts, &before, &week); err != nil {
			return err
		}
		v.moved = v.moved || net.Sign() != 0 || before.Sign() != 0 || given.Sign() != 0
		if currency != d.Currency {
			return d.other(&v.Others, &net, currency)
		}
		v.Gifts = gifts
		return sums(currency, []*big.Int{&net, &given, &before, &week}, &v.money, &v.Given, &v.HourBefore, &v.LastWeek)
	})
	v.Refunded = v.Given.less(v.money)
	return v, err
}

// other notes an amount in another currency, if there is one.
func (d desk) other(list *[]money, sum *big.Int, currency string) error {
	amount, err := sumOf(sum, currency)
	if err == nil && amount.Minor != 0 {
		*list = append(*list, amount)
	}
	return err
}

func (d desk) headline(p Panel, m Moment, v hourValue) views.Headline {
	empty := ""
	if !v.moved {
		empty = "No gifts in the last two hours. The next one appears here within a second of arriving."
	}
	h := views.Headline{
		Panel:   d.head(p, m, empty),
		Dollars: v.figure(),
		Change:  change(v.money, v.LastWeek, "the same hour last week"),
		Before:  change(v.money, v.HourBefore, "the hour before"),
		Sub:     givenAndRefunded(v.Given, v.Refunded),
		Others:  texts(v.Others),
	}
	if v.LastWeek.Minor == 0 { // a campaign's first week: what there is to compare with comes first
		h.Change, h.Before = h.Before, h.Change
	}
	return h
}

// givenAndRefunded says what a net amount consists of. Refunded is less than nothing when more disputes were won than
// gifts taken back.
func givenAndRefunded(given, refunded money) string {
	switch {
	case refunded.Minor == 0:
		return given.text() + " given, nothing refunded"
	case refunded.Minor < 0:
		return given.text() + " given, " + newMoney(-refunded.Minor, refunded.Currency).text() + " won back"
	}
	return given.text() + " given, " + refunded.text() + " refunded"
}
