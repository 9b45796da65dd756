package board

import (
	"math/big"
	"strconv"

	"warroom/views"
)

// moneyMap is the map of the states with what each gave in a span.
func (d desk) moneyMap() Panel {
	p := d.windowed("money.map")
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readMap(rows)
		if err != nil {
			return Answer{}, err
		}
		p := p
		p.Note = lastSpan(m, "lightness is dollars per head")
		if d.Currency != "USD" {
			p.Note = lastSpan(m, "lightness is the amount per head")
		}
		return Answer{Rows: list, Fragment: views.TilesPanel(d.valued(p, m, list))}, nil
	}
	return p
}

// readMap gives the states, in the order of the alphabet; what isn't a state comes last, as one.
func (d desk) readMap(rows Rows) ([]cutRow, error) {
	known := map[string]bool{}
	for _, s := range states() {
		known[s.code] = true
	}
	var list []cutRow
	none := newMoney(0, d.Currency)
	elsewhere := cutRow{money: none, Net: none, Before: none}
	err := each(rows, "money.map", func() error {
		row := cutRow{Net: none}
		var given, before big.Int
		if err := rows.Scan(&row.Value, &given, &row.Gifts, &before, &row.GiftsBefore); err != nil {
			return err
		}
		if err := sums(d.Currency, []*big.Int{&given, &before}, &row.money, &row.Before); err != nil {
			return err
		}
		if known[row.Value] {
			list = append(list, row)
			return nil
		}
		elsewhere.money = newMoney(elsewhere.Minor+row.Minor, d.Currency)
		elsewhere.Before = newMoney(elsewhere.Before.Minor+row.Before.Minor, d.Currency)
		elsewhere.Gifts, elsewhere.GiftsBefore = elsewhere.Gifts+row.Gifts, elsewhere.GiftsBefore+row.GiftsBefore
		return nil
	})
	if elsewhere.Gifts+elsewhere.GiftsBefore > 0 || list == nil {
		list = append(list, elsewhere)
	}
	finish(list)
	return list, err
}

func (d desk) valued(p Panel, m Moment, list []cutRow) views.Tiles {
	var given []stateRow
	gifts := uint64(0)
	for _, row := range list {
		given = append(given, stateRow{State: row.Value, money: row.money, Gifts: row.Gifts})
		gifts += row.Gifts
	}
	if gifts == 0 {
		given = nil
	}
	tiles := d.tiles(p, m, given)
	if tiles.Empty != "" && gifts == 0 && m.Doubt == "" {
		tiles.Empty = "No gifts in the last " + spanText(m.Window) + "."
	}
	byState := map[string]cutRow{}
	for _, row := range list {
		byState[row.Value] = row
	}
	for i := range tiles.Tiles {
		if row := byState[tiles.Tiles[i].State]; row.Minor > 0 {
			tiles.Tiles[i].Short = row.short()
		}
	}
	tiles.Table = mapTable(list)
	return tiles
}

func mapTable(list []cutRow) [][]string {
	names := map[string]string{"": "Elsewhere"}
	for _, s := range states() {
		names[s.code] = s.name
	}
	table := [][]string{{"State", "Given", "Gifts", "Average", "Share", "In the span before"}}
	for _, row := range list {
		table = append(table, []string{
			names[row.Value], row.exact(), countText(row.Gifts), row.Average.exact(), percentText(row.Share), row.Before.exact(),
		})
	}
	return table
}

// short is an amount for where there is room for four or five signs: "$940", "$12k", "$1.2M".
func (a money) short() string {
	major := a.major()
	switch {
	case major < 0:
		return a.minus() + newMoney(-a.Minor, a.Currency).short()
	case major < 999.5:
		return a.symbol() + strconv.FormatFloat(major, 'f', 0, 64)
	case major < 9_950:
		return a.symbol() + trimZeros(major/1e3, 1) + "k"
	case major < 999_500:
		return a.symbol() + trimZeros(major/1e3, 0) + "k"
	case major < 9_950_000:
		return a.symbol() + trimZeros(major/1e6, 1) + "M"
	}
	return a.symbol() + trimZeros(major/1e6, 0) + "M"
}
