package main

import (
	"math"

	"github.com/a-h/templ"

	"warroom/views"
)

// sendsSamples are the board of all sends and that of one: busy, doubt, nothing yet, and what is on its way.
func sendsSamples() []sample {
	list := layout("Sends", "/sends")
	list.Live, list.Board = "/live?board=sends", "sends"
	one := layout("Send em0906a", "/sends")
	one.Live, one.Board = "/live?board=send:em0906a", "send"
	doubt := "donations that arrived in the last 14s are not counted yet"
	return []sample{
		{"sends", list, views.SendsBoard(sendsBusy(""))},
		{"sends-doubt", list, views.SendsBoard(sendsBusy(doubt))},
		{"sends-empty", list, views.SendsBoard(views.Drawn{"sends.list": views.SendsPanel(views.Sends{
			Panel: quietPanel("sends.list", "Sends", "No blast has left yet: the first one shows a minute after its first mail."),
		})})},
		{"send", one, views.SendBoard(sendBusy(""))},
		{"send-doubt", one, views.SendBoard(sendBusy(doubt))},
		{"send-empty", one, views.SendBoard(sendEmpty())},
		{"send-loading", one, views.SendBoard(sendLoading())},
	}
}

func quietPanel(topic, title, why string) views.Panel {
	p := panel(topic, title, "")
	p.Empty = why
	return p
}

func sendsBusy(doubt string) views.Drawn {
	s := views.Sends{
		Panel: panel("sends.list", "Sends", "the newest fifty"),
		Small: "A send's dollars are final after 72 hours. Until then: by how much the last 20 final sends grew from the same age on; four in five land in the band.",
	}
	s.Doubt = doubt
	const curve = "M0 24L5 20L20 9L45 4L100 1L100 24Z"
	counts := func(over string) []views.SendCount {
		return []views.SendCount{
			{Label: "Sent", Value: "4,104,220", Sub: "4,021,300 delivered"}, {Label: "Opens", Value: "804,260", Sub: "20.0 %"},
			{Label: "Clicks", Value: "68,360", Sub: "1.7 %"}, {Label: "Unsubscribed", Value: "4,825", Sub: "0.12 %"},
			{Label: "Hard bounces", Value: "24,625", Sub: "0.6 %", Over: over}, {Label: "Soft bounces", Value: "36,900", Sub: "0.9 %"},
			{Label: "Complaints", Value: "1,206", Sub: "0.03 %"},
		}
	}
	for _, row := range []views.SendRow{
		{ID: "em0906a", When: "Thu 6 Sep, 10:05 PM EDT", Age: "41 min", Final: "≈ $2,140,000", Band: "$1,760,000–$2,610,000", Each: "$202.01", Curve: curve, Counts: counts("")},
		{ID: "em0906", When: "Thu 6 Sep, 6:10 PM EDT", Age: "4 h 36 min", Final: "≈ $812,400", Band: "hardly more", Each: "$197.90", Curve: curve, Counts: counts("over 5 %")},
		{ID: "welcome", When: "Sat 1 Sep, 12:00 AM EDT", Age: "5 d", Final: "–", Band: "goes on", Each: "–", Counts: counts("")},
	} {
		row.Path, row.Raised, row.Gifts = "/sends/"+row.ID, views.Figure{Text: "$812,400", Raw: "81240000", Unit: "usd"}, "14,771 gifts"
		s.Rows = append(s.Rows, row)
	}
	return views.Drawn{"sends.list": views.SendsPanel(s)}
}

func sendBusy(doubt string) views.Drawn {
	summary := panel("send.summary", "em0906a", "")
	summary.Doubt = doubt
	cells := []views.Cell{}
	for _, label := range []string{
		"Gifts", "Per thousand delivered", "Sent", "Delivered", "Opens", "Clicks", "Unsubscribed", "Hard bounces", "Soft bounces", "Complaints",
	} {
		cells = append(cells, views.Cell{Label: label, Figure: views.Figure{Text: "14,771", Raw: "14771", Unit: "count"}, Sub: "0.6 % of sent"})
	}
	return views.Drawn{
		"send.summary": views.SendSummaryPanel(views.SendSummary{
			Panel: summary, When: "sent Thu 6 Sep, 10:05 PM EDT, 41 min ago", Raised: views.Figure{Text: "$812,400", Raw: "81240000", Unit: "usd"},
			Sub: "before refunds; $811,900 after 4 refunds", Cells: cells,
		}),
		"send.projection": views.ProjectionPanel(views.Projection{
			Panel: panel("send.projection", "Where it will end", "four in five land in the band"),
			Rows: []views.ProjectionRow{
				{Label: "+5 min", Sub: "$61,300 by then", Value: "$1,910,000", Band: "$1,120,000–$3,020,000", From: "37.0", Width: "60.0", Mark: "63.0", Raised: "2.0"},
				{Label: "Now", Sub: "after 41 min", Value: "$2,140,000", Band: "$1,760,000–$2,610,000", From: "58.0", Width: "28.0", Mark: "70.0", Raised: "27.0"},
				{Label: "+72 h", Sub: "final", Value: "$2,090,000", Mark: "69.0", Final: true},
			},
			Small: "Each of the last 20 sends that were final grew by some factor from the same age to 72 hours; the middle is the median of those factors.",
		}),
		"send.curve":    views.ChartPanel(views.Chart{Panel: panel("send.curve", "Dollars since the send", "against earlier sends at the same age"), Kind: "curve", Unit: "usd", Series: sendCurve()}),
		"send.gifts":    views.ChartPanel(views.Chart{Panel: panel("send.gifts", "Gifts since the send", "in each step"), Kind: "bars", Unit: "count", Series: sendGifts()}),
		"send.variants": views.VariantsPanel(variants()),
	}
}

func variants() views.Variants {
	return views.Variants{
		Panel: panel("send.variants", "Variants", "per delivered mail"), First: "a, 2,010,650 delivered", Others: []string{"b, 2,010,640 delivered"},
		Rows: []views.VariantRow{
			{Label: "Opens", First: "19.6 %", Other: "20.4 %", Difference: "+4.1 %", Band: "+3.2 % to +5.0 %", From: "52.3", Width: "1.2", Mark: "52.9", Sure: "sure: luck 1 in 1,000 or less", IsSure: true},
			{Label: "Clicks", First: "1.7 %", Other: "1.68 %", Difference: "−1.2 %", Band: "−9.4 % to +7.7 %", From: "42.9", Width: "12.5", Mark: "49.1", Sure: "not sure yet"},
			{Label: "Complaints", First: "0.03 %", Other: "0 %", Difference: "–", Sure: "not sure yet"},
		},
		Small: "Look as often as you like: a difference is called sure only when luck alone would ever show one like it in at most 5 tests of 100.",
	}
}

func sendCurve() points {
	p := points{Step: 60, Columns: []lane{
		{Name: "raised", Label: "This send", Unit: "usd"}, {Name: "middle", Label: "Earlier sends, the middle", Unit: "usd"},
		{Name: "low", Label: "One in ten less", Unit: "usd"}, {Name: "high", Label: "One in ten more", Unit: "usd"},
	}}
	for i := range 61 {
		grown := 1 - math.Exp(-float64(i)/40)
		p.Times = append(p.Times, dataTime-int64(60-i)*60)
		for k, size := range []float64{1_250_000, 900_000, 520_000, 1_480_000} {
			p.Columns[k].Values = append(p.Columns[k].Values, math.Round(size*grown))
		}
	}
	return p
}

func sendGifts() points {
	p := points{Step: 60, Columns: []lane{{Name: "gifts", Label: "Gifts", Unit: "count"}}}
	for i := range 60 {
		p.Times = append(p.Times, dataTime-int64(59-i)*60)
		p.Columns[0].Values = append(p.Columns[0].Values, math.Round(420*math.Exp(-float64(i)/40)+40*wobble(i)))
	}
	return p
}

func sendEmpty() views.Drawn {
	return views.Drawn{
		"send.summary":    views.SendSummaryPanel(views.SendSummary{Panel: quietPanel("send.summary", "em0907", "No mail of this blast has left by then, or the name is wrong: the list has all.")}),
		"send.projection": views.ProjectionPanel(views.Projection{Panel: quietPanel("send.projection", "Where it will end", "Nothing to project: no mail has left.")}),
		"send.curve":      views.ChartPanel(views.Chart{Panel: quietPanel("send.curve", "Dollars since the send", "no gift yet"), Kind: "curve", Unit: "usd"}),
		"send.gifts":      views.ChartPanel(views.Chart{Panel: quietPanel("send.gifts", "Gifts since the send", "no gift yet"), Kind: "bars", Unit: "count"}),
		"send.variants":   views.VariantsPanel(views.Variants{Panel: quietPanel("send.variants", "Variants", "No mail has left yet.")}),
	}
}

func sendLoading() views.Drawn {
	wait := func(topic, title string) templ.Component {
		return views.WaitingPanel(views.Panel{Topic: topic, Title: title})
	}
	return views.Drawn{
		"send.summary": wait("send.summary", "em0906a"), "send.projection": wait("send.projection", "Where it will end"),
		"send.curve":    views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "send.curve", Title: "Dollars since the send"}, Kind: "curve", Unit: "usd"}),
		"send.gifts":    views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "send.gifts", Title: "Gifts since the send"}, Kind: "bars", Unit: "count"}),
		"send.variants": wait("send.variants", "Variants"),
	}
}
