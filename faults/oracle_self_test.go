package faults

import (
	"testing"
	"time"
)

// deaf is a test that counts complaints instead of failing.
type deaf struct {
	testing.TB
	complaints int
}

func (d *deaf) Helper()               {}
func (d *deaf) Errorf(string, ...any) { d.complaints++ }
func (d *deaf) Fail()                 { d.complaints++ }

// An oracle that can't find anything proves nothing.
func TestTheOracleFindsWhatIsWrong(t *testing.T) {
	at := time.Date(2026, 11, 3, 20, 14, 0, 0, time.UTC)
	one := func(change func(*entry)) *journal {
		j := newJournal("self")
		e := &entry{gift: gift{id: "1", kind: "gift", currency: "USD", refcode: "em1", minor: 1234, at: at}, acked: true}
		change(e)
		j.entries["1"] = e
		return j
	}
	there := func(minor int64) map[string]stored {
		return map[string]stored{"1": {"USD", "2026-11-03", "em1", minor}}
	}
	sums := func(minor string) query {
		return func(string) [][]string { return [][]string{{"USD", "2026-11-03", "em1", minor}} }
	}
	for name, c := range map[string]struct {
		journal *journal
		there   map[string]stored
		sums    query
		want    fault
	}{
		"nothing":       {one(func(*entry) {}), there(1234), sums("1234"), fault{}},
		"a lost gift":   {one(func(*entry) {}), map[string]stored{}, sums("0"), fault{lost: 1}},
		"a cent":        {one(func(*entry) {}), there(1235), sums("1234"), fault{cents: 1}},
		"a sum":         {one(func(*entry) {}), there(1234), sums("2468"), fault{cents: 1234}},
		"a refused one": {one(func(e *entry) { e.acked, e.refused = false, true }), there(1234), sums("1234"), fault{returned: 1}},
		"a stranger": {one(func(e *entry) { e.acked = false }), map[string]stored{"2": {"USD", "2026-11-03", "em1", 5}},
			sums("0"), fault{doubled: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			d := &deaf{TB: t}
			var f fault
			f.compare(d, c.there, c.journal)
			f.compareSums(d, c.sums, c.there, c.journal)
			if f.lost != c.want.lost || f.doubled != c.want.doubled || f.cents != c.want.cents || f.returned != c.want.returned {
				t.Errorf("lost %d, doubled %d, cents %d, returned %d", f.lost, f.doubled, f.cents, f.returned)
			}
			if found := d.complaints > 0; found != (name != "nothing") {
				t.Errorf("%d complaints", d.complaints)
			}
		})
	}
	f := &fault{}
	d := &deaf{TB: t}
	twice := [][]string{{"1", "USD", "1", "2026-11-03", "em1"}, {"1", "USD", "1", "2026-11-04", "em1"}}
	f.stored(d, func(sql string) [][]string {
		if sql == "SELECT count() FROM donations" {
			return [][]string{{"2"}}
		}
		return twice
	})
	if f.doubled != 1 || d.complaints != 1 {
		t.Errorf("a second row of one gift: doubled %d, %d complaints", f.doubled, d.complaints)
	}
}
