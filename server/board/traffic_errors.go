package board

import (
	"time"

	"warroom/views"
)

// trafficErrors is the list of the pages that fail, the worst first.
func (d desk) trafficErrors() Panel {
	p := d.spanPanel("traffic.errors", 15*time.Minute, listSpans())
	p.Params = wholeMinutes
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, pages, err := readErrors(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TrafficErrorsPanel(d.errorTable(p, m, list, pages))}, nil
	}
	return p
}

// errorRow is one row of the API's answer.
type errorRow struct {
	App      string  `json:"app"`
	Page     string  `json:"page"`
	Requests float64 `json:"requests"` // all of the page
	Refused  float64 `json:"refused"`  // 4xx
	Failed   float64 `json:"failed"`   // 5xx
}

// readErrors also says how many pages have errors, those that aren't listed included.
func readErrors(rows Rows) (list []errorRow, pages uint64, err error) {
	list = []errorRow{}
	err = each(rows, "traffic.errors", func() error {
		var row errorRow
		if err := rows.Scan(&row.App, &row.Page, &row.Requests, &row.Refused, &row.Failed, &pages); err != nil {
			return err
		}
		list = append(list, row)
		return nil
	})
	return list, pages, err
}

func (d desk) errorTable(p Panel, m Moment, list []errorRow, pages uint64) views.TrafficErrors {
	table := views.TrafficErrors{
		Panel: d.spanHead(p, m, len(list), "No page failed or refused anything in the "+lastSpan(m)+"."),
	}
	for _, row := range list {
		table.Rows = append(table.Rows, views.TrafficError{
			Page: row.Page, App: appName(row.App), Requests: weighedText(row.Requests), Some: row.Failed > 0,
			Failed: someText(row.Failed), FailedShare: someShare(row.Failed, row.Requests),
			Refused: someText(row.Refused), RefusedShare: someShare(row.Refused, row.Requests),
		})
	}
	if more := pages - min(pages, uint64(len(list))); more > 0 {
		table.More = "and " + counted(more, "page", "pages") + " more"
	}
	return table
}

// someText writes a count; nothing for none.
func someText(n float64) string {
	if n <= 0 {
		return nothing
	}
	return weighedText(n)
}

func someShare(part, whole float64) string {
	if part <= 0 || whole <= 0 {
		return ""
	}
	return percentText(part / whole)
}
