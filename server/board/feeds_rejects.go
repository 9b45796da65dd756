package board

import (
	"time"

	"warroom/views"
)

// shownRejects bound the panel; the API gives all.
const shownRejects = 12

// rejects lists why events were refused.
func (d feedDesk) rejects() Panel {
	return d.inside("feeds.rejects", "Refused, and why", "since the start, newest first", func(p Panel, m Moment) Answer {
		list := []rejectRow{}
		for _, r := range d.from.Rejects() {
			list = append(list, rejectRow{r.Feed, r.Kind.String(), r.Field, r.Reason, r.Count, r.Last.UTC()})
		}
		return Answer{Rows: list, Fragment: views.RejectsPanel(d.rejectList(p, m, list))}
	})
}

// rejectRow is one reason as the API gives it.
type rejectRow struct {
	Feed   string    `json:"feed"`
	Kind   string    `json:"kind"`
	Field  string    `json:"field"` // empty: the event as a whole
	Reason string    `json:"reason"`
	Count  uint64    `json:"count"`
	LastAt time.Time `json:"last_at"`
}

func (d feedDesk) rejectList(p Panel, m Moment, list []rejectRow) views.Rejects {
	view := views.Rejects{Panel: still(p)}
	if len(list) == 0 {
		view.Empty = "Nothing was refused since the start."
	}
	for i, r := range list {
		if i == shownRejects {
			view.More = counted(uint64(len(list)-shownRejects), "more reason", "more reasons") + " in the JSON"
			break
		}
		view.Rows = append(view.Rows, views.Reject{
			Feed: r.Feed, Kind: r.Kind, Field: r.Field, Reason: r.Reason, Count: countText(r.Count),
			Last: d.clock(r.LastAt, m.At), LastISO: r.LastAt.Format(time.RFC3339),
		})
	}
	return view
}
