package main

import (
	"fmt"
	"math"

	"github.com/a-h/templ"

	"warroom/views"
)

// moneySamples are the board of money: a busy night, doubt, nothing yet, and what is on its way.
func moneySamples() []sample {
	page := layout("Money", "/boards/money")
	page.Live, page.Board = "/live?board=money", "money"
	page.Windows = []views.Link{
		{Path: "/boards/money?window=1h", Text: "1 hour"}, {Path: "/boards/money", Text: "24 hours", Current: true},
		{Path: "/boards/money?window=168h", Text: "7 days"}, {Path: "/boards/money?window=720h", Text: "30 days"},
	}
	return []sample{
		{"money", page, views.MoneyBoard(moneyBusy(""))},
		{"money-doubt", page, views.MoneyBoard(moneyBusy("donations that arrived in the last 14s are not counted yet"))},
		{"money-empty", page, views.MoneyBoard(moneyEmpty())},
		{"money-loading", page, views.MoneyBoard(moneyLoading())},
	}
}

func span(topic, title, note, doubt string) views.Panel {
	p := panel(topic, title, note)
	p.Doubt = doubt
	return p
}

func moneyBusy(doubt string) views.Drawn {
	const note = "last 24 hours, before refunds"
	table := func(topic, title, what string, rows ...views.CutRow) templ.Component {
		return views.CutsPanel(views.Cuts{Panel: span(topic, title, note, doubt), What: what, Rows: rows})
	}
	tiles := states()
	tiles.Panel = span("money.map", "Where they live", "last 24 hours, lightness is dollars per head", doubt)
	tiles.Table = [][]string{{"State", "Given"}, {"Ohio", "$31,000.00"}}
	for i := range tiles.Tiles {
		tiles.Tiles[i].Short = fmt.Sprintf("$%dk", 1+i*7%90)
	}
	return views.Drawn{
		"money.total": views.TotalPanel(views.Total{
			Panel: span("money.total", "Raised", "last 24 hours", doubt), Raised: views.Figure{Text: "$6,118,402", Raw: "611840200", Unit: "usd"},
			Change: views.Change{Sign: 1, Text: "12×", Against: "the 24 hours before ($509,867)"},
			Sub:    "$6,120,072 given, $1,670 refunded", Others: []string{"€1,200"}, Cells: today("").Cells,
		}),
		"money.steps": views.ChartPanel(views.Chart{
			Panel: panel("money.steps", "Dollars over the span", "gifts, before refunds"), Kind: "bars", Unit: "usd",
			Series: minutes(), Table: [][]string{{"From", "One-time", "Recurring"}, {"Thu 6 Sep, 10:45 PM EDT", "$31,200.00", "$4,100.00"}},
		}),
		"money.codes": table("money.codes", "By refcode", "Refcode", cut("em0906a", "$2,436,400", "44,320", 39.8, "new", "new"),
			cut("homepage", "$1,205,110", "21,902", 19.7, "up", "14×"), cut("sms-speech", "$902,204", "16,411", 14.8, "up", "38 %"),
			cut("yt-homepage-takeover-2012", "$188,230", "3,401", 9.2, "down", "12 %"), quiet(cut("28 others", "$104,800", "1,911", 5.1, "level", "0 %"))),
		"money.map":      views.TilesPanel(tiles),
		"money.sizes":    table("money.sizes", "Sizes of gifts", "Size", cut("under $10", "$120,400", "22,100", 2.0, "up", "12×"), cut("from $10", "$812,000", "51,200", 13.3, "up", "11×")),
		"money.channels": table("money.channels", "By channel", "Channel", cut("email", "$4,010,000", "71,000", 66.0, "up", "16×"), cut("web", "$990,000", "18,000", 16.2, "up", "9.8×")),
		"money.forms":    table("money.forms", "By form", "Form", cut("express", "$4,200,000", "76,000", 70.1, "up", "12×"), quiet(cut("(none)", "$5,235", "96", 0.3, "up", "81 %"))),
		"money.rhythms":  table("money.rhythms", "One-time and recurring", "Rhythm", cut("one-time", "$5,711,000", "92,000", 93.1, "up", "12×"), cut("monthly", "$380,000", "16,200", 6.0, "up", "10×")),
		"money.sources":  table("money.sources", "By source", "Source", cut("actblue", "$6,112,000", "109,000", 99.7, "up", "12×"), cut("check-desk", "$5,235", "96", 0.3, "up", "81 %")),
		"money.paths":    table("money.paths", "By path", "Path", cut("vendor", "$6,000,000", "107,000", 98.0, "up", "12×"), cut("mirror", "$118,000", "2,100", 2.0, "up", "12×")),
		"money.week":     views.WeekPanel(hoursOfWeek(doubt)),
	}
}

// cut is a row whose share is percent, and whose bar is as long as that against the longest in these samples.
func cut(label, amount, gifts string, percent float64, kind, change string) views.CutRow {
	said := map[string]string{"up": "up", "down": "down", "level": "level"}[kind]
	return views.CutRow{
		Label: label, Amount: amount, Gifts: gifts, Average: "$54.98", Share: fmt.Sprintf("%.1f %%", percent),
		Width: fmt.Sprintf("%.1f", percent), Pieces: gifts + " gifts, $54.98 on average",
		Change: views.Shift{Kind: kind, Text: change, Said: said, Hint: "before: $1,000.00"},
	}
}

func quiet(row views.CutRow) views.CutRow {
	row.Quiet = true
	return row
}

func hoursOfWeek(doubt string) views.Week {
	w := views.Week{
		Panel: span("money.week", "The hours of the week", "mean of the last 8 weeks, before refunds", doubt),
		Sub:   "Most: Thursday, 10 PM, $41,200 an hour", Table: [][]string{{"Hour", "Mean"}, {"Thursday, 10 PM", "$41,200.00"}},
	}
	for hour := range 24 {
		half := "AM"
		if hour >= 12 {
			half = "PM"
		}
		w.Hours = append(w.Hours, fmt.Sprintf("%d %s", (hour+11)%12+1, half))
	}
	for i, name := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"} {
		day := views.WeekDay{Name: name[:3]}
		for hour := range 24 {
			light := max(0, min(9, int(4.5+4.5*math.Sin(float64(hour-9)/24*2*math.Pi)*math.Cos(float64(i-3)/5))))
			day.Cells = append(day.Cells, views.WeekCell{
				Name: name + ", " + w.Hours[hour], Value: fmt.Sprintf("$%d,200 an hour, mean of 8 hours", 1+4*light), Short: fmt.Sprintf("$%dk", 1+4*light),
				Level: light, Now: i == 3 && hour == 22, First: i == 0 && hour == 0,
			})
		}
		w.Days = append(w.Days, day)
	}
	return w
}

// moneyTopics are the panels of the board with their titles.
func moneyTopics() [][2]string {
	return [][2]string{
		{"money.total", "Raised"}, {"money.codes", "By refcode"}, {"money.map", "Where they live"}, {"money.sizes", "Sizes of gifts"},
		{"money.channels", "By channel"}, {"money.forms", "By form"}, {"money.rhythms", "One-time and recurring"},
		{"money.sources", "By source"}, {"money.paths", "By path"}, {"money.week", "The hours of the week"},
	}
}

func moneyEmpty() views.Drawn {
	d := views.Drawn{"money.steps": views.ChartPanel(views.Chart{Panel: panel("money.steps", "Dollars over the span", "gifts, before refunds"), Kind: "bars", Unit: "usd"})}
	for _, t := range moneyTopics() {
		p := panel(t[0], t[1], "last 24 hours")
		p.Empty = "No gifts in the last 24 hours."
		d[t[0]] = views.CutsPanel(views.Cuts{Panel: p})
	}
	return d
}

func moneyLoading() views.Drawn {
	d := views.Drawn{"money.steps": views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "money.steps", Title: "Dollars over the span"}, Kind: "bars", Unit: "usd"})}
	for _, t := range moneyTopics() {
		d[t[0]] = views.WaitingPanel(views.Panel{Topic: t[0], Title: t[1]})
	}
	return d
}
