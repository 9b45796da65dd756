package board

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"warroom/server/campaign"
	"warroom/views"
)

// money is an amount as the API gives it and the panels write it.
type money struct {
	Minor    int64  `json:"amount_minor"` // signed, in minor units
	Currency string `json:"currency"`     // ISO 4217
	Amount   string `json:"amount"`       // the same as exact decimal text in major units, "-12.50"
}

func newMoney(minor int64, currency string) money {
	exponent, _ := campaign.Exponent(currency)
	sign := ""
	if minor < 0 {
		sign = "-"
	}
	whole, fraction := split(minor, exponent)
	return money{Minor: minor, Currency: currency, Amount: sign + whole + point(fraction)}
}

// sumOf is the engine's sum as money. Sums are wider than what is counted, so that none wraps silently.
func sumOf(sum *big.Int, currency string) (money, error) {
	if !sum.IsInt64() {
		return money{}, fmt.Errorf("%s minor units of %s are more than warroom counts: look for a gift that can't be true",
			sum, currency)
	}
	return newMoney(sum.Int64(), currency), nil
}

// sums reads several sums of one currency.
func sums(currency string, from []*big.Int, into ...*money) (err error) {
	for i, sum := range from {
		if *into[i], err = sumOf(sum, currency); err != nil {
			return err
		}
	}
	return nil
}

// less is a − b, which have one currency.
func (a money) less(b money) money { return newMoney(a.Minor-b.Minor, a.Currency) }

// text is for people: no minor units from 1,000 on, "$2,041,330", "$54.98", "$0", "−$1,205".
func (a money) text() string {
	if a.Minor == 0 {
		return a.symbol() + "0"
	}
	exponent, _ := campaign.Exponent(a.Currency)
	unit := pow10(exponent)
	whole := magnitude(a.Minor) / unit
	if whole < 1000 {
		return a.exact()
	}
	if magnitude(a.Minor)%unit*2 >= unit {
		whole++
	}
	return a.minus() + a.symbol() + thousands(strconv.FormatUint(whole, 10))
}

// exact is for tables: with all decimals of the currency, "$2,041,330.00".
func (a money) exact() string {
	exponent, _ := campaign.Exponent(a.Currency)
	whole, fraction := split(a.Minor, exponent)
	return a.minus() + a.symbol() + thousands(whole) + point(fraction)
}

// major is the amount in major units for drawing; it isn't exact.
func (a money) major() float64 {
	exponent, _ := campaign.Exponent(a.Currency)
	return float64(a.Minor) / float64(pow10(exponent))
}

// figure is the amount to show. The page knows how to roll dollars only.
func (a money) figure() views.Figure {
	f := views.Figure{Text: a.text(), Unit: strings.ToLower(a.Currency)}
	if a.Currency == "USD" {
		f.Raw = strconv.FormatInt(a.Minor, 10)
	}
	return f
}

func (a money) minus() string {
	if a.Minor < 0 {
		return "−"
	}
	return ""
}

func (a money) symbol() string {
	switch a.Currency {
	case "USD":
		return "$"
	case "EUR":
		return "€"
	case "GBP":
		return "£"
	case "JPY":
		return "¥"
	case "CAD":
		return "CA$"
	case "AUD":
		return "A$"
	}
	return a.Currency + "\u00a0"
}

// texts lists amounts for people.
func texts(amounts []money) (list []string) {
	for _, a := range amounts {
		list = append(list, a.text())
	}
	return list
}

// average is the amount per piece, to the nearest minor unit.
func (a money) average(pieces uint64) money {
	if pieces == 0 {
		return newMoney(0, a.Currency)
	}
	size := magnitude(a.Minor)
	each := size / pieces
	if rest := size % pieces; rest >= pieces-rest {
		each++
	}
	if a.Minor < 0 {
		return newMoney(-int64(each), a.Currency)
	}
	return newMoney(int64(each), a.Currency)
}

// split writes the whole and the fractional digits of an amount without its sign.
func split(minor int64, exponent int) (whole, fraction string) {
	digits := fmt.Sprintf("%0*d", exponent+1, magnitude(minor))
	return digits[:len(digits)-exponent], digits[len(digits)-exponent:]
}

func point(fraction string) string {
	if fraction == "" {
		return ""
	}
	return "." + fraction
}

// magnitude is |n|, for the least Int64 too.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func pow10(n int) uint64 {
	p := uint64(1)
	for range n {
		p *= 10
	}
	return p
}
