package board

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

const (
	mostHosts   = 16          // that are listed
	quietFor    = time.Minute // without a request, at least, to be called quiet
	quietTimes  = 10          // and so many times what usually lies between two of its requests
	hostMinutes = 60          // that this is made from
)

// fleetHosts is the table of the machines: those that have gone quiet first, then those that fail, then the busiest.
func (d desk) fleetHosts() Panel {
	p := d.panel("fleet.hosts", campaign.Traffic)
	p.Note = "last five whole minutes"
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readHosts(rows, m)
		if err != nil {
			return Answer{}, err
		}
		return Answer{Rows: list, Fragment: views.FleetHostsPanel(d.hostTable(p, m, list))}, nil
	}
	return p
}

// hostRow is one row of the API's answer.
type hostRow struct {
	App       string    `json:"app"`
	Host      string    `json:"host"`
	PerSecond float64   `json:"per_second"`
	Usual     float64   `json:"usual_per_second"` // of the hour before those five minutes
	Failed    *float64  `json:"failed_share"`     // 5xx, 0–1; null without requests
	MeanMS    *float64  `json:"mean_ms"`          // null when nothing was timed
	LastAt    time.Time `json:"last_at"`          // its last request
	Quiet     bool      `json:"quiet"`            // it gets no requests any more
}

func readHosts(rows Rows, m Moment) ([]hostRow, error) {
	list := []hostRow{}
	err := each(rows, "fleet.hosts", func() error {
		var row hostRow
		var now answers
		var ms, before float64
		var active uint64
		if err := rows.Scan(&row.App, &row.Host, &now.requests, &now.failed, &ms, &before, &active, &row.LastAt); err != nil {
			return err
		}
		row.LastAt = row.LastAt.UTC()
		row.PerSecond, row.Usual = now.requests/fiveMinutes, before/(60*hostMinutes)
		if row.Failed = shareOf(now.failed, now.requests); now.requests > 0 {
			row.MeanMS = timed(ms / now.requests)
		}
		row.Quiet = quiet(m.At.Sub(row.LastAt), before, active)
		list = append(list, row)
		return nil
	})
	slices.SortStableFunc(list, byTrouble)
	return list, err
}

// quiet says whether a host's silence is longer than chance: by its rate in those minutes of the hour before in which it
// was asked anything. One that was silent all that hour is quiet too: it was there within six hours.
func quiet(silence time.Duration, before float64, active uint64) bool {
	if silence < quietFor {
		return false
	}
	if before <= 0 || active == 0 {
		return true
	}
	gap := time.Duration(float64(active) * float64(time.Minute) / before)
	if active < hostMinutes/2 { // it comes and goes: its pauses belong to it
		gap = max(gap, time.Duration(float64(hostMinutes)/float64(active)*float64(time.Minute)))
	}
	return silence > quietTimes*gap
}

// byTrouble puts those first that somebody must look at.
func byTrouble(a, b hostRow) int {
	if a.Quiet != b.Quiet {
		if a.Quiet {
			return -1
		}
		return 1
	}
	if a.Quiet {
		return b.LastAt.Compare(a.LastAt)
	}
	return cmp.Or(cmp.Compare(b.failing(), a.failing()), cmp.Compare(b.PerSecond, a.PerSecond), cmp.Compare(a.Host, b.Host))
}

// failing is the share of a host's failures, where it is one that matters.
func (r hostRow) failing() float64 {
	if r.Failed == nil || *r.Failed < 0.01 {
		return 0
	}
	return *r.Failed
}

func (d desk) hostTable(p Panel, m Moment, list []hostRow) views.FleetHosts {
	empty := ""
	if len(list) == 0 {
		empty = "No host told of a request in the last six hours."
	}
	table := views.FleetHosts{Panel: d.head(p, m, empty)}
	most, silent := 0.0, 0
	for _, row := range list {
		most = max(most, row.PerSecond)
		if row.Quiet {
			silent++
		}
	}
	table.Sub = fmt.Sprintf("%s of six hours, %d quiet", counted(uint64(len(list)), "host", "hosts"), silent)
	for _, row := range list[:min(len(list), mostHosts)] {
		table.Rows = append(table.Rows, d.hostLine(row, most))
	}
	if more := len(list) - len(table.Rows); more > 0 {
		table.More = "and " + counted(uint64(more), "host", "hosts") + " more"
	}
	return table
}

func (d desk) hostLine(r hostRow, most float64) views.FleetHost {
	length, _ := share(r.PerSecond, most)
	line := views.FleetHost{
		Host: r.Host, App: appName(r.App), Rate: rateText(r.PerSecond), Width: width(length), Failed: shareText(r.Failed),
		Mean: timedText(r.MeanMS), Over: r.failing() > 0,
	}
	if r.Quiet {
		line.Quiet = "quiet since " + r.LastAt.In(d.Zone).Format("3:04 PM MST")
		line.QuietISO = r.LastAt.Format(time.RFC3339)
		line.Usual = "usually " + rateText(r.Usual) + " a second"
	}
	return line
}
