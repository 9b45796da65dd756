package board

import (
	"time"

	"warroom/server/campaign"
)

const (
	// trafficStep is one point of the chart.
	trafficStep = 10 * time.Second
	// settled is what a request's log line needs to get here; a step that is younger would dip. The queries say so too.
	settled = 2 * time.Second
)

// trafficHour is the chart of requests a second by what came of them.
func (d desk) trafficHour() Panel {
	p := d.panel("traffic.hour", campaign.Traffic)
	p.Note, p.Chart, p.Window, p.Steps = "one hour, means of ten seconds", "lines", time.Hour, true
	p.Params = func(m Moment) map[string]string {
		return map[string]string{"at": engineTime(m.At), "from": engineTime(trafficSteps(m).from)}
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		series, err := d.readOutcomes(rows, m)
		return Answer{Series: series}, err
	}
	return p
}

// trafficSteps are the whole steps of a window.
func trafficSteps(m Moment) steps {
	return lastSteps(m.At.Add(-settled).Truncate(trafficStep), m.Window, trafficStep)
}

// outcomes are the lanes, from the best to the worst.
func outcomes() []Lane {
	return []Lane{
		{Name: "2xx", Label: "Answered", Unit: "rate"},
		{Name: "3xx", Label: "Redirected", Unit: "rate"},
		{Name: "4xx", Label: "Refused (4xx)", Unit: "rate"},
		{Name: "5xx", Label: "Failed (5xx)", Unit: "rate"},
	}
}

// readOutcomes has no points before the first request of the window: what isn't known isn't zero.
func (d desk) readOutcomes(rows Rows, m Moment) (*Series, error) {
	s := trafficSteps(m)
	found := make([][4]float64, s.count)
	first := s.count
	err := each(rows, "traffic.hour", func() error {
		var (
			start    time.Time
			requests [4]float64
		)
		if err := rows.Scan(&start, &requests[0], &requests[1], &requests[2], &requests[3]); err != nil {
			return err
		}
		i, err := s.index(start)
		if err != nil {
			return err
		}
		found[i], first = requests, min(first, i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	series := s.series(m)
	series.Columns = outcomes()
	for lane := range series.Columns {
		series.Columns[lane].Values = perSecond(found, lane, first)
	}
	series.Table = d.outcomeTable(s, found, first)
	return series, nil
}

func perSecond(found [][4]float64, lane, first int) []*float64 {
	values := make([]*float64, len(found))
	for i := first; i < len(found); i++ {
		value := found[i][lane] / trafficStep.Seconds()
		values[i] = &value
	}
	return values
}

func (d desk) outcomeTable(s steps, found [][4]float64, first int) [][]string {
	header := []string{"Time"}
	for _, lane := range outcomes() {
		header = append(header, lane.Label)
	}
	return s.table(d.Zone, "3:04:05 PM", header, func(i int) (cells []string) {
		for _, requests := range found[i] {
			if i < first {
				cells = append(cells, nothing)
				continue
			}
			cells = append(cells, rateText(requests/trafficStep.Seconds()))
		}
		return cells
	})
}
