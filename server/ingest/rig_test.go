package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"warroom/server/campaign"
)

// memory is a spool that keeps its records in memory, and fails when it is told to.
type memory struct {
	mu      sync.Mutex // guards all below
	records [][]byte
	err     error
	entered chan struct{} // if there is one: told of every Append …
	gate    chan struct{} // … which then waits here
}

func (m *memory) Append(ctx context.Context, records ...[]byte) error {
	m.mu.Lock()
	entered, gate := m.entered, m.gate
	m.mu.Unlock()
	if gate != nil {
		entered <- struct{}{}
		select {
		case <-gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return m.err
	}
	for _, record := range records {
		m.records = append(m.records, bytes.Clone(record))
	}
	return nil
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// taken returns the records and forgets them.
func (m *memory) taken() [][]byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	records := m.records
	m.records = nil
	return records
}

// rig is a set of doors with what is behind them.
type rig struct {
	testing.TB
	*Doors
	spools map[campaign.Kind]*memory
	state  string
	log    *bytes.Buffer
	clock  time.Time
}

const (
	everything = "token-that-may-everything"
	mailOnly   = "token-that-may-send-mail"
)

var noon = time.Date(2026, 9, 30, 16, 0, 0, 0, time.UTC)

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{TB: t, spools: map[campaign.Kind]*memory{}, state: t.TempDir(), log: &bytes.Buffer{}, clock: noon}
	for _, kind := range campaign.Kinds() {
		r.spools[kind] = &memory{}
	}
	r.open()
	return r
}

// open opens the doors, a second time as after a restart.
func (r *rig) open() {
	r.Helper()
	spools := map[campaign.Kind]Appender{}
	for kind, spool := range r.spools {
		spools[kind] = spool
	}
	doors, err := open(Options{
		State: r.state, Secret: []byte("a secret for tests, long enough"), Spools: spools,
		Authenticate: func(token string) (Grant, bool) {
			switch token {
			case everything:
				return Grant{Feed: "desk", May: func(campaign.Kind) bool { return true }}, true
			case mailOnly:
				return Grant{Feed: "mailer", May: func(k campaign.Kind) bool { return k == campaign.Emails }}, true
			}
			return Grant{}, false
		},
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, func() time.Time { return r.clock })
	if err != nil {
		r.Fatal(err)
	}
	r.Doors = doors
	r.Cleanup(func() { _ = doors.Close() })
}

// post sends a body with headers given as name, value, name, value …
func (r *rig) post(kind campaign.Kind, body string, headers ...string) *result {
	return r.send(kind, http.MethodPost, strings.NewReader(body), headers...)
}

func (r *rig) send(kind campaign.Kind, method string, body io.Reader, headers ...string) *result {
	r.Helper()
	req := httptest.NewRequest(method, "/v1/"+kind.String(), body)
	req.Header.Set("Authorization", "Bearer "+everything)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.Door(kind).ServeHTTP(w, req)
	res := &result{ResponseRecorder: w, rig: r, body: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), res); err != nil {
		r.Fatalf("the answer is no JSON: %v: %s", err, w.Body)
	}
	return res
}

// result is an answer, read.
type result struct {
	*httptest.ResponseRecorder `json:"-"`
	rig                        *rig
	body                       string
	verdict
	Status        int
	Title, Detail string
	Field         string
}

// is checks status and counts: "202 2 0 1" is accepted, duplicates and rejected.
func (res *result) is(status, accepted, duplicates, rejected int) *result {
	res.rig.Helper()
	if res.Code != status || res.Accepted != accepted || res.Duplicates != duplicates || res.rejected() != rejected {
		res.rig.Errorf("got %d with %d accepted, %d duplicates, %d rejected; want %d with %d, %d, %d: %s",
			res.Code, res.Accepted, res.Duplicates, res.rejected(), status, accepted, duplicates, rejected, res.body)
	}
	want := "application/problem+json"
	if status == http.StatusAccepted {
		want = "application/json"
	}
	if got := res.Header().Get("Content-Type"); got != want {
		res.rig.Errorf("%d has the type %q, want %q", status, got, want)
	}
	if status != http.StatusAccepted && (res.Status != status || res.Title == "" || res.Detail == "") {
		res.rig.Errorf("not a complete problem: %s", res.body)
	}
	return res
}

// rejects checks one entry of the list.
func (res *result) rejects(n, index int, field, reason string) *result {
	res.rig.Helper()
	if n >= len(res.Rejected) {
		res.rig.Errorf("no rejection %d in %s", n, res.body)
		return res
	}
	if got := res.Rejected[n]; got.Index != index || got.Field != field || !strings.Contains(got.Reason, reason) {
		res.rig.Errorf("rejection %d is %+v, want index %d, field %q, %q", n, got, index, field, reason)
	}
	return res
}

func (r *rig) donations() []campaign.Donation {
	r.Helper()
	return decoded(r, campaign.Donations, campaign.DecodeDonation)
}

func (r *rig) emails() []campaign.EmailEvent {
	r.Helper()
	return decoded(r, campaign.Emails, campaign.DecodeEmail)
}

func (r *rig) requests() []campaign.Request {
	r.Helper()
	return decoded(r, campaign.Traffic, campaign.DecodeRequest)
}

func decoded[T any](r *rig, kind campaign.Kind, decode func(string) (T, error)) (events []T) {
	r.Helper()
	for _, record := range r.spools[kind].taken() {
		event, err := decode(string(record))
		if err != nil {
			r.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

// gift is a good donation with more fields: gift("a", `"state":"IA"`).
func gift(id string, more ...string) string {
	return `{"id":"` + id + `","occurred_at":"2026-09-30T11:59:00-04:00","amount":"25.00"` + also(more) + `}`
}

func mail(id string, more ...string) string {
	return `{"id":"` + id + `","occurred_at":"2026-09-30T11:59:00-04:00","type":"send"` + also(more) + `}`
}

func hit(more ...string) string {
	return `{"occurred_at":"2026-09-30T11:59:00-04:00","app":"donate"` + also(more) + `}`
}

func also(more []string) string {
	if len(more) == 0 {
		return ""
	}
	return "," + strings.Join(more, ",")
}

func gzipped(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zstandard(t testing.TB, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}
