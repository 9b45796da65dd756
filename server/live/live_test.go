package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
	"warroom/server/live"
)

const every = 5 * time.Second

func money() []board.Panel {
	return []board.Panel{number("money.hour", every, campaign.Donations)}
}

func TestNobodyWatchesNobodyAsks(t *testing.T) {
	run(t, money(), func(d *desk) {
		for range 100 {
			time.Sleep(time.Minute)
			d.Confirmed(campaign.Donations)
		}
		d.wantQueries(0)
		box := d.hub.Join([]string{"money.hour"})
		d.wantQueries(1)
		box.Leave()
		time.Sleep(time.Hour)
		d.wantQueries(1)
	})
}

func TestFrame(t *testing.T) {
	run(t, []board.Panel{number("money.hour", every), chart("money.minutes", every)}, func(d *desk) {
		box := d.hub.Join([]string{"money.hour", "money.minutes"})
		frames := d.taken(box)
		if len(frames) != 2 {
			t.Fatalf("%d frames, want 2", len(frames))
		}
		for i, topic := range []string{"money.hour", "money.minutes"} {
			f := frames[i]
			if f.Topic != topic || !f.At.Equal(time.Now()) || f.Sent != time.Now().UnixMilli() || f.Seq != f.Sent+1 || f.Confirmed != 0 {
				t.Errorf("frame %+v", f)
			}
		}
		if frames[0].HTML == nil || *frames[0].HTML != "<b>1</b><i></i>" || frames[0].Data != nil {
			t.Errorf("the fragment came as %+v", frames[0])
		}
		var series board.Series
		err := json.Unmarshal(frames[1].Data, &series)
		if err != nil || frames[1].HTML != nil || *series.Columns[0].Values[0] != 1 {
			t.Errorf("the series came as %+v: %v", frames[1], err)
		}
	})
}

func TestAThousandViewersCostAsMuchAsOne(t *testing.T) {
	panels := []board.Panel{
		stamped("money.hour", time.Second, campaign.Donations), stamped("money.today", 3*time.Second, campaign.Donations),
		chart("traffic.hour", 10*time.Second, campaign.Traffic),
	}
	topics := []string{"money.hour", "money.today", "traffic.hour", "pulse"}
	asked := map[int]int{}
	for _, viewers := range []int{1, 1000} {
		run(t, panels, func(d *desk) {
			boxes := make([]*hub.Mailbox, viewers)
			for i := range boxes {
				boxes[i] = d.hub.Join(topics)
			}
			for range 60 {
				time.Sleep(time.Second / 3)
				d.Confirmed(campaign.Donations)
			}
			synctest.Wait()
			asked[viewers] = d.engine.queries()
			for i, box := range boxes {
				if frames := d.taken(box); len(frames) != len(topics) {
					t.Fatalf("viewer %d got %d frames, want %d", i, len(frames), len(topics))
				}
			}
		})
	}
	if asked[1] == 0 || asked[1] != asked[1000] {
		t.Errorf("queries by viewers: %v", asked)
	}
}

func TestWindowsSlideWithoutData(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.hub.Join([]string{"money.hour"})
		d.wantQueries(1)
		time.Sleep(every - time.Millisecond)
		d.wantQueries(1)
		time.Sleep(time.Millisecond)
		d.wantQueries(2)
		time.Sleep(10 * every)
		d.wantQueries(12)
	})
}

func TestConfirmedIsSoonAndCoalesced(t *testing.T) {
	panels := append(money(), number("mail.hour", every, campaign.Emails))
	run(t, panels, func(d *desk) {
		box := d.hub.Join([]string{"money.hour", "mail.hour"})
		time.Sleep(time.Second)
		d.wantQueries(2)
		d.taken(box)
		d.engine.set(func(e *engine) { e.value = 2 })
		d.Confirmed(campaign.Donations)
		frames := d.taken(box) // at once, and mail is not asked
		if len(frames) != 1 || *frames[0].HTML != "<b>2</b><i></i>" || frames[0].Confirmed != time.Now().UnixMilli() {
			t.Errorf("after a batch %+v", frames)
		}
		d.wantQueries(3)

		d.engine.set(func(e *engine) { e.value = 3 })
		d.Confirmed(campaign.Donations)
		d.wantHTML(box, "")
		time.Sleep(200 * time.Millisecond)
		d.wantHTML(box, "<b>3</b><i></i>")
		d.wantQueries(4)

		for range 1000 { // a batch each millisecond
			d.Confirmed(campaign.Donations)
			time.Sleep(time.Millisecond)
		}
		d.wantQueries(9)
	})
}

// What is confirmed while a query runs may be missing from its answer, so the topic is asked again.
func TestConfirmedDuringAQuery(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 100 * time.Millisecond })
		d.hub.Join([]string{"money.hour"})
		time.Sleep(50 * time.Millisecond)
		d.Confirmed(campaign.Donations)
		d.wantQueries(1)
		time.Sleep(150 * time.Millisecond)
		d.wantQueries(2)
	})
}

func TestOrderAndBound(t *testing.T) {
	var panels []board.Panel
	var topics, want []string
	for i := range 6 {
		topic := fmt.Sprintf("topic.%d", i)
		panels = append(panels, number(topic, every, campaign.Donations))
		topics = append([]string{topic}, topics...) // a page may ask in any order
		want = append(want, "SELECT "+topic)
	}
	run(t, panels, func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = 100 * time.Millisecond })
		d.hub.Join(topics)
		time.Sleep(300 * time.Millisecond)
		synctest.Wait()
		d.engine.mu.Lock()
		defer d.engine.mu.Unlock()
		if slices.Sort(d.engine.asked[:2]); d.engine.most != 2 || !slices.Equal(pairs(d.engine.asked), want) {
			t.Errorf("asked %q, %d at a time; want the order of the board, 2 at a time", d.engine.asked, d.engine.most)
		}
	})
}

// pairs sorts each two that ran at the same time.
func pairs(asked []string) []string {
	for pair := range slices.Chunk(asked, 2) {
		slices.Sort(pair)
	}
	return asked
}

// An overloaded engine answers every topic in turn: the first panels don't starve the last.
func TestNobodyStarves(t *testing.T) {
	var panels []board.Panel
	var topics []string
	for i := range 10 {
		panels = append(panels, number(fmt.Sprint("topic.", i), time.Second, campaign.Donations))
		topics = append(topics, panels[i].Topic)
	}
	run(t, panels, func(d *desk) {
		d.engine.set(func(e *engine) { e.takes = time.Second })
		d.hub.Join(topics)
		for range 600 {
			time.Sleep(100 * time.Millisecond)
			d.Confirmed(campaign.Donations)
		}
		for topic, s := range d.Stats().Topics {
			if topic != live.PulseTopic && (s.Queries < 11 || s.Queries > 13) {
				t.Errorf("%s was asked %d times in a minute that had room for 12", topic, s.Queries)
			}
		}
	})
}

func TestUnchangedIsNotPublished(t *testing.T) {
	run(t, money(), func(d *desk) {
		box := d.hub.Join([]string{"money.hour"})
		d.wantHTML(box, "<b>1</b><i></i>")
		time.Sleep(time.Minute)
		d.wantHTML(box, "")
		if s := d.Stats().Topics["money.hour"]; s.Published != 1 || s.Queries != 13 || s.Failures != 0 {
			t.Errorf("stats %+v", s)
		}
	})
}

func TestSeqGrowsOverRestarts(t *testing.T) {
	var last int64
	synctest.Test(t, func(t *testing.T) {
		for range 3 {
			d := newDesk(t, []board.Panel{stamped("money.hour", time.Second, campaign.Donations)})
			ctx, cancel := context.WithCancel(t.Context())
			stopped := make(chan struct{})
			go func() { d.Run(ctx); close(stopped) }()
			box := d.hub.Join([]string{"money.hour"})
			for range 20 {
				time.Sleep(200 * time.Millisecond)
				d.Confirmed(campaign.Donations)
				for _, f := range d.taken(box) {
					if f.Seq <= last {
						t.Fatalf("seq %d after %d", f.Seq, last)
					}
					last = f.Seq
				}
			}
			cancel()
			<-stopped
		}
	})
}

func TestFailingKeepsTheFiguresAndSaysSo(t *testing.T) {
	run(t, money(), func(d *desk) {
		box := d.hub.Join([]string{"money.hour"})
		d.wantHTML(box, "<b>1</b><i></i>")
		born := time.Now()
		d.engine.set(func(e *engine) { e.fails, e.value = errAway, 2 })
		time.Sleep(every)
		d.wantHTML(box, "<b>1</b><i>these figures can't be computed right now (since 12:00:05 AM UTC)</i>")
		for range 5 {
			time.Sleep(every)
			d.Confirmed(campaign.Donations) // no reason to ask a broken engine more often
		}
		d.wantHTML(box, "")
		d.wantQueries(7)
		state, err := d.Newest(d.t.Context(), "money.hour")
		if err != nil || !state.At.Equal(born) || state.Err == nil || strings.Contains(state.Doubt, "10.0.0.7") {
			t.Errorf("state %+v, %v", state, err)
		}
		if state.Answer.Value != int64(1) {
			t.Errorf("the value is %v, want the last good one", state.Answer.Value)
		}
		d.engine.set(func(e *engine) { e.fails = nil })
		time.Sleep(every)
		d.wantHTML(box, "<b>2</b><i></i>")
		if s := d.Stats().Topics["money.hour"]; s.Failures != 6 {
			t.Errorf("stats %+v", s)
		}
		for _, says := range []string{"can't be refreshed", "up to date again"} {
			if n := strings.Count(d.log.String(), says); n != 1 {
				t.Errorf("the log says %q %d times:\n%s", says, n, d.log)
			}
		}
	})
}

func TestFailingChartCarriesItsDoubt(t *testing.T) {
	run(t, []board.Panel{chart("money.minutes", time.Minute)}, func(d *desk) {
		box := d.hub.Join([]string{"money.minutes"})
		d.taken(box)
		d.setDoubt("the engine does not answer")
		d.engine.set(func(e *engine) { e.fails = errAway })
		time.Sleep(time.Minute)
		frames := d.taken(box)
		var series board.Series
		if len(frames) != 1 || json.Unmarshal(frames[0].Data, &series) != nil {
			t.Fatalf("frames %+v", frames)
		}
		if series.Doubt != "the engine does not answer (since 12:01:00 AM UTC)" || *series.Columns[0].Values[0] != 1 {
			t.Errorf("series %+v", series)
		}
		if state, err := d.Newest(d.t.Context(), "money.minutes"); err != nil || state.Answer.Series.Doubt != series.Doubt {
			t.Errorf("state %+v, %v", state, err)
		}
		d.setDoubt("")
		d.engine.set(func(e *engine) { e.fails = nil })
		time.Sleep(5 * time.Second) // the back-off is shorter than the query's minute
		if frames = d.taken(box); len(frames) != 1 || strings.Contains(string(frames[0].Data), "doubt") {
			t.Errorf("after recovery %+v", frames)
		}
	})
}

func TestSlowQueryIsGivenUp(t *testing.T) {
	run(t, money(), func(d *desk) {
		box := d.hub.Join([]string{"money.hour"})
		d.wantHTML(box, "<b>1</b><i></i>")
		d.engine.set(func(e *engine) { e.takes = time.Hour })
		time.Sleep(every + 3*time.Second)
		d.wantHTML(box, "<b>1</b><i>these figures take too long to compute (since 12:00:08 AM UTC)</i>")
	})
}

func TestFailingFromTheStart(t *testing.T) {
	stubborn := number("mail.hour", every)
	stubborn.Answer = func(rows board.Rows, m board.Moment) (board.Answer, error) {
		rows.Next()
		var none []int64
		return board.Answer{Value: none[0]}, nil // panics
	}
	run(t, append(money(), stubborn, chart("money.minutes", every)), func(d *desk) {
		d.engine.set(func(e *engine) { e.fails = errAway })
		d.setDoubt("the engine is starting")
		box := d.hub.Join([]string{"money.hour", "mail.hour"})
		d.wantHTML(box, "<b>none</b><i>the engine is starting (since 12:00:00 AM UTC)</i>")
		state, err := d.Newest(d.t.Context(), "money.hour")
		if !errors.Is(err, errAway) || state.Answer.Value != nil || !strings.Contains(state.HTML, "none") {
			t.Errorf("before the first figures: %+v, %v", state, err)
		}
		frames := d.taken(d.hub.Join([]string{"money.minutes"}))
		want := `{"times":[60],"step":60,"columns":[{"name":"n","label":"","unit":"","values":[null]}],` +
			`"doubt":"the engine is starting (since 12:00:00 AM UTC)"}`
		if len(frames) != 1 || string(frames[0].Data) != want {
			t.Errorf("a chart before its first figures: %s", frames[0].Data)
		}
		d.engine.set(func(e *engine) { e.fails = nil })
		d.setDoubt("")
		time.Sleep(every)
		d.wantHTML(box, "<b>1</b><i></i>")
		state, err = d.Newest(d.t.Context(), "mail.hour")
		if err == nil || !strings.Contains(err.Error(), "panic") {
			t.Errorf("a panel that panics gives %v", err)
		}
		if state.Title != "Number of mail.hour" || !strings.Contains(state.Doubt, "can't be computed") {
			t.Errorf("a panel that panics says %+v", state)
		}
	})
}

func TestDoubtAboutTheStreams(t *testing.T) {
	run(t, money(), func(d *desk) {
		box := d.hub.Join([]string{"money.hour"})
		d.wantHTML(box, "<b>1</b><i></i>")
		d.setDoubt("donations that arrived in the last 7s are not counted yet")
		d.Confirmed(campaign.Donations)
		time.Sleep(time.Second)
		d.wantHTML(box, "<b>1</b><i>donations that arrived in the last 7s are not counted yet</i>")
		d.engine.set(func(e *engine) { e.value = 2 })
		d.Confirmed(campaign.Donations) // data that moves is shown, in doubt or not
		d.wantHTML(box, "<b>2</b><i>donations that arrived in the last 7s are not counted yet</i>")
		d.setDoubt("")
		time.Sleep(every)
		d.wantHTML(box, "<b>2</b><i></i>")
	})
}

func TestPulse(t *testing.T) {
	run(t, money(), func(d *desk) {
		box, other := d.hub.Join([]string{"pulse"}), d.hub.Join([]string{"money.hour"})
		for second := range 4 {
			frames := d.taken(box)
			if len(frames) != 1 || !frames[0].At.Equal(time.Now()) {
				t.Fatalf("in second %d: %+v", second, frames)
			}
			if second == 3 {
				want := `{"data_at":"2000-01-01T00:00:02.000Z","doubt":"","feeds":2,"of":3,` +
					`"lag_ms":{"donations":12},"viewers":2,"queries":0}`
				if string(frames[0].Data) != want {
					t.Errorf("the pulse is %s, want %s", frames[0].Data, want)
				}
			}
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		if f := d.taken(box); !strings.Contains(string(f[0].Data), `"queries":0`) {
			t.Errorf("seven seconds: %s", f[0].Data)
		}
		for range 5 {
			d.Confirmed(campaign.Donations)
			time.Sleep(200 * time.Millisecond)
		}
		if f := d.taken(box); !strings.Contains(string(f[0].Data), `"queries":5`) {
			t.Errorf("five queries: %s", f[0].Data)
		}
		box.Leave()
		other.Leave()
		published := d.Stats().Topics[live.PulseTopic].Published
		time.Sleep(time.Minute)
		if now := d.Stats().Topics[live.PulseTopic].Published; now != published {
			t.Errorf("%d beats for nobody", now-published)
		}
	})
}

// An engine that hangs makes the server slow to know how it is; the page hears that the server is alive all the same.
func TestPulseBeatsWhileTheServerThinks(t *testing.T) {
	run(t, money(), func(d *desk) {
		d.hangs = 2200 * time.Millisecond
		box := d.hub.Join([]string{"pulse"})
		time.Sleep(500 * time.Millisecond)
		for second := range 10 {
			frames := d.taken(box)
			if len(frames) != 1 {
				t.Fatalf("in second %d: %+v", second, frames)
			}
			if known := strings.Contains(string(frames[0].Data), `"of":3`); known != (second >= 2) {
				t.Errorf("in second %d: %s", second, frames[0].Data)
			}
			time.Sleep(time.Second)
		}
		box.Leave()
		time.Sleep(3 * time.Second)
	})
}

func TestStopDuringAQueryIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, money())
		d.engine.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		box := d.hub.Join([]string{"money.hour"})
		d.Run(ctx)
		d.wantHTML(box, "")
		if d.log.Len() > 0 {
			t.Errorf("log: %s", d.log)
		}
	})
}

// A chart goes to those who follow it as its new points, and whole to everybody else.
func TestChartsAreSentAsChanges(t *testing.T) {
	p := number("money.minutes", every, campaign.Donations)
	p.Answer = func(rows board.Rows, m board.Moment) (board.Answer, error) {
		var n int64
		for rows.Next() {
			if err := rows.Scan(&n); err != nil {
				return board.Answer{}, err
			}
		}
		last := float64(n)
		s := &board.Series{Step: 60, Columns: []board.Lane{{Name: "n"}}}
		for at := m.At.Unix()/60*60 - 600; at <= m.At.Unix(); at += 60 {
			s.Times = append(s.Times, at)
			s.Columns[0].Values = append(s.Columns[0].Values, new(float64))
		}
		s.Columns[0].Values[len(s.Times)-1] = &last
		return board.Answer{Series: s}, nil
	}
	run(t, []board.Panel{p}, func(d *desk) {
		box := d.hub.Join([]string{"money.minutes"})
		first := d.taken(box)
		d.engine.set(func(e *engine) { e.value = 2 })
		time.Sleep(every)
		second := d.taken(box)
		want := fmt.Sprintf(`{"after":%d,"start":946684200,"step":60,"times":[946684800],"columns":[{"name":"n","values":[2]}],"doubt":""}`, first[0].Seq)
		if len(second) != 1 || string(second[0].Data) != want || second[0].Seq <= first[0].Seq {
			t.Errorf("got %+v, want the data %s", second, want)
		}
		late := d.taken(d.hub.Join([]string{"money.minutes"}))
		if len(late) != 1 || !strings.Contains(string(late[0].Data), `"label"`) || late[0].Seq != second[0].Seq {
			t.Errorf("who comes later gets %s", late[0].Data)
		}
		time.Sleep(3 * time.Minute) // nobody takes: what was missed is told whole
		if missed := d.taken(box); len(missed) != 1 || !strings.Contains(string(missed[0].Data), `"label"`) {
			t.Errorf("who missed some gets %+v", missed)
		}
		time.Sleep(time.Minute)
		if next := d.taken(box); len(next) != 1 || !strings.Contains(string(next[0].Data), `"label"`) && !strings.Contains(string(next[0].Data), `"after"`) {
			t.Errorf("then %+v", next)
		}
	})
}

// Figures that stay the same are not sent again each second for their data time alone, but it is never far behind.
func TestTheDataTimeAloneIsSentSeldom(t *testing.T) {
	p := number("money.hour", time.Second)
	plain := p.Answer
	p.Answer = func(rows board.Rows, m board.Moment) (board.Answer, error) {
		a, err := plain(rows, m)
		a.Fragment = html(fmt.Sprintf(`<section data-at="%s"><time datetime="%[1]s">%s</time><b>%v</b></section>`,
			m.At.Format("2006-01-02T15:04:05.000Z07:00"), m.At.Format("3:04:05 PM MST"), a.Value))
		return a, err
	}
	run(t, []board.Panel{p}, func(d *desk) {
		box := d.hub.Join([]string{"money.hour"})
		d.taken(box)
		time.Sleep(time.Second / 2) // between two ticks
		var seconds []int
		for second := 1; second <= 30; second++ {
			time.Sleep(time.Second)
			if second == 25 {
				d.engine.set(func(e *engine) { e.value = 2 })
			}
			if frames := d.taken(box); len(frames) > 0 {
				seconds = append(seconds, second)
			}
			if state, err := d.Newest(t.Context(), "money.hour"); err != nil || time.Since(state.At) > time.Second {
				t.Errorf("a page that is opened has figures of %s, %v", state.At, err)
			}
		}
		if want := []int{10, 20, 26}; !slices.Equal(seconds, want) {
			t.Errorf("frames in the seconds %v, want %v", seconds, want)
		}
	})
}
