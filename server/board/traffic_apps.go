package board

import (
	"math"

	"warroom/server/campaign"
	"warroom/views"
)

// trafficApps is the table of the apps: what is asked of each, by whom, and how it answers.
func (d desk) trafficApps() Panel {
	p := d.panel("traffic.apps", campaign.Traffic)
	p.Note = "last five whole minutes"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readApps(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.TrafficAppsPanel(d.appTable(p, m, list))}, nil
	}
	return p
}

// appRow is one row of the API's answer, of the last five whole minutes.
type appRow struct {
	App            string   `json:"app"`
	PerSecond      float64  `json:"per_second"`
	Visitors       uint64   `json:"visitors"` // an estimate, within about two percent
	Refused        *float64 `json:"refused_share"`
	Failed         *float64 `json:"failed_share"`
	BytesPerSecond float64  `json:"bytes_per_second"`
	P50            *float64 `json:"p50_ms"` // null when nothing was timed
	P95            *float64 `json:"p95_ms"`
	P99            *float64 `json:"p99_ms"`
}

// fiveMinutes is how long the figures of an app are looked at, in seconds.
const fiveMinutes = 300

func readApps(rows Rows) ([]appRow, error) {
	list := []appRow{}
	err := each(rows, "traffic.apps", func() error {
		var row appRow
		var requests, refused, failed, bytes float64
		var quantiles []float32
		if err := rows.Scan(&row.App, &requests, &refused, &failed, &bytes, &row.Visitors, &quantiles); err != nil {
			return err
		}
		row.PerSecond, row.BytesPerSecond = requests/fiveMinutes, bytes/fiveMinutes
		row.Refused, row.Failed = shareOf(refused, requests), shareOf(failed, requests)
		times := timedAll(quantiles)
		row.P50, row.P95, row.P99 = times[0], times[1], times[2]
		list = append(list, row)
		return nil
	})
	return list, err
}

func (d desk) appTable(p Panel, m Moment, list []appRow) views.TrafficApps {
	empty := ""
	if len(list) == 0 {
		empty = "No requests in the last five minutes."
	}
	table := views.TrafficApps{Panel: d.head(p, m, empty)}
	most := 0.0
	for _, row := range list {
		most = max(most, row.PerSecond)
	}
	for _, row := range list {
		length, _ := share(row.PerSecond, most)
		table.Rows = append(table.Rows, views.TrafficApp{
			App: appName(row.App), Rate: rateText(row.PerSecond), Width: width(length), People: countText(row.Visitors),
			P50: timedText(row.P50), P95: timedText(row.P95), P99: timedText(row.P99),
			Out: bytesText(int64(math.Round(row.BytesPerSecond))), Refused: shareText(row.Refused), Failed: shareText(row.Failed),
		})
	}
	return table
}
