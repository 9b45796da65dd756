package board

import (
	"math/big"
	"slices"
	"strconv"

	"warroom/views"
)

// cutBy is a panel that ranks what one thing brought in a span: the sources, the forms, the refcodes … It shows the rows
// of one cut of a query that the panels of other cuts ask too.
func (d desk) cutBy(query, cut string, named cutName) Panel {
	p := d.windowed(query)
	p.Topic, p.Title = named.topic, named.title
	what, name := named.what, named.of
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readCuts(rows, named.topic, cut)
		if err != nil {
			return Answer{}, err
		}
		p := p
		p.Note = lastSpan(m, "before refunds")
		return Answer{Rows: list, Fragment: views.CutsPanel(d.cuts(p, m, what, list, name))}, nil
	}
	return p
}

// cutName is what a panel says of its cut.
type cutName struct {
	topic, title, what string
	of                 func(value string) string // how a value is written
}

func asItIs(value string) string { return value }

func (d desk) moneySources() Panel {
	return d.cutBy("money.cuts", "source", cutName{"money.sources", "By source", "Source", asItIs})
}

// moneyPaths are the roads by which movements came first.
func (d desk) moneyPaths() Panel {
	return d.cutBy("money.cuts", "path", cutName{"money.paths", "By path", "Path", asItIs})
}

func (d desk) moneyForms() Panel {
	return d.cutBy("money.cuts", "form", cutName{"money.forms", "By form", "Form", orNone})
}

func (d desk) moneyChannels() Panel {
	return d.cutBy("money.cuts", "channel", cutName{"money.channels", "By channel", "Channel", orNone})
}

func (d desk) moneyCodes() Panel {
	return d.cutBy("money.codes", "refcode", cutName{"money.codes", "By refcode", "Refcode", orNone})
}

func (d desk) moneyRhythms() Panel {
	return d.cutBy("money.cuts", "recurring", cutName{"money.rhythms", "One-time and recurring", "Rhythm", func(value string) string {
		if value == "none" {
			return "one-time"
		}
		return value
	}})
}

func orNone(value string) string {
	if value == "" {
		return "(none)"
	}
	return value
}

// cutRow is one row of the API's answer. The amount is what was given, before refunds.
type cutRow struct {
	Value string `json:"value"` // empty where the movements name none; with more, all the others
	More  int    `json:"more,omitempty"`
	money
	Net         money    `json:"net"`
	Gifts       uint64   `json:"gifts"`
	Average     money    `json:"average"`
	Share       float64  `json:"share"` // of all that was given in the span, 0–1
	FirstGifts  uint64   `json:"first_gifts"`
	Refunds     uint64   `json:"refunds"`
	Before      money    `json:"before"` // given in the span before
	GiftsBefore uint64   `json:"gifts_before"`
	Change      *float64 `json:"change"` // against the span before, 0.12 is 12 % more; null when that had nothing
}

// mostRows is how many rows the API names; the rest is one.
const mostRows = 200

func (d desk) readCuts(rows Rows, topic, cut string) ([]cutRow, error) {
	list := []cutRow{}
	err := d.eachOf(rows, topic, cut, func(row cutRow) {
		if row.Gifts+row.GiftsBefore+row.Refunds == 0 && row.Net.Minor == 0 {
			return // a cancellation moves no money
		}
		list = append(list, row)
	})
	list = d.fold(list, mostRows)
	finish(list)
	return list, err
}

// eachOf reads the rows of one cut out of those of several.
func (d desk) eachOf(rows Rows, topic, cut string, take func(row cutRow)) error {
	return each(rows, topic, func() error {
		var of string
		var row cutRow
		var given, net, before big.Int
		err := rows.Scan(&of, &row.Value, &given, &net, &row.Gifts, &row.FirstGifts, &row.Refunds, &before, &row.GiftsBefore)
		if err != nil || of != cut {
			return err
		}
		if err := sums(d.Currency, []*big.Int{&given, &net, &before}, &row.money, &row.Net, &row.Before); err != nil {
			return err
		}
		take(row)
		return nil
	})
}

// fold makes one row of all beyond the first.
func (d desk) fold(list []cutRow, first int) []cutRow {
	if len(list) <= first+1 {
		return list
	}
	none := newMoney(0, d.Currency)
	rest := cutRow{money: none, Net: none, Before: none}
	for _, row := range list[first:] {
		rest.More += max(1, row.More)
		rest.Minor, rest.Net.Minor, rest.Before.Minor = rest.Minor+row.Minor, rest.Net.Minor+row.Net.Minor, rest.Before.Minor+row.Before.Minor
		rest.Gifts, rest.GiftsBefore = rest.Gifts+row.Gifts, rest.GiftsBefore+row.GiftsBefore
		rest.FirstGifts, rest.Refunds = rest.FirstGifts+row.FirstGifts, rest.Refunds+row.Refunds
	}
	rest.money, rest.Net = newMoney(rest.Minor, d.Currency), newMoney(rest.Net.Minor, d.Currency)
	rest.Before = newMoney(rest.Before.Minor, d.Currency)
	return append(slices.Clone(list[:first]), rest)
}

// finish fills in what follows from the sums.
func finish(list []cutRow) {
	var all int64
	for _, row := range list {
		all += row.Minor
	}
	for i := range list {
		row := &list[i]
		row.Average = row.average(row.Gifts)
		row.Share, _ = share(float64(row.Minor), float64(all))
		row.Change = ratioOf(row.money, row.Before)
	}
}

// ratioOf is by how much an amount is more than another one; nil when that is nothing.
func ratioOf(now, before money) *float64 {
	if before.Minor <= 0 {
		return nil
	}
	change := float64(now.Minor)/float64(before.Minor) - 1
	return &change
}

// shownCuts is how many rows a panel has room for.
const shownCuts = 12

func (d desk) cuts(p Panel, m Moment, what string, list []cutRow, name func(string) string) views.Cuts {
	empty := ""
	if !slices.ContainsFunc(list, func(row cutRow) bool { return row.Gifts > 0 || row.Refunds > 0 }) {
		empty = "No gifts in the last " + spanText(m.Window) + "."
	}
	table := views.Cuts{Panel: d.head(p, m, empty), What: what}
	shown := slices.DeleteFunc(slices.Clone(list), func(row cutRow) bool { return row.Gifts == 0 && row.Minor == 0 })
	shown = d.fold(shown, shownCuts)
	finish(shown)
	longest := 0.0
	for _, row := range shown {
		longest = max(longest, row.Share)
	}
	for _, row := range shown {
		length, _ := share(row.Share, longest)
		label := name(row.Value)
		if row.More > 0 {
			label = strconv.Itoa(row.More) + " others"
		}
		table.Rows = append(table.Rows, row.view(label, length))
	}
	return table
}

// view is the row as text; length is a ratio of the longest bar.
func (r cutRow) view(label string, length float64) views.CutRow {
	row := views.CutRow{
		Label: label, Amount: r.text(), Gifts: countText(r.Gifts), Average: nothing, Share: percentText(r.Share),
		Pieces: counted(r.Gifts, "gift", "gifts"), Width: width(length), Change: shift(r.money, r.Before),
		Quiet: r.More > 0 || r.Value == "",
	}
	if r.Gifts > 0 {
		row.Average = r.Average.text()
		row.Pieces += ", " + r.Average.text() + " on average"
	}
	return row
}
