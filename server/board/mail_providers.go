package board

import (
	"warroom/server/campaign"
	"warroom/views"
)

// mailProviders is mail by where it goes: one mailbox provider that turns away is seen here first.
func (d desk) mailProviders() Panel {
	p := d.panel("mail.providers", campaign.Emails)
	p.Note = "last 24 hours"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readProviders(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.ProvidersPanel(d.providers(p, m, list))}, nil
	}
	return p
}

// providerRow is one row of the API's answer; the row without a domain is all the others.
type providerRow struct {
	Domain      string `json:"domain"`
	Providers   uint64 `json:"providers"` // how many domains the row is of
	Sends       uint64 `json:"sends"`
	Deliveries  uint64 `json:"deliveries"`
	HardBounces uint64 `json:"hard_bounces"`
	SoftBounces uint64 `json:"soft_bounces"`
	Complaints  uint64 `json:"complaints"`
	Delays      uint64 `json:"delays"`
	Rejects     uint64 `json:"rejects"`
}

func readProviders(rows Rows) ([]providerRow, error) {
	list := []providerRow{}
	err := each(rows, "mail.providers", func() error {
		var r providerRow
		err := rows.Scan(&r.Domain, &r.Providers, &r.Sends, &r.Deliveries, &r.HardBounces, &r.SoftBounces, &r.Complaints,
			&r.Delays, &r.Rejects)
		list = append(list, r)
		return err
	})
	return list, err
}

func (d desk) providers(p Panel, m Moment, list []providerRow) views.Providers {
	empty := ""
	if len(list) == 0 {
		empty = "No mail in the last 24 hours."
	}
	view := views.Providers{Panel: d.head(p, m, empty)}
	for _, r := range list {
		view.Rows = append(view.Rows, r.line())
	}
	return view
}

func (r providerRow) line() views.ProviderRow {
	sent := float64(r.Sends)
	row := views.ProviderRow{
		Name: r.Domain, Sent: countText(r.Sends),
		Delivered: rateOf("Delivered", r.Deliveries, sent),
		Hard:      alarm(rateOf("Hard bounces", r.HardBounces, sent), float64(r.HardBounces), sent, bounceReview),
		Soft:      rateOf("Soft bounces", r.SoftBounces, sent),
		Complaint: alarm(rateOf("Complaints", r.Complaints, sent), float64(r.Complaints), sent, complaintReview),
		Delayed:   rateOf("Delayed", r.Delays, sent),
		Rejected:  rateOf("Rejected", r.Rejects, sent),
		HardMeter: meter("Hard bounces", partOf(r.HardBounces, r.Sends), bounceReview, bouncePause),
		ComplaintMeter: meter("Complaints", partOf(r.Complaints, r.Sends),
			complaintReview, complaintPause),
	}
	// Few mails are past a limit by chance: a bar is alarmed when the words beside it are.
	row.HardMeter.Over, row.ComplaintMeter.Over = row.Hard.Over != "", row.Complaint.Over != ""
	if r.Domain == "" {
		row.Name = counted(r.Providers, "other", "others")
	}
	return row
}

// partOf is a part of a whole; nil when there is no whole.
func partOf(part, whole uint64) *float64 {
	ratio, ok := share(float64(part), float64(whole))
	if !ok {
		return nil
	}
	return &ratio
}
