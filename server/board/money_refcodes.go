package board

import (
	"math/big"

	"warroom/server/campaign"
	"warroom/views"
)

// moneyRefcodes is the ranking of the refcodes over the last hour, before refunds.
func (d desk) moneyRefcodes() Panel {
	p := d.panel("money.refcodes", campaign.Donations)
	p.Note = "last hour, before refunds"
	p.Params = d.lastHour
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := d.readRefcodes(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.BarsPanel(d.refcodeBars(p, m, list))}, nil
	}
	return p
}

// refcodeRow is one row of the API's answer. The row without a refcode is the last.
type refcodeRow struct {
	Refcode string `json:"refcode"`
	Channel string `json:"channel"`
	money
	Gifts uint64  `json:"gifts"`
	Share float64 `json:"share"` // of all gifts of the hour, 0–1
}

func (d desk) readRefcodes(rows Rows) ([]refcodeRow, error) {
	named, unnamed := []refcodeRow{}, []refcodeRow{}
	err := each(rows, "money.refcodes", func() (err error) {
		var (
			cut        string
			row        refcodeRow
			sum, total big.Int
			all        money
		)
		if err := rows.Scan(&cut, &row.Refcode, &row.Channel, &sum, &row.Gifts, &total); err != nil || cut != "refcode" {
			return err
		}
		if err := sums(d.Currency, []*big.Int{&sum, &total}, &row.money, &all); err != nil {
			return err
		}
		row.Share, _ = share(float64(row.Minor), float64(all.Minor))
		if row.Refcode == "" {
			unnamed = append(unnamed, row)
		} else {
			named = append(named, row)
		}
		return nil
	})
	return append(named, unnamed...), err
}

func (d desk) refcodeBars(p Panel, m Moment, list []refcodeRow) views.Bars {
	empty := ""
	if len(list) == 0 {
		empty = "No gifts in the last hour."
	}
	bars := views.Bars{Panel: d.head(p, m, empty)}
	longest := 0.0
	for _, row := range list {
		longest = max(longest, row.Share)
	}
	for _, row := range list {
		length, _ := share(row.Share, longest)
		bars.Rows = append(bars.Rows, row.bar(length))
	}
	return bars
}

// bar draws a row; length is a ratio of the longest bar.
func (r refcodeRow) bar(length float64) views.Bar {
	bar := views.Bar{Label: r.Refcode, Kind: r.Channel, Value: r.text(), Share: percentText(r.Share), Width: width(length)}
	if r.Refcode == "" {
		bar.Label, bar.Kind = "(none)", ""
	}
	return bar
}
