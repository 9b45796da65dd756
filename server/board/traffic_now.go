package board

import (
	"math"

	"warroom/server/campaign"
	"warroom/views"
)

// trafficNow is how many requests a second the sites answer, how fast, and how many fail.
func (d desk) trafficNow() Panel {
	p := d.panel("traffic.now", campaign.Traffic)
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readTrafficNow(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.CountPanel(d.requests(p, m, value))}, nil
	}
	return p
}

// trafficValue is the API's answer.
type trafficValue struct {
	PerSecond  float64  `json:"per_second"`  // mean of ten seconds
	ErrorShare *float64 `json:"error_share"` // 5xx of the last five minutes, 0–1; null without requests
	P95        *float64 `json:"p95_ms"`      // of the last five whole minutes; null when nothing was timed
	Requests   float64  `json:"requests_5m"`
}

func readTrafficNow(rows Rows) (v trafficValue, err error) {
	err = each(rows, "traffic.now", func() error {
		var (
			tenSeconds, errors float64
			p95                float32
		)
		if err := rows.Scan(&tenSeconds, &v.Requests, &errors, &p95); err != nil {
			return err
		}
		v.PerSecond = tenSeconds / 10
		if ratio, ok := share(errors, v.Requests); ok {
			v.ErrorShare = &ratio
		}
		if ms := float64(p95); ms > 0 && !math.IsNaN(ms) { // senders that time nothing say 0
			v.P95 = &ms
		}
		return nil
	})
	return v, err
}

func (d desk) requests(p Panel, m Moment, v trafficValue) views.Count {
	empty, sub := "", ""
	if v.Requests == 0 {
		empty = "No requests in the last five minutes."
	}
	if v.P95 != nil {
		sub = "p95 " + milliseconds(*v.P95)
	}
	if v.ErrorShare != nil {
		if sub != "" {
			sub += " · "
		}
		sub += percentText(*v.ErrorShare) + " errors"
	}
	return views.Count{Panel: d.head(p, m, empty), Figure: rateFigure(v.PerSecond), Sub: sub}
}
