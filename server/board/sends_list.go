package board

import (
	"fmt"
	"math/big"
	"net/url"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// sendsList is every blast, the newest first, one row each.
func (d desk) sendsList() Panel {
	p := d.panel("sends.list", campaign.Donations)
	p.Kinds = append(p.Kinds, campaign.Emails)
	p.Note = "the newest fifty"
	p.Params = d.ofCurrency
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, earlier, err := d.readSends(rows, m)
		if err != nil {
			return Answer{}, err
		}
		for i := range list {
			list[i].project(m, earlier)
		}
		return Answer{Rows: list, Fragment: views.SendsPanel(d.sendsTable(p, m, list, len(earlier)))}, nil
	}
	return p
}

// sendRow is one row of the API's answer. Mail is counted in whole minutes.
type sendRow struct {
	SendID  string    `json:"send_id"`
	FirstAt time.Time `json:"first_at"`
	mailCounts
	Gifts uint64 `json:"gifts"`
	money        // before refunds
	// PerThousand is what a thousand delivered mails brought, in minor units; null before the first delivery.
	PerThousand *money      `json:"per_thousand_delivered"`
	Projection  *projection `json:"projected_final"` // null once it is final, and while there are too few earlier sends
	Final       bool        `json:"final"`           // out for 72 hours
	Ongoing     bool        `json:"ongoing"`         // mail leaves day after day: no blast, and none of the earlier sends
	earned      earnings
}

// mailCounts are the events of a send's mail, each once.
type mailCounts struct {
	Sent         uint64 `json:"sent"`
	Delivered    uint64 `json:"delivered"`
	HardBounces  uint64 `json:"hard_bounces"`
	SoftBounces  uint64 `json:"soft_bounces"`
	Complaints   uint64 `json:"complaints"`
	Opens        uint64 `json:"opens"`
	Clicks       uint64 `json:"clicks"`
	Unsubscribes uint64 `json:"unsubscribes"`
}

// projection is where a send will end, as money rounded to three figures: one in ten ends below low, one above high.
type projection struct {
	Low   money `json:"low"`
	Mid   money `json:"middle"`
	High  money `json:"high"`
	Sends int   `json:"earlier_sends"`
}

// readSends reads the rows to list, and the blasts to project from.
func (d desk) readSends(rows Rows, m Moment) (list []sendRow, earlier []earnings, err error) {
	list = []sendRow{}
	err = each(rows, "sends.list", func() error {
		var (
			row               sendRow
			sum               big.Int
			listed, isEarlier uint8
			counts            [9]int64
			days              uint64
			hours, minutes    stepSums
		)
		if err := rows.Scan(&row.SendID, &row.FirstAt, &listed, &isEarlier, &counts[0], &counts[1], &counts[2], &counts[3],
			&counts[4], &counts[5], &counts[6], &counts[7], &days, &counts[8], &sum, &hours.starts, &hours.minor,
			&minutes.starts, &minutes.minor); err != nil {
			return err
		}
		if row.money, err = sumOf(&sum, d.Currency); err != nil {
			return err
		}
		row.fill(counts, days, m)
		known := 0
		if len(minutes.starts) > 0 {
			known = 60
		}
		age := m.At.Sub(row.FirstAt)
		row.earned = newEarnings(row.SendID, row.FirstAt, minutes, known, hours, min(age, finalAge))
		if age < finalAge {
			row.earned.add(age, float64(row.Minor))
		}
		if listed == 1 {
			list = append(list, row)
		}
		if isEarlier == 1 && !row.Ongoing {
			earlier = append(earlier, row.earned)
		}
		return nil
	})
	return list, earlier, err
}

// fill takes over what the engine counted: as the day's count less what came after the moment.
func (r *sendRow) fill(counts [9]int64, days uint64, m Moment) {
	into := []*uint64{
		&r.Sent, &r.Delivered, &r.HardBounces, &r.SoftBounces, &r.Complaints, &r.Opens, &r.Clicks, &r.Unsubscribes, &r.Gifts,
	}
	for i, n := range counts {
		*into[i] = uint64(max(0, n))
	}
	r.FirstAt = r.FirstAt.UTC()
	r.Final, r.Ongoing = m.At.Sub(r.FirstAt) >= finalAge, days > trickleDays
	r.PerThousand = perThousand(r.money, r.Delivered)
}

// perThousand is what a thousand delivered mails brought, to the nearest minor unit.
func perThousand(raised money, delivered uint64) *money {
	if delivered == 0 {
		return nil
	}
	each := new(big.Int).Mul(big.NewInt(raised.Minor), big.NewInt(1000))
	half := new(big.Int).SetUint64(delivered / 2)
	each.Add(each, half).Div(each, new(big.Int).SetUint64(delivered))
	if !each.IsInt64() {
		return nil
	}
	value := newMoney(each.Int64(), raised.Currency)
	return &value
}

func (r *sendRow) project(m Moment, earlier []earnings) {
	if r.Final || r.Ongoing {
		return
	}
	r.Projection = projectionOf(float64(r.Minor), m.At.Sub(r.FirstAt), earlier, r.Currency)
}

// projectionOf is nil when there is too little to say.
func projectionOf(raised float64, age time.Duration, earlier []earnings, currency string) *projection {
	s, sends, ok := project(raised, age, earlier)
	if !ok {
		return nil
	}
	atLeast := func(end float64) money { // rounding must not fall below what is there
		return newMoney(max(about(end, currency).Minor, int64(raised)), currency)
	}
	return &projection{atLeast(s.low), atLeast(s.mid), atLeast(s.high), sends}
}

// settled says that hardly anything more is expected.
func (p projection) settled() bool { return p.High.Minor-p.Low.Minor <= p.Low.Minor/500 }

// band writes the ends of a projection.
func (p projection) band() string { return p.Low.text() + "–" + p.High.text() }

func (d desk) sendsTable(p Panel, m Moment, list []sendRow, earlier int) views.Sends {
	empty := ""
	if len(list) == 0 {
		empty = "No blast has left yet: the first one shows a minute after its first mail."
	}
	table := views.Sends{Panel: d.head(p, m, empty), Small: howFinal(earlier)}
	for _, row := range list {
		table.Rows = append(table.Rows, d.sendLine(row, m))
	}
	return table
}

// howFinal says what a projection is made of.
func howFinal(earlier int) string {
	const what = "A send's dollars are final after 72 hours. "
	const mail = " Mail is counted in whole minutes; opens and clicks count every one, the mailbox providers' own machines too."
	if earlier < fewest {
		return what + fmt.Sprintf("No projections yet: they need %d earlier sends that are final, and there are %d.", fewest, earlier) + mail
	}
	return what + fmt.Sprintf("Until then: by how much the last %d final sends grew from the same age on; four in five land in the band.", earlier) + mail
}

func (d desk) sendLine(r sendRow, m Moment) views.SendRow {
	sent, delivered := float64(r.Sent), float64(r.Delivered)
	row := views.SendRow{
		ID: r.SendID, Path: "/sends/" + url.PathEscape(r.SendID), When: d.when(r.FirstAt), Age: sinceText(m.At.Sub(r.FirstAt)),
		Raised: r.figure(), Gifts: counted(r.Gifts, "gift", "gifts"), Each: nothing, Curve: curvePath(r.earned),
		Counts: []views.SendCount{
			{Label: "Sent", Value: countText(r.Sent), Sub: countText(r.Delivered) + " delivered"},
			rateOf("Opens", r.Opens, delivered), rateOf("Clicks", r.Clicks, delivered),
			rateOf("Unsubscribed", r.Unsubscribes, delivered),
			alarm(rateOf("Hard bounces", r.HardBounces, sent), float64(r.HardBounces), sent, bounceReview),
			rateOf("Soft bounces", r.SoftBounces, sent),
			alarm(rateOf("Complaints", r.Complaints, delivered), float64(r.Complaints), delivered, complaintReview),
		},
	}
	if r.PerThousand != nil {
		row.Each = r.PerThousand.text()
	}
	row.Final, row.Band = r.finalText()
	return row
}

// finalText is where a send ends, and how sure that is.
func (r sendRow) finalText() (text, band string) {
	switch {
	case r.Ongoing:
		return nothing, "goes on"
	case r.Final:
		return "final", ""
	case r.Projection == nil:
		return nothing, "too early"
	case r.Projection.settled():
		return "≈ " + r.Projection.Mid.text(), "hardly more"
	}
	return "≈ " + r.Projection.Mid.text(), r.Projection.band()
}

// rateOf is a count and what part of the mails that is.
func rateOf(label string, n uint64, mails float64) views.SendCount {
	c := views.SendCount{Label: label, Value: countText(n), Sub: nothing}
	if ratio, ok := share(float64(n), mails); ok {
		c.Sub = percentText(ratio)
	}
	return c
}

// alarm marks a count that is over the limit from which the account is reviewed. A handful says nothing yet.
func alarm(c views.SendCount, n, mails, review float64) views.SendCount {
	if ratio, ok := share(n, mails); ok && ratio >= review && n >= 5 {
		c.Over = "over " + limit(review)
	}
	return c
}

// when writes the moment of a send in the campaign's zone.
func (d desk) when(t time.Time) string { return t.In(d.Zone).Format("Mon 2 Jan, 3:04 PM MST") }

// sinceText is how long something is ago: "12 min", "3 h 5 min", "4 d".
func sinceText(age time.Duration) string {
	minutes := int(age / time.Minute)
	switch {
	case minutes < 60:
		return fmt.Sprintf("%d min", minutes)
	case minutes < 24*60:
		return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
	case minutes < 72*60:
		return fmt.Sprintf("%d d %d h", minutes/1440, minutes%1440/60)
	}
	return fmt.Sprintf("%d d", minutes/1440)
}

// curvePath draws what was raised by each age as the path of a picture of 100 × 24, from the send to its last known
// age; its height is the most.
func curvePath(e earnings) string {
	last, top := e.ages[len(e.ages)-1], e.sums[len(e.sums)-1]
	if top <= 0 || last <= 0 {
		return ""
	}
	const points = 40
	path := "M0 24"
	for i := range points + 1 {
		part := float64(i) / points
		sum := e.by(time.Duration(part * last * float64(time.Second)))
		path += fmt.Sprintf("L%.1f %.1f", part*100, 24-23*sum/top)
	}
	return path + "L100 24Z"
}
