package board

import "math"

// How sure a difference between two versions is. Both get the same kind of mail at the same time, so that if they are
// equally good, each open (or click …) is the second version's with the chance of its share of the deliveries. The
// evidence against that is the likelihood of what was seen if the chance is spread around that share (a beta
// distribution of so many imagined events), over the likelihood at the share itself. As events come this ratio is a
// fair game, so that the chance that it ever reaches 20 by luck is at most 1 in 20, however often one looks (Ville; the
// mixture sequential probability ratio test). 1/ratio is an always-valid p.

const (
	// imagined is how many events the prior is worth: it is best at telling differences of about a tenth.
	imagined = 400
	// sure is the always-valid p from which a difference is called sure.
	sure = 0.05
)

// pair is what came of two versions.
type pair struct {
	first, second           float64 // events
	firstMails, secondMails float64 // deliveries
	// each is how many events one person stands for, at most on average: who opens once may open again, and such
	// events say less than as many people would.
	each float64
}

// evidence is the logarithm of the ratio against "the second version's rate is ratio times the first's".
func (p pair) evidence(ratio float64) float64 {
	share := ratio * p.secondMails / (ratio*p.secondMails + p.firstMails)
	a, b := imagined*share, imagined*(1-share)
	x, y := p.second/p.each, p.first/p.each
	return logBeta(a+x, b+y) - logBeta(a, b) - x*math.Log(share) - y*math.Log(1-share)
}

// luck is the always-valid p that the two are equally good.
func (p pair) luck() float64 {
	if p.firstMails == 0 || p.secondMails == 0 {
		return 1
	}
	return min(1, math.Exp(-p.evidence(1)))
}

// ratio is the second version's rate over the first's.
func (p pair) ratio() float64 { return p.second * p.firstMails / (p.first * p.secondMails) }

// between are the ratios that the evidence doesn't speak against at a limit for p: the always-valid interval. ok is
// false while one version has nothing to compare.
func (p pair) between(limit float64) (low, high float64, ok bool) {
	if p.first == 0 || p.second == 0 || p.firstMails == 0 || p.secondMails == 0 {
		return 0, 0, false
	}
	return p.edge(limit, -1), p.edge(limit, 1), true
}

// edge looks for where the evidence reaches the limit, on one side of what was seen.
func (p pair) edge(limit float64, side float64) float64 {
	seen, near, far := math.Log(p.ratio()), 0.0, math.Log(1000)
	for range 40 {
		middle := (near + far) / 2
		if p.evidence(math.Exp(seen+side*middle)) < -math.Log(limit) {
			near = middle
		} else {
			far = middle
		}
	}
	return math.Exp(seen + side*near)
}

func logBeta(a, b float64) float64 {
	x, _ := math.Lgamma(a)
	y, _ := math.Lgamma(b)
	z, _ := math.Lgamma(a + b)
	return x + y - z
}
