package board

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/views"
)

// Leadership makes the panels of the leadership board, in its order. The errors name the setting or the query file
// that is wrong.
func Leadership(o Options) ([]Panel, error) {
	live, err := queries.Live()
	if err != nil {
		return nil, err
	}
	if _, ok := campaign.Exponent(o.Currency); !ok {
		return nil, fmt.Errorf("board: currency %q is unknown: use an ISO 4217 code such as USD", o.Currency)
	}
	if o.Zone == nil {
		return nil, errors.New("board: the campaign's zone is missing")
	}
	d := desk{Options: o, queries: live}
	panels := []Panel{
		d.moneyHour(), d.moneyToday(), d.moneyMinutes(), d.moneyRefcodes(), d.moneyStates(), d.moneyLatest(),
		d.trafficNow(), d.trafficHour(), d.trafficVisitors(), d.mailHour(),
	}
	for _, p := range panels {
		if p.Query.Name == "" {
			return nil, fmt.Errorf("board: the panel %s has no query: write queries/live/%s.sql", p.Topic, p.Topic)
		}
	}
	return panels, nil
}

// desk is what the panels of a campaign share.
type desk struct {
	Options
	queries map[string]queries.Query
}

// panel is the part of a panel that its query's header gives.
func (d desk) panel(topic string, kind campaign.Kind) Panel {
	q := d.queries[topic]
	p := Panel{Topic: topic, Title: q.Title, Unit: q.Unit, Kinds: []campaign.Kind{kind}, Query: q, Params: asOf}
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
		Topic: p.Topic, Title: p.Title, Note: p.Note,
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
