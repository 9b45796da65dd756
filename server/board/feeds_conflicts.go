package board

import (
	"strings"
	"time"

	"warroom/views"
)

// shownConflicts bound the panel; the API gives a hundred.
const shownConflicts = 25

// conflicts lists the newest copies that say something else than the first one.
func (d feedDesk) conflicts() Panel {
	p := d.panel("feeds.conflicts", 0)
	p.Kinds = nil
	p.Note = "the first copy counts; newest first"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readConflicts(rows)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.ConflictsPanel(d.conflictList(p, m, list))}, nil
	}
	return p
}

// conflictRow is a conflict as the API gives it.
type conflictRow struct {
	Kind       string    `json:"kind"` // donations or emails
	Source     string    `json:"source"`
	ID         string    `json:"id"`
	Feed       string    `json:"feed"` // of the copy that does not count
	Path       string    `json:"path,omitempty"`
	ReceivedAt time.Time `json:"received_at"`
	First      claim     `json:"first"` // what counts
	Other      claim     `json:"other"`
	Differs    []string  `json:"differs"` // amount, currency, kind, time
}

// claim is what one copy says happened.
type claim struct {
	Feed       string    `json:"feed,omitempty"`
	Path       string    `json:"path,omitempty"`
	Kind       string    `json:"kind"` // gift, refund …; of mail its type with its bounce
	Money      *money    `json:"money,omitempty"`
	OccurredAt time.Time `json:"occurred_at"`
}

func readConflicts(rows Rows) ([]conflictRow, error) {
	list := []conflictRow{}
	err := each(rows, "feeds.conflicts", func() error {
		var r conflictRow
		var currency, firstCurrency string
		var minor, firstMinor int64
		err := rows.Scan(&r.Kind, &r.Source, &r.ID, &r.Feed, &r.Path, &r.ReceivedAt,
			&r.Other.Kind, &currency, &minor, &r.Other.OccurredAt,
			&r.First.Feed, &r.First.Path, &r.First.Kind, &firstCurrency, &firstMinor, &r.First.OccurredAt)
		r.Other.Feed, r.Other.Path = r.Feed, r.Path
		if r.Kind == "donations" {
			first, other := newMoney(firstMinor, firstCurrency), newMoney(minor, currency)
			r.First.Money, r.Other.Money = &first, &other
		}
		r.Differs = r.First.against(r.Other)
		list = append(list, r)
		return err
	})
	return list, err
}

// against names what two copies don't agree on.
func (c claim) against(o claim) []string {
	differs := []string{}
	if c.Money != nil && o.Money != nil {
		if c.Money.Minor != o.Money.Minor {
			differs = append(differs, "amount")
		}
		if c.Money.Currency != o.Money.Currency {
			differs = append(differs, "currency")
		}
	}
	if c.Kind != o.Kind {
		differs = append(differs, "kind")
	}
	if !c.OccurredAt.Equal(o.OccurredAt) {
		differs = append(differs, "time")
	}
	return differs
}

func (d feedDesk) conflictList(p Panel, m Moment, list []conflictRow) views.Conflicts {
	view := views.Conflicts{Panel: d.head(p, m, "")}
	if len(list) == 0 {
		view.Empty = "No copy contradicts another."
	}
	for i, r := range list {
		if i == shownConflicts {
			view.More = counted(uint64(len(list)-shownConflicts), "more", "more") + " in the JSON"
			break
		}
		view.Rows = append(view.Rows, d.conflictLine(r, m.At))
	}
	return view
}

func (d feedDesk) conflictLine(r conflictRow, now time.Time) views.Conflict {
	line := views.Conflict{
		When: d.clock(r.ReceivedAt, now), WhenISO: r.ReceivedAt.UTC().Format(time.RFC3339),
		Feed: r.Feed, Path: r.Path, Name: r.Source + " " + r.ID,
	}
	for _, what := range r.Differs {
		var first, other string
		switch what {
		case "amount":
			first, other = r.First.Money.exact(), r.Other.Money.exact()
		case "currency":
			first, other = r.First.Money.Currency, r.Other.Money.Currency
		case "kind":
			first, other = r.First.Kind, r.Other.Kind
		case "time":
			first, other = d.twoTimes(r.First.OccurredAt, r.Other.OccurredAt)
		}
		line.Differs = append(line.Differs, views.Difference{What: what, First: first, Other: other})
	}
	return line
}

// twoTimes writes two moments as exactly as it takes to see that they differ.
func (d desk) twoTimes(a, b time.Time) (first, other string) {
	a, b = a.In(d.Zone), b.In(d.Zone)
	for _, layout := range []string{"2 Jan 2006 3:04 PM", "2 Jan 2006 3:04:05 PM", "2 Jan 2006 3:04:05.000 PM MST"} {
		if first, other = a.Format(layout), b.Format(layout); first != other {
			break
		}
	}
	if day := a.Format("2 Jan 2006 "); strings.HasPrefix(other, day) {
		return strings.TrimPrefix(first, day), strings.TrimPrefix(other, day)
	}
	return first, other
}
