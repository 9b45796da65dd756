package board

import (
	"fmt"
	"time"
)

// most is how many steps a series may have: more than a wall has pixels for.
const most = 2880

// steps is a row of equal spans of time.
type steps struct {
	from  time.Time // start of the first
	each  time.Duration
	count int
}

// lastSteps are the steps of a window that ends with the step before until.
func lastSteps(until time.Time, window, each time.Duration) steps {
	count := max(1, min(int(window/each), most))
	return steps{from: until.Add(-time.Duration(count) * each).UTC(), each: each, count: count}
}

// index finds the step that starts at a moment.
func (s steps) index(start time.Time) (int, error) {
	i := int(start.Sub(s.from) / s.each)
	if start.Before(s.from) || i >= s.count || !s.start(i).Equal(start) {
		return 0, fmt.Errorf("the engine answered with a step at %s, which is none of those asked for", start.UTC())
	}
	return i, nil
}

func (s steps) start(i int) time.Time { return s.from.Add(time.Duration(i) * s.each) }

// series is a series without columns.
func (s steps) series(m Moment) *Series {
	times := make([]int64, s.count)
	for i := range times {
		times[i] = s.start(i).Unix()
	}
	return &Series{Times: times, Step: int(s.each.Seconds()), Doubt: m.Doubt}
}

// table writes the steps as text: a time in the campaign's zone, then what cells gives.
func (s steps) table(zone *time.Location, layout string, header []string, cells func(i int) []string) [][]string {
	table := make([][]string, 1, s.count+1)
	table[0] = header
	for i := range s.count {
		table = append(table, append([]string{s.start(i).In(zone).Format(layout)}, cells(i)...))
	}
	return table
}
