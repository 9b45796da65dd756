package board

import "math"

const (
	fewestFailures = 5     // in a minute, for something to be wrong: less can be one person who tries again
	leastExcess    = 0.005 // of the answers, above what is usual
	beyondChance   = 3     // standard errors that a rise must have
	enoughUsual    = 1000  // requests that what is usual is made from at least
)

// answers are requests and how many of them failed (5xx).
type answers struct{ requests, failed float64 }

func (a answers) share() float64 {
	if a.requests <= 0 {
		return 0
	}
	return min(a.failed/a.requests, 1)
}

// usualOf is what an app's failures are held against: those of the same hour of earlier weeks, else of the last day.
// known is false where there are too few requests to say.
func usualOf(weeks, day answers) (usual float64, of string, known bool) {
	switch {
	case weeks.requests >= enoughUsual:
		return weeks.share(), "at this hour of the week", true
	case day.requests >= enoughUsual:
		return day.share(), "in the last 24 hours", true
	}
	return 0, "", false
}

// excess is how much more of the answers fail than usual, 0 where that can be chance.
func (a answers) excess(usual float64) float64 {
	over := a.share() - usual
	if a.failed < fewestFailures || over < leastExcess {
		return 0
	}
	// The usual share may be 0 because nothing failed so far: one failure in a thousand can't be told from that.
	p := max(usual, 0.001)
	if over < beyondChance*math.Sqrt(p*(1-p)/a.requests) {
		return 0
	}
	return over
}

// minute is an app's answers in one minute.
type minute struct {
	at int64 // Unix seconds
	answers
}

// began goes back from the newest minute, oldest first, for as long as they are as bad as at least a third of the
// excess: the start of the first bad one, before which two in a row were good. whole says that all were bad.
func began(minutes []minute, usual, excess float64) (at int64, whole bool) {
	limit := usual + max(leastExcess, excess/3)
	good := 0
	for i := len(minutes) - 1; i >= 0; i-- {
		if minutes[i].share() >= limit {
			at, good = minutes[i].at, 0
			continue
		}
		if good++; good == 2 {
			return at, false
		}
	}
	return at, at != 0
}
