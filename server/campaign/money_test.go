package campaign

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestParseAmount(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
		err            string // part of the reason; empty when it is good
	}{
		{"25.00", "USD", 2500, ""},
		{"25.5", "USD", 2550, ""},
		{"5.0", "USD", 500, ""},
		{"25", "USD", 2500, ""},
		{"0.01", "USD", 1, ""},
		{"007.10", "USD", 710, ""},
		{"1000", "JPY", 1000, ""},
		{"1.234", "KWD", 1234, ""},
		{"1.2", "KWD", 1200, ""},
		{"0.0001", "CLF", 1, ""},
		{"100000000000", "USD", maxMinor, ""},
		{"100000000000.01", "USD", 0, "more than 100 billion"},
		{"9999999999999999999999999", "USD", 0, "more than 100 billion"},
		{"9999999999999999999999999x", "USD", 0, "positive decimal"},
		{"1.001", "USD", 0, "more decimals than USD has (2)"},
		{"1.000", "USD", 0, "more decimals than USD has (2)"},
		{"0.30000000000000004", "USD", 0, "more decimals"},
		{"1.0", "JPY", 0, "more decimals than JPY has (0)"},
		{"1.00x", "USD", 0, "positive decimal"},
		{"0", "USD", 0, "more than zero"},
		{"0.00", "USD", 0, "more than zero"},
		{"-1", "USD", 0, "without sign"},
		{"+1", "USD", 0, "without sign"},
		{"1e2", "USD", 0, "exponent"},
		{"1E2", "USD", 0, "exponent"},
		{"", "USD", 0, "positive decimal"},
		{".", "USD", 0, "positive decimal"},
		{".5", "USD", 0, "positive decimal"},
		{"5.", "USD", 0, "positive decimal"},
		{"1.2.3", "USD", 0, "positive decimal"},
		{"1,000.00", "USD", 0, "separators"},
		{"$25", "USD", 0, "symbol"},
		{" 25", "USD", 0, "positive decimal"},
		{"２５", "USD", 0, "positive decimal"},
		{"NaN", "USD", 0, "positive decimal"},
		{"Infinity", "USD", 0, "positive decimal"},
		{"0x10", "USD", 0, "positive decimal"},
		{"25", "XXX", 0, "ISO 4217"},
		{"25", "", 0, "ISO 4217"},
	} {
		got, err := ParseAmount(c.text, c.currency)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) ||
			got != c.want {
			t.Errorf("%q %s: got %d, %v, want %d, %q", c.text, c.currency, got, err, c.want, c.err)
		}
	}
	if got, err := ParseAmountOrZero("0.00", "USD"); got != 0 || err != nil {
		t.Errorf("zero where it is allowed: got %d, %v", got, err)
	}
}

func TestCurrency(t *testing.T) {
	for text, want := range map[string]string{"USD": "USD", "usd": "USD", "Eur": "EUR", "XCG": "XCG"} {
		if got, err := Currency(text); got != want || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "US", "DOLLAR", "XXX", "XAU", "U$D", "USD "} {
		if got, err := Currency(text); !errors.Is(err, errCurrency) {
			t.Errorf("%q: got %q, %v, want an error", text, got, err)
		}
	}
	for code, want := range map[string]int{"USD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "TND": 3, "CLF": 4, "ISK": 0,
		"HUF": 2} {
		if got, ok := Exponent(code); !ok || got != want {
			t.Errorf("%s: got %d, %t, want %d", code, got, ok, want)
		}
	}
}

// Whatever is accepted is exactly the number that the text says, as exact arithmetic reads it.
func FuzzMoney(f *testing.F) {
	for _, text := range []string{"25.00", "5", "0.01", "1e3", "-1", "99999999999999999999", "1.234", "1..2", "٣"} {
		for _, currency := range []string{"USD", "JPY", "KWD", "CLF", "nope"} {
			f.Add(text, currency)
		}
	}
	f.Fuzz(func(t *testing.T, text, currency string) {
		minor, err := ParseAmount(text, currency)
		if err != nil {
			if minor != 0 {
				t.Fatalf("%q: %d beside an error", text, minor)
			}
			return
		}
		exponent, ok := Exponent(currency)
		if !ok || minor <= 0 || minor > maxMinor {
			t.Fatalf("%q %q: accepted as %d", text, currency, minor)
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is accepted and is no number", text)
		}
		for range exponent {
			want.Mul(want, big.NewRat(10, 1))
		}
		if !want.IsInt() || want.Num().String() != strconv.FormatInt(minor, 10) {
			t.Fatalf("%q %q: got %d, want %s", text, currency, minor, want)
		}
	})
}
