package live

import (
	"slices"
	"testing"

	"warroom/server/board"
)

// twoRows has a text, a list and a number that may be missing.
type twoRows struct{ at int }

func (r *twoRows) Next() bool { r.at++; return r.at <= 2 }
func (r *twoRows) Err() error { return nil }
func (r *twoRows) Scan(dest ...any) error {
	*dest[0].(*string) = []string{"", "a", "b"}[r.at]
	*dest[1].(*[]int64) = []int64{int64(r.at)}
	if *dest[2].(**float64) = nil; r.at == 2 {
		half := 0.5
		*dest[2].(**float64) = &half
	}
	return nil
}

type row struct {
	text   string
	list   []int64
	maybe  float64
	absent bool
}

func readAll(t *testing.T, rows board.Rows) (all []row) {
	t.Helper()
	var r row
	var maybe *float64
	for rows.Next() {
		if err := rows.Scan(&r.text, &r.list, &maybe); err != nil {
			t.Fatal(err)
		}
		if r.absent, r.maybe = maybe == nil, 0; maybe != nil {
			r.maybe = *maybe
		}
		all = append(all, r)
	}
	return all
}

func TestReplayGivesTheSameRows(t *testing.T) {
	recording := &record{Rows: &twoRows{}}
	first := readAll(t, recording)
	for range 2 {
		again := readAll(t, recording.rows.replay())
		if !slices.EqualFunc(first, again, func(a, b row) bool {
			return a.text == b.text && slices.Equal(a.list, b.list) && a.maybe == b.maybe && a.absent == b.absent
		}) || len(again) != 2 {
			t.Errorf("first %v, again %v", first, again)
		}
	}
}

func TestReplayRefusesWhatWasNotScanned(t *testing.T) {
	recording := &record{Rows: &twoRows{}}
	readAll(t, recording)
	rows := recording.rows.replay()
	var text string
	var list []int64
	var number int64
	if err := rows.Scan(&text); err == nil {
		t.Error("scanned before the first row")
	}
	rows.Next()
	if err := rows.Scan(&text); err == nil {
		t.Error("scanned a row of another width")
	}
	if err := rows.Scan(&text, &list, &number); err == nil {
		t.Error("scanned a pointer to a float into an integer")
	}
	for rows.Next() {
	}
	if err := rows.Scan(&text, &list, &number); err == nil {
		t.Error("scanned after the last row")
	}
}
