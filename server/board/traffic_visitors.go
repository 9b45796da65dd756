package board

import (
	"warroom/server/campaign"
	"warroom/views"
)

// trafficVisitors is how many people use the sites right now.
func (d desk) trafficVisitors() Panel {
	p := d.panel("traffic.visitors", campaign.Traffic)
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readVisitors(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.CountPanel(d.visitors(p, m, value))}, nil
	}
	return p
}

// visitorsValue is the API's answer.
type visitorsValue struct {
	Visitors uint64 `json:"visitors"` // an estimate, within about two percent
}

func readVisitors(rows Rows) (v visitorsValue, err error) {
	err = each(rows, "traffic.visitors", func() error { return rows.Scan(&v.Visitors) })
	return v, err
}

func (d desk) visitors(p Panel, m Moment, v visitorsValue) views.Count {
	empty := ""
	if v.Visitors == 0 {
		empty = "Nobody in the last five minutes, or no site says who."
	}
	return views.Count{Panel: d.head(p, m, empty), Figure: countFigure(v.Visitors), Sub: "in the last 5 minutes"}
}
