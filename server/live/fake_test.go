package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/a-h/templ"
	"go.uber.org/goleak"

	"warroom/queries"
	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
	"warroom/server/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// engine answers every query with one number, and fails or takes its time when it is told to.
type engine struct {
	mu     sync.Mutex // guards what follows
	value  int64
	takes  time.Duration
	fails  error
	asked  []string // each query's SQL, in order
	at     []string // each query's {at}
	window []string
	now    int // queries that run
	most   int // at a time
}

func (e *engine) set(change func(*engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *engine) queries() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.asked)
}

// Query waits as long as a real engine would, and gives up with ctx.
func (e *engine) Query(ctx context.Context, sql string, params map[string]string, scan func(board.Rows) error) error {
	e.mu.Lock()
	e.asked, e.at, e.window = append(e.asked, sql), append(e.at, params["at"]), append(e.window, params["window"])
	e.now++
	e.most = max(e.most, e.now)
	value, takes, fails := e.value, e.takes, e.fails
	e.mu.Unlock()
	defer e.set(func(e *engine) { e.now-- })
	select {
	case <-ctx.Done():
		return fmt.Errorf("10.0.0.7:9000: %w", ctx.Err())
	case <-time.After(takes):
	}
	if fails != nil {
		return fails
	}
	return scan(&oneRow{value: value})
}

type oneRow struct {
	value int64
	read  bool
}

func (r *oneRow) Next() bool {
	next := !r.read
	r.read = true
	return next
}

func (r *oneRow) Scan(dest ...any) error {
	reflect.ValueOf(dest[0]).Elem().SetInt(r.value)
	return nil
}

func (r *oneRow) Err() error { return nil }

var errAway = errors.New("dial tcp 10.0.0.7:9000: connection refused")

// number is a panel that shows the number, or "none" when there is no row.
func number(topic string, every time.Duration, kinds ...campaign.Kind) board.Panel {
	return board.Panel{
		Topic: topic, Title: "Number of " + topic, Unit: "count", Kinds: kinds, Window: time.Hour,
		Query: queries.Query{SQL: "SELECT " + topic, Every: every},
		Params: func(m board.Moment) map[string]string {
			return map[string]string{"at": m.At.Format(time.RFC3339Nano), "window": m.Window.String()}
		},
		Answer: func(rows board.Rows, m board.Moment) (board.Answer, error) {
			text := "none"
			var n int64
			for rows.Next() {
				if err := rows.Scan(&n); err != nil {
					return board.Answer{}, err
				}
				text = fmt.Sprint(n)
			}
			return board.Answer{Value: n, Fragment: html(fmt.Sprintf("<b>%s</b><i>%s</i>", text, m.Doubt))}, rows.Err()
		},
	}
}

// stamped is number with its data time in the fragment, as the real ones have it.
func stamped(topic string, every time.Duration, kinds ...campaign.Kind) board.Panel {
	p := number(topic, every, kinds...)
	plain := p.Answer
	p.Answer = func(rows board.Rows, m board.Moment) (board.Answer, error) {
		a, err := plain(rows, m)
		a.Fragment = html(fmt.Sprintf("<b>%v</b><i>%s</i><u>%s</u>", a.Value, m.Doubt, m.At.Format(time.RFC3339Nano)))
		return a, err
	}
	return p
}

// chart is a panel without a fragment.
func chart(topic string, every time.Duration, kinds ...campaign.Kind) board.Panel {
	p := number(topic, every, kinds...)
	plain := p.Answer
	p.Answer = func(rows board.Rows, m board.Moment) (board.Answer, error) {
		a, err := plain(rows, m)
		n := float64(a.Value.(int64))
		lane := board.Lane{Name: "n", Values: []*float64{&n}}
		return board.Answer{Series: &board.Series{Times: []int64{60}, Step: 60, Columns: []board.Lane{lane}}}, err
	}
	return p
}

func html(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// desk is a publisher with everything around it, in a bubble where time is free.
type desk struct {
	*live.Publisher
	t      *testing.T
	engine *engine
	hub    *hub.Hub
	log    *strings.Builder
	hangs  time.Duration             // how long the server thinks about its pulse; set before there is anybody to see it
	kinds  map[string]live.KindPulse // of the pulse; set before there is anybody to see it
	mu     sync.Mutex                // guards doubt
	doubt  string
}

func (d *desk) setDoubt(doubt string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.doubt = doubt
}

func (d *desk) getDoubt(...campaign.Kind) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.doubt
}

// run runs test in a bubble, beside a running publisher of the panels. The bubble's clock starts at midnight
// UTC 2000-01-01.
func run(t *testing.T, panels []board.Panel, test func(d *desk)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, panels)
		ctx, cancel := context.WithCancel(t.Context())
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			d.Run(ctx)
		}()
		test(d)
		cancel()
		<-stopped
	})
}

func newDesk(t *testing.T, panels []board.Panel) *desk {
	d := &desk{t: t, engine: &engine{value: 1}, hub: hub.New(), log: &strings.Builder{}}
	d.Publisher = live.New(live.Options{
		Panels: panels, Find: func(topic string) (board.Panel, bool) { return board.Find([]board.Board{{Panels: panels}}, topic) },
		Query: d.engine, Hub: d.hub, Doubt: d.getDoubt,
		Watermark: func(...campaign.Kind) time.Time { return time.Now().Add(-time.Second) },
		Pulse: func(now time.Time) live.Pulse {
			time.Sleep(d.hangs)
			return live.Pulse{
				DataAt: now.Add(-time.Second), Feeds: 2, Of: 3, LagMS: map[string]int64{"donations": 12}, Doubt: d.getDoubt(),
				Kinds: d.kinds,
			}
		},
		Logger: slog.New(slog.NewTextHandler(d.log, nil)),
	})
	return d
}

// frame is what a browser sees.
type frame struct {
	Topic     string
	Seq       int64
	At        time.Time
	Sent      int64
	Confirmed int64
	HTML      *string
	Data      json.RawMessage
}

// taken decodes what is in the mailbox, when everything has come to rest.
func (d *desk) taken(box *hub.Mailbox) []frame {
	d.t.Helper()
	synctest.Wait()
	encoded, err := box.Take()
	if err != nil {
		d.t.Fatal(err)
	}
	frames := make([]frame, len(encoded))
	for i, e := range encoded {
		decoder := json.NewDecoder(strings.NewReader(string(e.Bytes)))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&frames[i]); err != nil {
			d.t.Fatalf("%s: %v", e.Bytes, err)
		}
	}
	return frames
}

// wantHTML takes one frame and looks at its fragment; want "" is no frame.
func (d *desk) wantHTML(box *hub.Mailbox, want string) {
	d.t.Helper()
	frames := d.taken(box)
	switch {
	case want == "" && len(frames) == 0:
	case len(frames) != 1 || frames[0].HTML == nil || *frames[0].HTML != want:
		got, _ := json.Marshal(frames)
		d.t.Errorf("got %s, want one with the html %q", got, want)
	}
}

// wantQueries compares the number of queries so far.
func (d *desk) wantQueries(want int) {
	d.t.Helper()
	synctest.Wait()
	if got := d.engine.queries(); got != want {
		d.t.Errorf("%d queries, want %d", got, want)
	}
}
