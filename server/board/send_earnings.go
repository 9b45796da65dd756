package board

import (
	"math"
	"slices"
	"time"
)

const (
	// finalAge is when what a send raised counts as final: hardly anybody gives to a mail of three days ago.
	finalAge = 72 * time.Hour
	// fewest is how many earlier sends a projection needs.
	fewest = 5
	// trickleDays are more days of sending than a blast has: a mail to everybody who signs up never ends.
	trickleDays = 3
)

// earnings is what a send has raised by each age: exact by the minute at first, then by the hour, with a straight line
// between. It is for drawing and for estimates, in minor units.
type earnings struct {
	id    string
	first time.Time // the minute of its first mail
	ages  []float64 // seconds since then, rising
	sums  []float64 // raised by that age
}

// stepSums are amounts by the Unix time at which their minute or hour starts, as the engine gives them.
type stepSums struct {
	starts []uint32
	minor  []int64
}

// newEarnings adds up minutes, as many as are wanted from the first mail on, and then hours up to an age.
func newEarnings(id string, first time.Time, minutes stepSums, wanted int, hours stepSums, until time.Duration) earnings {
	e := earnings{id: id, first: first, ages: []float64{0}, sums: []float64{0}}
	byMinute := minutes.byStart()
	sum := 0.0
	for i := range min(wanted, int(until/time.Minute)) {
		sum += byMinute[first.Unix()+int64(i)*60]
		e.add(time.Duration(i+1)*time.Minute, sum)
	}
	byHour := hours.byStart()
	sum = 0
	for start := first.Truncate(time.Hour); start.Add(time.Hour).Sub(first) <= until; start = start.Add(time.Hour) {
		sum += byHour[start.Unix()]
		e.add(start.Add(time.Hour).Sub(first), sum)
	}
	return e
}

func (s stepSums) byStart() map[int64]float64 {
	found := make(map[int64]float64, len(s.starts))
	for i, start := range s.starts {
		found[int64(start)] += float64(s.minor[i])
	}
	return found
}

// add goes on to an age. What is known already stays, and a sum never falls: the hours and the minutes are read apart.
func (e *earnings) add(age time.Duration, sum float64) {
	last := len(e.ages) - 1
	if age.Seconds() <= e.ages[last] {
		return
	}
	e.ages, e.sums = append(e.ages, age.Seconds()), append(e.sums, max(sum, e.sums[last]))
}

// by is what was raised by an age; past the last that is known, what was raised by that one.
func (e earnings) by(age time.Duration) float64 {
	seconds := age.Seconds()
	i, found := slices.BinarySearch(e.ages, seconds)
	switch {
	case i == len(e.ages):
		return e.sums[i-1]
	case found || i == 0:
		return e.sums[i]
	}
	part := (seconds - e.ages[i-1]) / (e.ages[i] - e.ages[i-1])
	return e.sums[i-1] + part*(e.sums[i]-e.sums[i-1])
}

// quantile of sorted values by the rule that holds for any distribution: of n, the k-th has k/(n+1) below it. Where
// there are too few for that, the two at the end are drawn out.
func quantile(sorted []float64, p float64) float64 {
	place := p*float64(len(sorted)+1) - 1
	i := max(0, min(int(math.Floor(place)), len(sorted)-2))
	return sorted[i] + (place-float64(i))*(sorted[i+1]-sorted[i])
}

// spread is the low end, the middle and the high end of four in five.
type spread struct{ low, mid, high float64 }

func spreadOf(values []float64) spread {
	slices.Sort(values)
	return spread{quantile(values, 0.1), quantile(values, 0.5), quantile(values, 0.9)}
}

// bandAt is what earlier sends had raised by an age; ok is false when they are too few to say.
func bandAt(earlier []earnings, age time.Duration) (s spread, ok bool) {
	if len(earlier) < fewest {
		return spread{}, false
	}
	values := make([]float64, len(earlier))
	for i, e := range earlier {
		values[i] = e.by(age)
	}
	s = spreadOf(values)
	s.low = max(0, s.low)
	return s, true
}

// project says where a send will end that has raised so much by an age. Each earlier send grew from that age on by some
// factor; the factors' logarithms are spread as factors are, and their quantiles are the band. sends is how many of the
// earlier ones had raised anything by then: with fewer than five there is no projection.
func project(raised float64, age time.Duration, earlier []earnings) (s spread, sends int, ok bool) {
	var logs []float64
	for _, e := range earlier {
		if by := e.by(age); by > 0 {
			logs = append(logs, math.Log(max(e.by(finalAge)/by, 1)))
		}
	}
	if raised <= 0 || len(logs) < fewest {
		return spread{}, len(logs), false
	}
	s = spreadOf(logs)
	grown := func(log float64) float64 { return raised * math.Exp(max(0, log)) }
	return spread{grown(s.low), grown(s.mid), grown(s.high)}, len(logs), true
}

// about is an estimate in minor units as money, with three figures that say something.
func about(minor float64, currency string) money {
	if minor <= 0 {
		return newMoney(0, currency)
	}
	step := max(1, math.Pow(10, math.Floor(math.Log10(minor))-2))
	return newMoney(int64(math.Min(math.Round(minor/step)*step, 1<<62)), currency)
}
