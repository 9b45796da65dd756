package main

import (
	"github.com/a-h/templ"

	"warroom/views"
)

// mailSamples are the board of mail: busy and over its limits, quotas unknown in doubt, nothing yet, on its way.
func mailSamples() []sample {
	page := layout("Mail", "/boards/mail")
	page.Live, page.Board = "/live?board=mail", "mail"
	return []sample{
		{"mail", page, views.MailBoard(mailBusy("", false))},
		{"mail-doubt", page, views.MailBoard(mailBusy("emails that arrived in the last 40s are not counted yet", true))},
		{"mail-empty", page, views.MailBoard(mailEmpty())},
		{"mail-loading", page, views.MailBoard(mailLoading())},
	}
}

func mailBusy(doubt string, unknown bool) views.Drawn {
	quota := views.Quota{
		Panel: panel("mail.quota", "Against the provider's quota", "in whole minutes"), Rate: views.Figure{Text: "3,702", Raw: "3702.0", Unit: "rate"},
		Unit: "a second", Sub: "busiest of the last five minutes 3,740 a second",
		Meters: []views.Meter{
			{Label: "Per second", Value: "3,702", Width: "92.6", Mark: "100", MarkText: "92.6 % of 4,000: nearly full", Over: true},
			{Label: "In 24 hours", Value: "4,104,220", Width: "41.0", Mark: "100", MarkText: "41.0 % of 10,000,000"},
		},
	}
	if unknown {
		for i := range quota.Meters {
			quota.Meters[i].Bare, quota.Meters[i].Over, quota.Meters[i].Width = true, false, "0.0"
			quota.Meters[i].MarkText = "quota unknown: set WARROOM_MAIL_PER_SECOND"
		}
	}
	quota.Doubt = doubt
	hard := views.Meter{Label: "Hard bounces", Value: "2.6 %", Width: "26.0", Mark: "50.0", MarkText: "review at 5 %"}
	complaints := views.Meter{Label: "Complaints", Value: "0.155 %", Width: "31.0", Mark: "20.0", MarkText: "over 0.1 %: review due", Over: true}
	return views.Drawn{
		"mail.quota": views.QuotaPanel(quota),
		"mail.rate":  views.ChartPanel(views.Chart{Panel: panel("mail.rate", "Mail a second", "means of a minute, or of an hour"), Kind: "mail", Unit: "rate", Series: hour()}),
		"mail.limits": views.LimitsPanel(views.Limits{
			Panel: panel("mail.limits", "Against the limits of the last 24 hours", "estimates: the provider doesn't tell its volume"),
			Lines: []views.LimitLine{
				{Meter: hard, Count: "106,709", Says: "at the rate of the last 15 minutes (6.2 %) you cross 5 % after 8,208,000 more"},
				{Meter: complaints, Count: "6,361", Says: "at the rate of the last 15 minutes (0.2 %) you never reach 0.5 %"},
				{Meter: views.Meter{Label: "Soft bounces", Value: "0.9 %", Width: "9.0", Bare: true, MarkText: "no limit"}, Count: "36,900"},
			},
			Small: "of 4,104,220 mails sent in 24 hours; the scale ends where the account may be paused",
		}),
		"mail.lag": views.LagPanel(views.Lag{
			Panel: panel("mail.lag", "From sending to the mailbox", "last hour, an estimate"), Lag: views.Figure{Text: "12 s"},
			Sub: "44,424 under way: sent in the last hour, and not yet heard of",
			Cells: []views.Cell{
				{Label: "Delivered", Figure: views.Figure{Text: "4,021,300", Raw: "4021300", Unit: "count"}, Sub: "98.0 % of sent"},
				{Label: "Delayed", Figure: views.Figure{Text: "28,700", Raw: "28700", Unit: "count"}, Sub: "will be tried again"},
				{Label: "Rejected", Figure: views.Figure{Text: "1,231", Raw: "1231", Unit: "count"}, Sub: "by our own provider"},
				{Label: "Soft bounces", Figure: views.Figure{Text: "36,900", Raw: "36900", Unit: "count"}, Sub: "0.9 % of sent"},
			},
			Small: "Mails under way over the rate at which they were reported in the last five minutes (Little's law).",
		}),
		"mail.providers": views.ProvidersPanel(providers(hard, complaints)),
	}
}

func providers(hard, complaints views.Meter) views.Providers {
	p := views.Providers{Panel: panel("mail.providers", "By mailbox provider", "last 24 hours")}
	count := func(label string) views.SendCount {
		return views.SendCount{Label: label, Value: "12,340", Sub: "0.6 %"}
	}
	for _, name := range []string{"gmail.example", "yahoo.example", "outlook.example", "812 others"} {
		row := views.ProviderRow{
			Name: name, Sent: "1,970,025", Delivered: count("Delivered"), Hard: count("Hard bounces"), Soft: count("Soft bounces"),
			Complaint: count("Complaints"), Delayed: count("Delayed"), Rejected: count("Rejected"), HardMeter: hard, ComplaintMeter: complaints,
		}
		if name == "yahoo.example" {
			row.Hard.Over = "over 5 %"
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

func mailEmpty() views.Drawn {
	return views.Drawn{
		"mail.quota":     views.QuotaPanel(views.Quota{Panel: panel("mail.quota", "Against the provider's quota", "in whole minutes"), Rate: views.Figure{Text: "0", Raw: "0.0", Unit: "rate"}, Unit: "a second"}),
		"mail.rate":      views.ChartPanel(views.Chart{Panel: quietPanel("mail.rate", "Mail a second", "no mail in the last hour"), Kind: "mail", Unit: "rate"}),
		"mail.limits":    views.LimitsPanel(views.Limits{Panel: quietPanel("mail.limits", "Against the limits of the last 24 hours", "No mail in the last 24 hours.")}),
		"mail.lag":       views.LagPanel(views.Lag{Panel: quietPanel("mail.lag", "From sending to the mailbox", "No mail in the last hour.")}),
		"mail.providers": views.ProvidersPanel(views.Providers{Panel: quietPanel("mail.providers", "By mailbox provider", "No mail in the last 24 hours.")}),
	}
}

func mailLoading() views.Drawn {
	wait := func(topic, title string) templ.Component {
		return views.WaitingPanel(views.Panel{Topic: topic, Title: title})
	}
	return views.Drawn{
		"mail.quota": wait("mail.quota", "Against the provider's quota"), "mail.limits": wait("mail.limits", "Against the limits of the last 24 hours"),
		"mail.rate": views.ChartPanel(views.Chart{Panel: views.Panel{Topic: "mail.rate", Title: "Mail a second"}, Kind: "mail", Unit: "rate"}),
		"mail.lag":  wait("mail.lag", "From sending to the mailbox"), "mail.providers": wait("mail.providers", "By mailbox provider"),
	}
}
