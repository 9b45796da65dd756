package board

import (
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// Spool is what waits on disk for the engine, and what is kept for a replay, of one kind.
type Spool struct {
	Kind    campaign.Kind
	Events  int   // acknowledged and not counted
	Bytes   int64 // that these take
	Oldest  time.Duration
	Trouble string // why they wait, in words; empty when all is well

	KeptSegments int
	KeptBytes    int64
	KeptFor      time.Duration // age of the oldest kept segment
}

// spools shows the way from the disk into the engine.
func (d feedDesk) spools() Panel {
	const note = "what waits for the engine, and what a replay can use"
	return d.inside("feeds.spool", "On disk", note, func(p Panel, _ Moment) Answer {
		rows := []spoolRow{}
		view := views.Spools{Panel: still(p)}
		for _, s := range d.from.Spools() {
			rows = append(rows, spoolRow{
				s.Kind.String(), s.Events, s.Bytes, s.Oldest.Milliseconds(), s.Trouble, s.KeptSegments, s.KeptBytes,
				int64(s.KeptFor.Seconds()),
			})
			view.Rows = append(view.Rows, spoolView(s))
		}
		return Answer{Rows: rows, Fragment: views.SpoolsPanel(view)}
	})
}

// spoolRow is a spool as the API gives it.
type spoolRow struct {
	Kind           string `json:"kind"`
	Waiting        int    `json:"waiting"`
	Bytes          int64  `json:"bytes"`
	OldestMS       int64  `json:"oldest_ms"`
	Trouble        string `json:"trouble,omitempty"`
	KeptSegments   int    `json:"kept_segments"`
	KeptBytes      int64  `json:"kept_bytes"`
	KeptForSeconds int64  `json:"kept_for_seconds"`
}

func spoolView(s Spool) views.SpoolLine {
	line := views.SpoolLine{
		Kind: s.Kind.String(), Waiting: countText(uint64(s.Events)), Bytes: bytesText(s.Bytes), Oldest: "–",
		Kept: "none", Trouble: s.Trouble,
	}
	switch {
	case s.Events > 0 && s.Oldest < time.Second:
		line.Oldest = "< 1 s"
	case s.Events > 0:
		line.Oldest = ageText(s.Oldest)
	}
	if s.KeptSegments > 0 {
		line.Kept = counted(uint64(s.KeptSegments), "segment", "segments") + ", " + bytesText(s.KeptBytes) +
			", back " + ageText(s.KeptFor)
	}
	return line
}
