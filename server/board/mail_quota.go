package board

import (
	"strconv"

	"warroom/server/campaign"
	"warroom/views"
)

// full is the part of a quota from which a blast should not be started or sped up.
const full = 0.9

// mailQuota is the rate of sending now against what the provider lets through.
func (d desk) mailQuota() Panel {
	p := d.panel("mail.quota", campaign.Emails)
	p.Note = "in whole minutes"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readQuota(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Value: value, Fragment: views.QuotaPanel(d.quota(p, m, value))}, nil
	}
	return p
}

// quotaValue is the API's answer. Quotas and shares are null where the setting is missing.
type quotaValue struct {
	PerSecond   float64  `json:"per_second"`      // in the last whole minute
	Peak        float64  `json:"peak_per_second"` // in the busiest of the last five
	Day         uint64   `json:"last_24_hours"`
	SecondQuota *float64 `json:"quota_per_second"`
	DayQuota    *float64 `json:"quota_per_24_hours"`
	SecondShare *float64 `json:"share_of_second"` // 0–1
	DayShare    *float64 `json:"share_of_24_hours"`
}

func (d desk) readQuota(rows Rows) (v quotaValue, err error) {
	var minute, peak uint64
	err = each(rows, "mail.quota", func() error { return rows.Scan(&minute, &peak, &v.Day) })
	v.PerSecond, v.Peak = float64(minute)/60, float64(peak)/60
	if quota := d.MailPerSecond; quota > 0 {
		part := v.PerSecond / quota
		v.SecondQuota, v.SecondShare = &quota, &part
	}
	if quota := d.MailPerDay; quota > 0 {
		part := float64(v.Day) / quota
		v.DayQuota, v.DayShare = &quota, &part
	}
	return v, err
}

func (d desk) quota(p Panel, m Moment, v quotaValue) views.Quota {
	empty := ""
	if v.Day == 0 && v.Peak == 0 {
		empty = "No mail in the last 24 hours."
	}
	return views.Quota{
		Panel: d.head(p, m, empty), Rate: rateFigure(v.PerSecond), Unit: "a second",
		Sub: "busiest of the last five minutes " + rateText(v.Peak) + " a second",
		Meters: []views.Meter{
			quotaMeter("Per second", rateText(v.PerSecond), v.SecondQuota, v.SecondShare, "WARROOM_MAIL_PER_SECOND"),
			quotaMeter("In 24 hours", countText(v.Day), v.DayQuota, v.DayShare, "WARROOM_MAIL_PER_DAY"),
		},
	}
}

// quotaMeter draws how much of a quota is used.
func quotaMeter(label, value string, quota, part *float64, setting string) views.Meter {
	m := views.Meter{Label: label, Value: value, Width: width(0), Mark: "100"}
	if quota == nil {
		m.MarkText, m.Bare = "quota unknown: set "+setting, true
		return m
	}
	m.Width = width(*part)
	m.MarkText = percentText(*part) + " of " + thousands(strconv.FormatFloat(*quota, 'f', 0, 64))
	if *quota < 10 {
		m.MarkText = percentText(*part) + " of " + trimZeros(*quota, 1)
	}
	switch m.Over = *part >= full; {
	case *part > 1:
		m.MarkText += ": over it, mails will be refused"
	case m.Over:
		m.MarkText += ": nearly full"
	}
	return m
}
