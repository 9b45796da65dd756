package live

import (
	"encoding/json"
	"reflect"

	"warroom/server/board"
)

// change is what has become different in a series: its points replace those of their times, or come between them, and
// what is before Start is dropped.
type change struct {
	After   int64        `json:"after"` // seq of the state that it builds on
	Start   int64        `json:"start"` // Unix seconds of the first point that there is now
	Step    int          `json:"step"`  // seconds
	Times   []int64      `json:"times"`
	Columns []changeLane `json:"columns"`
	Doubt   string       `json:"doubt"`
}

type changeLane struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

// worthwhile is the share of points above which the whole series is sent instead of a change.
const worthwhile = 0.5

// changeOf is what leads from one series to the next; false when the whole series has to be told.
func changeOf(was, is *board.Series, after int64) ([]byte, bool) {
	if was == nil || is == nil || len(is.Times) == 0 || !sameHead(was, is) || !wellFormed(was) || !wellFormed(is) {
		return nil, false
	}
	c := change{After: after, Start: is.Times[0], Step: is.Step, Times: []int64{}, Doubt: is.Doubt}
	for _, lane := range is.Columns {
		c.Columns = append(c.Columns, changeLane{Name: lane.Name, Values: []*float64{}})
	}
	old := 0
	for old < len(was.Times) && was.Times[old] < c.Start {
		old++
	}
	for i, at := range is.Times {
		known := old < len(was.Times) && was.Times[old] == at
		if !known || !samePoint(was, old, is, i) {
			c.add(is, i)
		}
		if known {
			old++
		}
	}
	if old < len(was.Times) || float64(len(c.Times)) > worthwhile*float64(len(is.Times)) {
		return nil, false // a point has gone from the middle or the end
	}
	encoded, err := json.Marshal(c)
	return encoded, err == nil
}

func (c *change) add(s *board.Series, i int) {
	c.Times = append(c.Times, s.Times[i])
	for k := range c.Columns {
		c.Columns[k].Values = append(c.Columns[k].Values, s.Columns[k].Values[i])
	}
}

// sameHead says that all is the same but times, values and table: a page in doubt gets whole states. Names are what a change goes by: each has to
// be there once.
func sameHead(a, b *board.Series) bool {
	names := map[string]bool{}
	for _, lane := range b.Columns {
		names[lane.Name] = true
	}
	return len(names) == len(b.Columns) && reflect.DeepEqual(headOf(a), headOf(b))
}

func headOf(s *board.Series) board.Series {
	head := *s
	head.Times, head.Table = nil, nil
	head.Columns = make([]board.Lane, len(s.Columns))
	for i, lane := range s.Columns {
		lane.Values = nil
		head.Columns[i] = lane
	}
	return head
}

// wellFormed says that the columns are as long as the times, and these grow.
func wellFormed(s *board.Series) bool {
	for i := 1; i < len(s.Times); i++ {
		if s.Times[i] <= s.Times[i-1] {
			return false
		}
	}
	for _, lane := range s.Columns {
		if len(lane.Values) != len(s.Times) {
			return false
		}
	}
	return true
}

func samePoint(a *board.Series, i int, b *board.Series, j int) bool {
	for k := range a.Columns {
		x, y := a.Columns[k].Values[i], b.Columns[k].Values[j]
		if (x == nil) != (y == nil) || x != nil && *x != *y {
			return false
		}
	}
	return true
}
