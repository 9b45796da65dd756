package live_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/board"
	"warroom/server/live"
)

// A panel of what the process knows asks no engine, is never in doubt for it, and has no past.
func TestInsidePanelsNeedNoEngine(t *testing.T) {
	inside := number("inside", 2*time.Second)
	inside.Inside, inside.Query.SQL = true, ""
	n := 0
	inside.Answer = func(board.Rows, board.Moment) (board.Answer, error) {
		n++
		return board.Answer{Value: n, Fragment: html("<b>inside</b>")}, nil
	}
	run(t, []board.Panel{inside}, func(d *desk) {
		d.engine.set(func(e *engine) { e.fails = errAway })
		d.setDoubt("the engine does not answer")
		box := d.hub.Join([]string{"inside"})
		defer box.Leave()
		time.Sleep(11 * time.Second)
		synctest.Wait()
		state, err := d.Newest(t.Context(), "inside")
		if err != nil || state.Doubt != "" || state.HTML != "<b>inside</b>" {
			t.Errorf("got %+v, %v", state, err)
		}
		if d.engine.queries() != 0 || n < 5 || n > 7 {
			t.Errorf("%d queries, %d answers in 11 s", d.engine.queries(), n)
		}
		if _, err := d.At(t.Context(), "inside", time.Now(), 0); !errors.Is(err, live.ErrNoPast) {
			t.Errorf("the past: %v", err)
		}
		if got := d.Stats().Topics["inside"]; got.Queries != 0 || got.Published != 1 {
			t.Errorf("stats %+v", got)
		}
	})
}
