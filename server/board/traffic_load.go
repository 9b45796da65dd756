package board

import (
	"math"
	"strconv"

	"warroom/server/campaign"
	"warroom/views"
)

// trafficLoad is how the sites answer right now: how fast, how much, and how often they don't.
func (d desk) trafficLoad() Panel {
	p := d.panel("traffic.load", campaign.Traffic)
	p.Note = "last 5 minutes"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readLoad(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.TrafficLoadPanel(d.load(p, m, value))}, nil
	}
	return p
}

// loadValue is the API's answer.
type loadValue struct {
	BytesPerSecond float64  `json:"bytes_per_second"` // mean of ten seconds
	Requests       float64  `json:"requests_5m"`
	Refused        *float64 `json:"refused_share"` // 4xx of the last five minutes, 0–1; null without requests
	Failed         *float64 `json:"failed_share"`  // 5xx of the last five minutes, 0–1; null without requests
	P50            *float64 `json:"p50_ms"`        // of the last five whole minutes; null when nothing was timed
	P95            *float64 `json:"p95_ms"`
	P99            *float64 `json:"p99_ms"`
}

func readLoad(rows Rows) (v loadValue, err error) {
	err = each(rows, "traffic.load", func() error {
		var tenSeconds, refused, failed float64
		var quantiles []float32
		if err := rows.Scan(&tenSeconds, &v.Requests, &refused, &failed, &quantiles); err != nil {
			return err
		}
		v.BytesPerSecond = tenSeconds / 10
		v.Refused, v.Failed = shareOf(refused, v.Requests), shareOf(failed, v.Requests)
		times := timedAll(quantiles)
		v.P50, v.P95, v.P99 = times[0], times[1], times[2]
		return nil
	})
	return v, err
}

// shareOf is a part of a whole, 0–1; nil when there is no whole.
func shareOf(part, whole float64) *float64 {
	if ratio, ok := share(part, whole); ok {
		return &ratio
	}
	return nil
}

// shareText writes a part of a whole.
func shareText(ratio *float64) string {
	if ratio == nil {
		return nothing
	}
	return percentText(*ratio)
}

func (d desk) load(p Panel, m Moment, v loadValue) views.TrafficLoad {
	empty := ""
	if v.Requests == 0 {
		empty = "No requests in the last five minutes."
	}
	return views.TrafficLoad{Panel: d.head(p, m, empty), Cells: []views.Cell{
		{Label: "Half within", Figure: timeFigure(v.P50), Sub: "p50"},
		{Label: "95 % within", Figure: timeFigure(v.P95), Sub: "p95"},
		{Label: "99 % within", Figure: timeFigure(v.P99), Sub: "p99"},
		{Label: "Failed", Figure: ratioFigure(v.Failed), Sub: "5xx"},
		{Label: "Refused", Figure: ratioFigure(v.Refused), Sub: "4xx"},
		{Label: "Sent out", Figure: bytesFigure(v.BytesPerSecond), Sub: "a second"},
	}}
}

func timeFigure(ms *float64) views.Figure {
	f := views.Figure{Text: timedText(ms), Unit: "ms"}
	if ms != nil {
		f.Raw = strconv.FormatFloat(*ms, 'f', 1, 64)
	}
	return f
}

func ratioFigure(ratio *float64) views.Figure {
	if ratio == nil {
		return views.Figure{Text: nothing, Unit: "percent"}
	}
	return percentFigure(*ratio, 1)
}

func bytesFigure(n float64) views.Figure {
	size := int64(math.Round(n))
	return views.Figure{Text: bytesText(size), Raw: strconv.FormatInt(size, 10), Unit: "bytes"}
}
