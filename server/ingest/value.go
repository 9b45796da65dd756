package ingest

import (
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"warroom/server/campaign"
)

// value is one JSON value as it stands in the body, known to be valid; empty when there is none.
type value string

var (
	errText    = errors.New(`want a string, in quotes`)
	errBool    = errors.New("want true or false")
	errNumber  = errors.New("want a number")
	errCount   = errors.New("want a whole number, not negative")
	errDecimal = errors.New(`want decimal text such as "25.00", or a number`)
	errObject  = errors.New("want a JSON object")
	errBlank   = errors.New("is empty")
	errControl = errors.New("holds control characters")
)

// absent says whether there is nothing: no value, or null.
func (v value) absent() bool { return v == "" || v == "null" }

// string is the text of a JSON string; ok is false for other values.
func (v value) string() (text string, ok bool) {
	if v == "" || v[0] != '"' {
		return "", false
	}
	inside := string(v[1 : len(v)-1])
	if strings.IndexByte(inside, '\\') < 0 {
		return inside, true
	}
	plain, err := jsontext.AppendUnquote(nil, string(v))
	return string(plain), err == nil
}

// text is a string of at most limit characters.
func (v value) text(limit int) (string, error) {
	text, ok := v.string()
	if !ok {
		return "", errText
	}
	if len(text) > limit && utf8.RuneCountInString(text) > limit {
		return "", errors.New("has more than " + strconv.Itoa(limit) + " characters")
	}
	return text, nil
}

// identity is text that names something for ever.
func (v value) identity() (string, error) {
	text, err := v.text(maxIdentity)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(text) == "" {
		return "", errBlank
	}
	for i := range len(text) {
		if text[i] < ' ' || text[i] == 0x7f {
			return "", errControl
		}
	}
	return text, nil
}

func (v value) bool() (bool, error) {
	switch v {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, errBool
}

// number is the text of a number, quoted or not, as access logs have both.
func (v value) number() (string, error) {
	text, quoted := v.string()
	if !quoted {
		text = string(v)
	}
	if text == "" {
		return "", errNumber
	}
	for i := range len(text) {
		switch c := text[i]; {
		case isDigit(c), c == '.', c == '-', c == '+', c == 'e', c == 'E':
		default:
			return "", errNumber
		}
	}
	return text, nil
}

func (v value) count(bits int) (uint64, error) {
	text, err := v.number()
	if err != nil {
		return 0, errCount
	}
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0, errCount
	}
	return n, nil
}

func (v value) float() (float64, error) {
	text, err := v.number()
	if err != nil {
		return 0, err
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, errNumber
	}
	return f, nil
}

// amount is money in major units: the token's own text, never a float.
func (v value) amount(read func(text, currency string) (int64, error), currency string) (int64, error) {
	if text, quoted := v.string(); quoted {
		return read(text, currency)
	}
	if c := v[0]; c != '-' && (c < '0' || c > '9') {
		return 0, errDecimal
	}
	return read(string(v), currency)
}

// time is RFC 3339 text, or Unix seconds or milliseconds.
func (v value) time(in *reading) (t time.Time, err error) {
	text, quoted := v.string()
	if !quoted {
		if v[0] == '{' || v[0] == '[' || v == "true" || v == "false" {
			text = ""
		} else {
			text = string(v)
		}
	}
	if t, err = campaign.ParseTime(text); err != nil {
		return t, err
	}
	return t, campaign.CheckTime(t, in.received)
}
