package board

import (
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// traffic is the board of the sites: how much is asked of them, how they answer, and what comes of it.
func (d desk) traffic() Board {
	return Board{
		Name: "traffic", Title: "Traffic", Path: "/boards/traffic", Page: views.TrafficBoard,
		Panels: []Panel{
			d.trafficNow(), d.trafficRates(), d.trafficVisitors(), d.trafficLoad(), d.trafficClasses(), d.trafficLatency(),
			d.trafficApps(), d.trafficWay(), d.trafficPages(), d.trafficReferrers(), d.trafficErrors(),
		},
	}
}

// spanPanel is a panel of traffic over a window; a page may choose another one of windows.
func (d desk) spanPanel(topic string, window time.Duration, windows []time.Duration) Panel {
	p := d.panel(topic, campaign.Traffic)
	p.Window, p.Windows = window, windows
	return p
}

// chartSpans are the spans of charts: the longer ones are drawn from the sums of minutes.
func chartSpans() []time.Duration {
	return []time.Duration{15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
}

// listSpans are the spans of lists of pages and sites, which are kept by the minute only: longer ones read too much.
func listSpans() []time.Duration { return []time.Duration{15 * time.Minute, time.Hour} }

// wholeMinutes are the parameters of a query over the whole minutes of a window.
func wholeMinutes(m Moment) map[string]string {
	since := m.At.Truncate(time.Minute).Add(-m.Window.Truncate(time.Minute))
	return map[string]string{"at": engineTime(m.At), "since": engineTime(since)}
}

// spanHead is the head of a panel over a span that a page may choose. Without rows it says what is missing.
func (d desk) spanHead(p Panel, m Moment, rows int, empty string) views.Panel {
	if rows > 0 {
		empty = ""
	}
	p = p.Over(m.Window)
	p.Note = lastSpan(m)
	return d.head(p, m, empty)
}
