package story

import (
	"strconv"
	"time"
)

// road is one of the two ways by which gifts arrive.
type road uint64

const (
	vendorRoad road = iota + 1
	mirrorRoad
)

func (r road) String() string {
	if r == mirrorRoad {
		return "mirror"
	}
	return "vendor"
}

// What goes wrong on the roads.
const (
	vendorLoses  = 0.003 // then the mirror has it for certain
	mirrorHas    = 0.96
	lateShare    = 0.006 // arrive minutes to hours late, as retried calls do
	twiceShare   = 0.005 // are sent twice by the same road
	vendorMedian = 350   // ms from the charge until it is sent
	mirrorMedian = 800
	roadSpread   = 0.6
)

// carry files the movement for sending, if this road has it.
func (g *gifts) carry(now int64, m movement) {
	d := g.fate
	d.shake(forRoad, m.key)
	lost := d.chance(vendorLoses)
	mirrored := d.chance(mirrorHas) || lost
	if g.road == vendorRoad && lost || g.road == mirrorRoad && !mirrored {
		return
	}
	event := m.event(g.road.String())
	event.Repeat = g.road == mirrorRoad && !lost
	d.shake(forRoad, m.key, uint64(g.road))
	median := int64(vendorMedian)
	if g.road == mirrorRoad {
		median = mirrorMedian
	}
	delay := d.skewedMS(median, roadSpread)
	if d.chance(lateShare) {
		delay = d.spanMS(2*minuteMS, 6*hourMS)
	}
	g.later.add(now, m.at+delay, event)
	if d.chance(twiceShare) {
		event.Repeat = true
		g.later.add(now, m.at+delay+d.spanMS(50, 10*minuteMS), event)
	}
}

// event writes the movement as it travels by a road.
func (m *movement) event(path string) Event {
	o := make(object, 0, 384).text("id", m.id).text("source", m.source).text("path", path)
	if m.kind != "gift" {
		o = o.text("kind", m.kind).text("of", m.of)
	}
	o = o.time("occurred_at", m.at).money("amount", m.cents).text("currency", "USD")
	if m.recurring != "none" {
		o = o.text("recurring", m.recurring)
	}
	o = o.text("donor", donorMail(m.donor)).text("refcode", m.refcode).text("send_id", m.sendID).text("channel", m.channel)
	o = o.text("form", m.form).text("state", m.home.state).text("country", m.home.country).yes("first_gift", m.first)
	return Event{
		Body: o.end(), At: time.UnixMilli(m.at).UTC(), Type: m.kind, Source: m.source, ID: m.id,
		AmountMinor: m.signed(), Currency: "USD",
	}
}

// signed is what the movement adds to the total, in cents.
func (m *movement) signed() int64 {
	switch m.kind {
	case "refund", "chargeback":
		return -m.cents
	case "cancellation":
		return 0
	}
	return m.cents
}

// donorMail is the address of a donor who doesn't exist.
func donorMail(n uint64) string {
	domains := [...]string{"example.org", "example.com", "example.net"}
	return "u" + strconv.FormatUint(n>>8, 36) + "@" + domains[n%uint64(len(domains))]
}
