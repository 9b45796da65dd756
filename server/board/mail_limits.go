package board

import (
	"math"

	"warroom/server/campaign"
	"warroom/views"
)

// mailLimits are hard bounces, complaints and soft bounces of a day, apart, against the limits that get an account
// reviewed and paused, and when they are crossed at the rate of the last minutes.
func (d desk) mailLimits() Panel {
	p := d.panel("mail.limits", campaign.Emails)
	p.Note = "estimates: the provider doesn't tell its volume"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := readLimits(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.LimitsPanel(d.limits(p, m, value))}, nil
	}
	return p
}

// limitsValue is the API's answer: events of the last 24 hours, and of the last 15 minutes.
type limitsValue struct {
	Sends             uint64   `json:"sends"`
	Deliveries        uint64   `json:"deliveries"`
	HardBounces       uint64   `json:"hard_bounces"`
	SoftBounces       uint64   `json:"soft_bounces"`
	Complaints        uint64   `json:"complaints"`
	RecentSends       uint64   `json:"sends_15_minutes"`
	RecentHardBounces uint64   `json:"hard_bounces_15_minutes"`
	RecentComplaints  uint64   `json:"complaints_15_minutes"`
	Hard              crossing `json:"hard_bounce_rate"`
	Complained        crossing `json:"complaint_rate"`
}

// crossing is a rate on its way to or from its limits.
type crossing struct {
	Rate   *float64 `json:"rate"`   // of the last 24 hours; null without mail
	Recent *float64 `json:"recent"` // of the last 15 minutes
	Review float64  `json:"review"`
	Pause  float64  `json:"pause"`
	// Limit is the next one that the rate moves to, and After how many more mails at the recent rate take it there; null
	// when they never do. Of a rate over its review, moving down, it is the review.
	Limit float64 `json:"limit"`
	After *uint64 `json:"after"`
}

func readLimits(rows Rows) (v limitsValue, err error) {
	err = each(rows, "mail.limits", func() error {
		return rows.Scan(&v.Sends, &v.Deliveries, &v.HardBounces, &v.SoftBounces, &v.Complaints,
			&v.RecentSends, &v.RecentHardBounces, &v.RecentComplaints)
	})
	v.Hard = cross(v.HardBounces, v.Sends, v.RecentHardBounces, v.RecentSends, bounceReview, bouncePause)
	v.Complained = cross(v.Complaints, v.Sends, v.RecentComplaints, v.RecentSends, complaintReview, complaintPause)
	return v, err
}

func cross(bad, all, recentBad, recentAll uint64, review, pause float64) crossing {
	c := crossing{Review: review, Pause: pause, Limit: review}
	ratio, ok := share(float64(bad), float64(all))
	recent, recentOK := share(float64(recentBad), float64(recentAll))
	if ok {
		c.Rate = &ratio
	}
	if recentOK {
		c.Recent = &recent
	}
	if !ok || !recentOK {
		return c
	}
	switch up := recent > review; {
	case ratio >= pause:
		c.Limit = pause
	case ratio >= review && up:
		c.Limit = pause
	}
	c.After = mailsTo(float64(bad), float64(all), recent, c.Limit)
	return c
}

// mailsTo is how many more mails at the recent rate take a rate to a limit, from below or from above: the least n with
// (bad + recent × n) / (all + n) at it. nil: they never do.
func mailsTo(bad, all, recent, limit float64) *uint64 {
	n := (limit*all - bad) / (recent - limit)
	if math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || n > 1e15 {
		return nil
	}
	// Sums of counts are whole: what is a hair over a whole number is that number.
	more := uint64(math.Ceil(n - 1e-6))
	return &more
}

func (d desk) limits(p Panel, m Moment, v limitsValue) views.Limits {
	empty := ""
	if v.Sends+v.HardBounces+v.Complaints == 0 {
		empty = "No mail in the last 24 hours."
	}
	soft := views.Meter{Label: "Soft bounces", Value: nothing, Width: width(0), Bare: true, MarkText: "no limit"}
	if ratio, ok := share(float64(v.SoftBounces), float64(v.Sends)); ok {
		soft.Value, soft.Width = percentText(ratio), width(ratio/bouncePause)
	}
	return views.Limits{
		Panel: d.head(p, m, empty),
		Lines: []views.LimitLine{
			{Meter: meter("Hard bounces", v.Hard.Rate, bounceReview, bouncePause), Count: countText(v.HardBounces), Says: v.Hard.says()},
			{Meter: meter("Complaints", v.Complained.Rate, complaintReview, complaintPause), Count: countText(v.Complaints), Says: v.Complained.says()},
			{Meter: soft, Count: countText(v.SoftBounces)},
		},
		Small: "of " + counted(v.Sends, "mail", "mails") + " sent in 24 hours; the scale ends where the account may be paused",
	}
}

// says tells where a rate goes.
func (c crossing) says() string {
	switch {
	case c.Rate == nil:
		return ""
	case c.Recent == nil:
		return "no mail in the last 15 minutes"
	}
	at := "at the rate of the last 15 minutes (" + percentText(*c.Recent) + ") "
	over := *c.Rate >= c.Limit
	switch {
	case over && c.After == nil:
		return at + "it stays over " + limit(c.Limit)
	case over:
		return at + "you are under " + limit(c.Limit) + " again after " + countText(*c.After) + " more"
	case c.After == nil && *c.Rate >= c.Review:
		return at + "you never reach " + limit(c.Limit)
	case c.After == nil:
		return at + "you never cross " + limit(c.Limit)
	}
	return at + "you cross " + limit(c.Limit) + " after " + countText(*c.After) + " more"
}
