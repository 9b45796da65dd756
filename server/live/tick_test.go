package live_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
)

// visit is what one of a crowd got at a moment.
type visit struct {
	at     time.Time
	topics []string
}

// crowd has so many viewers watch, and gives what one of them got until the end of the span.
func (d *desk) crowd(viewers int, topics []string, span time.Duration, meanwhile func(second int)) (visits []visit) {
	for range viewers - 1 {
		d.hub.Join(topics)
	}
	one := d.hub.Join(topics)
	synctest.Wait()
	<-time.After(2950 * time.Millisecond) // the first states, which nobody waits for
	d.taken(one)
	<-one.Ready()
	var mu sync.Mutex // guards visits
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-one.Ready():
			}
			v := visit{at: time.Now()}
			frames, _ := one.Take()
			if len(frames) == 0 {
				continue // a token of what had been taken already
			}
			for _, f := range frames {
				v.topics = append(v.topics, string(f.Bytes))
			}
			mu.Lock()
			visits = append(visits, v)
			mu.Unlock()
		}
	})
	for i := range int(span / (100 * time.Millisecond)) {
		meanwhile(i)
		time.Sleep(100 * time.Millisecond)
	}
	close(stop)
	reading.Wait()
	return visits
}

// Before a crowd all that changes between two ticks comes together, soon after the tick, and is asked for once.
func TestACrowdGetsOneVisitATick(t *testing.T) {
	for _, of := range []struct {
		viewers int
		tick    time.Duration
	}{{2_000, time.Second / 2}, {8_000, time.Second}} {
		panels := []board.Panel{
			number("money.hour", every, campaign.Donations), number("money.today", every, campaign.Donations),
			number("mail.hour", every, campaign.Donations),
		}
		run(t, panels, func(d *desk) {
			d.engine.set(func(e *engine) { e.takes = 30 * time.Millisecond })
			before := 0
			topics := []string{"money.hour", "money.today", "mail.hour", "pulse"}
			const span = 6 * time.Second
			visits := d.crowd(of.viewers, topics, span, func(i int) {
				if i == 0 {
					before = d.engine.queries()
				}
				d.engine.set(func(e *engine) { e.value++ })
				d.Confirmed(campaign.Donations)
			})
			ticks := int(span / of.tick)
			if len(visits) != ticks {
				t.Fatalf("%d viewers got %d visits in %d ticks: %v", of.viewers, len(visits), ticks, visits)
			}
			for i, v := range visits {
				want := len(topics)
				if v.at.Sub(v.at.Truncate(time.Second)) >= time.Second/2 {
					want-- // the pulse comes once a second
				}
				if late := v.at.Sub(v.at.Truncate(of.tick)); late != 60*time.Millisecond || len(v.topics) != want {
					t.Errorf("%d viewers: visit %d came %s after its tick with %q", of.viewers, i, late, v.topics)
				}
			}
			if got, want := d.engine.queries()-before, 3*ticks; got != want {
				t.Errorf("%d viewers: %d queries, want %d", of.viewers, got, want)
			}
		})
	}
}

// An answer that takes long holds the others up for a moment only.
func TestASlowAnswerDoesNotHoldTheTick(t *testing.T) {
	slow := number("money.codes", every, campaign.Donations)
	run(t, []board.Panel{slow}, func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 400 * time.Millisecond })
		visits := d.crowd(8_000, []string{"money.codes", "pulse"}, 3*time.Second, func(int) {
			d.engine.set(func(e *engine) { e.value++ })
			d.Confirmed(campaign.Donations)
		})
		if len(visits) != 6 {
			t.Fatalf("%d visits, want two in each of 3 ticks: %v", len(visits), visits)
		}
		for i, v := range visits {
			want := []time.Duration{150 * time.Millisecond, 400 * time.Millisecond}[i%2]
			if late := v.at.Sub(v.at.Truncate(time.Second)); late != want || len(v.topics) != 1 {
				t.Errorf("visit %d came %s after its tick, want %s, with %q", i, late, want, v.topics)
			}
		}
	})
}

// When the crowd goes, topics go by themselves again, and nothing stays held.
func TestTheLastOfACrowd(t *testing.T) {
	run(t, money(), func(d *desk) {
		boxes := make([]*hub.Mailbox, 8_000)
		for i := range boxes {
			boxes[i] = d.hub.Join([]string{"money.hour"})
		}
		d.taken(boxes[0])
		time.Sleep(2500 * time.Millisecond)
		d.engine.set(func(e *engine) { e.value = 2 })
		d.Confirmed(campaign.Donations)
		d.wantHTML(boxes[0], "") // not before the tick
		time.Sleep(500 * time.Millisecond)
		d.wantHTML(boxes[0], "<b>2</b><i></i>")
		for _, box := range boxes[1:] {
			box.Leave()
		}
		time.Sleep(2300 * time.Millisecond)
		d.engine.set(func(e *engine) { e.value = 3 })
		d.Confirmed(campaign.Donations)
		d.wantHTML(boxes[0], "<b>3</b><i></i>")
	})
}
