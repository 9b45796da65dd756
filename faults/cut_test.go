package faults

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/warehouse"
)

// line is a network between warroom and a ClickHouse that can be cut.
type line struct {
	t      testing.TB
	dir    string
	engine *engine.Engine
	proxy  *toxiproxy.Proxy
	ended  int // times that an engine ended, before this one
}

// newLine starts an engine of the harness and a proxy before it.
func newLine(t testing.TB) *line {
	t.Helper()
	l := &line{t: t, dir: t.TempDir(), proxy: &toxiproxy.Proxy{Listen: "127.0.0.1:0"}}
	l.open()
	t.Cleanup(func() { _ = l.engine.Close() })
	l.mend()
	t.Cleanup(func() { l.proxy.Stop() })
	return l
}

func (l *line) open() {
	l.t.Helper()
	e, err := engine.Open(l.t.Context(), engine.Options{Dir: l.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		l.t.Fatal(err)
	}
	l.engine = e
}

// mend puts a new proxy in the place of the old one, which takes its connections along. To take toxics off a living
// connection can block toxiproxy for ever.
func (l *line) mend() {
	l.t.Helper()
	l.proxy.Stop()
	if l.engine.Restarts() >= 2 { // the pause before its next start would be long
		l.ended = l.deaths()
		_ = l.engine.Close()
		l.open()
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	l.proxy = toxiproxy.NewProxy(server, "clickhouse", l.proxy.Listen, l.engine.Address())
	// Who dials a port that nobody listens on can meet himself there; the port is free again when he has noticed.
	until(l.t, "the line is mended", func() bool { return l.proxy.Start() == nil })
}

func (l *line) deaths() int { return l.ended + l.engine.Restarts() }

// url is the engine's behind the proxy.
func (l *line) url() string {
	return (&url.URL{Scheme: "clickhouse", User: url.UserPassword("app", l.engine.AppPassword()), Host: l.proxy.Listen, Path: "/campaign"}).String()
}

// analystURL is the read-only account's, beside the proxy.
func (l *line) analystURL() string {
	return (&url.URL{Scheme: "http", User: url.UserPassword("analyst", l.engine.AnalystPassword()), Host: l.engine.HTTPAddress()}).String()
}

// signIn is more than what a sign-in sends or gets, in bytes.
const signIn = 1000

// disturb damages the line in a way that is drawn, at a byte or a moment that is drawn. passable says that a new
// connection gets through its sign-in before it is cut, too. A sign-in that is cut, and sometimes a connection that is
// reset, ends the embedded engine (the library does not catch it) and costs seconds each time: there are few of them.
func (l *line) disturb(d *rand.Rand, most int) (passable bool) {
	direction := []string{"upstream", "downstream"}[d.IntN(2)]
	bytes, ms := d.IntN(most), 5+d.IntN(60)
	switch draw := d.IntN(100); {
	case draw < 4:
		l.toxic("reset_peer", direction, map[string]any{"timeout": ms})
		return false
	case draw < 20:
		l.toxic("timeout", direction, map[string]any{"timeout": ms})
		return false
	case draw < 40: // small pieces, then nothing: the end comes in the middle of a packet
		l.toxic("slicer", direction, map[string]any{"average_size": 20 + d.IntN(400), "size_variation": 0, "delay": 1})
	}
	l.toxic("limit_data", direction, map[string]any{"bytes": bytes})
	return bytes > signIn
}

func (l *line) toxic(kind, direction string, attributes map[string]any) {
	l.t.Helper()
	text, err := json.Marshal(map[string]any{"type": kind, "stream": direction, "attributes": attributes})
	if err == nil {
		_, err = l.proxy.Toxics.AddToxicJson(strings.NewReader(string(text)))
	}
	if err != nil {
		l.t.Fatalf("toxiproxy: %v", err)
	}
}

// The connection is cut at every stage of storing a batch: in a question, an insert's rows, before an answer, in the
// middle of one, now and then in the sign-in. The batch comes again as the sink sends it, and everything is there once.
func TestCutInserts(t *testing.T) {
	f := newFault(t, "cut inserts, the warehouse alone")
	f.note = "from the mended line until the batch is stored"
	c := cutter{fault: f, t: t, line: newLine(t), j: newJournal("cut")}
	w, err := warehouse.Open(t.Context(), warehouse.Options{URL: c.url(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	c.warehouse = w
	for n := 0; f.runs < pick(20, 1000); n++ {
		c.money(1, func(store func(first bool) error) { c.until(store, true) }) // there is a connection to cut
		if n%4 == 0 {
			c.traffic(5+f.IntN(40), c.cut)
		} else {
			c.money(5+f.IntN(40), c.cut)
		}
	}
	f.compareRows(t, c.ask, c.j)
	for _, sql := range []string{"SELECT count() FROM requests", "SELECT sum(requests) FROM campaign.request_minutes", "SELECT sum(requests) FROM campaign.request_seconds"} {
		if got := c.asApp(sql); got != fmt.Sprint(c.requests) {
			f.doubled++
			t.Errorf("%s: %s, want %d", sql, got, c.requests)
		}
	}
	f.note += fmt.Sprintf("; the library ended %d times", c.deaths())
}

// cutter stores batches over a line and cuts it meanwhile.
type cutter struct {
	*fault
	*line
	t         *testing.T
	j         *journal
	warehouse *warehouse.Warehouse
	requests  int // stored
}

func (c *cutter) segment() string {
	return fmt.Sprintf("%016d-%016x", time.Now().UnixMilli(), c.Uint64())
}

func (c *cutter) money(n int, way func(store func(first bool) error)) {
	entries := c.j.draw(c.Rand, n)
	batch := batchOf(c.segment(), entries)
	way(func(first bool) error {
		batch.First = first
		return c.warehouse.StoreDonations(c.t.Context(), batch)
	})
	c.j.mark(entries, acknowledged)
}

func (c *cutter) traffic(n int, way func(store func(first bool) error)) {
	batch := trafficOf(c.segment(), n)
	way(func(first bool) error {
		batch.First = first
		return c.warehouse.StoreTraffic(c.t.Context(), batch)
	})
	c.requests += n
}

// cut stores a batch over a line that is cut, until it is stored. A run is a cut that was felt.
func (c *cutter) cut(store func(first bool) error) {
	c.t.Helper()
	passable := c.disturb(c.Rand, 12_000)
	err := store(true)
	for again := 0; err != nil && passable && again < 3; again++ { // it stays as it is for a while
		c.runs++
		err = store(false)
	}
	if err != nil {
		c.runs++
		if c.runs%250 == 1 { // a sign-in
			c.mend()
			c.toxic("limit_data", "upstream", map[string]any{"bytes": c.IntN(120)})
			_ = store(false)
		}
	}
	c.mend()
	if err != nil {
		c.recovered(c.until(store, false))
	}
}

func (c *cutter) until(store func(first bool) error, first bool) time.Duration {
	c.t.Helper()
	return until(c.t, "the batch is stored", func() bool {
		err := store(first)
		first = false
		return err == nil
	})
}

func batchOf(segment string, entries []*entry) campaign.Batch[campaign.Donation] {
	b := campaign.Batch[campaign.Donation]{Segment: segment}
	for i, e := range entries {
		b.N = append(b.N, uint32(i))
		b.Rows = append(b.Rows, campaign.Donation{
			Source: "ledger", ID: e.id, Path: e.path, Feed: "faults", Kind: e.kind, Of: e.of, OccurredAt: e.at,
			ReceivedAt: time.Now(), AmountMinor: e.minor, Currency: e.currency, Recurring: "none", Refcode: e.refcode,
		})
	}
	return b
}

func trafficOf(segment string, n int) campaign.Batch[campaign.Request] {
	b := campaign.Batch[campaign.Request]{Segment: segment}
	for i := range n {
		b.N = append(b.N, uint32(i))
		b.Rows = append(b.Rows, campaign.Request{
			Feed: "faults", OccurredAt: time.Now(), ReceivedAt: time.Now(), App: "shop", Host: "example.org", Method: "GET",
			Path: "/give", Status: 200, Bytes: 1000, DurationMS: 5, Weight: 1,
		})
	}
	return b
}

// ask asks the engine beside the proxy.
func (l *line) ask(sql string) [][]string {
	l.t.Helper()
	text := l.over("analyst", l.engine.AnalystPassword(), "analyst", sql)
	var rows [][]string
	for row := range strings.Lines(text) {
		rows = append(rows, strings.Split(strings.TrimRight(row, "\n"), "\t"))
	}
	return rows
}

func (l *line) asApp(sql string) string {
	l.t.Helper()
	return strings.TrimSpace(l.over("app", l.engine.AppPassword(), "analyst", sql))
}

func (l *line) over(user, password, database, sql string) string {
	l.t.Helper()
	req, err := http.NewRequest(http.MethodPost, "http://"+l.engine.HTTPAddress()+"/?database="+database, strings.NewReader(sql))
	if err != nil {
		l.t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	resp, err := client.Do(req)
	if err != nil {
		l.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		l.t.Fatalf("%s: %d %s %v", sql, resp.StatusCode, text, err)
	}
	return string(text)
}

// The same under a whole server with a load, its ClickHouse at the other end of the line.
func TestCutServer(t *testing.T) {
	f := newFault(t, "cut line under a whole server")
	f.note = "from the mended line until all is stored"
	l, j := newLine(t), newJournal("line")
	p := newWarroom(t, t.TempDir(), "WARROOM_CLICKHOUSE_URL="+l.url(), "WARROOM_ANALYST_URL="+l.analystURL())
	p.serve()
	senders := newLoad(t, p, j, 4, 10)
	for range pick(5, 120) {
		f.runs++
		senders.acked(t, 5)
		l.disturb(f.Rand, 40_000)
		time.Sleep(between(f.Rand, 50*time.Millisecond, 400*time.Millisecond))
		l.mend()
	}
	senders.stop()
	f.recovered(p.drained())
	senders.check(t)
	if n := senders.answered(http.StatusServiceUnavailable); n > 0 {
		t.Errorf("%d requests were refused while the line was cut", n)
	}
	if failures, ok := p.metric(`warroom_sink_failures_total{kind="donations"}`); !ok || failures == 0 {
		t.Error("no insert was cut: the test proves nothing")
	}
	f.audit(t, p, j)
	f.note += fmt.Sprintf("; the library ended %d times", l.deaths())
}
