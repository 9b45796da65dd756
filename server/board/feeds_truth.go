package board

import (
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// TruthCheck is the last comparison of one kind's totals with its truth.
type TruthCheck struct {
	Kind        campaign.Kind
	At          time.Time // when it was begun; zero: it has not been yet
	Took        time.Duration
	Found       int // differences, those too that Differences has no room for
	Differences []TruthDifference
	Trouble     string // why it could not be made, in words; empty when it was
}

// TruthDifference is a total that was not what the truth says.
type TruthDifference struct {
	Table, Where  string // no personal data
	Rollup, Truth string
	Repaired      bool
}

// truth says whether the totals are those of the truth.
func (d feedDesk) truth() Panel {
	const note = "compared in the background; differences since the start"
	return d.inside("feeds.truth", "Totals against truth", note, func(p Panel, m Moment) Answer {
		rows := []truthRow{}
		for _, c := range d.from.Truth() {
			row := truthRow{
				Kind: c.Kind.String(), At: someTime(c.At), TookMS: c.Took.Milliseconds(), Trouble: c.Trouble,
				Found: max(c.Found, len(c.Differences)), Differences: []differenceRow{},
			}
			for _, found := range c.Differences {
				row.Differences = append(row.Differences, differenceRow(found))
			}
			rows = append(rows, row)
		}
		return Answer{Rows: rows, Fragment: views.TruthPanel(d.truthView(p, m, rows))}
	})
}

// truthRow is a comparison as the API gives it.
type truthRow struct {
	Kind        string          `json:"kind"`
	At          *time.Time      `json:"at"` // null: not yet
	TookMS      int64           `json:"took_ms"`
	Found       int             `json:"found"`
	Differences []differenceRow `json:"differences"`
	Trouble     string          `json:"trouble,omitempty"`
}

type differenceRow struct {
	Table    string `json:"table"`
	Where    string `json:"where"`
	Rollup   string `json:"rollup"`
	Truth    string `json:"truth"`
	Repaired bool   `json:"repaired"`
}

// shownDifferences bound the panel; the API gives all.
const shownDifferences = 12

func (d feedDesk) truthView(p Panel, m Moment, rows []truthRow) views.Truth {
	view := views.Truth{Panel: still(p)}
	if len(rows) == 0 {
		view.Empty = "Not compared yet since the start."
	}
	for _, r := range rows {
		line := views.TruthLine{Kind: r.Kind, When: "not yet", Says: r.Trouble, Wrong: r.Trouble != ""}
		if r.At != nil {
			line.When, line.WhenISO = d.clock(*r.At, m.At), r.At.Format(time.RFC3339)
			line.Took = milliseconds(float64(r.TookMS))
		}
		if r.Trouble == "" && r.At != nil {
			line.Says, line.Wrong = differencesText(r.Found, r.Differences)
		}
		view.Lines = append(view.Lines, line)
		for _, found := range r.Differences {
			if len(view.Differences) == shownDifferences {
				view.More = "more in the JSON"
				break
			}
			view.Differences = append(view.Differences, views.TruthDifference{
				Table: found.Table, Where: found.Where, Rollup: found.Rollup, Truth: found.Truth,
				State: map[bool]string{true: "repaired", false: "not repaired yet"}[found.Repaired], Open: !found.Repaired,
			})
		}
	}
	return view
}

func differencesText(found int, list []differenceRow) (text string, wrong bool) {
	open := 0
	for _, one := range list {
		if !one.Repaired {
			open++
		}
	}
	text = counted(uint64(found), "difference", "differences") + " found"
	switch {
	case found == 0:
		return "equal", false
	case open == 0:
		return text + " and repaired", false
	}
	return text + ", " + countText(uint64(open)) + " not repaired", true
}
