package board

import "time"

// Panels that nobody reads five times a second wait a little between two answers while batches come in. The headline, the
// day and the charts by the minute don't.
const (
	listPace  = time.Second     // rankings and rates
	sendPace  = 2 * time.Second // blasts, and what is compared over many of them
	fleetPace = 5 * time.Second // the hours of the week, and the fleet, whose failures are counted by the minute
)

// paceOf is the least time between two answers of the panels of a query; 0 is as often as any.
func paceOf(query string) time.Duration {
	switch query {
	case "money.record", "money.refcodes", "money.cuts", "money.codes", "money.map", "money.sizes",
		"mail.lag", "mail.limits", "mail.rate",
		"traffic.apps", "traffic.classes", "traffic.rates", "traffic.latency":
		return listPace
	case "sends.list", "send.curve", "send.variants", "mail.providers",
		"traffic.errors", "traffic.pages", "traffic.referrers":
		return sendPace
	case "money.week", "traffic.way", "fleet.now", "fleet.hosts", "fleet.failing":
		return fleetPace
	}
	return 0
}
