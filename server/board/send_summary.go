package board

import (
	"math/big"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// sendSummary is one send so far.
func (d desk) sendSummary(id string) Panel {
	p := d.ofSend("send.summary", id, campaign.Donations, campaign.Emails)
	if id != "" {
		p.Title = id
	}
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		value, err := d.readSend(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{
			Value: value, Fragment: views.SendSummaryPanel(d.sendSummaryView(p, m, value)),
			Unknown: value.FirstAt == nil && value.Gifts == 0,
		}, nil
	}
	return p
}

// sendValue is the API's answer.
type sendValue struct {
	FirstAt *time.Time `json:"first_at"`  // null when no mail has left
	LastAt  *time.Time `json:"last_sent"` // the start of the minute, hour or day of the newest mail
	mailCounts
	Gifts       uint64 `json:"gifts"`
	money              // before refunds
	Net         money  `json:"net"`
	Refunds     uint64 `json:"refunds"`
	Average     money  `json:"average"`
	PerThousand *money `json:"per_thousand_delivered"`
}

func (d desk) readSend(rows Rows) (v sendValue, err error) {
	v.money, v.Net = newMoney(0, d.Currency), newMoney(0, d.Currency)
	err = each(rows, "send.summary", func() error {
		var (
			first, last time.Time
			given, net  big.Int
		)
		c := &v.mailCounts
		if err := rows.Scan(&first, &c.Sent, &c.Delivered, &c.HardBounces, &c.SoftBounces, &c.Complaints, &c.Opens,
			&c.Clicks, &c.Unsubscribes, &last, &v.Gifts, &given, &v.Refunds, &net); err != nil {
			return err
		}
		v.FirstAt, v.LastAt = known(first), known(last)
		return sums(d.Currency, []*big.Int{&given, &net}, &v.money, &v.Net)
	})
	v.Average, v.PerThousand = v.average(v.Gifts), perThousand(v.money, v.Delivered)
	return v, err
}

// known is a time of the engine; nil when it has none.
func known(t time.Time) *time.Time {
	if t.Unix() <= 0 {
		return nil
	}
	t = t.UTC()
	return &t
}

func (d desk) sendSummaryView(p Panel, m Moment, v sendValue) views.SendSummary {
	if v.FirstAt == nil {
		return views.SendSummary{Panel: d.head(p, m, "No mail of this blast has left by then, or the name is wrong: the list has all.")}
	}
	sent, delivered := float64(v.Sent), float64(v.Delivered)
	age := m.At.Sub(*v.FirstAt)
	s := views.SendSummary{
		Panel: d.head(p, m, ""), When: "sent " + d.when(*v.FirstAt) + ", " + sinceText(age) + " ago",
		Raised: v.figure(), Sub: "before refunds; " + v.Net.text() + " after " + counted(v.Refunds, "refund", "refunds"),
		Cells: []views.Cell{
			{Label: "Gifts", Figure: countFigure(v.Gifts), Sub: "average " + v.Average.text()},
			{Label: "Per thousand delivered", Figure: views.Figure{Text: nothing}, Sub: "dollars a thousand mails brought"},
			{Label: "Sent", Figure: countFigure(v.Sent), Sub: "in whole minutes"},
			{Label: "Delivered", Figure: countFigure(v.Delivered), Sub: partText(float64(v.Delivered), sent, "of sent")},
			{Label: "Opens", Figure: countFigure(v.Opens), Sub: partText(float64(v.Opens), delivered, "of delivered")},
			{Label: "Clicks", Figure: countFigure(v.Clicks), Sub: partText(float64(v.Clicks), delivered, "of delivered")},
			{Label: "Unsubscribed", Figure: countFigure(v.Unsubscribes), Sub: partText(float64(v.Unsubscribes), delivered, "of delivered")},
			{Label: "Hard bounces", Figure: countFigure(v.HardBounces), Sub: partText(float64(v.HardBounces), sent, "of sent")},
			{Label: "Soft bounces", Figure: countFigure(v.SoftBounces), Sub: partText(float64(v.SoftBounces), sent, "of sent")},
			{Label: "Complaints", Figure: countFigure(v.Complaints), Sub: partText(float64(v.Complaints), delivered, "of delivered")},
		},
	}
	if v.PerThousand != nil {
		s.Cells[1].Figure = v.PerThousand.figure()
	}
	if d.Currency != "USD" {
		s.Cells[1].Sub = d.Currency + " a thousand mails brought"
	}
	return s
}

// partText is a part of a whole with words, "0.6 % of sent".
func partText(part, whole float64, of string) string {
	ratio, ok := share(part, whole)
	if !ok {
		return nothing
	}
	return percentText(ratio) + " " + of
}
