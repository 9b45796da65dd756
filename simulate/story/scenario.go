package story

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// scenario is what a night adds to the quiet campaign. Its times are milliseconds after the plan's start.
type scenario struct {
	name  string
	step  int64   // when it breaks loose
	rise  float64 // ms until 63 % of the height
	hold  int64   // how long it stays there
	decay float64 // ms until it has fallen to 37 %
	wave  float64 // how far applause lines swing it while it holds
	mails []extraMail
	calm  bool // nothing is added at all

	incidents []incident
	silences  []silence
}

// incident is a time in which an app fails more often than it usually does.
type incident struct {
	app      string
	at, runs int64
	share    float64 // of its requests that fail
}

// silence is a time in which a host answers nothing: the others have its requests.
type silence struct {
	host     string
	at, runs int64
}

// extraMail is a blast that the night calls for.
type extraMail struct {
	name     string
	at, runs int64
	force    float64 // how many gifts it brings, as in blast
}

// The heights of a night at its top, above the quiet level: what the largest hours of online fund-raising look like.
const (
	surgeDollars  = 1_985_000.0 // an hour
	surgeRequests = 9_900.0     // a second
	// People open the page before they give: traffic runs this far ahead of money.
	trafficLead = 20 * secondMS
)

func scenarioNamed(name string) (scenario, error) {
	switch name {
	case "", "quiet":
		return scenario{name: "quiet", calm: true}, nil
	case "convention":
		return scenario{
			name: "convention", step: 40 * secondMS, rise: 60_000, hold: 55 * minuteMS, decay: 45 * 60_000, wave: 0.08,
			mails: []extraMail{
				{"tunein", -6 * minuteMS, 7 * minuteMS, 0.6}, // asks to watch, not to give
				{"speech", 90 * secondMS, 15 * minuteMS, 2.4},
				{"thanks", 75 * minuteMS, 15 * minuteMS, 2.2},
			},
			incidents: []incident{
				{"events", 12 * minuteMS, 7 * minuteMS, 0.3}, // loud, and costs little
				{"donate", 16 * minuteMS, 5 * minuteMS, 0.06},
				{"donate", 64 * minuteMS, 4 * minuteMS, 0.08},
			},
			silences: []silence{{"api2.example.org", 14 * minuteMS, 26 * minuteMS}},
		}, nil
	case "spike":
		return scenario{
			name: "spike", rise: 8_000, hold: 12 * minuteMS, decay: 17 * 60_000, wave: 0.03,
			mails: []extraMail{{"alert", 4 * minuteMS, 10 * minuteMS, 2.4}},
		}, nil
	}
	return scenario{}, fmt.Errorf("no scenario %q: quiet, convention and spike exist", name)
}

// surge is how high the night stands t ms after the start: 0 quiet, 1 at its top.
func (s scenario) surge(t int64) float64 {
	t -= s.step
	if s.calm || t < 0 {
		return 0
	}
	height := 1 - math.Exp(-float64(t)/s.rise)
	if t < s.hold {
		return height * (1 + s.wave*math.Sin(2*math.Pi*float64(t)/float64(7*minuteMS)))
	}
	return height * math.Exp(-float64(t-s.hold)/s.decay)
}

// strain is how badly the sites take it: they struggle in the first minutes, until more machines have started.
func (s scenario) strain(t int64) float64 {
	t -= s.step - trafficLead
	if s.calm || t < 0 {
		return 0
	}
	return math.Exp(-float64(t) / float64(90*secondMS))
}

// trouble is the share of an app's requests that fail t ms after the start, on top of what strain does.
func (s scenario) trouble(app string, t int64) float64 {
	share := 0.0
	for _, i := range s.incidents {
		if i.app == app && i.at <= t && t < i.at+i.runs {
			share = max(share, i.share)
		}
	}
	return share
}

// silent tells whether a host answers nothing t ms after the start.
func (s scenario) silent(host string, t int64) bool {
	return slices.ContainsFunc(s.silences, func(q silence) bool { return q.host == host && q.at <= t && t < q.at+q.runs })
}

// forms is how many forms a second people send: somewhat more than there are gifts. Nobody sends one for the gifts
// of the dawn.
func (p *Plan) forms(t int64) float64 {
	gifts := quietDollars(p.hour(t), 0)/p.sizes.mean(quietStanding) +
		p.scenario.surge(t-p.start)*surgeDollars/p.sizes.mean(surgeStanding)
	return formsEach * gifts / 3600
}

// formsEach is how many forms are sent for a gift: some cards are declined.
const formsEach = 1.12

// hour is the time of day in the campaign's zone, as hours with a fraction.
func (p *Plan) hour(t int64) float64 {
	at := time.UnixMilli(t).In(p.eastern)
	return float64(at.Hour()) + float64(at.Minute())/60 + float64(at.Second())/3600
}

// evening swings between -1 before dawn and 1 at half past eight.
func evening(hour float64) float64 { return math.Cos(2 * math.Pi * (hour - 20.5) / 24) }

// The card processor charges the standing gifts in one batch a day, between five and six.
const (
	dawnHour   = 5.42
	dawnSpread = 0.16  // hours
	dawnGifts  = 360.0 // a day
)

// dawn is the rate of standing gifts being charged, in gifts an hour.
func dawn(hour float64) float64 {
	x := (hour - dawnHour) / dawnSpread
	return dawnGifts / dawnSpread / math.Sqrt(2*math.Pi) * math.Exp(-x*x/2)
}

// quietDollars is the quiet campaign's rate in dollars an hour without the dawn batch, which brings batch dollars an
// hour. Hours with the batch stay within the campaign's usual ten to twenty thousand.
func quietDollars(hour, batch float64) float64 {
	total := 13_800 + 1_000*evening(hour)
	return max(0.4*total, total-batch)
}

// requests is how many requests a second all sites together see.
func (p *Plan) requests(t int64) float64 {
	return 105 + 25*evening(p.hour(t)) + surgeRequests*p.scenario.surge(t-p.start+trafficLead)
}
