package board

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// grown is a send of the past that raised as much in each minute of its first hour and in each hour as the function says.
func grown(first time.Time, raised func(age time.Duration) float64) earnings {
	e := earnings{first: first, ages: []float64{0}, sums: []float64{0}}
	for age := time.Minute; age <= time.Hour; age += time.Minute {
		e.add(age, raised(age))
	}
	for age := 2 * time.Hour; age <= finalAge+time.Hour; age += time.Hour {
		e.add(age, raised(age))
	}
	return e
}

// wild is a made-up send: each has its own size, its own half-life, and minutes with luck of their own.
func wild(dice *rand.Rand) earnings {
	size := math.Exp(dice.NormFloat64() + 12)
	half := 75 * math.Exp(0.35*dice.NormFloat64()) // minutes
	start := 12 + 6*dice.Float64()
	luck := math.Exp(0.2 * dice.NormFloat64())
	return grown(time.Unix(0, 0), func(age time.Duration) float64 {
		minutes := age.Minutes()
		early := size * (1 - math.Exp2(-minutes/half)) * (1 - math.Exp(-minutes/start))
		return early + 0.15*size*luck*(1-math.Exp2(-minutes/900))
	})
}

// Of sends that were left out one at a time, four in five must end in the band, at each age at which it is told.
func TestProjectionsHoldFourInFive(t *testing.T) {
	for _, earlier := range []int{5, 8, 20} {
		for _, age := range []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour, 3*time.Hour + 30*time.Minute} {
			dice := rand.New(rand.NewPCG(2012, uint64(earlier)))
			held, told := 0, 0
			for range 150 {
				all := make([]earnings, earlier+1)
				for i := range all {
					all[i] = wild(dice)
				}
				for i := range all {
					others := append(append([]earnings{}, all[:i]...), all[i+1:]...)
					band, sends, ok := project(all[i].by(age), age, others)
					if !ok || sends != earlier || band.low > band.mid || band.mid > band.high {
						t.Fatalf("%d sends, +%s: %+v of %d, %t", earlier, age, band, sends, ok)
					}
					if final := all[i].by(finalAge); band.low <= final && final <= band.high {
						held++
					}
					told++
				}
			}
			if share := float64(held) / float64(told); share < 0.7 || share > 0.9 {
				t.Errorf("from %d earlier sends at +%s, %.1f %% end in the band, want 70–90 %%", earlier, age, share*100)
			}
		}
	}
}

func TestProjectionsNeedFiveSends(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	earlier := []earnings{wild(dice), wild(dice), wild(dice), wild(dice)}
	if _, _, ok := project(100, time.Hour, earlier); ok {
		t.Error("projected from four")
	}
	silent := grown(time.Unix(0, 0), func(time.Duration) float64 { return 0 })
	if _, sends, ok := project(100, time.Hour, append(earlier, silent)); ok || sends != 4 {
		t.Error("a send that raised nothing by then says nothing about growth")
	}
	if _, _, ok := project(0, time.Hour, append(earlier, wild(dice))); ok {
		t.Error("projected from nothing raised")
	}
	if _, _, ok := project(100, time.Hour, append(earlier, wild(dice))); !ok {
		t.Error("five are enough")
	}
}

func TestEarnings(t *testing.T) {
	first := time.Date(2026, 9, 6, 22, 40, 0, 0, time.UTC)
	unix := func(after time.Duration) uint32 { return uint32(first.Add(after).Unix()) }
	minutes := stepSums{[]uint32{unix(0), unix(20 * time.Minute)}, []int64{100, 50}}
	hours := stepSums{ // 22:00 holds the first minute, 23:00 the one at 23:00, 00:00 more
		[]uint32{unix(-40 * time.Minute), unix(20 * time.Minute), unix(80 * time.Minute)}, []int64{100, 80, 40},
	}
	e := newEarnings("x", first, minutes, 60, hours, 5*time.Hour)
	for age, want := range map[time.Duration]float64{
		0: 0, 30 * time.Second: 50, time.Minute: 100, 20 * time.Minute: 100, 21 * time.Minute: 150, time.Hour: 150,
		80 * time.Minute: 180, 70 * time.Minute: 165, 110 * time.Minute: 200, 140 * time.Minute: 220, 9 * time.Hour: 220,
	} {
		if got := e.by(age); got != want {
			t.Errorf("by %s: %v, want %v", age, got, want)
		}
	}
}

func TestAbout(t *testing.T) {
	for minor, want := range map[float64]string{412_345_67: "$412,000", 1_234: "$12.30", 7: "$0.07", 0: "$0"} {
		if got := about(minor, "USD").text(); got != want {
			t.Errorf("%v: %s, want %s", minor, got, want)
		}
	}
}

// poisson draws a count. It is used for means small and large.
func poisson(dice *rand.Rand, mean float64) float64 {
	if mean > 50 {
		return max(0, math.Round(mean+math.Sqrt(mean)*dice.NormFloat64()))
	}
	n, p := 0.0, dice.Float64()
	for limit := math.Exp(-mean); p > limit; p *= dice.Float64() {
		n++
	}
	return n
}

// everSure plays tests between versions whose second one's rate is ratio times the first's, looks each minute for
// twelve hours, and says in how many it was ever sure. Some readers open twice.
func everSure(ratio, perMinute, again, each float64, tests int) float64 {
	dice := rand.New(rand.NewPCG(7, uint64(perMinute*1000)))
	found := 0
	for range tests {
		p := pair{each: each}
		for minute := range 12 * 60 {
			if minute < 30 {
				p.firstMails, p.secondMails = p.firstMails+2000, p.secondMails+2000
			}
			rate := perMinute * math.Exp(-float64(minute)/90)
			once, twice := poisson(dice, rate*(1-again)), poisson(dice, rate*again)
			p.first += once + 2*twice
			once, twice = poisson(dice, ratio*rate*(1-again)), poisson(dice, ratio*rate*again)
			p.second += once + 2*twice
			if p.luck() <= sure {
				found++
				break
			}
		}
	}
	return float64(found) / float64(tests)
}

// Looking every minute must not find more than one difference in twenty where there is none, and must find real ones.
func TestPeekingFindsNoDifferenceThatIsNone(t *testing.T) {
	for name, c := range map[string]struct{ perMinute, again, each float64 }{
		"opens, a third of them again": {150, 1.0 / 3, 2}, "clicks": {12, 0.2, 2}, "unsubscribes": {2, 0, 1}, "complaints": {0.3, 0, 1},
	} {
		if share := everSure(1, c.perMinute, c.again, c.each, 300); share > 0.05 {
			t.Errorf("%s: sure of nothing in %.1f %% of the tests, want 5 %% at most", name, share*100)
		}
	}
	if share := everSure(1.1, 150, 1.0/3, 2, 40); share < 0.9 {
		t.Errorf("a tenth more opens is found in %.0f %% of the tests", share*100)
	}
}

func TestIntervalHoldsWhatWasSeen(t *testing.T) {
	p := pair{first: 20_000, second: 21_500, firstMails: 390_000, secondMails: 389_000, each: 2}
	low, high, ok := p.between(sure)
	if !ok || low <= 1 || low >= p.ratio() || high <= p.ratio() || high > 1.2 {
		t.Errorf("%v to %v around %v", low, high, p.ratio())
	}
	if p.luck() > sure {
		t.Errorf("the interval leaves out no difference, and luck is %v", p.luck())
	}
	if _, _, ok := (pair{second: 3, firstMails: 10, secondMails: 10, each: 1}).between(sure); ok {
		t.Error("a ratio to nothing")
	}
}

func TestVariants(t *testing.T) {
	at := evening(t)
	left := float64(at.At.Add(-2 * time.Hour).Unix())
	p := deskOf(t, newYork(t)).sendVariants("em0906")
	_, fragment := answer(t, p, at,
		[]any{"a", uint64(400_000), uint64(390_000), uint64(78_000), uint64(3_800), uint64(600), uint64(100), left},
		[]any{"b", uint64(400_000), uint64(389_500), uint64(84_000), uint64(3_810), uint64(610), uint64(0), left + 20})
	for _, want := range []string{"20.0 %", "21.6 %", "+7.8 %", "sure: luck 1 in 1,000 or less", "not sure yet", "a, 390,000 delivered"} {
		if !strings.Contains(fragment, want) {
			t.Errorf("no %q in %s", want, fragment)
		}
	}
	_, fragment = answer(t, p, at,
		[]any{"a", uint64(400_000), uint64(390_000), uint64(78_000), uint64(3_800), uint64(600), uint64(100), left},
		[]any{"b", uint64(400_000), uint64(389_500), uint64(60_000), uint64(2_000), uint64(610), uint64(0), left + 1200})
	if strings.Contains(fragment, "sure: luck") || !strings.Contains(fragment, "left at different times: wait") {
		t.Errorf("compares versions of different ages: %s", fragment)
	}
	_, fragment = answer(t, p, at, []any{"", uint64(4), uint64(4), uint64(1), uint64(0), uint64(0), uint64(0), left})
	if !strings.Contains(fragment, "One version only") {
		t.Errorf("one version: %s", fragment)
	}
}

func TestPerThousand(t *testing.T) {
	for _, c := range []struct {
		minor     int64
		delivered uint64
		want      string
	}{{21_400_00, 100_000, "214.00"}, {1_00, 3, "333.33"}, {2_00, 3, "666.67"}, {math.MaxInt64, 4_000, "23058430092136939.52"}} {
		if got := perThousand(newMoney(c.minor, "USD"), c.delivered); got == nil || got.Amount != c.want {
			t.Errorf("%d for %d: %+v, want %s", c.minor, c.delivered, got, c.want)
		}
	}
	if perThousand(newMoney(1, "USD"), 0) != nil {
		t.Error("nothing was delivered")
	}
}
