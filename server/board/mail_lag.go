package board

import (
	"fmt"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// mailLag is how long a mail takes from the provider's hands to a mailbox, and what doesn't get there. Pairs of events
// by message would have to read every mail; the length of a queue over what leaves it says the same (Little's law).
func (d desk) mailLag() Panel {
	p := d.panel("mail.lag", campaign.Emails)
	p.Note = "last hour, an estimate"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readLag(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.LagPanel(d.lag(p, m, value))}, nil
	}
	return p
}

// lagValue is the API's answer: events of the last 60 whole minutes.
type lagValue struct {
	Sends       uint64 `json:"sends"`
	Deliveries  uint64 `json:"deliveries"`
	HardBounces uint64 `json:"hard_bounces"`
	SoftBounces uint64 `json:"soft_bounces"`
	Rejects     uint64 `json:"rejects"`
	Delays      uint64 `json:"delays"`
	// UnderWay is what was sent and has not been reported as delivered, bounced or rejected.
	UnderWay uint64 `json:"under_way"`
	// Seconds is UnderWay over the rate of the last five minutes' reports; null while nothing is reported.
	Seconds *float64 `json:"lag_s"`
}

func readLag(rows Rows) (v lagValue, err error) {
	var recently uint64
	err = each(rows, "mail.lag", func() error {
		return rows.Scan(&v.Sends, &v.Deliveries, &v.HardBounces, &v.SoftBounces, &v.Rejects, &v.Delays, &recently)
	})
	if ended := v.Deliveries + v.HardBounces + v.SoftBounces + v.Rejects; v.Sends > ended {
		v.UnderWay = v.Sends - ended
	}
	if recently > 0 {
		seconds := float64(v.UnderWay) / float64(recently) * (5 * time.Minute).Seconds()
		v.Seconds = &seconds
	}
	return v, err
}

func (d desk) lag(p Panel, m Moment, v lagValue) views.Lag {
	empty := ""
	if v.Sends+v.Deliveries+v.HardBounces+v.SoftBounces+v.Rejects+v.Delays == 0 {
		empty = "No mail in the last hour."
	}
	lag := views.Lag{
		Panel: d.head(p, m, empty), Lag: views.Figure{Text: nothing},
		Sub: countText(v.UnderWay) + " under way: sent in the last hour, and not yet heard of",
		Cells: []views.Cell{
			{Label: "Delivered", Figure: countFigure(v.Deliveries), Sub: partText(float64(v.Deliveries), float64(v.Sends), "of sent")},
			{Label: "Delayed", Figure: countFigure(v.Delays), Sub: "will be tried again"},
			{Label: "Rejected", Figure: countFigure(v.Rejects), Sub: "by our own provider"},
			{Label: "Soft bounces", Figure: countFigure(v.SoftBounces), Sub: partText(float64(v.SoftBounces), float64(v.Sends), "of sent")},
		},
		Small: "Mails under way over the rate at which they were reported in the last five minutes (Little's law): the mean, " +
			"waiting ones included. Mail that nobody ever reports on makes it longer.",
	}
	if v.Seconds != nil {
		lag.Lag = views.Figure{Text: waitText(*v.Seconds)}
	}
	return lag
}

// waitText writes seconds as people say them: "12 s", "4 min", "2.1 h". Less than a second can't be told apart.
func waitText(seconds float64) string {
	switch {
	case seconds < 1:
		return "under 1 s"
	case seconds < 99.5:
		return fmt.Sprintf("%.0f s", seconds)
	case seconds < 99.5*60:
		return fmt.Sprintf("%.0f min", seconds/60)
	}
	return fmt.Sprintf("%.1f h", seconds/3600)
}
