package story

import "math"

// MaxGift is the legal maximum of one person's gift to a candidate for one election (2025–26), in cents.
const MaxGift = 350_000

// size is one of the amounts that people give, in dollars, with its share in per mille.
type size struct{ dollars, share float64 }

// onceSizes clump at the buttons of the donation form; a few large ones carry the mean to twice the median.
func onceSizes() []size {
	return []size{
		{3, 10}, {5, 130}, {10, 150}, {15, 40}, {20, 60}, {25, 210}, {27, 15}, {35, 25}, {40, 15}, {50, 120}, {75, 15},
		{100, 98}, {150, 8}, {250, 26}, {500, 9}, {1000, 5}, {2500, 0.8}, {3500, 2.2},
	}
}

// standingSizes are the amounts of monthly and weekly gifts.
func standingSizes() []size {
	return []size{
		{3, 40}, {5, 140}, {10, 240}, {15, 90}, {20, 110}, {25, 210}, {35, 20}, {50, 110}, {100, 35}, {250, 3}, {500, 2},
	}
}

// Some type their own amount, to the cent.
const (
	ownShare  = 61.0 // per mille of single gifts
	ownMedian = 30.0 // dollars
	ownSpread = 1.1
)

// sizes throws amounts in cents.
type sizes struct{ once, standing wheel[int64] }

// ownAmount marks the slot of the wheel where the donor types an amount.
const ownAmount = -1

func newSizes() sizes {
	var s sizes
	for _, z := range onceSizes() {
		s.once.put(z.share, int64(z.dollars*100))
	}
	s.once.put(ownShare, ownAmount)
	for _, z := range standingSizes() {
		s.standing.put(z.share, int64(z.dollars*100))
	}
	return s
}

// throw returns a gift's size in cents, from $1 to MaxGift.
func (s *sizes) throw(d dice, standing bool) int64 {
	if standing {
		return s.standing.spin(d)
	}
	if cents := s.once.spin(d); cents != ownAmount {
		return cents
	}
	return min(max(int64(d.skewed(ownMedian*100, ownSpread)), 100), MaxGift)
}

// meanOnce and meanStanding are the expected sizes in dollars: they turn dollars an hour into gifts an hour.
func meanOnce() float64 {
	return mean(onceSizes(), size{ownMedian * math.Exp(ownSpread*ownSpread/2), ownShare})
}

func meanStanding() float64 { return mean(standingSizes()) }

func mean(list []size, more ...size) float64 {
	var sum, shares float64
	for _, z := range append(list, more...) {
		sum, shares = sum+z.dollars*z.share, shares+z.share
	}
	return sum / shares
}
