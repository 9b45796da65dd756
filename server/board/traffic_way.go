package board

import (
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// wayStep is how finely the way to a gift is kept.
const wayStep = 5 * time.Minute

// trafficWay is the way from a page to a gift: how many go each step of it.
func (d desk) trafficWay() Panel {
	p := d.spanPanel("traffic.way", time.Hour, []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour})
	p.Kinds = []campaign.Kind{campaign.Traffic, campaign.Donations}
	p.Params = wayParams
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readWay(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.TrafficWayPanel(d.way(p, m, value))}, nil
	}
	return p
}

// wayParams are the whole steps of a window. The query's ends are a millisecond before the steps', since it leaves its
// first moment out and takes its last one in.
func wayParams(m Moment) map[string]string {
	end := m.At.Truncate(wayStep)
	return map[string]string{
		"at":    engineTime(m.At),
		"since": engineTime(end.Add(-max(m.Window.Truncate(wayStep), wayStep) - time.Millisecond)),
		"until": engineTime(end.Add(-time.Millisecond)),
	}
}

// wayValue is the API's answer. People are estimates, within about two percent.
type wayValue struct {
	Saw          uint64   `json:"saw_a_page"`
	Came         uint64   `json:"came_to_give"` // saw a page where people give
	Sent         uint64   `json:"sent_the_form"`
	Gifts        uint64   `json:"gifts"`         // of all currencies and by every road
	ThroughForms uint64   `json:"through_forms"` // gifts that name the form that they were given through
	Conversion   *float64 `json:"conversion"`    // gifts a person who came to give; through forms where gifts name them
}

// given are the gifts that are held against those who came: those through forms, where any gift names one.
func (v wayValue) given() uint64 {
	if v.ThroughForms > 0 {
		return v.ThroughForms
	}
	return v.Gifts
}

func readWay(rows Rows) (v wayValue, err error) {
	err = each(rows, "traffic.way", func() error { return rows.Scan(&v.Saw, &v.Came, &v.Sent, &v.Gifts, &v.ThroughForms) })
	v.Conversion = shareOf(float64(v.given()), float64(v.Came))
	return v, err
}

func (d desk) way(p Panel, m Moment, v wayValue) views.TrafficWay {
	w := views.TrafficWay{
		Panel:  d.spanHead(p, m, int(min(v.Saw, 1)), "Nobody saw a page in the "+lastSpan(m)+", or no site says who."),
		Figure: ratioFigure(v.Conversion),
		Sub:    "nobody came to a page where people give",
	}
	if v.Conversion != nil {
		w.Sub = "gifts for people who came to give"
	}
	gave := "gifts, by every road"
	if v.ThroughForms > 0 {
		gave = "gifts through a form"
	}
	w.Steps = []views.Bar{
		wayBar("Saw a page", "people", v.Saw, v.Saw, 0, ""),
		wayBar("Came to give", "people", v.Came, v.Saw, v.Saw, " of those"),
		wayBar("Sent the form", "people", v.Sent, v.Saw, v.Came, " of those"),
		wayBar("Gave", gave, v.given(), v.Saw, v.Came, " of those who came"),
	}
	if v.Sent == 0 {
		w.Steps[2].Value, w.Steps[2].Share = nothing, "no site tells it"
	}
	w.Foot = "Whole steps of five minutes, to " + m.At.Truncate(wayStep).In(d.Zone).Format("3:04 PM MST")
	return w
}

// wayBar is one step: its length is its part of all who saw a page, its share that of those it is held against.
func wayBar(label, kind string, n, all, of uint64, whom string) views.Bar {
	length, _ := share(float64(n), float64(all))
	bar := views.Bar{Label: label, Kind: kind, Value: countText(n), Width: width(length)}
	if of > 0 {
		bar.Share = percentText(float64(n)/float64(of)) + whom
	}
	return bar
}
