package board

import (
	"math"
	"time"
)

// trafficLatency is the chart of the time to answer: of half of the requests, and of the slowest few.
func (d desk) trafficLatency() Panel {
	p := d.spanPanel("traffic.latency", time.Hour, listSpans())
	p.Note, p.Chart, p.Steps = "by the minute", "lines", true
	p.Params = func(m Moment) map[string]string { return fineSteps(m, time.Minute).params(m) }
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		s := fineSteps(m, time.Minute)
		lanes, err := readLatency(rows, p.Topic, s)
		if err != nil {
			return Answer{}, err
		}
		series := s.series(m)
		series.Columns, series.Table = lanes, s.laneTable(d.Zone, lanes, milliseconds)
		return Answer{Series: series}, nil
	}
	return p
}

// readLatency leaves out the steps in which nothing was timed.
func readLatency(rows Rows, topic string, s steps) ([]Lane, error) {
	lanes := []Lane{
		{Name: "p50", Label: "Half (p50)", Unit: "ms"},
		{Name: "p95", Label: "95 % (p95)", Unit: "ms"},
		{Name: "p99", Label: "99 % (p99)", Unit: "ms"},
	}
	for i := range lanes {
		lanes[i].Values = make([]*float64, s.count)
	}
	err := each(rows, topic, func() error {
		var start time.Time
		var times [3]float32
		if err := rows.Scan(&start, &times[0], &times[1], &times[2]); err != nil {
			return err
		}
		i, err := s.index(start)
		if err != nil {
			return err
		}
		for lane, ms := range times {
			lanes[lane].Values[i] = timed(float64(ms))
		}
		return nil
	})
	return lanes, err
}

// timed is a time to answer; nil when nothing was timed: senders that time nothing say 0.
func timed(ms float64) *float64 {
	if ms > 0 && !math.IsNaN(ms) {
		return &ms
	}
	return nil
}

// timedAll are the quantiles of a digest, in the order of p50, p95 and p99.
func timedAll(quantiles []float32) (list [3]*float64) {
	for i := range min(len(list), len(quantiles)) {
		list[i] = timed(float64(quantiles[i]))
	}
	return list
}

// timedText writes a time to answer.
func timedText(ms *float64) string {
	if ms == nil {
		return nothing
	}
	return milliseconds(*ms)
}
