package board

import (
	"math"
	"math/big"
	"slices"
	"strings"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyStates is the tile map: dollars per head over the last hour, before refunds. It asks what the refcodes ask.
func (d desk) moneyStates() Panel {
	p := d.panel("money.refcodes", campaign.Donations)
	p.Topic, p.Title, p.Note = "money.states", "States", "per head, last hour"
	p.Params = d.lastHour
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readStates(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TilesPanel(d.tiles(p, m, list))}, nil
	}
	return p
}

// stateRow is one row of the API's answer: a state, or everything else under "".
type stateRow struct {
	State string `json:"state"`
	money
	Gifts uint64 `json:"gifts"`
}

// readStates gives the states that gave something, in the order of the alphabet; what isn't a state comes last, as one.
func (d desk) readStates(rows Rows) ([]stateRow, error) {
	known := map[string]bool{}
	for _, s := range states() {
		known[s.code] = true
	}
	list := []stateRow{}
	elsewhere := stateRow{money: newMoney(0, d.Currency)}
	err := each(rows, "money.states", func() (err error) {
		var (
			cut, detail string
			row         stateRow
			sum, total  big.Int
		)
		if err := rows.Scan(&cut, &row.State, &detail, &sum, &row.Gifts, &total); err != nil || cut != "state" {
			return err
		}
		if row.money, err = sumOf(&sum, d.Currency); err != nil {
			return err
		}
		if known[row.State] {
			list = append(list, row)
			return nil
		}
		elsewhere.money = newMoney(elsewhere.Minor+row.Minor, d.Currency)
		elsewhere.Gifts += row.Gifts
		return nil
	})
	slices.SortFunc(list, func(a, b stateRow) int { return strings.Compare(a.State, b.State) })
	if elsewhere.Gifts > 0 {
		list = append(list, elsewhere)
	}
	return list, err
}

func (d desk) tiles(p Panel, m Moment, list []stateRow) views.Tiles {
	empty := ""
	if len(list) == 0 {
		empty = "No gifts in the last hour."
	}
	given := map[string]money{}
	for _, row := range list {
		given[row.State] = row.money
	}
	most := 0.0
	for _, s := range states() {
		most = max(most, s.perHead(given[s.code]))
	}
	tiles := views.Tiles{Panel: d.head(p, m, empty)}
	if elsewhere, ok := given[""]; ok {
		tiles.Other = elsewhere.text() + " from elsewhere"
	}
	for _, s := range states() {
		amount, ok := given[s.code]
		if !ok {
			amount = newMoney(0, d.Currency)
		}
		tiles.Tiles = append(tiles.Tiles, s.tile(amount, level(s.perHead(amount), most)))
	}
	return tiles
}

func (s state) tile(amount money, level int) views.Tile {
	perThousand := newMoney(int64(math.Round(s.perHead(amount)*1000)), amount.Currency)
	value := amount.text()
	if perThousand.Minor > 0 {
		value += " · " + perThousand.text() + " per 1,000 people"
	}
	return views.Tile{State: s.code, Name: s.name, Value: value, Col: s.col, Row: s.row, Level: level}
}

// perHead is in minor units.
func (s state) perHead(amount money) float64 { return float64(amount.Minor) / float64(s.people) }

// level is the lightness of a value, 0 (nothing) to 9 (the most). It grows with the root of the value: a single large
// gift from a small state would otherwise make all the others look like nothing.
func level(value, most float64) int {
	if value <= 0 {
		return 0
	}
	return 1 + int(math.Floor(8*math.Sqrt(value/most)+1e-9))
}
