package board

import "time"

// trafficClasses is the chart of requests a second by what became of them: traffic.hour over the span that is asked
// for.
func (d desk) trafficClasses() Panel {
	p := d.spanPanel("traffic.classes", time.Hour, chartSpans())
	p.Note, p.Chart, p.Steps = "requests a second by status", "lines", true
	p.Params = func(m Moment) map[string]string { return fineSteps(m, 0).params(m) }
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		s := fineSteps(m, 0)
		lanes, err := readRates(rows, p.Topic, s, outcomes())
		if err != nil {
			return Answer{}, err
		}
		series := s.series(m)
		series.Columns, series.Table = lanes, s.laneTable(d.Zone, lanes, rateText)
		return Answer{Series: series}, nil
	}
	return p
}

// readRates reads rows of a step and a count for each lane. There are no points before the first row: what isn't known
// isn't zero.
func readRates(rows Rows, topic string, s steps, lanes []Lane) ([]Lane, error) {
	found, first := make([][4]float64, s.count), s.count
	err := each(rows, topic, func() error {
		var start time.Time
		var n [4]float64
		if err := rows.Scan(&start, &n[0], &n[1], &n[2], &n[3]); err != nil {
			return err
		}
		i, err := s.index(start)
		if err == nil {
			found[i], first = n, min(first, i)
		}
		return err
	})
	for lane := range lanes {
		lanes[lane].Values = make([]*float64, s.count)
		for i := first; i < s.count; i++ {
			value := found[i][lane] / s.each.Seconds()
			lanes[lane].Values[i] = &value
		}
	}
	return lanes, err
}
