package story

import (
	"math"
	"strconv"
	"time"
)

// Shares of the provider's quota.
const (
	blastQuota   = 0.96
	welcomeQuota = 0.04 // a steady trickle of mails to people who have just signed up
)

// listSize is how many people are on the campaign's list.
const listSize = 2_400_000

// mail tells what the mail provider reports: every mail as it leaves, and what becomes of it.
type mail struct {
	plan     *Plan
	dice     dice
	domains  wheel[string]
	links    wheel[string]
	calendar *calendar
	welcome  blast
	suffix   string // makes ids of other seeds and quotas differ
	later    agenda[mailStep]
}

// mailStep is one thing that happens to one mail.
type mailStep struct {
	blast *blast
	n     uint64 // which mail of the blast
	at    int64
	what  step
	again bool // reported once more
}

type step uint8

const (
	sent step = iota
	rejected
	hardBounce
	softBounce
	delayed
	delivered
	opened
	openedAgain
	clicked
	complained
	unsubscribed
)

func newMail(p *Plan) *mail {
	m := &mail{
		plan: p, dice: newDice(), calendar: newCalendar(p), later: agenda[mailStep]{},
		welcome: blast{id: "welcome", key: mix(forWelcome, p.seed)},
		suffix:  p.seedWord() + word(uint64(math.Round(p.mailRate*1000))),
	}
	m.domains.put(48, "gmail.example")
	m.domains.put(17, "yahoo.example")
	m.domains.put(14, "outlook.example")
	m.domains.put(7, "icloud.example")
	m.domains.put(5, "aol.example")
	m.domains.put(4, "example.com")
	m.domains.put(3, "example.net")
	m.domains.put(2, "example.org")
	m.links.put(70, "https://give.example.org/now")
	m.links.put(14, "https://www.example.org/watch")
	m.links.put(10, "https://www.example.org/volunteer")
	m.links.put(6, "https://events.example.org/near-me")
	return m
}

func (m *mail) tell(t int64) []Event {
	for _, b := range m.calendar.around(t) {
		if b.at >= m.plan.from && b.at < t+tickMS && b.at+b.runs > t {
			m.leave(t, b, b.at, b.at+b.runs, m.plan.mailRate*blastQuota)
		}
	}
	// Counted from the beginning of time, so that every run gives a mail the same number.
	m.leave(t, &m.welcome, 0, math.MaxInt64, m.plan.mailRate*welcomeQuota)
	due := m.later.take(t)
	events := make([]Event, 0, len(due))
	for _, s := range due {
		events = append(events, m.event(s))
	}
	return events
}

// leave sends the mails whose turn is in the tick t, at rate a second between from and until.
func (m *mail) leave(t int64, b *blast, from, until int64, rate float64) {
	perMS := rate / 1000
	first := uint64(math.Ceil(float64(max(t, from)-from) * perMS))
	end := uint64(math.Ceil(float64(min(t+tickMS, until)-from) * perMS))
	for n := first; n < end; n++ {
		at := from + int64(float64(n)/perMS)
		m.fate(t, b, n, min(max(at, t), t+tickMS-1))
	}
}

// What becomes of a mail to a list that is looked after.
const (
	rejectShare  = 0.0003
	hardShare    = 0.006
	softShare    = 0.009
	delayShare   = 0.007
	proxyShare   = 0.17 // opened by the mailbox provider's own machine
	openShare    = 0.20
	againShare   = 0.25   // of those who open
	clickShare   = 0.085  // of those who open
	leaveShare   = 0.006  // of those who open
	complainEach = 0.0003 // of those who got it
	reportTwice  = 0.003

	openMedian = 40 * minuteMS // half of the readers have opened by then
	openSpread = 1.5
)

// fate throws the whole life of one mail at the moment it leaves.
func (m *mail) fate(now int64, b *blast, n uint64, at int64) {
	d := m.dice
	d.shake(forMail, b.key, n)
	does := func(at int64, what step) {
		s := mailStep{blast: b, n: n, at: at, what: what}
		m.later.add(now, at, s)
		if d.chance(reportTwice) {
			s.again = true
			m.later.add(now, at+d.spanMS(secondMS, 10*minuteMS), s)
		}
	}
	does(at, sent)
	luck := d.Float64()
	switch {
	case luck < rejectShare:
		does(at+d.skewedMS(80, 0.5), rejected)
		return
	case luck < rejectShare+hardShare:
		does(at+d.skewedMS(1800, 0.9), hardBounce)
		return
	case luck < rejectShare+hardShare+softShare:
		does(at+d.skewedMS(4*minuteMS, 1.2), softBounce)
		return
	case luck < rejectShare+hardShare+softShare+delayShare:
		at += d.skewedMS(2*minuteMS, 0.5)
		does(at, delayed)
		at += d.skewedMS(20*minuteMS, 0.8)
	}
	at += d.skewedMS(2500, 0.8)
	does(at, delivered)
	m.reading(d, at, b.charm(b.variant(n)), does)
}

// variant is which of its two texts the n-th mail of the blast has.
func (b *blast) variant(n uint64) string { return [...]string{"a", "b"}[n%2] }

// The better text of a blast is clicked more often than the other by a third, a fifth or not at all.
func (b *blast) charm(variant string) float64 {
	lead := [...]float64{0, 0.09, 0.14}[mix(forMail, b.key)%3]
	if better := [...]string{"a", "b"}[mix(forSchedule, b.key)%2]; variant != better {
		lead = -lead
	}
	return 1 + lead
}

func (m *mail) reading(d dice, at int64, charm float64, does func(int64, step)) {
	if d.chance(complainEach) {
		does(at+d.skewedMS(25*minuteMS, 1.2), complained)
	}
	if d.chance(proxyShare) {
		does(at+d.skewedMS(15*secondMS, 1), opened)
		return
	}
	if !d.chance(openShare / (1 - proxyShare)) {
		return
	}
	at += d.skewedMS(openMedian, openSpread)
	does(at, opened)
	if d.chance(clickShare * charm) {
		does(at+d.skewedMS(20*secondMS, 0.9), clicked)
	}
	if d.chance(leaveShare) {
		does(at+d.skewedMS(30*secondMS, 0.8), unsubscribed)
	}
	if d.chance(againShare) {
		does(at+d.skewedMS(90*minuteMS, 1.4), openedAgain)
	}
}

func (s step) words() (kind, bounce, reason, mark string) {
	switch s {
	case rejected:
		return "reject", "", "bad content", "j"
	case hardBounce:
		return "bounce", "hard", "550 5.1.1 no such mailbox", "b"
	case softBounce:
		return "bounce", "soft", "452 4.2.2 mailbox full", "b"
	case delayed:
		return "delay", "", "421 4.7.0 try again later", "w"
	case delivered:
		return "delivery", "", "", "d"
	case opened:
		return "open", "", "", "o"
	case openedAgain:
		return "open", "", "", "o2"
	case clicked:
		return "click", "", "", "c"
	case complained:
		return "complaint", "", "abuse", "x"
	case unsubscribed:
		return "unsubscribe", "", "", "u"
	}
	return "send", "", "", "s"
}

func (m *mail) event(s mailStep) Event {
	kind, bounce, reason, mark := s.what.words()
	message := s.blast.id + "-" + m.suffix + "-" + word(s.n)
	id := message + "." + mark
	person := mix(forMail, s.blast.key, s.n) % listSize
	m.dice.shake(forHome, person)
	domain := m.domains.spin(m.dice)
	link := ""
	if s.what == clicked {
		link = m.links.spin(m.dice)
	}
	o := make(object, 0, 320).text("id", id).text("source", "mailer").text("type", kind).text("bounce", bounce)
	o = o.time("occurred_at", s.at).text("send_id", s.blast.id).text("variant", s.blast.variant(s.n))
	o = o.text("recipient", "u"+strconv.FormatUint(person, 10)+"@"+domain).text("message_id", message)
	o = o.text("link", link).text("reason", reason)
	return Event{Body: o.end(), At: time.UnixMilli(s.at).UTC(), Type: kind, Source: "mailer", ID: id, Repeat: s.again}
}
