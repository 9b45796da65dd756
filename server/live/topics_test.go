package live_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/live"
)

// spans are a panel about everything over two spans, and one about one thing.
func spans() []board.Panel {
	refcodes := number("money.refcodes", every, campaign.Donations)
	refcodes.Windows = []time.Duration{time.Hour, 24 * time.Hour}
	curve := number("send.curve", every, campaign.Donations)
	curve.Of = func(id string) board.Panel {
		p := number("send.curve", every, campaign.Donations)
		p.Query.SQL = "SELECT send " + id
		return p
	}
	return []board.Panel{refcodes, curve}
}

func TestTopicsAreMadeOnDemand(t *testing.T) {
	run(t, spans(), func(d *desk) {
		names := []string{"money.refcodes", "money.refcodes@86400", "send.curve:em1", "send.curve", "nothing", "money.refcodes@1"}
		box := d.hub.Join(names)
		frames := d.taken(box)
		if len(frames) != 3 || frames[1].Topic != "money.refcodes@86400" || frames[2].Topic != "send.curve:em1" {
			t.Fatalf("frames %+v", frames)
		}
		d.engine.mu.Lock()
		if !slices.Contains(d.engine.window, "24h0m0s") || !slices.Contains(d.engine.asked, "SELECT send em1") {
			t.Errorf("asked %q over %q", d.engine.asked, d.engine.window)
		}
		d.engine.mu.Unlock()
		d.engine.set(func(e *engine) { e.value = 2 })
		time.Sleep(time.Second)
		d.Confirmed(campaign.Donations)
		if frames = d.taken(box); len(frames) != 3 {
			t.Errorf("after a batch %+v", frames)
		}
		state, err := d.Newest(d.t.Context(), "send.curve:em1")
		if err != nil || state.Topic != "send.curve:em1" || state.HTML != "<b>2</b><i></i>" {
			t.Errorf("state %+v, %v", state, err)
		}
		if s := d.Stats().Topics; s["send.curve"].Queries != 2 || s["money.refcodes"].Queries != 4 || len(s) != 3 {
			t.Errorf("stats %+v", s)
		}
		for _, name := range []string{"send.curve", "send.curve:", "money.refcodes@1"} {
			if _, err := d.Newest(d.t.Context(), name); !errors.Is(err, live.ErrUnknown) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := d.At(d.t.Context(), name, time.Now(), 0); !errors.Is(err, live.ErrUnknown) {
				t.Errorf("%s at: %v", name, err)
			}
		}
		if past, err := d.At(d.t.Context(), "send.curve:em2", time.Now(), 0); err != nil || past.Topic != "send.curve:em2" {
			t.Errorf("the past: %+v, %v", past, err)
		}
	})
}

// However many things are asked about, what is kept is bounded, and what nobody uses any more makes room.
func TestTopicsOnDemandAreBounded(t *testing.T) {
	run(t, spans(), func(d *desk) {
		watched := d.hub.Join([]string{"send.curve:watched"})
		d.wantHTML(watched, "<b>1</b><i></i>")
		full := 0
		for i := range 2100 {
			switch _, err := d.Newest(d.t.Context(), fmt.Sprintf("send.curve:em%d", i)); {
			case errors.Is(err, live.ErrFull):
				full++
			case err != nil:
				t.Fatal(err)
			}
		}
		if full != 101 { // 2,000 in all
			t.Errorf("%d were refused", full)
		}
		d.hub.Join([]string{"send.curve:too-many"})
		d.wantQueries(2000)
		if n := strings.Count(d.log.String(), "too many different ones"); n != 1 {
			t.Errorf("the log says it %d times", n)
		}
		time.Sleep(61 * time.Second)
		if _, err := d.Newest(d.t.Context(), "send.curve:later"); err != nil {
			t.Error(err)
		}
		d.engine.set(func(e *engine) { e.value = 3 })
		d.Confirmed(campaign.Donations)
		d.wantHTML(watched, "<b>3</b><i></i>") // what is watched is never dropped
		d.wantHTML(d.hub.Join([]string{"send.curve:em7"}), "<b>3</b><i></i>")
	})
}

// A topic that was dropped and is made again goes on with a higher seq.
func TestSeqOfATopicOnDemandOnlyGrows(t *testing.T) {
	run(t, spans(), func(d *desk) {
		last := int64(0)
		for range 5 {
			box := d.hub.Join([]string{"send.curve:em1"})
			for _, f := range d.taken(box) {
				if f.Seq <= last {
					t.Errorf("seq %d after %d", f.Seq, last)
				}
				last = f.Seq
			}
			box.Leave()
			time.Sleep(2 * time.Minute)
			d.engine.set(func(e *engine) { e.value++ })
			ctx, cancel := context.WithCancel(d.t.Context())
			_, _ = d.Newest(ctx, "send.curve:other")
			cancel()
		}
	})
}
