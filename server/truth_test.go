package server

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"warroom/server/auth"
	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/warehouse"
)

func TestMain(m *testing.M) {
	engine.ChildMain()
	os.Exit(m.Run())
}

// running is a server with a real engine.
type running struct {
	*Server
	t     *testing.T
	token string
	stop  func()
}

func runServer(t *testing.T, data string) *running {
	t.Helper()
	s, err := Open(Options{
		Addr: "127.0.0.1:0", Data: data, Currency: "USD", Zone: time.UTC, SpoolLimit: 64 << 20,
		Keep: time.Hour, KeepBytes: 64 << 20, Version: "test", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	r := &running{Server: s, t: t, token: s.token(t, auth.Feed)}
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the stop: %v", err)
		}
	}
	t.Cleanup(r.stop)
	return r
}

// until waits for what has to come about.
func (r *running) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			r.t.Fatalf("after a minute not: %s; doubt %q; broken %+v", what, r.doubt(campaign.Kinds()...), r.truth.report())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r *running) number(sql string) (n int64) {
	err := r.store.Query(r.t.Context(), sql, nil, func(rows board.Rows) error {
		for rows.Next() {
			if err := rows.Scan(&n); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		return -1
	}
	return n
}

// send has n events of each kind counted; each takes a second of its own from `from` on.
func (r *running) send(from, n int, already int64) {
	r.t.Helper()
	at := time.Now().Add(-time.Hour).Truncate(time.Hour)
	var gifts, mails, hits strings.Builder
	for i := from; i < from+n; i++ {
		when := at.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
		fmt.Fprintf(&gifts, `{"id":"g%d","occurred_at":%q,"amount":"1.00"}`+"\n", i, when)
		fmt.Fprintf(&mails, `{"id":"m%d","occurred_at":%q,"type":"open"}`+"\n", i, when)
		fmt.Fprintf(&hits, `{"app":"donate","occurred_at":%q,"status":200,"visitor":"v"}`+"\n", when)
	}
	for path, body := range map[string]string{"/v1/donations": gifts.String(), "/v1/emails": mails.String(), "/v1/traffic": hits.String()} {
		if status, says := answerOf(r.t, r.Server, http.MethodPost, path, r.token, body); status != http.StatusAccepted {
			r.t.Fatalf("%s: %d %s", path, status, says)
		}
	}
	r.until("all is counted", func() bool { return r.streams.empty() && r.whole(already+int64(n)) })
}

// whole says whether every table has all n events of each kind.
func (r *running) whole(n int64) bool {
	for _, sql := range []string{
		"SELECT toInt64(count()) FROM donations FINAL", "SELECT toInt64(count()) FROM donations_by_time FINAL",
		"SELECT toInt64(sum(amount_minor) / 100) FROM donation_minutes FINAL",
		"SELECT toInt64(count()) FROM email_identities FINAL", "SELECT toInt64(count()) FROM email_events FINAL",
		"SELECT toInt64(sum(events)) FROM email_minutes FINAL",
		"SELECT toInt64(count()) FROM requests", "SELECT toInt64(sum(requests)) FROM request_seconds",
		"SELECT toInt64(sum(requests)) FROM request_minutes",
	} {
		if r.number(sql) != n {
			return false
		}
	}
	return r.number("SELECT toInt64(uniqCombinedMerge(12)(visitors)) FROM request_visitors") == 1
}

// spoil makes every part of the tables unreadable, and returns how many these were.
func spoil(t *testing.T, data string, tables ...string) (parts int) {
	t.Helper()
	for _, table := range tables {
		definitions, err := filepath.Glob(filepath.Join(data, "engine", "data", "store", "*", "*", table+".sql"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range definitions {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, rest, found := strings.Cut(string(text), "UUID '")
			if !found || strings.Contains(string(text), "VIEW") {
				continue // the analysts' view of that name
			}
			id, _, _ := strings.Cut(rest, "'")
			sums, _ := filepath.Glob(filepath.Join(data, "engine", "data", "store", id[:3], id, "*_*_*", "checksums.txt"))
			for _, sum := range sums {
				if err := os.Truncate(sum, 0); err != nil {
					t.Fatal(err)
				}
				parts++
			}
		}
	}
	if parts == 0 {
		t.Fatalf("no parts of %q", tables)
	}
	return parts
}

var everything = []string{
	"donations", "donations_by_time", "donation_minutes", "email_identities", "email_events", "email_minutes",
	"requests", "request_seconds", "request_minutes", "request_visitors",
}

func TestWhatTheEngineLosesComesBack(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := runServer(t, data)
	r.send(0, 10, 0)
	r.send(10, 10, 10)
	r.compare()
	r.stop()

	for _, tables := range [][]string{{"donations"}, {"donations_by_time", "request_seconds"}, everything} {
		spoil(t, data, tables...)
		r = runServer(t, data)
		r.until("it is refilled", func() bool { return r.doubt(campaign.Kinds()...) == "" && r.compared() })
		if !r.whole(20) {
			t.Errorf("after damage to %q not all is there", tables)
		}
		r.stop()
	}

	r = runServer(t, data)
	r.until("it is looked at", func() bool { return r.store.examinedAll() && r.compared() })
	for _, kind := range campaign.Kinds() {
		if sent := r.streams.sinks[kind].Stats().SentAgain; sent != 0 {
			t.Errorf("%s: parts that were handled before had %d events sent again", kind, sent)
		}
	}
	// An engine that dies and is started again by its watcher is looked at as well, before anything is stored in it.
	spoil(t, data, "donations", "donation_minutes")
	if err := syscall.Kill(engineOf(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.until("the engine was started again", func() bool { return r.store.starts() > 0 })
	r.send(20, 1, 20)
	r.until("it is refilled", func() bool { return r.truth.doubt(campaign.Donations) == "" })
	if !r.whole(21) {
		t.Error("after the engine's death not all is there")
	}
}

// compare has every kind compared now.
func (r *running) compare() {
	for _, kind := range campaign.Kinds() {
		r.truth.check(r.t.Context(), kind)
	}
}

// compared says whether each kind was compared since the start.
func (r *running) compared() bool {
	return !slices.ContainsFunc(r.truth.report().Kinds, func(k truthOfKind) bool { return k.At.IsZero() })
}

func TestWhatCanNotComeBackIsSaidUntilItIsAccepted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	r := runServer(t, data)
	r.send(0, 10, 0)
	r.compare()
	r.stop()
	spoil(t, data, "donations", "donations_by_time")
	if err := os.RemoveAll(filepath.Join(data, "spool")); err != nil {
		t.Fatal(err)
	}
	r = runServer(t, data)
	r.until("it is said", func() bool { return strings.Contains(r.doubt(campaign.Donations), "donations may be incomplete since") })
	if doubt := r.doubt(campaign.Emails); doubt != "" {
		t.Errorf("mail is doubted too: %s", doubt)
	}
	if _, says := answerOf(t, r.Server, http.MethodGet, "/-/ready", "", ""); !strings.Contains(says, "10 of 10 are not in the engine") {
		t.Errorf("/-/ready says %s", says)
	}
	wrongly := func(f Finding) bool {
		return f.Part == "truth" && !f.OK && strings.Contains(f.Says, "may be incomplete")
	}
	if found := Examine(t.Context(), r.Options); !slices.ContainsFunc(found, wrongly) {
		t.Errorf("the doctor says %+v", found)
	}
	r.stop()
	if found := Examine(t.Context(), r.Options); !slices.ContainsFunc(found, wrongly) {
		t.Errorf("the doctor of a server at rest says %+v", found)
	}
	r = runServer(t, data)
	r.until("it is still said", func() bool { return strings.Contains(r.doubt(campaign.Donations), "may be incomplete") })
	if err := Accept(r.Options); err != nil {
		t.Fatal(err)
	}
	r.until("it is accepted", func() bool { return r.doubt(campaign.Kinds()...) == "" })
}

// engineOf is the process id of the one child of this test program that is an engine.
func engineOf(t *testing.T) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for word := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatal("no engine runs")
	return 0
}

// A difference that stays is counted and logged once; a repaired one that comes again counts again.
func TestDifferencesThatStayCountOnce(t *testing.T) {
	s := opened(t)
	stays := warehouse.Difference{Table: "email_events", Where: "2026-11-03 20:14", Rollup: "1 rows", Truth: "2 rows"}
	repaired := warehouse.Difference{Table: "email_minutes", Where: "2026-11-03 20:15", Rollup: "1", Truth: "2", Repaired: true}
	for range 3 {
		s.truth.note(warehouse.Comparison{Kind: campaign.Emails, At: time.Now(), Found: 2, Left: 1,
			Differences: []warehouse.Difference{stays, repaired}})
	}
	k := s.truth.report().Kinds[1]
	if k.Kind != campaign.Emails || k.Checks != 3 || k.Found != 4 || k.Repaired != 3 || len(k.Newest) != 4 {
		t.Errorf("%+v", k)
	}
	if checks := s.truthChecks(); len(checks) != 3 || checks[1].Found != 4 || checks[1].Differences[0] != board.TruthDifference(repaired) {
		t.Errorf("%+v", checks)
	}
}
