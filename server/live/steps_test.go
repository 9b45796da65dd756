package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"warroom/queries"
	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
	"warroom/server/live"
)

// ledger is an engine that knows events and answers with their sums by the minute.
type ledger struct {
	mu     sync.Mutex // guards what follows
	events []event
	fails  bool
	froms  []time.Time // asked for
}

type event struct {
	at    time.Time
	value int64
}

const engineTime = "2006-01-02 15:04:05.000"

func (l *ledger) Query(_ context.Context, _ string, params map[string]string, scan func(board.Rows) error) error {
	from, err := time.Parse(engineTime, params["from"])
	at, err2 := time.Parse(engineTime, params["at"])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.froms = append(l.froms, from); l.fails || err != nil || err2 != nil {
		return errors.Join(errAway, err, err2)
	}
	sums := map[time.Time]int64{}
	for _, e := range l.events {
		if !e.at.Before(from) && !e.at.After(at) {
			sums[e.at.Truncate(time.Minute)] += e.value
		}
	}
	rows := &minutes{sums: sums}
	for start := range sums {
		rows.starts = append(rows.starts, start)
	}
	slices.SortFunc(rows.starts, time.Time.Compare)
	return scan(rows)
}

type minutes struct {
	starts []time.Time
	sums   map[time.Time]int64
	read   int
}

func (m *minutes) Next() bool { m.read++; return m.read <= len(m.starts) }
func (m *minutes) Err() error { return nil }
func (m *minutes) Scan(dest ...any) error {
	start := m.starts[m.read-1]
	reflect.ValueOf(dest[0]).Elem().Set(reflect.ValueOf(start))
	reflect.ValueOf(dest[1]).Elem().SetInt(m.sums[start])
	return nil
}

// byMinute is a chart of an hour, each minute a step.
func byMinute() board.Panel {
	from := func(m board.Moment) time.Time { return m.At.Truncate(time.Minute).Add(time.Minute - m.Window) }
	return board.Panel{
		Topic: "money.minutes", Kinds: []campaign.Kind{campaign.Donations}, Window: time.Hour, Steps: true, Chart: "bars",
		Query: queries.Query{SQL: "SELECT", Every: time.Second},
		Params: func(m board.Moment) map[string]string {
			return map[string]string{"at": m.At.Format(engineTime), "from": from(m).Format(engineTime)}
		},
		Answer: func(rows board.Rows, m board.Moment) (board.Answer, error) {
			s := &board.Series{Step: 60, Columns: []board.Lane{{Name: "sum", Values: make([]*float64, 60)}}}
			for i := range 60 {
				s.Times = append(s.Times, from(m).Add(time.Duration(i)*time.Minute).Unix())
				s.Columns[0].Values[i] = new(float64)
			}
			for rows.Next() {
				var start time.Time
				var sum int64
				if err := rows.Scan(&start, &sum); err != nil {
					return board.Answer{}, err
				}
				i := int(start.Sub(from(m)) / time.Minute)
				if i < 0 || i >= 60 {
					return board.Answer{}, errors.New("a step that was not asked for: " + start.String())
				}
				*s.Columns[0].Values[i] = float64(sum)
			}
			return board.Answer{Series: s}, rows.Err()
		},
	}
}

// A tick asks for the newest steps only, and yet what is shown is always what a question for all of them gives,
// whatever comes late, and whenever the engine fails in between.
func TestTicksOfStepsGiveTheWhole(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 1))
			l, h, log := &ledger{}, hub.New(), &strings.Builder{}
			p := live.New(live.Options{Panels: []board.Panel{byMinute()}, Query: l, Hub: h, Logger: slog.New(slog.NewTextHandler(log, nil))})
			ctx, cancel := context.WithCancel(t.Context())
			stopped := make(chan struct{})
			go func() { p.Run(ctx); close(stopped) }()
			box := h.Join([]string{"money.minutes"})
			for range 400 {
				time.Sleep(time.Duration(dice.IntN(3000)) * time.Millisecond)
				l.happen(p, dice)
				time.Sleep(time.Second + time.Duration(dice.IntN(200))*time.Millisecond)
				synctest.Wait()
				compareWithWhole(t, p, l)
				if dice.IntN(10) == 0 {
					_, _ = box.Take()
				}
			}
			short := 0
			for _, from := range l.froms {
				if from.Second() != 0 {
					t.Fatalf("asked from the middle of a step, %s", from)
				}
			}
			for i, from := range l.froms[1:] {
				if from.After(l.froms[i].Add(time.Minute)) {
					short++
				}
			}
			if short < 20 {
				t.Errorf("%d of %d ticks asked for the newest steps only", short, len(l.froms))
			}
			cancel()
			<-stopped
		})
	}
}

// happen stores a batch, most of it of now, some of it late, and tells of it; or the engine goes away for a moment.
func (l *ledger) happen(p *live.Publisher, dice *rand.Rand) {
	l.mu.Lock()
	now, first := time.Now().Truncate(time.Millisecond), time.Time{}
	l.fails = dice.IntN(15) == 0
	for range dice.IntN(5) {
		at := now.Add(-time.Duration(dice.IntN(3000)) * time.Millisecond)
		switch dice.IntN(12) {
		case 0:
			at = now.Add(-time.Duration(dice.IntN(70)) * time.Minute)
		case 1:
			at = now.Add(time.Duration(dice.IntN(90)) * time.Second) // a clock ahead of ours
		}
		l.events = append(l.events, event{at, int64(dice.IntN(100))})
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	l.mu.Unlock()
	if dice.IntN(10) == 0 {
		p.Confirmed(campaign.Donations)
	} else {
		p.ConfirmedFrom(campaign.Donations, first)
	}
}

func compareWithWhole(t *testing.T, p *live.Publisher, l *ledger) {
	t.Helper()
	shown, err := p.Newest(t.Context(), "money.minutes")
	l.mu.Lock()
	failing := l.fails
	asked := len(l.froms)
	l.mu.Unlock()
	if failing {
		return
	}
	if err != nil || shown.Err != nil {
		return // it has just come back: the next tick will tell
	}
	whole, err := p.At(t.Context(), "money.minutes", shown.At, 0)
	if err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	l.froms = l.froms[:asked] // this question is the test's
	l.mu.Unlock()
	got, _ := json.Marshal(shown.Answer.Series)
	want, _ := json.Marshal(whole.Answer.Series)
	if string(got) != string(want) {
		t.Fatalf("at %s the board shows\n%s\nand the engine says\n%s", shown.At, got, want)
	}
}

// What no batch tells of, such as a repair, is seen within a minute.
func TestAllStepsAreAskedForEveryMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, h := &ledger{events: []event{{time.Now().Add(-30 * time.Minute), 5}, {time.Now().Add(-time.Second), 1}}}, hub.New()
		p := live.New(live.Options{Panels: []board.Panel{byMinute()}, Query: l, Hub: h, Logger: slog.New(slog.DiscardHandler)})
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() { p.Run(ctx); close(stopped) }()
		h.Join([]string{"money.minutes"})
		time.Sleep(10500 * time.Millisecond)
		l.mu.Lock()
		l.events[0].value = 7
		l.mu.Unlock()
		value := func() float64 {
			shown, err := p.Newest(t.Context(), "money.minutes")
			if err != nil {
				t.Fatal(err)
			}
			sum := 0.0
			for _, v := range shown.Answer.Series.Columns[0].Values {
				sum += *v
			}
			return sum
		}
		time.Sleep(30 * time.Second)
		if got := value(); got != 6 {
			t.Errorf("after half a minute the sum is %v: the steps before were asked for again", got)
		}
		time.Sleep(30 * time.Second)
		if got := value(); got != 8 {
			t.Errorf("after a minute the sum is %v, want 8", got)
		}
		cancel()
		<-stopped
	})
}
