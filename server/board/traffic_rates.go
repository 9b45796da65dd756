package board

import "time"

// trafficRates is the chart of requests a second by app.
func (d desk) trafficRates() Panel { return d.appChart("traffic.rates", "the busiest apps", 0) }

// fleetFailing is the chart of failed answers a second by app. Failures are few: in short steps they would be needles.
func (d desk) fleetFailing() Panel { return d.appChart("fleet.failing", "5xx", 30*time.Second) }

func (d desk) appChart(topic, note string, least time.Duration) Panel {
	p := d.spanPanel(topic, time.Hour, chartSpans())
	p.Note, p.Chart, p.Steps = note, "apps", true
	p.Params = func(m Moment) map[string]string { return fineSteps(m, least).params(m) }
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		found, err := readAppSteps(rows, topic, fineSteps(m, least))
		if err != nil {
			return Answer{}, err
		}
		series := found.series(m)
		series.Columns = found.lanes()
		series.Table = found.laneTable(d.Zone, series.Columns, rateText)
		return Answer{Series: series}, nil
	}
	return p
}
