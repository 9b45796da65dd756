package story

import (
	"math"
	"math/rand/v2"
)

// dice are thrown afresh for each tick, mail or gift from a key, so that no throw depends on how many went before.
type dice struct {
	pcg *rand.PCG
	*rand.Rand
}

func newDice() dice {
	pcg := rand.NewPCG(0, 0)
	return dice{pcg: pcg, Rand: rand.New(pcg)} //nolint:gosec // a story is told with dice, not with secrets
}

// shake sets the dice to the throws that belong to this key.
func (d dice) shake(key ...uint64) { d.pcg.Seed(mix(key...), uint64(len(key))) }

// What the dice are thrown for: the first number of a key, so that no two things share their throws.
const (
	forSeed uint64 = iota + 1
	forQuiet
	forDawn
	forSurge
	forDonor
	forHome
	forRoad
	forAfter
	forDesk
	forSchedule
	forMail
	forWelcome
	forVisitor
	forTraffic
	forHost
)

// mix turns several numbers into one that looks random (SplitMix64's finalizer over a running sum).
func mix(key ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, k := range key {
		h += k + 0x9e3779b97f4a7c15
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return h
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// count throws how many things happen when mean are expected (Poisson; by its normal shape from 30 on).
func (d dice) count(mean float64) int {
	if mean <= 0 {
		return 0
	}
	if mean >= 30 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*d.NormFloat64())))
	}
	n, p, floor := 0, d.Float64(), math.Exp(-mean)
	for p > floor {
		n++
		p *= d.Float64()
	}
	return n
}

// skewed throws a log-normal value: half of them lie below median, spread says how far the others go.
func (d dice) skewed(median, spread float64) float64 {
	return median * math.Exp(spread*d.NormFloat64())
}

// skewedMS is skewed for a delay of campaign time: at least 1 ms and at most two days.
func (d dice) skewedMS(median int64, spread float64) int64 {
	return int64(min(max(d.skewed(float64(median), spread), 1), float64(48*hourMS)))
}

// spanMS throws a delay between from and to, small ones as likely as large ones on a logarithmic scale.
func (d dice) spanMS(from, to int64) int64 {
	return int64(float64(from) * math.Pow(float64(to)/float64(from), d.Float64()))
}

// wheel is a wheel of fortune: entries with shares that need not add up to one.
type wheel[T any] struct {
	entries []T
	upTo    []float64
}

func (w *wheel[T]) put(share float64, entry T) {
	if n := len(w.upTo); n > 0 {
		share += w.upTo[n-1]
	}
	w.entries, w.upTo = append(w.entries, entry), append(w.upTo, share)
}

func (w *wheel[T]) spin(d dice) T {
	last := len(w.upTo) - 1
	at := d.Float64() * w.upTo[last]
	for i, edge := range w.upTo {
		if at < edge {
			return w.entries[i]
		}
	}
	return w.entries[last]
}
