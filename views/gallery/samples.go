package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/a-h/templ"

	"warroom/views"
)

// sample is one page of the gallery.
type sample struct {
	Name    string
	Layout  views.Layout
	Content templ.Component
}

func layout(title, path string) views.Layout {
	return views.Layout{
		Title: title, Path: path, Theme: "auto", Zone: "America/New_York", Date: "Thu 6 Sep", Clock: "10:46:12 PM EDT",
		SignedIn: true, Version: "v0.0-gallery",
	}
}

// samples are all pages and states that people can meet, with invented figures.
func samples() []sample {
	live := layout("Leadership", "/")
	live.Live = "/live?board=leadership"
	past := layout("Leadership", "/")
	past.AsOf, past.Now = "10:46:12 PM EDT, Thu 6 Sep 2012", "/"
	feedsPast := layout("Feeds", "/feeds")
	feedsPast.AsOf, feedsPast.Now = "10:46:12 PM EDT, Thu 6 Sep 2012", "/feeds"
	feeds := layout("Feeds", "/feeds")
	feeds.Live = "/live?board=feeds"
	out := layout("Sign in", "/sign-in")
	out.SignedIn = false
	return append(slices.Concat(moneySamples(), sendsSamples(), mailSamples(), trafficSamples(), fleetSamples()), []sample{
		{"busy", live, views.Leadership(busy(""))},
		{"doubt", live, views.Leadership(busy("donations that arrived in the last 14s are not counted yet"))},
		{"empty", live, views.Leadership(empty())},
		{"waiting", live, views.Leadership(waiting("the engine is starting: what arrives is kept and counted when it is up"))},
		{"loading", live, views.Leadership(waiting(""))},
		{"past", past, views.Leadership(busy(""))},
		{"feeds", feeds, views.Feeds(feedsBusy())},
		{"feeds-doubt", feeds, views.Feeds(feedsDoubt())},
		{"feeds-empty", feeds, views.Feeds(feedsEmpty())},
		{"feeds-loading", feeds, views.Feeds(feedsLoading())},
		{"feeds-past", feedsPast, views.Feeds(feedsOfThePast())},
		{"sign-in", out, views.SignIn(false)},
		{"sign-in-used", out, views.SignIn(true)},
		{"forbidden", layout("Not allowed", ""), views.RefusalPage(views.Refusal{
			Heading: "Not yours to see", Text: "Your access doesn't cover this page.", Link: views.Link{Path: "/", Text: "To the leadership board"},
		})},
		{"not-found", layout("Not found", ""), views.RefusalPage(views.Refusal{
			Heading: "No such page", Text: "There is nothing at /boards/money.", Link: views.Link{Path: "/", Text: "To the leadership board"},
		})},
		{"docs", layout("Docs", "/docs"), views.DocsPage(docs())},
	}...)
}

func panel(topic, title, note string) views.Panel {
	return views.Panel{Topic: topic, Title: title, Note: note, At: "10:46:12 PM EDT", AtISO: "2012-09-07T02:46:12.000Z"}
}

func busy(doubt string) views.Drawn {
	headline := panel("money.hour", "Dollars in the last hour", "")
	headline.Doubt = doubt
	return views.Drawn{
		"money.hour": views.HeadlinePanel(views.Headline{
			Panel: headline, Dollars: views.Figure{Text: "$2,041,330", Raw: "204133000", Unit: "usd"},
			Change: views.Change{Sign: 1, Text: "33×", Against: "the same hour last week ($61,000)"},
			Before: views.Change{Sign: 1, Text: "38×", Against: "the hour before ($53,120)"},
			Sub:    "$2,043,000 given, $1,670 refunded", Others: []string{"€1,200"},
		}),
		"money.record": views.RecordPanel(views.Record{
			Panel: panel("money.record", "The record hour", ""), Figure: views.Figure{Text: "$2,041,330", Raw: "204133000", Unit: "usd"},
			When: "today, 10–11 PM EDT", Falling: "highest hour ever, since 10:31 PM EDT",
			Announce: "Record hour: 10 PM has passed $1,204,330, the highest before it (Thu 30 Aug, 9–10 PM EDT)",
			Before:   "before: $1,204,330, Thu 30 Aug, 9–10 PM EDT",
		}),
		"money.minutes": views.ChartPanel(views.Chart{
			Panel: panel("money.minutes", "Dollars per minute", "gifts, before refunds"), Kind: "bars", Unit: "usd",
			Series: minutes(), Table: [][]string{{"Time", "One-time", "Recurring"}, {"10:45 PM", "$31,200", "$4,100"}},
		}),
		"money.today":      views.TodayPanel(today(doubt)),
		"money.refcodes":   views.BarsPanel(refcodes()),
		"money.states":     views.TilesPanel(states()),
		"money.latest":     views.TickerPanel(latest()),
		"traffic.now":      views.CountPanel(views.Count{Panel: panel("traffic.now", "Requests a second", ""), Figure: views.Figure{Text: "9,412", Raw: "9412", Unit: "rate"}, Sub: "p95 212 ms · 0.08 % errors"}),
		"traffic.hour":     views.ChartPanel(views.Chart{Panel: panel("traffic.hour", "Requests a second, by outcome", "one hour, means of ten seconds"), Kind: "lines", Unit: "rate", Series: hour()}),
		"traffic.visitors": views.CountPanel(views.Count{Panel: panel("traffic.visitors", "People on the sites", "last 5 minutes"), Figure: views.Figure{Text: "214,870", Raw: "214870", Unit: "count"}, Sub: "31× the same five minutes an hour ago"}),
		"mail.hour":        views.MailPanel(mail()),
	}
}

func today(doubt string) views.Today {
	cells := []views.Cell{
		{Label: "Gifts", Figure: views.Figure{Text: "37,114", Raw: "37114", Unit: "count"}, Sub: "10.3 a second now"},
		{Label: "Average", Figure: views.Figure{Text: "$54.98", Raw: "5498", Unit: "usd"}, Sub: "median $25.00"},
		{Label: "Donors", Figure: views.Figure{Text: "35,204", Raw: "35204", Unit: "count"}, Sub: "16,367 new"},
		{Label: "Recurring", Figure: views.Figure{Text: "17.3 %", Raw: "17.3", Unit: "percent"}, Sub: "of gifts"},
		{Label: "Refunds", Figure: views.Figure{Text: "$1,205", Raw: "120500", Unit: "usd"}, Sub: "19 today"},
		{Label: "Largest", Figure: views.Figure{Text: "$3,500", Raw: "350000", Unit: "usd"}, Sub: "the legal maximum"},
	}
	if doubt != "" {
		cells[4].Doubt = "vendor feed silent 3 min"
	}
	return views.Today{
		Panel: panel("money.today", "Raised today", "since midnight EDT"), Raised: views.Figure{Text: "$6,118,402", Raw: "611840200", Unit: "usd"},
		Sub: "$6,120,072 given, $1,670 refunded", Cells: cells,
		Near: []views.Neighbour{
			{Label: "Yesterday by this time", Figure: views.Figure{Text: "$412,300", Raw: "41230000", Unit: "usd"}, Change: views.Shift{Kind: "up", Text: "15×", Said: "times the span before"}},
			{Label: "Yesterday in all", Figure: views.Figure{Text: "$460,120", Raw: "46012000", Unit: "usd"}, Sub: "passed"},
		},
	}
}

func refcodes() views.Bars {
	b := views.Bars{Panel: panel("money.refcodes", "Where it comes from", "last hour")}
	for _, r := range []struct {
		label, kind, value string
		share              float64
	}{
		{"em0906a", "email", "$812,400", 39.8}, {"homepage", "web", "$402,110", 19.7}, {"sms-speech", "sms", "$301,204", 14.8},
		{"fb-live", "social", "$188,230", 9.2}, {"tw-promoted", "social", "$104,800", 5.1}, {"rec-monthly", "recurring", "$76,010", 3.7},
		{"yt-homepage-takeover-2012", "social", "$61,240", 3.0}, {"radio-oh", "offline", "$31,900", 1.6}, {"event-clt", "event", "$22,410", 1.1}, {"none", "", "$42,666", 2.0},
	} {
		b.Rows = append(b.Rows, views.Bar{Label: r.label, Kind: r.kind, Value: r.value, Share: fmt.Sprintf("%.1f %%", r.share), Width: fmt.Sprintf("%.1f", r.share/39.8*100)})
	}
	return b
}

func states() views.Tiles {
	t := views.Tiles{Panel: panel("money.states", "States", "last hour"), Other: "$12,300 from elsewhere"}
	for row, line := range []string{
		"AK .. .. .. .. .. .. .. .. .. ME", ".. .. .. .. .. .. .. .. .. VT NH", "WA ID MT ND MN IL WI MI NY RI MA", "OR NV WY SD IA IN OH PA NJ CT ..",
		"CA UT CO NE MO KY WV VA MD DE ..", ".. AZ NM KS AR TN NC SC DC .. ..", ".. .. .. OK LA MS AL GA .. .. ..", "HI .. .. TX .. .. .. .. FL .. ..",
	} {
		for col := range 11 {
			code := line[col*3 : col*3+2]
			if code == ".." {
				continue
			}
			t.Tiles = append(t.Tiles, views.Tile{
				State: code, Name: "State of " + code, Value: "$" + strconv.Itoa(1+(row*7+col*13)%90) + ",000",
				Col: col + 1, Row: row + 1, Level: (row*7 + col*3) % 10,
			})
		}
	}
	return t
}

func latest() views.Ticker {
	t := views.Ticker{Panel: panel("money.latest", "Latest gifts", "")}
	for i, g := range [][3]string{
		{"$25.00", "OH", "em0906a"}, {"$100.00", "CA", "homepage"}, {"$5.00", "IA", "sms-speech"}, {"$50.00", "VA", "em0906a"},
		{"$250.00", "NY", "fb-live"}, {"$10.00", "FL", "em0906a"}, {"$3,500.00", "CO", "em0906a"}, {"$25.00", "WA", "em0906a"},
		{"$15.00", "TX", "yt-homepage-takeover"}, {"$500.00", "MA", "homepage"}, {"$25.00", "", "sms-speech"}, {"$25.00", "NC", "none"},
	} {
		t.Gifts = append(t.Gifts, views.Gift{Key: "g" + strconv.Itoa(i), Time: fmt.Sprintf("10:46:%02d", 12-i/3), Amount: g[0], State: g[1], Refcode: g[2], Kind: []string{"", "", "monthly"}[i%3]})
	}
	return t
}

func mail() views.Mail {
	return views.Mail{
		Panel: panel("mail.hour", "Mail in the last hour", "rates are estimates"),
		Cells: []views.Cell{
			{Label: "Sent", Figure: views.Figure{Text: "4,104,220", Raw: "4104220", Unit: "count"}, Sub: "1,140 a second"},
			{Label: "Hard bounces", Figure: views.Figure{Text: "106,709", Raw: "106709", Unit: "count"}},
			{Label: "Complaints", Figure: views.Figure{Text: "2,257", Raw: "2257", Unit: "count"}},
		},
		Meters: []views.Meter{
			{Label: "Hard bounces", Value: "2.6 %", Width: "26", Mark: "50", MarkText: "review at 5 %"},
			{Label: "Complaints", Value: "0.155 %", Width: "77", Mark: "50", MarkText: "over 0.1 %: review due", Over: true},
		},
	}
}

// points is a chart's data as a frame carries it.
type points struct {
	Times   []int64 `json:"times"`
	Step    int     `json:"step"`
	Columns []lane  `json:"columns"`
}

type lane struct {
	Name   string    `json:"name"`
	Label  string    `json:"label"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
}

const dataTime = 1346985960 // 10:46 PM EDT on 6 September 2012

func minutes() points {
	p := points{Step: 60, Columns: []lane{{Name: "once", Label: "One-time", Unit: "usd"}, {Name: "recurring", Label: "Recurring", Unit: "usd"}}}
	for i := range 180 {
		sum := 420 + 160*wobble(i)
		if i > 128 {
			sum = math.Min(float64(i-128)*2900, 36500) + 3200*wobble(i)
		}
		p.Times = append(p.Times, dataTime-int64(179-i)*60)
		p.Columns[0].Values = append(p.Columns[0].Values, math.Round(sum*86)/100)
		p.Columns[1].Values = append(p.Columns[1].Values, math.Round(sum*14)/100)
	}
	return p
}

func hour() points {
	p := points{Step: 10, Columns: []lane{
		{Name: "2xx", Label: "Answered", Unit: "rate"}, {Name: "3xx", Label: "Redirected", Unit: "rate"}, {Name: "4xx", Label: "Refused (4xx)", Unit: "rate"}, {Name: "5xx", Label: "Failed (5xx)", Unit: "rate"},
	}}
	for i := range 360 {
		all := 900 + math.Min(math.Max(float64(i-210), 0)*90, 7900) + 350*wobble(i)
		p.Times = append(p.Times, dataTime-int64(359-i)*10)
		for k, share := range []float64{.86, .09, .045, .005} {
			p.Columns[k].Values = append(p.Columns[k].Values, math.Round(all*share*10)/10)
		}
	}
	return p
}

// wobble is between -1 and 1, and the same at every run.
func wobble(i int) float64 {
	return math.Sin(float64(i)*1.7)*.5 + math.Sin(float64(i)*.61+1)*.3 + math.Sin(float64(i)*5.3)*.2
}

func empty() views.Drawn {
	quiet := func(topic, title, note, why string) views.Panel {
		p := panel(topic, title, note)
		p.Empty = why
		return p
	}
	return views.Drawn{
		"money.hour":       views.HeadlinePanel(views.Headline{Panel: panel("money.hour", "Dollars in the last hour", ""), Dollars: views.Figure{Text: "$0", Raw: "0", Unit: "usd"}, Sub: "no gift yet: the first one shows within a second"}),
		"money.record":     views.RecordPanel(views.Record{Panel: quiet("money.record", "The record hour", "", "No record yet: the first hour of the clock with a gift isn't over.")}),
		"money.minutes":    views.ChartPanel(views.Chart{Panel: quiet("money.minutes", "Dollars per minute", "gifts, before refunds", "no gift in three hours"), Kind: "bars", Unit: "usd"}),
		"money.today":      views.TodayPanel(views.Today{Panel: quiet("money.today", "Raised today", "since midnight EDT", "no gift today")}),
		"money.refcodes":   views.BarsPanel(views.Bars{Panel: quiet("money.refcodes", "Where it comes from", "last hour", "no gift in the last hour")}),
		"money.states":     views.TilesPanel(views.Tiles{Panel: quiet("money.states", "States", "last hour", "no gift in the last hour")}),
		"money.latest":     views.TickerPanel(views.Ticker{Panel: quiet("money.latest", "Latest gifts", "", "no gift yet")}),
		"traffic.now":      views.CountPanel(views.Count{Panel: panel("traffic.now", "Requests a second", ""), Figure: views.Figure{Text: "0", Raw: "0", Unit: "rate"}}),
		"traffic.hour":     views.ChartPanel(views.Chart{Panel: panel("traffic.hour", "Requests a second, by outcome", "one hour, means of ten seconds"), Kind: "lines", Unit: "rate"}),
		"traffic.visitors": views.CountPanel(views.Count{Panel: quiet("traffic.visitors", "People on the sites", "last 5 minutes", "nobody in the last five minutes")}),
		"mail.hour":        views.MailPanel(views.Mail{Panel: quiet("mail.hour", "Mail in the last hour", "rates are estimates", "no mail in the last hour")}),
	}
}

func waiting(doubt string) views.Drawn {
	wait := func(topic, title string) templ.Component {
		return views.WaitingPanel(views.Panel{Topic: topic, Title: title, Doubt: doubt})
	}
	return views.Drawn{
		"money.hour": wait("money.hour", "Dollars in the last hour"), "money.today": wait("money.today", "Raised today"),
		"money.record":   wait("money.record", "The record hour"),
		"money.minutes":  views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "money.minutes", Title: "Dollars per minute"}, Kind: "bars", Unit: "usd"}),
		"money.refcodes": wait("money.refcodes", "Where it comes from"), "money.states": wait("money.states", "States"), "money.latest": wait("money.latest", "Latest gifts"),
		"traffic.now":      wait("traffic.now", "Requests a second"),
		"traffic.hour":     views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "traffic.hour", Title: "Requests a second, by outcome"}, Kind: "lines", Unit: "rate"}),
		"traffic.visitors": wait("traffic.visitors", "People on the sites"), "mail.hour": wait("mail.hour", "Mail"),
	}
}

func docs() views.Docs {
	return views.Docs{Title: "The API", Text: "What senders, scripts and readers may rely on.", Groups: []views.DocGroup{{
		ID: "sending", Name: "Sending", Text: "Events are on disk before the answer.",
		Routes: []views.DocRoute{{
			ID: "post-donations", Method: "POST", Path: "/v1/donations", Summary: "Send movements of money.", Token: "Authorization: Bearer, a feed token",
			Params:  []views.DocParam{{Name: "id", In: "body", Type: "string", Text: "unique within source", Required: true}},
			Answers: []views.DocAnswer{{Status: "202", Text: "on disk"}, {Status: "503", Text: "full: wait as long as Retry-After says"}},
			Example: `{"id":"g-1","occurred_at":"2012-09-06T22:46:12-04:00","amount":"25.00"}`,
		}},
	}}}
}
