package live_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/live"
)

func TestNewestAsksOnceForAll(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 50 * time.Millisecond })
		var reading sync.WaitGroup
		for range 100 {
			reading.Go(func() {
				state, err := d.Newest(d.t.Context(), "money.hour")
				if err != nil || state.HTML != "<b>1</b><i></i>" || state.Answer.Value != int64(1) || state.Doubt != "" {
					t.Errorf("state %+v, %v", state, err)
				}
			})
		}
		reading.Wait()
		d.wantQueries(1)
		state, _ := d.Newest(d.t.Context(), "money.hour")
		d.wantQueries(1) // it is fresh
		if state.Title != "Number of money.hour" || state.Unit != "count" || state.Window != time.Hour {
			t.Errorf("state %+v", state)
		}
		if state.Coverage == nil || *state.Coverage != (live.Coverage{Feeds: 2, Of: 3}) {
			t.Errorf("coverage %+v", state.Coverage)
		}
		asked := time.Now().Add(-50 * time.Millisecond)
		if !state.At.Equal(asked) || !state.Watermark.Equal(asked.Add(-time.Second)) {
			t.Errorf("at %s, watermark %s, now %s", state.At, state.Watermark, time.Now())
		}
		// A page and its websocket agree.
		d.wantHTML(d.hub.Join([]string{"money.hour"}), state.HTML)
		time.Sleep(every)
		d.wantQueries(2)
	})
}

func TestNewestOfUnwatchedTopicIsNeverOld(t *testing.T) {
	run(t, money(), func(d *desk) {
		for i, sleep := range []time.Duration{0, time.Hour, every} {
			time.Sleep(sleep)
			if state, err := d.Newest(d.t.Context(), "money.hour"); err != nil || !state.At.Equal(time.Now()) {
				t.Errorf("%d: %+v, %v", i, state, err)
			}
			d.wantQueries(i + 1)
		}
	})
}

func TestNewestDoesNotWaitLongForBetterFigures(t *testing.T) {
	run(t, money(), func(d *desk) {
		first, _ := d.Newest(d.t.Context(), "money.hour")
		d.engine.set(func(e *engine) { e.takes = 2500 * time.Millisecond })
		time.Sleep(every)
		asked := time.Now()
		state, err := d.Newest(d.t.Context(), "money.hour")
		if err != nil || !state.At.Equal(first.At) || time.Since(asked) != time.Second {
			t.Errorf("after %s: %+v, %v", time.Since(asked), state, err)
		}
		time.Sleep(1500 * time.Millisecond) // the answer comes all the same
		if state, _ = d.Newest(d.t.Context(), "money.hour"); !state.At.Equal(asked) {
			t.Errorf("state of %s, want of %s", state.At, asked)
		}
		d.wantQueries(2)
	})
}

func TestNewestErrors(t *testing.T) {
	run(t, money(), func(d *desk) {
		if _, err := d.Newest(d.t.Context(), "secret"); !errors.Is(err, live.ErrUnknown) {
			t.Errorf("unknown: %v", err)
		}
		d.engine.set(func(e *engine) { e.takes = 2 * time.Second })
		ctx, cancel := context.WithTimeout(d.t.Context(), time.Second)
		defer cancel()
		if _, err := d.Newest(ctx, "money.hour"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", err)
		}
		time.Sleep(2 * time.Second)
	})
}

func TestAtIsAsOfItsMoment(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.setDoubt("the engine is slow") // of now: the past is not in doubt, or its fragment would say so
		night := time.Date(1999, 12, 31, 22, 0, 0, 123456789, time.FixedZone("EST", -5*3600))
		state, err := d.At(d.t.Context(), "money.hour", night, 0)
		want := time.Date(2000, 1, 1, 3, 0, 0, 123000000, time.UTC)
		if err != nil || !state.At.Equal(want) || state.HTML != "<b>1</b><i></i>" || state.Window != time.Hour {
			t.Errorf("state %+v, %v", state, err)
		}
		if _, err := d.At(d.t.Context(), "money.hour", want, 10*time.Minute); err != nil {
			t.Error(err)
		}
		d.engine.mu.Lock()
		if d.engine.at[0] != "2000-01-01T03:00:00.123Z" || d.engine.window[0] != "1h0m0s" || d.engine.window[1] != "10m0s" {
			t.Errorf("asked %q %q", d.engine.at, d.engine.window)
		}
		d.engine.mu.Unlock()
		d.wantHTML(d.hub.Join([]string{"mail.hour"}), "")
		if d.hub.Stats().Published != 0 {
			t.Error("the past was published as the newest state")
		}
	})
}

func TestAtSharesQueriesAndWaitsForItsTurn(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 100 * time.Millisecond })
		var reading sync.WaitGroup
		for i := range 100 {
			reading.Go(func() {
				if _, err := d.At(d.t.Context(), "money.hour", time.Unix(int64(i/20), 0), 0); err != nil {
					t.Error(err)
				}
			})
		}
		reading.Wait()
		d.wantQueries(5)
		if d.engine.most != 2 {
			t.Errorf("%d questions about the past at a time", d.engine.most)
		}
	})
}

func TestAtErrors(t *testing.T) {
	run(t, money(), func(d *desk) {
		if _, err := d.At(d.t.Context(), "secret", time.Now(), 0); !errors.Is(err, live.ErrUnknown) {
			t.Errorf("unknown: %v", err)
		}
		d.engine.set(func(e *engine) { e.fails = errAway })
		if _, err := d.At(d.t.Context(), "money.hour", time.Now(), 0); !errors.Is(err, errAway) {
			t.Errorf("engine away: %v", err)
		}
		d.engine.set(func(e *engine) { e.fails, e.takes = nil, time.Hour })
		var reading sync.WaitGroup
		for i := range 5 { // the fifth never gets its turn
			reading.Go(func() {
				_, err := d.At(d.t.Context(), "money.hour", time.Unix(int64(i), 0), 0)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("overloaded: %v", err)
				}
			})
		}
		reading.Wait()
		d.engine.set(func(e *engine) { e.takes = 0 })
		ctx, cancel := context.WithCancel(d.t.Context())
		cancel()
		if _, err := d.At(ctx, "money.hour", time.Now(), 0); err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("gone: %v", err)
		}
		synctest.Wait()
	})
}
