package campaign

import (
	"errors"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	for text, want := range map[string]string{
		"2026-09-30T22:14:05-04:00":      "2026-10-01T02:14:05Z",
		"2026-09-30T22:14:05Z":           "2026-09-30T22:14:05Z",
		"2026-09-30t22:14:05z":           "2026-09-30T22:14:05Z",
		"2026-09-30 22:14:05+00:00":      "2026-09-30T22:14:05Z",
		"2026-09-30T22:14:05.123456789Z": "2026-09-30T22:14:05.123Z",
		"2026-11-01T01:30:00-05:00":      "2026-11-01T06:30:00Z", // the hour that happens twice
		"2026-11-01T01:30:00-04:00":      "2026-11-01T05:30:00Z",
		"1790000000":                     "2026-09-21T14:13:20Z",
		"1790000000.5":                   "2026-09-21T14:13:20.5Z",
		"1790000000.1239":                "2026-09-21T14:13:20.123Z",
		"1790000000123":                  "2026-09-21T14:13:20.123Z",
		"1790000000123.9":                "2026-09-21T14:13:20.123Z",
		"0":                              "1970-01-01T00:00:00Z",
	} {
		got, err := ParseTime(text)
		if err != nil || got.Format(time.RFC3339Nano) != want || got.Location() != time.UTC {
			t.Errorf("%q: got %v, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"":                                 errTime,
		"yesterday":                        errTime,
		"2026-13-01T00:00:00Z":             errTime,
		"2026-09-31T00:00:00Z":             errTime,
		"-5":                               errTime,
		"1.79e9":                           errTime,
		".5":                               errTime,
		"5.":                               errTime,
		"2026-09-30T22:14:05":              errTimeOffset,
		"2026-09-30 22:14:05":              errTimeOffset,
		"2026-09-30T22:14:05.12":           errTimeOffset,
		"2026-09-30":                       errTimeOffset,
		"1790000000123456":                 errTimeUnit,
		"99999999999999999999999999999999": errTimeUnit,
	} {
		if got, err := ParseTime(text); !errors.Is(err, want) {
			t.Errorf("%q: got %v, %v, want %q", text, got, err, want)
		}
	}
}

func TestCheckTime(t *testing.T) {
	now := time.Date(2026, 9, 30, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		at   time.Time
		want error
	}{
		{now, nil},
		{now.Add(24 * time.Hour), nil},
		{now.Add(24*time.Hour + time.Millisecond), errTimeAhead},
		{now.AddDate(-30, 0, 0), nil},
		{time.Unix(0, 0), nil},
		{time.Unix(-1, 0), errTimeBefore},
		{time.Time{}, errTimeBefore},
	} {
		if err := CheckTime(c.at, now); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v, want %v", c.at, err, c.want)
		}
	}
}

func FuzzTime(f *testing.F) {
	for _, text := range []string{"2026-09-30T22:14:05-04:00", "1790000000.123", "1790000000123", "2026-09-30",
		"99999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseTime(text)
		if err != nil {
			return
		}
		again, err := ParseTime(at.Format(time.RFC3339Nano))
		if at.Year() <= 9999 && at.Year() >= 0 && (err != nil || !again.Equal(at)) {
			t.Fatalf("%q is %v, which reads as %v, %v", text, at, again, err)
		}
	})
}
