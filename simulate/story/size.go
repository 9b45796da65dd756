package story

import "math"

// MaxGift is the legal maximum of one person's gift to a candidate for one election (2025–26), in cents.
const MaxGift = 350_000

// size is one of the amounts that people give, in dollars, with its share in per mille.
type size struct{ dollars, share float64 }

// onceSizes clump at the buttons of the donation form. The mean is twice the median because of many gifts of $100 to
// $500; few are larger, or single gifts would decide how a quiet hour looks.
func onceSizes() []size {
	return []size{
		{3, 10}, {5, 120}, {10, 145}, {15, 40}, {20, 60}, {25, 215}, {27, 15}, {35, 30}, {40, 15}, {50, 132}, {75, 20},
		{100, 115}, {150, 12}, {250, 56}, {500, 18}, {1000, 5}, {2500, 0.3}, {3500, 0.4},
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

// sizes throws amounts in cents, and knows what to expect of them in dollars.
type sizes struct {
	once, standing         wheel[int64]
	meanOnce, meanStanding float64
}

// ownAmount marks the slot of the wheel where the donor types an amount.
const ownAmount = -1

func newSizes() sizes {
	own := size{ownMedian * math.Exp(ownSpread*ownSpread/2), ownShare}
	s := sizes{meanOnce: mean(append(onceSizes(), own)), meanStanding: mean(standingSizes())}
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

// mean is the expected gift in dollars when this share of the gifts is standing: it turns dollars an hour into gifts
// an hour.
func (s *sizes) mean(standing float64) float64 {
	return (1-standing)*s.meanOnce + standing*s.meanStanding
}

func mean(list []size) float64 {
	var sum, shares float64
	for _, z := range list {
		sum, shares = sum+z.dollars*z.share, shares+z.share
	}
	return sum / shares
}
