package campaign

import (
	"errors"
	"strings"
	"time"
)

// maxAhead is how far a sender's clock may be ahead of ours before its events are refused.
const maxAhead = 24 * time.Hour

// secondsEnd is where a bare number stops being seconds and starts being milliseconds: as seconds it is the year 5138,
// as milliseconds it is March 1973.
const secondsEnd = 100_000_000_000

var (
	errTime       = errors.New("want RFC 3339 with offset (2026-09-30T22:14:05-04:00), or Unix seconds or milliseconds")
	errTimeOffset = errors.New("has no offset from UTC: want 2026-09-30T22:14:05-04:00, or a Z at the end for UTC")
	errTimeUnit   = errors.New("is too large: Unix times are taken in seconds or milliseconds")
	errTimeAhead  = errors.New("is more than 24 h in the future: check the sender's clock and unit")
	errTimeBefore = errors.New("is before 1970: check the unit")
)

// ParseTime reads RFC 3339 text with an offset, or Unix seconds or milliseconds (numbers, or text of digits). The time
// it returns is in UTC and as fine as a millisecond. The errors say what would be right.
func ParseTime(text string) (time.Time, error) {
	if isNumber(text) {
		return parseUnix(text)
	}
	t, err := time.Parse(time.RFC3339Nano, rfc3339(text))
	if err != nil {
		return time.Time{}, whyNoTime(text)
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

// rfc3339 writes the variants that RFC 3339 §5.6 allows (lower case, a space for the T) in the usual way.
func rfc3339(text string) string {
	if len(text) > 10 && (text[10] == ' ' || text[10] == 't') {
		text = text[:10] + "T" + text[11:]
	}
	if rest, ok := strings.CutSuffix(text, "z"); ok {
		text = rest + "Z"
	}
	return text
}

func whyNoTime(text string) error {
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if _, err := time.Parse(layout, rfc3339(text)); err == nil {
			return errTimeOffset
		}
	}
	return errTime
}

// isNumber says whether text is digits, with one fraction at most.
func isNumber(text string) bool {
	whole, fraction, point := strings.Cut(text, ".")
	return isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// parseUnix reads seconds (with a fraction, as log shippers write them) or milliseconds.
func parseUnix(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	n := int64(0)
	for i := range len(whole) {
		if n = n*10 + int64(whole[i]-'0'); n >= 1000*secondsEnd {
			return time.Time{}, errTimeUnit
		}
	}
	if n >= secondsEnd {
		return time.UnixMilli(n).UTC(), nil
	}
	ms := int64(0)
	for i := range 3 {
		ms *= 10
		if i < len(fraction) {
			ms += int64(fraction[i] - '0')
		}
	}
	return time.UnixMilli(n*1000 + ms).UTC(), nil
}

// CheckTime refuses times that no event can have: more than 24 hours after now, or before 1970.
func CheckTime(t, now time.Time) error {
	switch {
	case t.After(now.Add(maxAhead)):
		return errTimeAhead
	case t.Unix() < 0:
		return errTimeBefore
	}
	return nil
}
