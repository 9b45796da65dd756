package story

import "strconv"

// movement is one movement of money, or a standing gift that ends.
type movement struct {
	kind      string // gift, refund, chargeback, dispute_won or cancellation
	source    string
	id, of    string
	at        int64
	cents     int64 // positive, whatever the kind
	recurring string
	donor     uint64
	first     bool
	home      place
	origin
	key uint64 // names it for the dice
}

// How many gifts are monthly or weekly ones. With the dawn batch it is a sixth of them on a quiet day too.
const (
	quietStanding = 0.11
	surgeStanding = 0.165
	weeklyShare   = 0.12 // of the standing ones
)

// Donors. Large gifts come from people who give once: so nobody comes near the legal maximum by giving again.
const (
	regularShare = 0.40   // of the gifts up to regularMax come from people who give again and again
	regularMax   = 10_000 // cents
	firstShare   = 0.45   // of the others give for the first time
	crowdSpan    = 6 * hourMS
	quietCrowd   = 600    // regular donors of crowdSpan
	nightCrowd   = 25_000 // regular donors of a night
)

// gifts tells the gifts that one road carries. Every road throws all gifts afresh and picks its own.
type gifts struct {
	plan       *Plan
	road       road
	dice, fate dice
	homes      *wheel[place]
	origins    *origins
	seed       string // stands for the seed in ids
	later      agenda[Event]
}

func newGifts(p *Plan, r road) *gifts {
	return &gifts{
		plan: p, road: r, dice: newDice(), fate: newDice(), homes: places(), origins: newOrigins(p),
		seed: p.seedWord(), later: agenda[Event]{},
	}
}

// seedWord stands for the seed in ids: other dice, other events, other ids.
func (p *Plan) seedWord() string { return word(mix(forSeed, p.seed) % (36 * 36 * 36 * 36 * 36)) }

func (g *gifts) tell(t int64) []Event {
	hour := g.plan.hour(t)
	g.quiet(t, hour)
	g.dawn(t, hour)
	g.surge(t)
	return g.later.take(t)
}

const ticksAnHour = float64(hourMS) / float64(tickMS)

func (g *gifts) quiet(t int64, hour float64) {
	s := &g.plan.sizes
	g.dice.shake(forQuiet, g.plan.seed, uint64(t))
	dollars := quietDollars(hour, dawn(hour)*s.meanStanding)
	for i := range g.dice.count(dollars / s.mean(quietStanding) / ticksAnHour) {
		m := g.gift("q", forQuiet, t, i, g.dice.chance(quietStanding))
		m.origin = g.origins.throw(g.dice, t, false)
		g.donor(&m, uint64(t/crowdSpan), quietCrowd)
		g.happens(t, m)
	}
}

func (g *gifts) dawn(t int64, hour float64) {
	mean := dawn(hour) / ticksAnHour
	if mean < 1e-9 {
		return
	}
	g.dice.shake(forDawn, g.plan.seed, uint64(t))
	for i := range g.dice.count(mean) {
		m := g.gift("d", forDawn, t, i, true)
		m.origin = g.origins.earlier.spin(g.dice)
		m.donor = mix(forDonor, m.key)
		g.happens(t, m)
	}
}

func (g *gifts) surge(t int64) {
	p := g.plan
	height := p.scenario.surge(t - p.start)
	if height <= 0 {
		return
	}
	prefix := p.scenario.name[:1] + word(uint64(p.start)) + "-"
	g.dice.shake(forSurge, p.seed, uint64(p.start), uint64(t))
	for i := range g.dice.count(height * surgeDollars / p.sizes.mean(surgeStanding) / ticksAnHour) {
		m := g.gift(prefix, mix(forSurge, uint64(p.start)), t, i, g.dice.chance(surgeStanding))
		m.origin = g.origins.throw(g.dice, t, true)
		g.donor(&m, uint64(p.start), nightCrowd)
		g.happens(t, m)
	}
}

// gift throws the i-th gift of one sort in the tick t.
func (g *gifts) gift(prefix string, sort uint64, t int64, i int, standing bool) movement {
	m := movement{
		kind: "gift", source: "cards", id: prefix + g.seed + "-" + word(uint64(t/tickMS)) + "-" + strconv.Itoa(i),
		at: t + g.dice.Int64N(tickMS), cents: g.plan.sizes.throw(g.dice, standing), recurring: "none",
		key: mix(g.plan.seed, sort, uint64(t), uint64(i)),
	}
	if standing {
		m.recurring = "monthly"
		if g.dice.chance(weeklyShare) {
			m.recurring = "weekly"
		}
	}
	return m
}

// donor throws who gives: one of the crowd's regular donors, or somebody who gives this once.
func (g *gifts) donor(m *movement, crowd uint64, size uint64) {
	regular := m.recurring == "none" && m.cents <= regularMax && g.dice.chance(regularShare)
	if regular {
		m.donor = mix(forDonor, g.plan.seed, crowd, g.dice.Uint64N(size))
		return
	}
	m.donor, m.first = mix(forDonor, m.key), g.dice.chance(firstShare)
}

// happens sends the gift on its road, and all that comes of it later.
func (g *gifts) happens(now int64, m movement) {
	g.fate.shake(forHome, m.donor)
	m.home = g.homes.spin(g.fate)
	g.carry(now, m)
	g.fate.shake(forAfter, m.key)
	g.aftermath(g.fate.Float64(), m, func(next movement) {
		next.key = mix(forAfter, next.key)
		g.carry(now, next)
	})
}

// Out of a thousand gifts, so many are given back, taken back, or are the last of their series.
const (
	refundShare     = 0.007
	chargebackShare = 0.0006
	cancelShare     = 0.009 // of standing ones
)

// aftermath throws what comes of a gift. It throws all it needs before it calls happens, which shakes the dice anew.
func (g *gifts) aftermath(luck float64, m movement, happens func(movement)) {
	d := g.fate
	next := m
	next.of, next.first = m.id, false
	switch {
	case luck < refundShare:
		next.kind, next.id, next.cents, next.at = "refund", m.id+"-r", m.cents, m.at+d.spanMS(3*minuteMS, 40*hourMS)
		if m.cents >= 1000 && d.chance(0.15) {
			next.cents = m.cents / 2
		}
		happens(next)
	case luck < refundShare+chargebackShare:
		next.kind, next.id, next.cents, next.at = "chargeback", m.id+"-b", m.cents, m.at+d.spanMS(hourMS, 40*hourMS)
		won, after := d.chance(0.35), d.spanMS(hourMS, 40*hourMS)
		happens(next)
		if won {
			next.kind, next.id, next.at, next.key = "dispute_won", m.id+"-w", next.at+after, mix(m.key, forAfter)
			happens(next)
		}
	case m.recurring != "none" && luck > 1-cancelShare:
		next.kind, next.id, next.cents, next.at = "cancellation", m.id+"-c", m.cents, m.at+d.spanMS(3*minuteMS, 40*hourMS)
		happens(next)
	}
}
