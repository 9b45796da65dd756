package story

import (
	"strconv"
	"time"
)

// traffic tells the requests of all apps, as one log shipper on their edge does.
type traffic struct {
	plan         *Plan
	dice         dice
	quiet, surge wheel[*app]
	regions      wheel[string]
	failures     wheel[int] // statuses
	origins      *origins
	quota        float64 // requests that may be told by now
	owed         int     // requests seen and not yet told
	forms        int     // how many of these are a form that somebody sent, and are to be told as one
	room         int     // half as many forms may be told by now: at most every other request is one
	giving       *app
}

func newTraffic(p *Plan) *traffic {
	w := &traffic{plan: p, dice: newDice(), origins: newOrigins(p)}
	for _, a := range apps() {
		w.quiet.put(a.quiet, a)
		w.surge.put(a.surge, a)
		if a.name == "donate" {
			w.giving = a
		}
	}
	w.regions.put(46, "us-east-1")
	w.regions.put(26, "us-east-2")
	w.regions.put(24, "us-west-2")
	w.regions.put(4, "eu-west-1")
	w.failures.put(62, 503)
	w.failures.put(20, 502)
	w.failures.put(10, 504)
	w.failures.put(8, 500)
	return w
}

// History is told thinner the further back it lies: at the full rate, but never more than historyRate, just before the
// start, at half of it thinning before, and so on. Three hours take as long to send as ten minutes of live time.
const (
	historyRate = 300.0
	thinning    = 120 * secondMS
)

// formsWaiting is how many forms wait to be told as one; beyond it they are told as requests like others.
const formsWaiting = 20

// told is how many requests a second may be told at t.
func (w *traffic) told(t int64) float64 {
	age := w.plan.start - t
	if age <= 0 {
		return w.plan.rate
	}
	return min(w.plan.rate, historyRate) * float64(thinning) / float64(thinning+age)
}

func (w *traffic) tell(t int64) []Event {
	w.dice.shake(forTraffic, w.plan.seed, uint64(t))
	seen := w.plan.requests(t)
	w.owed += w.dice.count(seen / 1000 * float64(tickMS))
	w.forms += w.dice.count(w.plan.forms(t) / 1000 * float64(tickMS))
	w.quota += w.told(t) / 1000 * float64(tickMS)
	n := min(int(w.quota), w.owed)
	w.quota -= float64(int(w.quota))
	if n == 0 {
		return nil
	}
	// A form is told by itself, as shippers do that sample what is only looked at. The others are whole numbers that
	// add up to what was seen.
	w.room += n
	forms := min(w.forms, w.room/2, n)
	w.room = min(w.room-2*forms, 2*formsWaiting)
	w.forms = min(w.forms-forms, formsWaiting)
	others, rest := n-forms, w.owed-forms
	events := make([]Event, n)
	for i := range events {
		at := t + int64(i)*tickMS/int64(n)
		if k := i - forms; k >= 0 {
			events[i] = w.look(t, at, seen, rest*(k+1)/others-rest*k/others)
		} else {
			events[i] = w.request(t, at, seen, w.giving, card(), "", 1)
		}
	}
	if w.owed = rest; others > 0 {
		w.owed = 0
	}
	return events
}

// look tells that somebody looked at a page.
func (w *traffic) look(t, at int64, seen float64, weight int) Event {
	d, p := w.dice, w.plan
	night := d.chance(surgeRequests * p.scenario.surge(t-p.start+trafficLead) / seen)
	a := w.quiet.spin(d)
	if night {
		a = w.surge.spin(d)
	}
	page, refcode := a.pages.spin(d), ""
	if page.landing {
		refcode = w.origins.throw(d, t, night).refcode
	}
	return w.request(t, at, seen, a, page, refcode, weight)
}

func (w *traffic) request(t, at int64, seen float64, a *app, page page, refcode string, weight int) Event {
	d, p := w.dice, w.plan
	seat := w.seat(a, seen)
	answer := w.answer(page, a.tender*p.scenario.strain(t-p.start), p.scenario.trouble(a.name, t-p.start))
	o := make(object, 0, 352).time("occurred_at", at).text("app", a.name).text("host", w.host(a, t, seat))
	o = o.text("method", page.method).text("path", page.path)
	o = o.number("status", float64(answer.status), 0).number("bytes", answer.bytes, 0).number("duration_ms", answer.ms, 1)
	o = o.text("visitor", w.visitor(t, seat))
	if page.landing {
		o = o.text("referrer", a.referrers.spin(d)).text("refcode", refcode)
	}
	o = o.text("region", w.regions.spin(d))
	if weight != 1 {
		o = o.number("weight", float64(weight), 0)
	}
	return Event{Body: o.end(), At: time.UnixMilli(at).UTC(), App: a.name, Weight: float64(weight)}
}

// host is the machine that answers whoever sits there: always the same one, unless it is silent.
func (w *traffic) host(a *app, t int64, seat uint64) string {
	s := w.plan.scenario
	for i := range uint64(len(a.hosts)) {
		if host := a.hosts[(mix(forHost, seat)+i)%uint64(len(a.hosts))]; !s.silent(host, t-w.plan.start) {
			return host
		}
	}
	return a.hosts[0]
}

// answer is how an app took one request.
type answer struct {
	status    int
	bytes, ms float64
}

// What goes wrong on a good day, and on top of it under full strain.
const (
	failShare    = 0.0006
	failStrain   = 0.11
	missingShare = 0.011
	refusedShare = 0.004
	cachedShare  = 0.09
	slowStrain   = 6.0 // times slower
)

func (w *traffic) answer(p page, strain, trouble float64) answer {
	d := w.dice
	ms := d.skewed(p.ms*(1+slowStrain*strain), p.spread+0.4*strain)
	size := d.skewed(p.bytes, 0.3)
	luck := d.Float64() - failShare - failStrain*strain - trouble
	switch {
	case luck < 0:
		status := w.failures.spin(d)
		if status == 504 {
			ms = 10_000 + d.Float64()*50
		}
		return answer{status, 160, ms}
	case luck < missingShare:
		return answer{404, 1_900, ms / 2}
	case luck < missingShare+refusedShare*(1+2*strain):
		return answer{[...]int{400, 403, 429}[d.IntN(3)], 240, ms / 3}
	case p.method == "GET" && luck < missingShare+3*refusedShare+cachedShare:
		return answer{304, 0, ms / 3}
	}
	return answer{p.status, size, ms}
}

// A visitor stays for visit and asks for something every few seconds of it.
const (
	visit        = 4 * minuteMS
	visitorsEach = 12.0 // present for each request a second
)

// One in giversEach visitors comes to where people give.
const giversEach = 4

// seat throws the place of one of those who are present.
func (w *traffic) seat(a *app, seen float64) uint64 {
	seat := w.dice.Uint64N(uint64(max(1, seen*visitorsEach)))
	if a == w.giving {
		seat -= seat % giversEach
	}
	return seat
}

// visitor is who sits there at t. Every seat changes its visitor at another moment.
func (w *traffic) visitor(t int64, seat uint64) string {
	stay := (t + int64(mix(forVisitor, seat)%uint64(visit))) / visit
	return "v" + strconv.FormatUint(mix(forVisitor, w.plan.seed, seat, uint64(stay))>>16, 36)
}
