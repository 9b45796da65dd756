package live

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"warroom/server/board"
)

// chart is what a page keeps of a series; take is what it does with a change.
type page struct {
	seq    int64
	series board.Series
}

func (p *page) take(t *testing.T, seq int64, data []byte) {
	t.Helper()
	var c change
	if err := json.Unmarshal(data, &c); err != nil {
		t.Fatal(err)
	}
	if c.After != p.seq {
		t.Fatalf("a change after %d came to a page of %d", c.After, p.seq)
	}
	s := &p.series
	for len(s.Times) > 0 && s.Times[0] < c.Start {
		s.Times = s.Times[1:]
		for k := range s.Columns {
			s.Columns[k].Values = s.Columns[k].Values[1:]
		}
	}
	for i, at := range c.Times {
		place, there := slices.BinarySearch(s.Times, at)
		if !there {
			s.Times = slices.Insert(s.Times, place, at)
		}
		for k := range s.Columns {
			if s.Columns[k].Name != c.Columns[k].Name {
				t.Fatalf("column %d is %q", k, c.Columns[k].Name)
			}
			value := c.Columns[k].Values[i]
			if there {
				s.Columns[k].Values[place] = value
			} else {
				s.Columns[k].Values = slices.Insert(s.Columns[k].Values, place, value)
			}
		}
	}
	p.seq, s.Doubt = seq, c.Doubt
}

func encodedOf(t *testing.T, s *board.Series) []byte {
	t.Helper()
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// However a series moves on, a page that follows the changes has what a page that gets the whole has.
func TestChangesGiveTheWhole(t *testing.T) {
	dice := rand.New(rand.NewPCG(4, 2))
	points := map[int64][2]*float64{}
	from, until, changes, wholes := int64(6000), int64(6000), 0, 0
	series := func() *board.Series {
		s := &board.Series{Times: []int64{}, Step: 60, Columns: []board.Lane{{Name: "a", Values: []*float64{}}, {Name: "b", Values: []*float64{}}}}
		for at := from; at < until; at += 60 {
			if point, there := points[at]; there { // gaps are filled later
				s.Times = append(s.Times, at)
				for k := range s.Columns {
					s.Columns[k].Values = append(s.Columns[k].Values, point[k])
				}
			}
		}
		if dice.IntN(20) == 0 {
			s.Doubt = "late"
		}
		return s
	}
	var was *board.Series
	shown := &page{}
	for seq := int64(1); seq < 3000; seq++ {
		for range dice.IntN(4) {
			if dice.IntN(3) > 0 {
				until += 60 * dice.Int64N(3)
			}
			at := max(from, until-60*(1+dice.Int64N(30)))
			value := float64(dice.IntN(5))
			points[at/60*60] = [2]*float64{&value, nil}
		}
		from = max(from, until-60*60)
		is := series()
		data, ok := changeOf(was, is, seq-1)
		if ok {
			changes++
			shown.take(t, seq, data)
		} else {
			wholes++
			shown = &page{seq: seq}
			if err := json.Unmarshal(encodedOf(t, is), &shown.series); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := encodedOf(t, &shown.series), encodedOf(t, is); string(got) != string(want) {
			t.Fatalf("seq %d: the page has\n%s, want\n%s\nby %s", seq, got, want, data)
		}
		was = is
	}
	if changes < 1500 || wholes < 100 {
		t.Errorf("%d changes, %d wholes: this test looks at one of them only", changes, wholes)
	}
}

func TestWhatAChangeCannotSay(t *testing.T) {
	one, two := 1.0, 2.0
	of := func(times []int64, names ...string) *board.Series {
		s := &board.Series{Times: times, Step: 60}
		for _, name := range names {
			s.Columns = append(s.Columns, board.Lane{Name: name, Values: slices.Repeat([]*float64{&one}, len(times))})
		}
		return s
	}
	base := of([]int64{60, 120, 180, 240}, "a", "b")
	doubt := of(base.Times, "a", "b")
	doubt.Doubt = "late"
	relabelled := of(base.Times, "a", "b")
	relabelled.Columns[0].Label = "A"
	otherStep := of(base.Times, "a", "b")
	otherStep.Step = 30
	short := of(base.Times, "a", "b")
	short.Columns[1].Values = short.Columns[1].Values[:3]
	for name, is := range map[string]*board.Series{
		"nothing": nil, "empty": of(nil, "a", "b"), "another column": of(base.Times, "a", "c"), "a column more": of(base.Times, "a", "b", "c"),
		"the same name twice": of(base.Times, "a", "a"), "the end is gone": of([]int64{60, 120, 180}, "a", "b"),
		"the middle is gone": of([]int64{60, 180, 240}, "a", "b"), "an earlier start": of([]int64{0, 60, 180, 240}, "a", "b"),
		"not in order": of([]int64{60, 120, 240, 180}, "a", "b"), "doubt": doubt, "another label": relabelled, "another step": otherStep,
		"a short column": short,
	} {
		if data, ok := changeOf(base, is, 1); ok {
			t.Errorf("%s: %s", name, data)
		}
	}
	if _, ok := changeOf(nil, base, 1); ok {
		t.Error("a change of nothing")
	}
	next := of([]int64{120, 180, 240, 300}, "a", "b")
	next.Columns[1].Values[2] = &two
	data, ok := changeOf(base, next, 7)
	want := `{"after":7,"start":120,"step":60,"times":[240,300],"columns":[{"name":"a","values":[1,1]},{"name":"b","values":[2,1]}],"doubt":""}`
	if !ok || string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	if head := headOf(base); !reflect.DeepEqual(base.Times, []int64{60, 120, 180, 240}) || len(base.Columns[0].Values) != 4 || head.Times != nil {
		t.Error("looking at a series changed it")
	}
}
