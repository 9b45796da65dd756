package board

import "time"

// pieces are what spans of time are summed from: the starts of the whole UTC days, hours and minutes in them, and of
// the minutes that their ends cut, whose movements are read one by one.
type pieces struct {
	minutes, hours, days, ends []time.Time
	short                      bool // nothing longer than a minute: for few hours, so that one kind of sums is read
}

const utcDay = 24 * time.Hour

// add takes in the time after since up to until, which must not lie before what is there already. A millisecond is the
// smallest step of time.
func (p *pieces) add(since, until time.Time) {
	start, end := since.Add(time.Millisecond).UTC(), until.UTC().Truncate(time.Minute)
	if first := start.Truncate(time.Minute); !first.Equal(start) {
		p.cut(first)
		start = first.Add(time.Minute)
	}
	for start.Before(end) {
		start = start.Add(p.take(start, end.Sub(start)))
	}
	p.cut(end)
}

// take notes the longest piece that begins at a minute and fits, and gives its length.
func (p *pieces) take(start time.Time, room time.Duration) time.Duration {
	switch {
	case p.short:
	case room >= utcDay && start.Truncate(utcDay).Equal(start):
		p.days = append(p.days, start)
		return utcDay
	case room >= time.Hour && start.Truncate(time.Hour).Equal(start):
		p.hours = append(p.hours, start)
		return time.Hour
	}
	p.minutes = append(p.minutes, start)
	return time.Minute
}

func (p *pieces) cut(minute time.Time) {
	if n := len(p.ends); n == 0 || !p.ends[n-1].Equal(minute) {
		p.ends = append(p.ends, minute)
	}
}

// write adds the pieces to a query's parameters.
func (p *pieces) write(params map[string]string) {
	params["minutes"], params["hours"] = engineTimes(p.minutes), engineTimes(p.hours)
	params["days"], params["ends"] = engineTimes(p.days), engineTimes(p.ends)
}
