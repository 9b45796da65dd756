package live_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

// sides are panels that show one query.
func sides(topics ...string) (panels []board.Panel) {
	for _, topic := range topics {
		p := number(topic, every, campaign.Donations)
		p.Query.SQL = "SELECT both"
		panels = append(panels, p)
	}
	return panels
}

func TestPanelsOfOneQueryAskItOnce(t *testing.T) {
	topics := []string{"money.forms", "money.paths", "money.sources"}
	run(t, append(sides(topics...), number("money.hour", every, campaign.Donations)), func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 20 * time.Millisecond })
		box := d.hub.Join(append(topics, "money.hour"))
		wantAll := func(value int64) {
			t.Helper()
			time.Sleep(150 * time.Millisecond)
			frames := d.taken(box)
			if len(frames) != 4 {
				t.Errorf("%d frames, want one of each", len(frames))
			}
			for _, f := range frames {
				if want := fmt.Sprintf("<b>%d</b><i></i>", value); f.HTML == nil || *f.HTML != want {
					t.Errorf("%s shows %v, want %s", f.Topic, f.HTML, want)
				}
			}
		}
		wantAll(1)
		d.wantQueries(2)
		time.Sleep(time.Second)
		d.engine.set(func(e *engine) { e.value = 2 })
		d.Confirmed(campaign.Donations)
		wantAll(2)
		d.wantQueries(4)
	})
}

// What was confirmed after a question is not in its answer: the others ask again.
func TestABatchIsNeverMissingFromASharedAnswer(t *testing.T) {
	run(t, sides("money.forms", "money.paths"), func(d *desk) {
		box := d.hub.Join([]string{"money.forms"})
		d.wantQueries(1)
		d.taken(box)
		time.Sleep(time.Second)
		d.Confirmed(campaign.Donations)
		d.wantHTML(box, "") // the same as before
		d.wantQueries(2)
		time.Sleep(time.Millisecond)
		d.engine.set(func(e *engine) { e.value = 2 })
		d.Confirmed(campaign.Donations)
		other := d.hub.Join([]string{"money.paths"})
		d.wantHTML(other, "<b>2</b><i></i>")
		d.wantQueries(3)
		time.Sleep(200 * time.Millisecond)
		d.wantHTML(box, "<b>2</b><i></i>")
	})
}

func TestASharedQuestionFailsForAll(t *testing.T) {
	run(t, sides("money.forms", "money.paths"), func(d *desk) {
		d.engine.set(func(e *engine) { e.fails, e.takes = errAway, 20*time.Millisecond })
		d.hub.Join([]string{"money.forms", "money.paths"})
		time.Sleep(100 * time.Millisecond)
		d.wantQueries(1)
		for _, topic := range []string{"money.forms", "money.paths"} {
			if state, err := d.Newest(d.t.Context(), topic); !errors.Is(err, errAway) || state.Doubt == "" {
				t.Errorf("%s: %+v, %v", topic, state, err)
			}
		}
		d.engine.set(func(e *engine) { e.fails = nil })
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, topic := range []string{"money.forms", "money.paths"} {
			if state, err := d.Newest(d.t.Context(), topic); err != nil || state.Doubt != "" {
				t.Errorf("%s: %+v, %v", topic, state, err)
			}
		}
	})
}

func TestThePastIsSharedToo(t *testing.T) {
	run(t, sides("money.forms", "money.paths"), func(d *desk) {
		at := time.Now().Add(-time.Hour)
		for _, ask := range []struct {
			topic   string
			at      time.Time
			queries int
		}{
			{"money.forms", at, 1}, {"money.paths", at, 1}, {"money.paths", at.Add(time.Second), 2},
		} {
			state, err := d.At(d.t.Context(), ask.topic, ask.at, 0)
			if err != nil || state.Topic != ask.topic || !state.At.Equal(ask.at) {
				t.Errorf("%+v: %+v, %v", ask, state, err)
			}
			d.wantQueries(ask.queries)
		}
	})
}

// A panel with a pace of its own is answered at once after a rest, and then no sooner than that.
func TestPace(t *testing.T) {
	slow := number("money.codes", every, campaign.Donations)
	slow.Pace = time.Second
	run(t, []board.Panel{slow}, func(d *desk) {
		d.hub.Join([]string{"money.codes"})
		d.wantQueries(1)
		time.Sleep(3 * time.Second)
		d.Confirmed(campaign.Donations)
		d.wantQueries(2)
		for range 10 {
			d.Confirmed(campaign.Donations)
			time.Sleep(90 * time.Millisecond)
		}
		d.wantQueries(2)
		time.Sleep(100 * time.Millisecond)
		d.wantQueries(3)
		time.Sleep(every - time.Millisecond)
		d.wantQueries(3)
		time.Sleep(time.Millisecond)
		d.wantQueries(4)
	})
}
