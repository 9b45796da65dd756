package board

import (
	"fmt"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// sendProjection says where a send will end, as it could be told five minutes, a quarter of an hour and an hour after
// it, and now. It asks what the curve asks.
func (d desk) sendProjection(id string) Panel {
	p := d.ofSend("send.curve", id, campaign.Donations, campaign.Emails)
	p.Topic, p.Title, p.Note = "send.projection", "Where it will end", "four in five land in the band"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		story, err := readStory(rows, "send.projection", m)
		if err != nil {
			return Answer{}, err
		}
		value := d.projections(story)
		return Answer{Value: value, Fragment: views.ProjectionPanel(d.projectionView(p, m, value))}, nil
	}
	return p
}

// projectionsValue is the API's answer.
type projectionsValue struct {
	Earlier     int            `json:"earlier_sends"` // final ones that it was told from
	At          []projectionAt `json:"at"`
	Final       *money         `json:"final"` // what it had raised after 72 hours, to three figures; null before
	age, untold time.Duration  // now, and the next age at which it can be told
}

// projectionAt is a projection made at an age.
type projectionAt struct {
	Minutes    int         `json:"minutes"`
	Now        bool        `json:"now"`
	Raised     money       `json:"raised"`     // by then, to three figures
	Projection *projection `json:"projection"` // null when there was too little to say
}

func (d desk) projections(s sendStory) projectionsValue {
	v := projectionsValue{Earlier: len(s.earlier), At: []projectionAt{}, age: s.age}
	if s.age < 0 {
		return v
	}
	for _, age := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour} {
		if s.age < age {
			v.untold = age
			break
		}
		v.At = append(v.At, d.projectedAt(s, age, false))
	}
	if s.age < finalAge {
		v.At = append(v.At, d.projectedAt(s, s.age, true))
		return v
	}
	final := about(s.by(finalAge), d.Currency)
	v.Final = &final
	return v
}

func (d desk) projectedAt(s sendStory, age time.Duration, now bool) projectionAt {
	raised := s.by(age)
	return projectionAt{
		Minutes: int(age / time.Minute), Now: now, Raised: about(raised, d.Currency),
		Projection: projectionOf(raised, age, s.earlier, d.Currency),
	}
}

func (d desk) projectionView(p Panel, m Moment, v projectionsValue) views.Projection {
	if v.age < 0 {
		return views.Projection{Panel: d.head(p, m, "Nothing to project: no mail has left.")}
	}
	view := views.Projection{Panel: d.head(p, m, ""), Small: v.method()}
	if v.Earlier < fewest {
		view.Empty = fmt.Sprintf("No projection: it needs %d earlier sends that were final when this one left, and there are %d.", fewest, v.Earlier)
		return view
	}
	top := v.top()
	for _, at := range v.At {
		view.Rows = append(view.Rows, at.row(top))
	}
	if v.Final != nil {
		view.Rows = append(view.Rows, views.ProjectionRow{
			Label: "+72 h", Sub: "final", Value: v.Final.text(), Mark: width(float64(v.Final.Minor) / top), Final: true,
		})
	}
	return view
}

// top is the end of the scale, in minor units.
func (v projectionsValue) top() float64 {
	top := 1.0
	for _, at := range v.At {
		if at.Projection != nil {
			top = max(top, float64(at.Projection.High.Minor))
		}
	}
	if v.Final != nil {
		top = max(top, float64(v.Final.Minor))
	}
	return top * 1.04
}

func (v projectionsValue) method() string {
	text := fmt.Sprintf("Each of the last %d sends that were final grew by some factor from the same age to 72 hours; "+
		"the middle is the median of those factors, the band leaves out one in ten at either end.", v.Earlier)
	if v.untold > 0 && v.age < finalAge {
		text += fmt.Sprintf(" The next one comes %d minutes after the send.", int(v.untold/time.Minute))
	}
	return text
}

// row draws a projection on a scale that ends at top.
func (a projectionAt) row(top float64) views.ProjectionRow {
	row := views.ProjectionRow{Label: fmt.Sprintf("+%d min", a.Minutes), Sub: a.Raised.text() + " by then", Value: nothing}
	if a.Now {
		row.Label, row.Sub = "Now", "after "+sinceText(time.Duration(a.Minutes)*time.Minute)
	}
	if a.Projection == nil {
		row.Band = "too few of the earlier sends had raised anything by then"
		return row
	}
	low, high := float64(a.Projection.Low.Minor), float64(a.Projection.High.Minor)
	row.Value, row.Band = a.Projection.Mid.text(), a.Projection.band()
	row.From, row.Width = width(low/top), width((high-low)/top)
	row.Mark, row.Raised = width(float64(a.Projection.Mid.Minor)/top), width(float64(a.Raised.Minor)/top)
	return row
}
