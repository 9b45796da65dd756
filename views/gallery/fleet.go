package main

import "warroom/views"

// fleetSamples are the board of the fleet: incidents, doubt, nothing at risk, nothing yet, and what is on its way.
func fleetSamples() []sample {
	page := layout("Fleet", "/boards/fleet")
	page.Live, page.Board = "/live?board=fleet", "fleet"
	return []sample{
		{"fleet", page, views.FleetBoard(fleetBusy(""))},
		{"fleet-doubt", page, views.FleetBoard(fleetBusy("traffic that arrived in the last 14s is not counted yet"))},
		{"fleet-calm", page, views.FleetBoard(fleetCalm())},
		{"fleet-empty", page, views.FleetBoard(fleetEmpty())},
		{"fleet-loading", page, views.FleetBoard(fleetLoading())},
	}
}

// howReckoned is the small print of the dollars at risk.
const howReckoned = "Expected a minute × share of the gifts that pass the app × failures above its usual"

func fleetBusy(doubt string) views.Drawn {
	risk := views.FleetRisk{
		Panel: doubtful("fleet.risk", "Dollars at risk", "an estimate, a minute", doubt), Figure: views.Figure{Text: "$2,381", Raw: "238140", Unit: "usd"},
		Sub: "a minute, of about $34,020 (the 30 minutes before)", Foot: howReckoned,
		Rows: []views.FleetIncident{
			{App: "donate", Tier: "takes gifts", What: "6.2 % of its answers fail, usually 0.08 %", Since: "since 10:41 PM EDT, 5 minutes", SinceISO: "2012-09-07T02:41:00Z", Why: "$34,020 × 100.0 % of the gifts × 6.1 % above usual", Value: "$2,082", Width: "100.0", Say: "donate fails more than it usually does"},
			{App: "site", Tier: "matters tonight, by its name", What: "2.9 % of its answers fail, usually 0.05 %", Since: "since 10:43 PM EDT, 3 minutes", SinceISO: "2012-09-07T02:43:00Z", Why: "$34,020 × 30.3 % of the gifts × 2.9 % above usual", Value: "$299", Width: "14.4", Say: "site fails more than it usually does"},
			{App: "events", Tier: "can wait, by its name", What: "no requests, or its log doesn't get here", Since: "for two hours or more", SinceISO: "2012-09-07T00:40:00Z", Why: "$34,020 × 0 % of the gifts × 100.0 % above usual", Value: "$0", Width: "0.0", Say: "events gets no requests any more"},
		},
	}
	return fleetWith(risk, fleetApps(doubt), fleetHosts(doubt))
}

func fleetWith(risk views.FleetRisk, apps views.FleetApps, hosts views.FleetHosts) views.Drawn {
	return views.Drawn{
		"fleet.risk": views.FleetRiskPanel(risk), "fleet.apps": views.FleetAppsPanel(apps), "fleet.hosts": views.FleetHostsPanel(hosts),
		"fleet.failing": trafficChart("fleet.failing", "Failed answers a second, by app", "5xx", "apps", "rate", appLanes()),
	}
}

func fleetCalm() views.Drawn {
	return fleetWith(views.FleetRisk{
		Panel: panel("fleet.risk", "Dollars at risk", "an estimate, a minute"), Calm: true, Foot: howReckoned,
		Sub: "All 5 apps are within their usual failures, and about $34,020 a minute pass them",
	}, fleetApps(""), fleetHosts(""))
}

func fleetApps(doubt string) views.FleetApps {
	return views.FleetApps{
		Panel: doubtful("fleet.apps", "Apps", "last five minutes", doubt), Foot: "How much hangs on an app is guessed by its name where WARROOM_TIERS doesn't say it.",
		Rows: []views.FleetApp{
			{App: "donate", Tier: "1 · takes gifts", Rate: "3,200", Failed: "6.2 %", Usual: "usually 0.08 %", Mean: "76 ms", Hosts: "3 of 3", Width: "100.0", Mark: "1.6", Over: true},
			{App: "site", Tier: "2 · matters tonight?", Rate: "4,140", Failed: "0.06 %", Usual: "usually 0.05 %", Mean: "47 ms", Hosts: "4 of 4", Width: "1.2", Mark: "1.1"},
			{App: "api", Tier: "3 · can wait?", Rate: "1,412", Failed: "0.05 %", Usual: "usual unknown", Mean: "58 ms", Hosts: "2 of 3", Width: "1.0", Mark: "0", HostsMissing: true},
			{App: "batch", Tier: "3 · can wait?", Rate: "0", Failed: "–", Usual: "usually 0.2 %", Mean: "–", Hosts: "–", Width: "0.0", Mark: "4.0"},
		},
	}
}

func fleetHosts(doubt string) views.FleetHosts {
	return views.FleetHosts{
		Panel: doubtful("fleet.hosts", "Hosts", "last five whole minutes", doubt), Sub: "24 hosts of six hours, 1 quiet", More: "and 20 hosts more",
		Rows: []views.FleetHost{
			{Host: "api2.example.org", App: "api", Rate: "0", Width: "0.0", Failed: "–", Mean: "–", Quiet: "quiet since 10:14 PM EDT", QuietISO: "2012-09-07T02:14:00Z", Usual: "usually 404 a second"},
			{Host: "give3.example.org", App: "donate", Rate: "1,065", Width: "94.0", Failed: "6.4 %", Mean: "86 ms", Over: true},
			{Host: "www.example.org", App: "site", Rate: "1,031", Width: "91.0", Failed: "0.06 %", Mean: "47 ms"},
			{Host: "a-machine-with-a-rather-long-name.us-east-1.example.org", App: "site", Rate: "1,133", Width: "100.0", Failed: "0 %", Mean: "–"},
		},
	}
}

func fleetEmpty() views.Drawn {
	quiet := func(topic, title, note, why string) views.Panel {
		p := panel(topic, title, note)
		p.Empty = why
		return p
	}
	drawn := fleetWith(
		views.FleetRisk{Panel: quiet("fleet.risk", "Dollars at risk", "an estimate, a minute", "No app told of a request in the last 24 hours.")},
		views.FleetApps{Panel: quiet("fleet.apps", "Apps", "last five minutes", "No app told of a request in the last 24 hours.")},
		views.FleetHosts{Panel: quiet("fleet.hosts", "Hosts", "last five whole minutes", "No host told of a request in the last six hours.")})
	drawn["fleet.failing"] = trafficChart("fleet.failing", "Failed answers a second, by app", "5xx", "apps", "rate", nil)
	return drawn
}

func fleetLoading() views.Drawn {
	drawn := views.Drawn{"fleet.failing": trafficChart("fleet.failing", "Failed answers a second, by app", "5xx", "apps", "rate", nil)}
	for topic, title := range map[string]string{"fleet.risk": "Dollars at risk", "fleet.apps": "Apps", "fleet.hosts": "Hosts"} {
		drawn[topic] = views.WaitingPanel(views.Panel{Topic: topic, Title: title})
	}
	return drawn
}
