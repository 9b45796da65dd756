package board

import (
	"math/big"
	"strconv"
	"strings"

	"warroom/views"
)

// sizeEdges are the least amounts of the bands of gifts, in minor units of any currency.
func sizeEdges() []int64 {
	return []int64{0, 10_00, 25_00, 50_00, 100_00, 200_00, 500_00, 1_000_00}
}

// moneySizes is how large the gifts of a span are.
func (d desk) moneySizes() Panel {
	p := d.windowed("money.sizes")
	p.Params = func(m Moment) map[string]string {
		params := d.overWindow(m)
		params["edges"] = edgesText(sizeEdges())
		return params
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readSizes(rows)
		if err != nil {
			return Answer{}, err
		}
		p := p
		p.Note = lastSpan(m, "before refunds")
		return Answer{Rows: list, Fragment: views.CutsPanel(d.sizes(p, m, list))}, nil
	}
	return p
}

func edgesText(edges []int64) string {
	var texts []string
	for _, edge := range edges {
		texts = append(texts, strconv.FormatInt(edge, 10))
	}
	return "[" + strings.Join(texts, ",") + "]"
}

// sizeRow is one row of the API's answer: a band, the smallest first, or at the end all gifts together.
type sizeRow struct {
	From money  `json:"from"`          // the least amount of the band
	All  bool   `json:"all,omitempty"` // the row of all gifts
	Mid  *money `json:"median,omitempty"`
	cutRow
}

func (d desk) readSizes(rows Rows) ([]sizeRow, error) {
	list := make([]sizeRow, len(sizeEdges()))
	none := newMoney(0, d.Currency)
	for i, edge := range sizeEdges() {
		list[i] = sizeRow{From: newMoney(edge, d.Currency), cutRow: cutRow{money: none, Net: none, Before: none, Average: none}}
	}
	all := sizeRow{From: none, All: true, cutRow: list[0].cutRow}
	err := each(rows, "money.sizes", func() error {
		var (
			whole         uint64
			edge, median  int64
			given, before big.Int
			row           cutRow
		)
		if err := rows.Scan(&whole, &edge, &given, &row.Gifts, &median, &before, &row.GiftsBefore); err != nil {
			return err
		}
		if err := sums(d.Currency, []*big.Int{&given, &before}, &row.money, &row.Before); err != nil {
			return err
		}
		row.Net = none
		if whole == 1 {
			middle := newMoney(median, d.Currency)
			all.cutRow, all.Mid = row, &middle
			return nil
		}
		for i := range list {
			if list[i].From.Minor == edge {
				list[i].cutRow = row
			}
		}
		return nil
	})
	list = append(list, all)
	finishSizes(list, all.Minor)
	return list, err
}

func finishSizes(list []sizeRow, all int64) {
	for i := range list {
		row := &list[i].cutRow
		row.Average = row.average(row.Gifts)
		row.Share, _ = share(float64(row.Minor), float64(all))
		row.Change = ratioOf(row.money, row.Before)
	}
}

func (d desk) sizes(p Panel, m Moment, list []sizeRow) views.Cuts {
	all, bands := list[len(list)-1], list[:len(list)-1]
	empty := ""
	if all.Gifts == 0 {
		empty = "No gifts in the last " + spanText(m.Window) + "."
	}
	table := views.Cuts{Panel: d.head(p, m, empty), What: "Size"}
	longest := 0.0
	for _, row := range bands {
		longest = max(longest, row.Share)
	}
	for i, row := range bands {
		length, _ := share(row.Share, longest)
		view := row.view(bandText(bands, i), length)
		view.Quiet = false
		table.Rows = append(table.Rows, view)
	}
	if all.Mid != nil && all.Gifts > 0 {
		table.Sub = "half of all gifts are " + all.Mid.text() + " or less"
	}
	return table
}

// bandText names a band of sizes by its least amount: "under $10", "from $25".
func bandText(bands []sizeRow, i int) string {
	if i == 0 {
		return "under " + bands[1].From.round()
	}
	return "from " + bands[i].From.round()
}

// round is an amount without minor units, "$25".
func (a money) round() string {
	text, _, _ := strings.Cut(a.exact(), ".")
	return text
}
