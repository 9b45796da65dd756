package simulate

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"warroom/simulate/story"
)

// plan is a story that lies in the past: all of it is due at once, so a run is over as soon as it has been sent.
func plan(t *testing.T) *story.Plan {
	t.Helper()
	afternoon := time.Date(2024, 11, 4, 15, 0, 0, 0, time.FixedZone("EST", -5*3600)) // the check desk is open
	p, err := story.New(story.Options{
		Scenario: "convention", Seed: 1, Start: afternoon, Backfill: 40 * time.Minute, Rate: 20, MailRate: 5,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const live = 3 * time.Minute

// options send to url and keep a journal in the buffer.
func options(t *testing.T, p *story.Plan, url string, journal io.Writer) Options {
	return Options{
		URL: url, Plan: p, Duration: live, Token: func(feed string) string { return "token-of-" + feed },
		Journal: journal, JournalTraffic: true, FirstWait: time.Millisecond, AnswerWithin: time.Second,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
}

// doors take events as the contract says, and fail on demand.
type doors struct {
	// fault may answer, or abort, the n-th request (from 1) of a feed itself; it returns whether it did. Then nothing is
	// taken, unless it takes the batch before.
	fault func(w http.ResponseWriter, r *http.Request, feed string, n int, take func()) bool
	// reject names the events that are refused; nil = none.
	reject func(line []byte) bool

	mu       sync.Mutex // guards all below
	requests map[string]int
	batches  map[string]string   // body by feed and idempotency key
	lines    map[string][]string // taken events by feed
}

func newDoors() *doors {
	return &doors{requests: map[string]int{}, batches: map[string]string{}, lines: map[string][]string{}}
}

func (d *doors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	feed := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-of-")
	body, err := inflate(r)
	if err != nil || r.Header.Get("Content-Type") != "application/x-ndjson" {
		http.Error(w, fmt.Sprint(err), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.requests[feed]++
	n := d.requests[feed]
	d.mu.Unlock()
	var answer map[string]any
	take := func() { answer = d.take(feed, r.URL.Path, r.Header.Get("Idempotency-Key"), body) }
	if d.fault != nil && d.fault(w, r, feed, n, take) {
		return
	}
	take()
	if answer["conflict"] != nil {
		http.Error(w, "another body under this key", http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(answer)
}

func inflate(r *http.Request) ([]byte, error) {
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		in, err := gzip.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		return io.ReadAll(in)
	case "zstd":
		in, err := zstd.NewReader(r.Body)
		if err != nil {
			return nil, err
		}
		defer in.Close()
		return io.ReadAll(in)
	}
	return nil, fmt.Errorf("encoding %q", r.Header.Get("Content-Encoding"))
}

// take stores a batch once per key, and answers as the doors do.
func (d *doors) take(feed, path, key string, body []byte) map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	was, again := d.batches[feed+key]
	if again && was != string(body) || !strings.HasPrefix(path, "/v1/") || key == "" {
		return map[string]any{"conflict": true}
	}
	d.batches[feed+key] = string(body)
	accepted, rejected := 0, []map[string]any{}
	for i, line := range bytes.Split(bytes.TrimSuffix(body, []byte{'\n'}), []byte{'\n'}) {
		if d.reject != nil && d.reject(line) {
			rejected = append(rejected, map[string]any{"index": i, "field": "id", "reason": "the test wants it so"})
			continue
		}
		accepted++
		if !again {
			d.lines[feed] = append(d.lines[feed], string(line))
		}
	}
	return map[string]any{"accepted": accepted, "duplicates": 0, "rejected": rejected}
}

// entry is a line of the journal.
type entry struct {
	Kind, Type, Source, ID, App, Currency string
	AmountMinor                           int64     `json:"amount_minor"`
	OccurredAt                            time.Time `json:"occurred_at"`
	Acknowledged                          bool
	Weight                                float64
	Event                                 json.RawMessage
}

func entries(t *testing.T, journal *bytes.Buffer) []entry {
	t.Helper()
	var list []entry
	lines := bufio.NewScanner(journal)
	for lines.Scan() {
		var e entry
		decoder := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&e); err != nil {
			t.Fatalf("%v in %s", err, lines.Bytes())
		}
		list = append(list, e)
	}
	return list
}

// tells is everything that the plan tells until the tests' end, by feed.
func tells(p *story.Plan) map[string][]story.Event {
	all := map[string][]story.Event{}
	for _, f := range p.Feeds() {
		for !f.Due().After(p.Start().Add(live)) {
			all[f.Name] = append(all[f.Name], f.Next()...)
		}
	}
	return all
}

// reset cuts the connection without a word.
func reset(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// Whatever goes wrong on the way, every event arrives, and the journal says so.
func TestEveryEventIsAcknowledged(t *testing.T) {
	d := newDoors()
	d.fault = func(w http.ResponseWriter, r *http.Request, feed string, n int, take func()) bool {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			reset(w)
		case 3: // taken, but nobody hears of it
			take()
			reset(w)
		case 4: // taken, and the answer is cut
			take()
			w.Header().Set("Content-Length", "500")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"accepted":`))
		case 5:
			w.WriteHeader(http.StatusInternalServerError)
		case 6:
			if feed != "mirror" {
				return false
			}
			<-r.Context().Done() // no answer at all
		default:
			return false
		}
		return true
	}
	server := httptest.NewServer(d)
	defer server.Close()
	p := plan(t)
	var journal bytes.Buffer
	summary, err := Run(t.Context(), options(t, p, server.URL, &journal))
	if err != nil {
		t.Fatal(err)
	}
	list := entries(t, &journal)
	total, requests := 0, 0.0
	for feed, events := range tells(p) {
		total += len(events)
		if len(d.lines[feed]) != len(events) {
			t.Errorf("%s: %d events arrived, %d were told", feed, len(d.lines[feed]), len(events))
			continue
		}
		for i, e := range events {
			requests += e.Weight
			if d.lines[feed][i] != string(e.Body) {
				t.Fatalf("%s: event %d arrived as %s", feed, i, d.lines[feed][i])
			}
		}
		f := summary.Feeds[feed]
		if f.Acknowledged != uint64(len(events)) || f.Told != f.Acknowledged || f.Unknown != 0 || f.Retries < 4 {
			t.Errorf("%s: %d told, summary %+v", feed, len(events), f)
		}
	}
	if len(list) != total {
		t.Errorf("%d lines in the journal for %d events", len(list), total)
	}
	if summary.Requests != requests {
		t.Errorf("%v requests in the summary, want %v", summary.Requests, requests)
	}
	checkMoney(t, list, summary)
}

// checkMoney adds up the journal as an auditor would.
func checkMoney(t *testing.T, list []entry, summary Summary) {
	t.Helper()
	amounts := map[string]int64{}
	for _, e := range list {
		if !e.Acknowledged {
			t.Fatalf("not acknowledged: %+v", e)
		}
		if e.OccurredAt.IsZero() {
			t.Fatalf("no time: %+v", e)
		}
		if e.Kind == "donations" {
			amounts[e.Source+"/"+e.ID] = e.AmountMinor
		}
	}
	net := int64(0)
	for _, amount := range amounts {
		net += amount
	}
	usd := summary.Totals["USD"]
	if usd == nil || usd.Net != net || usd.Net != usd.Gross-usd.Refunds || usd.Movements != uint64(len(amounts)) || net <= 0 {
		t.Errorf("the journal has %d movements of %d cents, the summary %+v", len(amounts), net, usd)
	}
}

func TestRejectedEventsAreNotAcknowledged(t *testing.T) {
	d := newDoors()
	d.reject = func(line []byte) bool { return bytes.Contains(line, []byte(`"amount":"25.00"`)) }
	server := httptest.NewServer(d)
	defer server.Close()
	var journal bytes.Buffer
	summary, err := Run(t.Context(), options(t, plan(t), server.URL, &journal))
	if err != nil {
		t.Fatal(err)
	}
	rejected := uint64(0)
	for _, e := range entries(t, &journal) {
		refused := e.AmountMinor == 2500 || e.AmountMinor == -2500 || e.Type == "cancellation" && !e.Acknowledged
		if e.Acknowledged == refused {
			t.Fatalf("%+v", e)
		}
		if refused {
			rejected++
		}
	}
	counted := summary.Feeds["vendor"].Rejected + summary.Feeds["mirror"].Rejected + summary.Feeds["desk"].Rejected
	if counted != rejected || rejected == 0 {
		t.Errorf("%d rejected in the journal, %d in the summary", rejected, counted)
	}
}

func TestStopsWhileTheServerIsAway(t *testing.T) {
	d := newDoors()
	ctx, stop := context.WithCancel(t.Context())
	d.fault = func(w http.ResponseWriter, _ *http.Request, _ string, n int, _ func()) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		if n == 1 {
			stop()
		}
		return true
	}
	server := httptest.NewServer(d)
	defer server.Close()
	var journal bytes.Buffer
	summary, err := Run(ctx, options(t, plan(t), server.URL, &journal))
	if err != nil {
		t.Fatal(err)
	}
	told := uint64(0)
	for _, f := range summary.Feeds {
		told += f.Unknown
		if f.Acknowledged > 0 || f.Unknown != f.Told {
			t.Errorf("nothing was acknowledged, the summary says %+v", f)
		}
	}
	list := entries(t, &journal)
	if uint64(len(list)) != told || told == 0 {
		t.Errorf("%d lines in the journal, %d events told", len(list), told)
	}
	for _, e := range list {
		if e.Acknowledged {
			t.Fatalf("%+v", e)
		}
	}
}

// An answer that is on its way when the sender is told to stop still counts.
func TestWaitsForTheAnswerInFlight(t *testing.T) {
	d := newDoors()
	ctx, stop := context.WithCancel(t.Context())
	d.fault = func(http.ResponseWriter, *http.Request, string, int, func()) bool {
		stop()
		return false
	}
	server := httptest.NewServer(d)
	defer server.Close()
	var journal bytes.Buffer
	if _, err := Run(ctx, options(t, plan(t), server.URL, &journal)); err != nil {
		t.Fatal(err)
	}
	acknowledged, arrived := 0, 0
	for _, e := range entries(t, &journal) {
		if e.Acknowledged {
			acknowledged++
		}
	}
	for _, lines := range d.lines {
		arrived += len(lines)
	}
	if acknowledged != arrived || arrived == 0 {
		t.Errorf("%d events arrived, %d are acknowledged in the journal", arrived, acknowledged)
	}
}

// moody closes every connection at once while the server is away: nothing ever gets an answer.
type moody struct {
	net.Listener
	here atomic.Bool
}

func (m *moody) Accept() (net.Conn, error) {
	for {
		conn, err := m.Listener.Accept()
		if err != nil || m.here.Load() {
			return conn, err
		}
		_ = conn.Close()
	}
}

func TestGoesOnWhenTheServerComesBack(t *testing.T) {
	server := httptest.NewUnstartedServer(newDoors())
	listener := &moody{Listener: server.Listener}
	server.Listener = listener
	server.Start()
	defer server.Close()

	p := plan(t)
	o := options(t, p, server.URL, nil)
	o.ReportEvery = 5 * time.Millisecond
	missed := false
	o.Report = func(r Report) {
		if r.Trouble != "" && r.Slowest != "" && r.Acknowledged == 0 {
			missed = true
			listener.here.Store(true)
		}
	}
	summary, err := Run(t.Context(), o)
	if err != nil || !missed {
		t.Fatalf("the report told of the trouble: %v; error %v", missed, err)
	}
	for feed, events := range tells(p) {
		if summary.Feeds[feed].Acknowledged != uint64(len(events)) {
			t.Errorf("%s: %d events told, summary %+v", feed, len(events), summary.Feeds[feed])
		}
	}
}

func TestARefusalForGoodIsAnError(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		_, _ = w.Write([]byte(`{"status":415,"title":"Unsupported Media Type","detail":"want NDJSON"}`))
	}))
	defer server.Close()
	_, err := Run(t.Context(), options(t, plan(t), server.URL, nil))
	if err == nil || !strings.Contains(err.Error(), "415") || !strings.Contains(err.Error(), "want NDJSON") {
		t.Errorf("got %v", err)
	}
}

func TestAJournalThatCannotBeWrittenIsAnError(t *testing.T) {
	server := httptest.NewServer(newDoors())
	defer server.Close()
	in, out := io.Pipe()
	_ = in.Close()
	if _, err := Run(t.Context(), options(t, plan(t), server.URL, out)); err == nil {
		t.Error("no error")
	}
}

func TestWhatIsTriedAgain(t *testing.T) {
	for status, final := range map[int]bool{
		400: true, 401: false, 403: false, 404: true, 405: true, 408: false, 409: false, 413: true, 415: true, 422: true,
		429: false, 500: false, 502: false, 503: false, 504: false, 302: true,
	} {
		if got := (refusal{status: status}).final(0); got != final {
			t.Errorf("%d: final is %v", status, got)
		}
	}
	if !(refusal{status: 401}).final(tokenPatience + 1) {
		t.Error("a wrong token is tried for ever")
	}
}

func TestRetryAfter(t *testing.T) {
	for text, want := range map[string][2]time.Duration{
		"":                    {0, 0},
		"2":                   {2 * time.Second, 2 * time.Second},
		"-4":                  {0, 0},
		"1e3":                 {0, 0},
		strconv.Itoa(1 << 40): {longestAfter, longestAfter},
		time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat): {20 * time.Second, 30 * time.Second},
		time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):       {0, 0},
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}); got < want[0] || got > want[1] {
			t.Errorf("%q: got %v, want %v to %v", text, got, want[0], want[1])
		}
	}
}
