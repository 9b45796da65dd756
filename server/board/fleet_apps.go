package board

import (
	"cmp"
	"fmt"
	"slices"

	"warroom/views"
)

// fleetApps is the table of the apps: what hangs on each, and whether it fails more than usual.
func (d desk) fleetApps() Panel {
	p := d.ofFleet("fleet.apps", "Apps", "rate")
	p.Note = "last five minutes"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		now, err := d.readNow(rows, p.Topic, m)
		if err != nil {
			return Answer{}, err
		}
		list := d.fleetRows(now)
		return Answer{Rows: list, Fragment: views.FleetAppsPanel(d.fleetTable(p, m, list))}, nil
	}
	return p
}

// fleetRow is one row of the API's answer.
type fleetRow struct {
	App         string   `json:"app"`
	Tier        int      `json:"tier"` // 1 takes gifts, 2 matters tonight, 3 can wait
	TierGuessed bool     `json:"tier_guessed"`
	PerSecond   float64  `json:"per_second"`
	Failed      *float64 `json:"failed_share"`    // 5xx of the last five minutes, 0–1; null without requests
	FailedNow   *float64 `json:"failed_share_1m"` // of the last minute
	Usual       *float64 `json:"usual_share"`     // null where too little is known
	UsualOf     string   `json:"usual_of"`
	MeanMS      *float64 `json:"mean_ms"`
	Hosts       uint64   `json:"hosts"`      // with a request in the last five whole minutes
	HostsSeen   uint64   `json:"hosts_seen"` // in the last six hours
	Over        bool     `json:"over"`       // fails more than usual, by more than chance
}

// fleetRows are the apps of the last 24 hours, those first on which most hangs, then the busiest.
func (d desk) fleetRows(now *fleetNow) []fleetRow {
	list := []fleetRow{}
	for _, a := range now.named() {
		if a.all.requests > 0 || a.day.requests > 0 || a.hosts > 0 {
			list = append(list, d.fleetRow(a))
		}
	}
	slices.SortStableFunc(list, func(a, b fleetRow) int {
		return cmp.Or(cmp.Compare(a.Tier, b.Tier), cmp.Compare(b.PerSecond, a.PerSecond))
	})
	return list
}

func (d desk) fleetRow(a *fleetApp) fleetRow {
	row := fleetRow{App: a.name, PerSecond: a.all.requests / fiveMinutes, Hosts: a.answering, HostsSeen: a.hosts}
	row.Tier, row.TierGuessed = d.tier(a.name)
	row.Failed, row.FailedNow = shareOf(a.all.failed, a.all.requests), shareOf(a.now.failed, a.now.requests)
	usual, of, known := usualOf(a.weeks, a.day)
	if row.UsualOf = of; known {
		row.Usual = &usual
	}
	if a.all.requests > 0 {
		row.MeanMS = timed(a.ms / a.all.requests)
	}
	row.Over = a.now.excess(usual) > 0
	return row
}

func (d desk) fleetTable(p Panel, m Moment, list []fleetRow) views.FleetApps {
	empty := ""
	if len(list) == 0 {
		empty = "No app told of a request in the last 24 hours."
	}
	table := views.FleetApps{Panel: d.head(p, m, empty)}
	for _, row := range list {
		table.Rows = append(table.Rows, row.line())
		if row.TierGuessed {
			table.Foot = "How much hangs on an app is guessed by its name where WARROOM_TIERS doesn't say it."
		}
	}
	return table
}

func (r fleetRow) line() views.FleetApp {
	line := views.FleetApp{
		App: appName(r.App), Tier: fmt.Sprintf("%d · %s", r.Tier, tierText(r.Tier)), Rate: rateText(r.PerSecond),
		Failed: shareText(r.Failed), Usual: "usual unknown", Mean: timedText(r.MeanMS),
		Hosts: fmt.Sprintf("%d of %d", r.Hosts, r.HostsSeen), HostsMissing: r.Hosts < r.HostsSeen, Over: r.Over, Mark: "0",
	}
	if r.TierGuessed {
		line.Tier += "?"
	}
	if r.HostsSeen == 0 {
		line.Hosts = nothing
	}
	// The bar's scale goes up to 5 %, and to twice the usual where that is more; the mark is the usual.
	usual, failed := 0.0, 0.0
	if r.Usual != nil {
		usual, line.Usual = *r.Usual, "usually "+percentText(*r.Usual)
	}
	if r.Failed != nil {
		failed = *r.Failed
	}
	scale := max(0.05, 2*usual)
	line.Width, line.Mark = width(failed/scale), width(usual/scale)
	return line
}
