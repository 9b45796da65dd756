package board

import (
	"warroom/server/campaign"
	"warroom/views"
)

// The limits of the largest sender's reviews: from review on it looks at the account, from pause on it may stop it. It
// computes them over a volume that it doesn't tell, so that ours are estimates.
const (
	bounceReview, bouncePause       = 0.05, 0.10
	complaintReview, complaintPause = 0.001, 0.005
)

// mailHour is the mail of the last hour.
func (d desk) mailHour() Panel {
	p := d.panel("mail.hour", campaign.Emails)
	p.Note = "rates are estimates"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readMail(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.MailPanel(d.mail(p, m, value))}, nil
	}
	return p
}

// mailValue is the API's answer. The rates are of the sends of the same hour, 0–1; null without sends.
type mailValue struct {
	Sends         uint64   `json:"sends"`
	HardBounces   uint64   `json:"hard_bounces"`
	Complaints    uint64   `json:"complaints"`
	BounceRate    *float64 `json:"hard_bounce_rate"`
	ComplaintRate *float64 `json:"complaint_rate"`
}

func readMail(rows Rows) (v mailValue, err error) {
	err = each(rows, "mail.hour", func() error { return rows.Scan(&v.Sends, &v.HardBounces, &v.Complaints) })
	if ratio, ok := share(float64(v.HardBounces), float64(v.Sends)); ok {
		v.BounceRate = &ratio
	}
	if ratio, ok := share(float64(v.Complaints), float64(v.Sends)); ok {
		v.ComplaintRate = &ratio
	}
	return v, err
}

func (d desk) mail(p Panel, m Moment, v mailValue) views.Mail {
	empty := ""
	if v.Sends+v.HardBounces+v.Complaints == 0 {
		empty = "No mail in the last hour."
	}
	return views.Mail{
		Panel: d.head(p, m, empty),
		Cells: []views.Cell{
			{Label: "Sent", Figure: countFigure(v.Sends)},
			{Label: "Hard bounces", Figure: countFigure(v.HardBounces)},
			{Label: "Complaints", Figure: countFigure(v.Complaints)},
		},
		Meters: []views.Meter{
			meter("Hard bounces", v.BounceRate, bounceReview, bouncePause),
			meter("Complaints", v.ComplaintRate, complaintReview, complaintPause),
		},
	}
}

// meter draws a rate on a scale that ends where the account may be paused, with a mark where its review begins.
func meter(label string, rate *float64, review, pause float64) views.Meter {
	m := views.Meter{
		Label: label, Value: nothing, Width: width(0), Mark: width(review / pause), MarkText: "review at " + limit(review),
	}
	if rate == nil {
		return m
	}
	m.Value, m.Width = percentText(*rate), width(*rate/pause)
	switch m.Over = *rate >= review; {
	case *rate >= pause:
		m.MarkText = "over " + limit(pause) + ": may be paused"
	case m.Over:
		m.MarkText = "over " + limit(review) + ": review due"
	}
	return m
}

// limit writes a limit, "5 %" or "0.1 %".
func limit(ratio float64) string { return trimZeros(ratio*100, 3) + " %" }
