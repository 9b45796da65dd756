package board

import (
	"time"

	"warroom/views"
)

// trafficReferrers is the ranking of the other sites that send people.
func (d desk) trafficReferrers() Panel {
	p := d.spanPanel("traffic.referrers", time.Hour, listSpans())
	p.Params = wholeMinutes
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readReferrers(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TrafficBarsPanel(d.referrerBars(p, m, list))}, nil
	}
	return p
}

// referrerRow is one row of the API's answer. The campaign's own sites are the last, without a name.
type referrerRow struct {
	Site     string  `json:"site"`
	Requests float64 `json:"requests"`
	Share    float64 `json:"share"` // of the requests that name a referrer, 0–1
}

func readReferrers(rows Rows) ([]referrerRow, error) {
	others, own := []referrerRow{}, []referrerRow{}
	err := each(rows, "traffic.referrers", func() error {
		var row referrerRow
		var total float64
		if err := rows.Scan(&row.Site, &row.Requests, &total); err != nil {
			return err
		}
		row.Share, _ = share(row.Requests, total)
		if row.Site == "" {
			own = append(own, row)
		} else {
			others = append(others, row)
		}
		return nil
	})
	return append(others, own...), err
}

func (d desk) referrerBars(p Panel, m Moment, list []referrerRow) views.Bars {
	bars := views.Bars{
		Panel: d.spanHead(p, m, len(list), "No request of the "+lastSpan(m)+" says where it comes from."),
	}
	longest := 0.0
	for _, row := range list {
		longest = max(longest, row.Share)
	}
	for _, row := range list {
		length, _ := share(row.Share, longest)
		bar := views.Bar{Label: row.Site, Value: weighedText(row.Requests), Share: percentText(row.Share), Width: width(length)}
		if row.Site == "" {
			bar.Label = "our own sites"
		}
		bars.Rows = append(bars.Rows, bar)
	}
	return bars
}
