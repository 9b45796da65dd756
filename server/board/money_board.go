package board

import "warroom/views"

// money is the board of money: what a span brought, by whatever can be told of a gift.
func (d desk) money() Board {
	return Board{
		Name: "money", Title: "Money", Path: "/boards/money", Page: views.MoneyBoard,
		Panels: []Panel{
			d.moneyTotal(), d.moneySteps(), d.moneyCodes(), d.moneyMap(), d.moneySizes(), d.moneyChannels(), d.moneyForms(),
			d.moneyRhythms(), d.moneySources(), d.moneyPaths(), d.moneyWeek(),
		},
	}
}
