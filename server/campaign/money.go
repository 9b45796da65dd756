package campaign

import (
	"errors"
	"fmt"
	"strings"
)

// maxMinor bounds one amount, in minor units: nobody moves a hundred billion dollars at once, and a sum of 900,000 such
// mistakes still fits an Int64.
const maxMinor = 10_000_000_000_000

var (
	errAmountForm     = errors.New(`want a positive decimal such as "25.00", without sign, symbol, separators or exponent`)
	errAmountZero     = errors.New("want more than zero: the kind says which way the money goes, the amount only how much")
	errAmountTooLarge = errors.New("is more than 100 billion dollars in cents: is it in the major units of its currency?")
)

// ParseAmount reads decimal text in major units of a currency ("25.00") as minor units (2500). It never rounds and
// never uses a float: more decimals than the currency has are an error, as are zero, signs and exponents. The errors
// say what would be right and never quote the text. The currency must be one that Exponent knows.
func ParseAmount(text, currency string) (minor int64, err error) {
	minor, err = ParseAmountOrZero(text, currency)
	if err == nil && minor == 0 {
		return 0, errAmountZero
	}
	return minor, err
}

// ParseAmountOrZero is ParseAmount for kinds that move no money: zero is fine too.
func ParseAmountOrZero(text, currency string) (minor int64, err error) {
	exponent, ok := Exponent(currency)
	if !ok {
		return 0, errCurrency
	}
	whole, fraction, point := strings.Cut(text, ".")
	if whole == "" || point && fraction == "" {
		return 0, errAmountForm
	}
	if minor, err = digits(0, whole); err != nil {
		return 0, err
	}
	if len(fraction) > exponent {
		if _, err := digits(0, fraction); errors.Is(err, errAmountForm) {
			return 0, err
		}
		return 0, fmt.Errorf("has more decimals than %s has (%d)", currency, exponent)
	}
	if minor, err = digits(minor, fraction); err != nil {
		return 0, err
	}
	for range exponent - len(fraction) {
		if minor *= 10; minor > maxMinor {
			return 0, errAmountTooLarge
		}
	}
	return minor, nil
}

// digits goes on reading a number after n.
func digits(n int64, text string) (int64, error) {
	tooLarge := false
	for i := range len(text) {
		c := text[i]
		if c < '0' || c > '9' {
			return 0, errAmountForm
		}
		if n = n*10 + int64(c-'0'); n > maxMinor {
			n, tooLarge = maxMinor, true // go on: what is no number at all gets the better reason
		}
	}
	if tooLarge {
		return 0, errAmountTooLarge
	}
	return n, nil
}

var errCurrency = errors.New("want an ISO 4217 code such as USD")

// Currency reads an ISO 4217 code in either case and returns it in capitals.
func Currency(text string) (string, error) {
	code := strings.ToUpper(text)
	if _, ok := Exponent(code); !ok {
		return "", errCurrency
	}
	return code, nil
}

// Exponent is the number of decimals of a currency, by its ISO 4217 code in capitals: 2 for USD, 0 for JPY, 3 for KWD.
// ok is false for codes that aren't money of today. (ISO 4217 as amended to No. 179; codes that were withdrawn since
// 2020 stay known for gifts of that time.)
func Exponent(currency string) (decimals int, ok bool) {
	switch currency {
	case "USD",
		"AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BGN", "BMD", "BND",
		"BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY", "COP", "COU",
		"CRC", "CUC", "CUP", "CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL",
		"GHS", "GIP", "GMD", "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES",
		"KGS", "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
		"MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB",
		"PEN", "PGK", "PHP", "PKR", "PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP",
		"SLE", "SLL", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD",
		"TZS", "UAH", "USN", "UYU", "UZS", "VED", "VES", "WST", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG", "ZWL":
		return 2, true
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
		"XPF":
		return 0, true
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3, true
	case "CLF", "UYW":
		return 4, true
	}
	return 0, false
}
