package story

import "strconv"

// desk tells the checks that volunteers type in during office hours, a small pile at a time.
type desk struct {
	plan  *Plan
	dice  dice
	homes *wheel[place]
	sizes wheel[int64]
	seed  string
}

// Checks are few and larger than what people give online.
const (
	checksAnHour = 9.0
	deskOpens    = 9.0 // o'clock
	deskCloses   = 19.0
	pileEvery    = 2 * minuteMS
)

func newDesk(p *Plan) *desk {
	k := &desk{plan: p, dice: newDice(), homes: places(), seed: p.seedWord()}
	for _, z := range []size{{15, 10}, {20, 14}, {25, 24}, {50, 20}, {75, 4}, {100, 20}, {250, 6}, {500, 2}} {
		k.sizes.put(z.share, int64(z.dollars*100))
	}
	return k
}

func (k *desk) tell(t int64) []Event {
	// A pile is sent when it has been typed in.
	if t%pileEvery != 0 {
		return nil
	}
	hour := k.plan.hour(t)
	if hour < deskOpens || hour >= deskCloses {
		return nil
	}
	k.dice.shake(forDesk, k.plan.seed, uint64(t))
	var events []Event
	n := k.dice.count(checksAnHour * float64(pileEvery) / float64(hourMS))
	for i := range n {
		m := movement{
			kind: "gift", source: "check-desk", id: "k" + k.seed + "-" + word(uint64(t/tickMS)) + "-" + strconv.Itoa(i),
			at: t - pileEvery + int64(i+1)*pileEvery/int64(n+1), cents: k.sizes.spin(k.dice), recurring: "none",
			donor: mix(forDonor, forDesk, k.plan.seed, uint64(t), uint64(i)), first: k.dice.chance(0.2),
			home: k.homes.spin(k.dice), origin: origin{"", "", "check", ""},
		}
		events = append(events, m.event("vendor"))
	}
	return events
}
