package views

// TrafficLoad is how the sites answer right now.
type TrafficLoad struct {
	Panel
	Cells []Cell
}

// TrafficApps is the table of the apps.
type TrafficApps struct {
	Panel
	Rows []TrafficApp
}

// TrafficApp is one app. Width is a percentage for the SVG attribute.
type TrafficApp struct {
	App, Rate, Width, People, P50, P95, P99, Out, Refused, Failed string
}

// TrafficWay is the way from a page to a gift.
type TrafficWay struct {
	Panel
	Figure Figure // gifts for those who came
	Sub    string
	Steps  []Bar
	Foot   string
}

// TrafficErrors lists the pages that fail or refuse.
type TrafficErrors struct {
	Panel
	Rows []TrafficError
	More string
}

// TrafficError is one page. Some says that it failed: that is for us, what it refused is for those who asked.
type TrafficError struct {
	Page, App, Requests, Failed, FailedShare, Refused, RefusedShare string
	Some                                                            bool
}

// FleetRisk is what failing apps cost a minute.
type FleetRisk struct {
	Panel
	Figure Figure
	Sub    string
	Calm   bool // nothing is at risk
	Rows   []FleetIncident
	Foot   string // how it is reckoned
}

// FleetIncident is one app that fails more than usual. Say is what is told once when it is new.
type FleetIncident struct {
	App, Tier, What, Since, SinceISO, Why, Value, Width, Say string
}

// FleetApps is the table of the apps and what hangs on them.
type FleetApps struct {
	Panel
	Rows []FleetApp
	Foot string
}

// FleetApp is one app. Width is its failures, Mark its usual ones: percentages for SVG attributes.
type FleetApp struct {
	App, Tier, Rate, Failed, Usual, Mean, Hosts, Width, Mark string
	Over, HostsMissing                                       bool
}

// FleetHosts is the table of the machines.
type FleetHosts struct {
	Panel
	Sub, More string
	Rows      []FleetHost
}

// FleetHost is one machine. Quiet says since when it gets no requests; empty when it does.
type FleetHost struct {
	Host, App, Rate, Width, Failed, Mean, Quiet, QuietISO, Usual string
	Over                                                         bool
}
