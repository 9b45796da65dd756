package board

import (
	"fmt"
	"strings"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/views"
)

// leadership is the first board: what leadership looks at all night.
func (d desk) leadership() Board {
	return Board{
		Name: "leadership", Title: "Leadership", Path: "/", Page: views.Leadership,
		Panels: []Panel{
			d.moneyHour(), d.moneyRecord(), d.moneyToday(), d.moneyMinutes(), d.moneyRefcodes(), d.moneyStates(),
			d.moneyLatest(),
			d.trafficNow(), d.trafficHour(), d.trafficVisitors(), d.mailHour(),
		},
	}
}

// desk is what the panels of a campaign share.
type desk struct {
	Options
	queries map[string]queries.Query
}

// panel is the part of a panel that its query's header gives.
func (d desk) panel(topic string, kind campaign.Kind) Panel {
	q := d.queries[topic]
	p := Panel{Topic: topic, Title: q.Title, Unit: q.Unit, Kinds: []campaign.Kind{kind}, Query: q, Params: asOf, Pace: paceOf(topic)}
	if q.Unit == "usd" && d.Currency != "USD" {
		p.Unit = d.unit()
		p.Title = strings.Replace(q.Title, "Dollars", d.Currency, 1)
	}
	return p
}

// unit is how figures of the campaign's money name it.
func (d desk) unit() string { return strings.ToLower(d.Currency) }

// head is what a panel says of itself at a moment. Empty is what it says instead of figures, if it has none.
func (d desk) head(p Panel, m Moment, empty string) views.Panel {
	if empty != "" && m.Doubt != "" {
		empty = "No figures yet."
	}
	return views.Panel{
		Topic: p.over(m.Window), Title: p.Title, Note: p.Note, Kinds: p.KindsText(),
		At: m.At.In(d.Zone).Format("3:04:05 PM MST"), AtISO: m.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		Doubt: m.Doubt, Empty: empty,
	}
}

// asOf are the parameters of a query that takes only the moment.
func asOf(m Moment) map[string]string { return map[string]string{"at": engineTime(m.At)} }

// ofCurrency are the parameters of a query that looks at the campaign's currency only.
func (d desk) ofCurrency(m Moment) map[string]string {
	return map[string]string{"at": engineTime(m.At), "currency": d.Currency}
}

// engineTime writes a moment as a parameter of type DateTime64(3,'UTC').
func engineTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

// each reads all rows; read scans one.
func each(rows Rows, topic string, read func() error) error {
	for rows.Next() {
		if err := read(); err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", topic, err)
	}
	return nil
}
