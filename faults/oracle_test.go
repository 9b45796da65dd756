package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// stored is a gift as the analysts see it.
type stored struct {
	currency, day, refcode string
	minor                  int64
}

// group is what sums are compared by.
type group struct{ currency, day, refcode string }

// audit holds the journal against the analysts' SQL, once everything is stored:
//
//   - what was acknowledged is there, with its amount and currency, day and refcode;
//   - what is there was sent, and was not refused;
//   - nothing is there twice;
//   - sums per currency, day and refcode are right to the cent;
//   - the last frame on a websocket says what SQL says.
func (f *fault) audit(t testing.TB, p *warroom, j *journal) {
	t.Helper()
	p.drained()
	f.compareRows(t, p.query, j)
	p.compareFrames(t)
}

// query asks the analysts' account and returns the rows without the names of the columns.
type query func(sql string) (rows [][]string)

// compareRows is audit without the websocket.
func (f *fault) compareRows(t testing.TB, ask query, j *journal) {
	t.Helper()
	there := f.stored(t, ask)
	f.compare(t, there, j)
	f.compareSums(t, ask, there, j)
}

// stored reads all gifts, in pieces that fit into an answer. A second row of the same gift is counted at once.
func (f *fault) stored(t testing.TB, ask query) map[string]stored {
	t.Helper()
	total, err := strconv.Atoi(ask("SELECT count() FROM donations")[0][0])
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]stored, total)
	pieces := 1 + total/50_000
	for piece := range pieces {
		rows := ask(fmt.Sprintf(`SELECT id, currency, amount_minor, toString(toDate(occurred_at)), refcode
			FROM donations WHERE cityHash64(id) %% %d = %d`, pieces, piece))
		for _, row := range rows {
			minor, err := strconv.ParseInt(row[2], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			if _, twice := there[row[0]]; twice {
				f.doubled++
				t.Errorf("%s is counted twice", row[0])
			}
			there[row[0]] = stored{row[1], row[3], row[4], minor}
		}
	}
	return there
}

// compare goes through the gifts one by one.
func (f *fault) compare(t testing.TB, there map[string]stored, j *journal) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	shown := 0
	complain := func(format string, args ...any) {
		t.Helper()
		if shown++; shown <= 5 {
			t.Errorf(format, args...)
		} else {
			t.Fail()
		}
	}
	for id, e := range j.entries {
		s, is := there[id]
		switch {
		case e.acked && !is:
			f.lost++
			complain("acknowledged and lost: %+v", e.gift)
		case e.refused && is:
			f.returned++
			complain("refused, and counted all the same: %+v", e.gift)
		case is && s != e.stored():
			f.cents += max(s.minor-e.minor, e.minor-s.minor)
			complain("sent %+v, stored %+v", e.gift, s)
		}
		if e.acked {
			f.acked++
		}
	}
	for id := range there {
		if _, sent := j.entries[id]; !sent {
			f.doubled++
			complain("nobody sent %s", id)
		}
	}
}

func (g gift) stored() stored {
	return stored{g.currency, g.at.Format(time.DateOnly), g.refcode, g.minor}
}

// compareSums adds up what the journal says of the gifts that are there, and holds it against the engine's own sums.
func (f *fault) compareSums(t testing.TB, ask query, there map[string]stored, j *journal) {
	t.Helper()
	want := map[group]int64{}
	j.mu.Lock()
	for id := range there {
		if e := j.entries[id]; e != nil {
			s := e.stored()
			want[group{s.currency, s.day, s.refcode}] += e.minor
		}
	}
	j.mu.Unlock()
	rows := ask(`SELECT currency, toString(toDate(occurred_at)) AS day, refcode, sum(amount_minor) AS net
		FROM donations GROUP BY currency, day, refcode`)
	for _, row := range rows {
		g := group{row[0], row[1], row[2]}
		got, err := strconv.ParseInt(row[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got != want[g] {
			f.cents += max(got-want[g], want[g]-got)
			t.Errorf("%+v: the sum is %d, want %d", g, got, want[g])
		}
		delete(want, g)
	}
	for g, net := range want {
		f.cents += max(net, -net)
		t.Errorf("%+v: no sum, want %d", g, net)
	}
}

// frame is what the websocket brings.
type frame struct {
	Topic string          `json:"topic"`
	At    string          `json:"at"`
	HTML  string          `json:"html"`
	Data  json.RawMessage `json:"data"`
}

// since says from when on a panel's first figure counts, in US cents.
var since = map[string]func(at time.Time) time.Time{
	"money.hour":  func(at time.Time) time.Time { return at.Add(-time.Hour + time.Millisecond) },
	"money.today": dayStart,
}

// dayStart is when the campaign's day began.
func dayStart(at time.Time) time.Time {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// compareFrames watches the leadership board until each of the figures agrees with SQL, in one frame of each at least.
// A frame from before the last batch may come first.
func (p *warroom) compareFrames(t testing.TB) {
	t.Helper()
	conn := p.watch()
	defer func() { _ = conn.Close() }()
	open, last := map[string]bool{}, map[string]string{}
	for topic := range since {
		open[topic] = true
	}
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	for len(open) > 0 {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			t.Errorf("the board never said what SQL says: %v", last)
			return
		}
		if !open[f.Topic] {
			continue
		}
		says, sql := raw(f.HTML), p.figure(f)
		last[f.Topic] = fmt.Sprintf("as of %s %q, SQL %q", f.At, says, sql)
		if says == sql {
			delete(open, f.Topic)
		}
	}
}

// figure is what SQL says a frame should show.
func (p *warroom) figure(f frame) string {
	at, err := time.Parse(time.RFC3339, f.At)
	if err != nil {
		p.t.Fatal(err)
	}
	const layout = "2006-01-02 15:04:05.000"
	return p.query(fmt.Sprintf(`SELECT sum(amount_minor) FROM donations WHERE currency = 'USD'
		AND occurred_at BETWEEN toDateTime64('%s', 3, 'UTC') AND toDateTime64('%s', 3, 'UTC')`,
		since[f.Topic](at).UTC().Format(layout), at.UTC().Format(layout)))[0][0]
}

var rawFigure = regexp.MustCompile(`data-raw="(-?\d+)"`)

// raw is the first figure of a fragment.
func raw(html string) string {
	m := rawFigure.FindStringSubmatch(html)
	if m == nil {
		return ""
	}
	return m[1]
}

func (p *warroom) watch() *websocket.Conn {
	p.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + p.analyst}}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live?board=leadership", header)
	if err != nil {
		p.t.Fatalf("websocket: %v", err)
	}
	_ = resp.Body.Close()
	return conn
}
