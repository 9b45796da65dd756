package board

import (
	"fmt"
	"strconv"
	"time"

	"warroom/views"
)

// risk draws what failing apps cost.
func (d desk) risk(p Panel, m Moment, v riskValue) views.FleetRisk {
	empty := ""
	switch {
	case v.apps == 0:
		empty = "No app told of a request in the last 24 hours."
	case v.answering == 0:
		empty = "No app told of a request in the last minute: nothing can be said of what fails."
	}
	r := views.FleetRisk{
		Panel: d.head(p, m, empty), Figure: views.Figure{Text: v.AtRisk.about(), Raw: strconv.FormatInt(v.AtRisk.Minor, 10), Unit: d.unit()}, Calm: len(v.Incidents) == 0,
		Sub:  "a minute, of about " + v.Expected.about() + " (" + v.Basis + ")",
		Foot: "Expected a minute × share of the gifts that pass the app × failures above its usual",
	}
	if r.Calm {
		r.Sub = fmt.Sprintf("%s within their usual failures, and about %s a minute pass them", d.answeringText(v), v.Expected.about())
	}
	most := int64(0)
	for _, i := range v.Incidents {
		most = max(most, i.AtRisk.Minor)
	}
	for _, i := range v.Incidents {
		length, _ := share(float64(i.AtRisk.Minor), float64(most))
		r.Rows = append(r.Rows, d.riskRow(i, m, length))
	}
	return r
}

func (d desk) answeringText(v riskValue) string {
	if v.answering == 1 {
		return "The one app that answers is"
	}
	return fmt.Sprintf("All %d apps are", v.answering)
}

func (d desk) riskRow(i incident, m Moment, length float64) views.FleetIncident {
	row := views.FleetIncident{
		App: appName(i.App), Tier: tierText(i.Tier), Value: i.AtRisk.about(), Width: width(length),
		What:  fmt.Sprintf("%s of its answers fail, usually %s", percentText(i.Share), percentText(i.Usual)),
		Since: d.sinceText(i, m.At), SinceISO: i.Since,
		Why: fmt.Sprintf("%s × %s of the gifts × %s above usual", i.Expected.about(), percentText(i.Passes), percentText(i.Share-i.Usual)),
		Say: appName(i.App) + " fails more than it usually does",
	}
	if i.TierGuessed {
		row.Tier += ", by its name"
	}
	if i.Silent {
		row.What, row.Say = "no requests, or its log doesn't get here", appName(i.App)+" gets no requests any more"
	}
	return row
}

// sinceText says since when, and how long that is.
func (d desk) sinceText(i incident, at time.Time) string {
	if i.Longer {
		return "for two hours or more"
	}
	minutes := max(1, int(at.Sub(i.since)/time.Minute))
	return fmt.Sprintf("since %s, %s", i.since.In(d.Zone).Format("3:04 PM MST"), counted(uint64(minutes), "minute", "minutes"))
}
