package board

import "time"

// dayStart is the first moment of the day of t in a zone. It is right on days whose midnight is skipped or happens
// twice when the clocks change.
func dayStart(t time.Time, zone *time.Location) time.Time {
	year, month, day := t.In(zone).Date()
	start := time.Date(year, month, day, 0, 0, 0, 0, zone)
	if start.Day() != day { // midnight is skipped, and this is before the gap
		_, start = start.ZoneBounds()
		return start
	}
	if since, _ := start.ZoneBounds(); !since.IsZero() {
		// Clocks that go back over midnight repeat it: the first one is before the change.
		before := since.Add(-time.Nanosecond).In(zone)
		_, offset := start.Zone()
		_, earlier := before.Zone()
		first := start.Add(time.Duration(offset-earlier) * time.Second)
		if first.Before(since) && first.Day() == day {
			return first
		}
	}
	return start
}

// sameClock is the moment so many days away at which the clocks of a zone show the same.
func sameClock(t time.Time, days int, zone *time.Location) time.Time {
	return t.In(zone).AddDate(0, 0, days).UTC()
}

// sinceDayStart says where a day began, "since midnight EDT".
func sinceDayStart(start time.Time) string {
	if start.Hour() == 0 && start.Minute() == 0 {
		return "since midnight " + start.Format("MST")
	}
	return "since " + start.Format("3:04 AM MST")
}
