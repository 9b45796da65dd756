package board

import (
	"math"
	"time"

	"warroom/views"
)

// trafficPages is the ranking of the pages.
func (d desk) trafficPages() Panel {
	p := d.spanPanel("traffic.pages", time.Hour, listSpans())
	p.Params = wholeMinutes
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readPages(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TrafficBarsPanel(d.pageBars(p, m, list))}, nil
	}
	return p
}

// pageRow is one row of the API's answer.
type pageRow struct {
	App      string   `json:"app"`
	Page     string   `json:"page"`
	Requests float64  `json:"requests"`
	Share    float64  `json:"share"`   // of the answered requests of all pages, 0–1
	MeanMS   *float64 `json:"mean_ms"` // null when nothing was timed
}

func readPages(rows Rows) ([]pageRow, error) {
	list := []pageRow{}
	err := each(rows, "traffic.pages", func() error {
		var row pageRow
		var ms, total float64
		if err := rows.Scan(&row.App, &row.Page, &row.Requests, &ms, &total); err != nil {
			return err
		}
		row.Share, _ = share(row.Requests, total)
		row.MeanMS = timed(ms)
		list = append(list, row)
		return nil
	})
	return list, err
}

func (d desk) pageBars(p Panel, m Moment, list []pageRow) views.Bars {
	bars := views.Bars{Panel: d.spanHead(p, m, len(list), "No page was answered in the "+lastSpan(m)+".")}
	longest := 0.0
	for _, row := range list {
		longest = max(longest, row.Share)
	}
	for _, row := range list {
		length, _ := share(row.Share, longest)
		bars.Rows = append(bars.Rows, views.Bar{
			Label: row.Page, Kind: appName(row.App), Value: weighedText(row.Requests), Share: percentText(row.Share),
			Width: width(length),
		})
	}
	return bars
}

// weighedText writes a count that was added up from weights: "37,114".
func weighedText(n float64) string { return countText(uint64(math.Round(max(n, 0)))) }
