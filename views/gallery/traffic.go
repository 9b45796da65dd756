package main

import (
	"fmt"
	"math"

	"github.com/a-h/templ"

	"warroom/views"
)

// trafficSamples are the board of traffic: a busy night, doubt, nothing yet, and what is on its way.
func trafficSamples() []sample {
	page := layout("Traffic", "/boards/traffic")
	page.Live, page.Board = "/live?board=traffic", "traffic"
	return []sample{
		{"traffic", page, views.TrafficBoard(trafficBusy(""))},
		{"traffic-doubt", page, views.TrafficBoard(trafficBusy("traffic that arrived in the last 14s is not counted yet"))},
		{"traffic-empty", page, views.TrafficBoard(trafficEmpty())},
		{"traffic-loading", page, views.TrafficBoard(trafficLoading())},
	}
}

// doubtful is a panel that may be in doubt.
func doubtful(topic, title, note, doubt string) views.Panel {
	p := panel(topic, title, note)
	p.Doubt = doubt
	return p
}

func trafficChart(topic, title, note, kind, unit string, series any) templ.Component {
	return views.ChartPanel(views.Chart{Panel: panel(topic, title, note), Kind: kind, Unit: unit, Series: series})
}

func trafficBusy(doubt string) views.Drawn {
	return views.Drawn{
		"traffic.now": views.CountPanel(views.Count{
			Panel: doubtful("traffic.now", "Requests a second", "", doubt), Figure: views.Figure{Text: "9,412", Raw: "9412.0", Unit: "rate"}, Sub: "p95 212 ms · 0.08 % errors",
		}),
		"traffic.visitors": views.CountPanel(views.Count{
			Panel: doubtful("traffic.visitors", "People on the sites", "", doubt), Figure: views.Figure{Text: "214,870", Raw: "214870", Unit: "count"}, Sub: "in the last 5 minutes",
		}),
		"traffic.rates":     trafficChart("traffic.rates", "Requests a second, by app", "the busiest apps", "apps", "rate", appLanes()),
		"traffic.classes":   trafficChart("traffic.classes", "What became of them", "requests a second by status", "lines", "rate", hour()),
		"traffic.latency":   trafficChart("traffic.latency", "Time to answer", "by the minute", "lines", "ms", latency()),
		"traffic.load":      views.TrafficLoadPanel(load(doubt)),
		"traffic.apps":      views.TrafficAppsPanel(trafficApps(doubt)),
		"traffic.way":       views.TrafficWayPanel(way(doubt)),
		"traffic.pages":     views.TrafficBarsPanel(pages(doubt)),
		"traffic.referrers": views.TrafficBarsPanel(referrers(doubt)),
		"traffic.errors":    views.TrafficErrorsPanel(pageErrors(doubt)),
	}
}

func appLanes() points {
	p := points{Step: 10}
	for _, name := range []string{"site", "donate", "api", "others"} {
		p.Columns = append(p.Columns, lane{Name: name, Label: name, Unit: "rate"})
	}
	for i := range 360 {
		all := 900 + math.Min(math.Max(float64(i-210), 0)*90, 7900) + 350*wobble(i)
		p.Times = append(p.Times, dataTime-int64(359-i)*10)
		for k, share := range []float64{.44, .34, .15, .07} {
			p.Columns[k].Values = append(p.Columns[k].Values, math.Round(all*share*10)/10)
		}
	}
	return p
}

func latency() points {
	p := points{Step: 60, Columns: []lane{{Name: "p50", Label: "Half (p50)", Unit: "ms"}, {Name: "p95", Label: "95 % (p95)", Unit: "ms"}, {Name: "p99", Label: "99 % (p99)", Unit: "ms"}}}
	for i := range 60 {
		p.Times = append(p.Times, dataTime-int64(59-i)*60)
		for k, ms := range []float64{24, 180, 640} {
			p.Columns[k].Values = append(p.Columns[k].Values, math.Round(ms*(1+wobble(i+k)/5)))
		}
	}
	return p
}

func load(doubt string) views.TrafficLoad {
	return views.TrafficLoad{Panel: doubtful("traffic.load", "How it answers", "last 5 minutes", doubt), Cells: []views.Cell{
		{Label: "Half within", Figure: views.Figure{Text: "24 ms", Raw: "24.1", Unit: "ms"}, Sub: "p50"},
		{Label: "95 % within", Figure: views.Figure{Text: "212 ms", Raw: "212.0", Unit: "ms"}, Sub: "p95"},
		{Label: "99 % within", Figure: views.Figure{Text: "1.3 s", Raw: "1291.0", Unit: "ms"}, Sub: "p99"},
		{Label: "Failed", Figure: views.Figure{Text: "0.08 %", Raw: "0.080", Unit: "percent"}, Sub: "5xx"},
		{Label: "Refused", Figure: views.Figure{Text: "1.6 %", Raw: "1.600", Unit: "percent"}, Sub: "4xx"},
		{Label: "Sent out", Figure: views.Figure{Text: "166.2 MiB", Raw: "174273331", Unit: "bytes"}, Sub: "a second"},
	}}
}

func trafficApps(doubt string) views.TrafficApps {
	return views.TrafficApps{Panel: doubtful("traffic.apps", "The apps", "last five whole minutes", doubt), Rows: []views.TrafficApp{
		{App: "site", Rate: "4,140", Width: "100.0", People: "121,204", P50: "22 ms", P95: "140 ms", P99: "410 ms", Out: "96.4 MiB", Refused: "1.5 %", Failed: "0.06 %"},
		{App: "donate", Rate: "3,200", Width: "77.3", People: "88,310", P50: "41 ms", P95: "390 ms", P99: "2.1 s", Out: "57.8 MiB", Refused: "1.8 %", Failed: "0.12 %"},
		{App: "api", Rate: "1,412", Width: "34.1", People: "61,002", P50: "16 ms", P95: "150 ms", P99: "575 ms", Out: "3.5 MiB", Refused: "1.7 %", Failed: "0.05 %"},
		{App: "events", Rate: "655", Width: "15.8", People: "12,481", P50: "74 ms", P95: "430 ms", P99: "1.0 s", Out: "5.9 MiB", Refused: "1.5 %", Failed: "0.2 %"},
		{App: "(no name)", Rate: "4.8", Width: "0.1", People: "12", P50: "–", P95: "–", P99: "–", Out: "10.2 KiB", Refused: "0 %", Failed: "0 %"},
	}}
}

func way(doubt string) views.TrafficWay {
	return views.TrafficWay{
		Panel: doubtful("traffic.way", "From a page to a gift", "last hour", doubt), Figure: views.Figure{Text: "11.2 %", Raw: "11.200", Unit: "percent"}, Sub: "gifts for people who came to give",
		Steps: []views.Bar{
			{Label: "Saw a page", Kind: "people", Value: "812,400", Width: "100.0"}, {Label: "Came to give", Kind: "people", Value: "331,370", Share: "40.8 % of those", Width: "40.8"},
			{Label: "Sent the form", Kind: "people", Value: "39,104", Share: "11.8 % of those", Width: "4.8"}, {Label: "Gave", Kind: "gifts through a form", Value: "37,114", Share: "11.2 % of those who came", Width: "4.6"},
		},
		Foot: "Whole steps of five minutes, to 10:45 PM EDT",
	}
}

func pages(doubt string) views.Bars {
	b := views.Bars{Panel: doubtful("traffic.pages", "Top pages", "last hour", doubt)}
	for i, page := range []string{"/now donate", "/ site", "/v2/feed api", "/issues site", "/near-me events", "/watch site", "/news site", "/event/:id events", "/a-page-with-a-rather-long-name-that-does-not-fit site"} {
		var path, app string
		_, _ = fmt.Sscanf(page, "%s %s", &path, &app)
		b.Rows = append(b.Rows, views.Bar{Label: path, Kind: app, Value: fmt.Sprintf("%d,104", 212-i*23), Share: fmt.Sprintf("%.1f %%", 24-float64(i)*2.4), Width: fmt.Sprintf("%.1f", 100-float64(i)*10.4)})
	}
	return b
}

func referrers(doubt string) views.Bars {
	return views.Bars{Panel: doubtful("traffic.referrers", "Where people come from", "last hour", doubt), Rows: []views.Bar{
		{Label: "search.example", Value: "87,101", Share: "30.3 %", Width: "89.8"}, {Label: "social.example", Value: "62,476", Share: "21.7 %", Width: "64.4"},
		{Label: "news.example", Value: "41,337", Share: "14.4 %", Width: "42.6"}, {Label: "our own sites", Value: "96,989", Share: "33.7 %", Width: "100.0"},
	}}
}

func pageErrors(doubt string) views.TrafficErrors {
	return views.TrafficErrors{Panel: doubtful("traffic.errors", "Errors by page", "last 15 minutes", doubt), More: "and 13 pages more", Rows: []views.TrafficError{
		{Page: "/now", App: "donate", Requests: "179,089", Failed: "8,300", FailedShare: "4.6 %", Refused: "924", RefusedShare: "0.52 %", Some: true}, {Page: "(assets)", App: "site", Requests: "95,683", Failed: "2,163", FailedShare: "2.3 %", Refused: "397", RefusedShare: "0.41 %", Some: true},
		{Page: "(not found)", App: "site", Requests: "3,104", Failed: "–", Refused: "3,104", RefusedShare: "100.0 %"},
	}}
}

func trafficEmpty() views.Drawn {
	quiet := func(topic, title, note, why string) views.Panel {
		p := panel(topic, title, note)
		p.Empty = why
		return p
	}
	five := "No requests in the last five minutes."
	return views.Drawn{
		"traffic.now":      views.CountPanel(views.Count{Panel: quiet("traffic.now", "Requests a second", "", five)}),
		"traffic.visitors": views.CountPanel(views.Count{Panel: quiet("traffic.visitors", "People on the sites", "", "Nobody in the last five minutes, or no site says who.")}),
		"traffic.rates":    trafficChart("traffic.rates", "Requests a second, by app", "the busiest apps", "apps", "rate", nil),
		"traffic.classes":  trafficChart("traffic.classes", "What became of them", "requests a second by status", "lines", "rate", nil),
		"traffic.latency":  trafficChart("traffic.latency", "Time to answer", "by the minute", "lines", "ms", nil),
		"traffic.load":     views.TrafficLoadPanel(views.TrafficLoad{Panel: quiet("traffic.load", "How it answers", "last 5 minutes", five)}),
		"traffic.apps":     views.TrafficAppsPanel(views.TrafficApps{Panel: quiet("traffic.apps", "The apps", "last five whole minutes", five)}),
		"traffic.way":      views.TrafficWayPanel(views.TrafficWay{Panel: quiet("traffic.way", "From a page to a gift", "last hour", "Nobody saw a page in the last hour, or no site says who.")}),
		"traffic.pages":    views.TrafficBarsPanel(views.Bars{Panel: quiet("traffic.pages", "Top pages", "last hour", "No page was answered in the last hour.")}),
		"traffic.referrers": views.TrafficBarsPanel(views.Bars{
			Panel: quiet("traffic.referrers", "Where people come from", "last hour", "No request of the last hour says where it comes from."),
		}),
		"traffic.errors": views.TrafficErrorsPanel(views.TrafficErrors{Panel: quiet("traffic.errors", "Errors by page", "last 15 minutes", "No page failed or refused anything in the last 15 minutes.")}),
	}
}

func trafficLoading() views.Drawn {
	drawn := views.Drawn{
		"traffic.rates":   trafficChart("traffic.rates", "Requests a second, by app", "the busiest apps", "apps", "rate", nil),
		"traffic.classes": trafficChart("traffic.classes", "What became of them", "requests a second by status", "lines", "rate", nil),
		"traffic.latency": trafficChart("traffic.latency", "Time to answer", "by the minute", "lines", "ms", nil),
	}
	for topic, title := range map[string]string{
		"traffic.now": "Requests a second", "traffic.visitors": "People on the sites", "traffic.load": "How it answers", "traffic.apps": "The apps",
		"traffic.way": "From a page to a gift", "traffic.pages": "Top pages", "traffic.referrers": "Where people come from", "traffic.errors": "Errors by page",
	} {
		drawn[topic] = views.WaitingPanel(views.Panel{Topic: topic, Title: title})
	}
	return drawn
}
