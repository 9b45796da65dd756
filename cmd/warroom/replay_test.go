package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"warroom/server"
)

func TestReplaySaysWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
		code int
	}{
		"no time":               {nil, "usage", 2},
		"no such time":          {[]string{"--since", "yesterday"}, "24h", 2},
		"a time to come":        {[]string{"--since", "2999-01-01T00:00:00Z"}, "to come", 2},
		"no such kind":          {[]string{"--since", "1h", "--kind", "gifts"}, "donations", 2},
		"both":                  {[]string{"--since", "1h", "--dead-letters"}, "usage", 2},
		"a reason for a replay": {[]string{"--since", "1h", "--reason", "x"}, "usage", 2},
		"no server":             {[]string{"--since", "1h"}, "no server runs", 1},
		"no server for letters": {[]string{"--dead-letters"}, "no server runs", 1},
	} {
		t.Run(name, func(t *testing.T) {
			out, errs, code := warroom(t, dataFolder(t), append([]string{"replay"}, c.args...)...)
			if code != c.code || !strings.Contains(errs, c.says) || out != "" {
				t.Errorf("exit code %d, stdout %q, stderr %q", code, out, errs)
			}
		})
	}
}

func TestParseSince(t *testing.T) {
	now := time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90m": now.Add(-90 * time.Minute), "24h": now.Add(-24 * time.Hour), "0s": now,
		"2026-11-03T19:00:00Z": now.Add(-time.Hour), "2026-11-03T14:00:00-05:00": now.Add(-time.Hour),
	} {
		if got, err := parseSince(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1d", "-1h", "2026-11-03"} {
		if got, err := parseSince(text, now); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// Everything is sent again twice, the second time after a restart: no total changes, of truth or of a rollup.
func TestAReplayChangesNoTotal(t *testing.T) {
	data := dataFolder(t)
	feed, analyst := token4test(t, data, "vendor", "feed"), token4test(t, data, "ana", "analyst")
	// Own requests would be new events in the totals.
	p := serve4test(t, data, "WARROOM_SELF_TRAFFIC=false")
	now := time.Now()
	for i := range 20 { // several segments of each kind, with repeats, a refund and a conflict
		id := fmt.Sprint("g", i%15)
		p.accept("/v1/donations", feed, gift(id, fmt.Sprintf("%d.07", 10+i), now, "")+"\n"+
			gift(fmt.Sprint("r", i), "3.50", now, `"kind":"refund","of":"`+id+`"`))
		var hits []string
		for n := range 50 {
			hits = append(hits, fmt.Sprintf(`{"occurred_at":%q,"app":"donate","path":"/%d","status":%d,"bytes":%d,"duration_ms":3}`,
				now.UTC().Format(time.RFC3339Nano), n, 200+100*(n%4), i*n))
		}
		p.accept("/v1/traffic", feed, strings.Join(hits, "\n"))
	}
	p.stored(analyst)
	totals := p.totals(analyst, now)

	if got := p.replay("--since", "1h"); got["donations"].Events != 40 || got["traffic"].Events != 1000 || got["emails"].Events != 0 {
		t.Errorf("replayed %+v", got)
	}
	if after := p.totals(analyst, now); after != totals {
		t.Errorf("totals were\n%s\nand are\n%s", totals, after)
	}
	p.stop()
	p = serve4test(t, data, "WARROOM_SELF_TRAFFIC=false")
	if got := p.replay("--since", now.Add(-time.Minute).Format(time.RFC3339)); got["donations"].Events != 40 || got["traffic"].Events != 1000 {
		t.Errorf("replayed after a restart %+v", got)
	}
	if after := p.totals(analyst, now); after != totals {
		t.Errorf("totals were\n%s\nand after a restart\n%s", totals, after)
	}

	if got := p.replay("--since", "1h", "--feed", "somebody else"); got["donations"].Events != 0 || got["traffic"].Events != 0 {
		t.Errorf("another feed: %+v", got)
	}
	if got := p.replay("--since", "1h", "--kind", "donations", "--feed", "vendor"); len(got) != 1 || got["donations"].Events != 40 {
		t.Errorf("one kind: %+v", got)
	}
	out, errs, code := warroom(t, data, "replay", "--dead-letters")
	if code != 0 || !strings.Contains(out, "donations  0 dead letters") || errs != "" {
		t.Errorf("dead letters: %d %q %q", code, out, errs)
	}
	p.stop()
	if _, errs, code := warroom(t, data, "replay", "--since", "1h"); code != 1 || !strings.Contains(errs, "no server runs") {
		t.Errorf("after the stop: %d %q", code, errs)
	}
}

// accept sends events that must be acknowledged.
func (p *process) accept(path, feed, body string) {
	p.t.Helper()
	if a := p.post(path, feed, ndjson, body); a.status != http.StatusAccepted {
		p.t.Fatalf("%d %s", a.status, a.body)
	}
}

// stored waits until nothing waits in the spools.
func (p *process) stored(token string) {
	p.t.Helper()
	p.until("all is stored", func() bool {
		figures := p.get("/metrics", token).body
		return strings.Contains(figures, `warroom_spool_records{kind="donations"} 0`) &&
			strings.Contains(figures, `warroom_spool_records{kind="traffic"} 0`)
	})
}

// totals are what readers see of the time before a moment: truth by the analysts' views, rollups by the boards.
func (p *process) totals(analyst string, now time.Time) string {
	p.t.Helper()
	text := fmt.Sprint(
		p.sql(analyst, "SELECT currency, kind, count() AS n, sum(amount_minor) AS minor FROM donations GROUP BY ALL ORDER BY ALL"),
		p.sql(analyst, "SELECT app, status, count() AS n, sum(weight) AS w, sum(bytes) AS b FROM requests GROUP BY ALL ORDER BY ALL"))
	at := now.Add(2 * time.Second).UTC().Format(time.RFC3339)
	for _, topic := range []string{"money.hour", "money.minutes", "traffic.hour", "traffic.now"} {
		a := p.get("/api/v1/panels/"+topic+"?at="+url.QueryEscape(at), analyst)
		var panel map[string]json.RawMessage
		if err := json.Unmarshal([]byte(a.body), &panel); err != nil || a.status != http.StatusOK {
			p.t.Fatalf("%s: %d %s", topic, a.status, a.body)
		}
		text += fmt.Sprintf("\n%s %s %s %s", topic, panel["value"], panel["series"], panel["rows"])
	}
	return text
}

// replay runs the command and returns what it says of each kind.
func (p *process) replay(args ...string) map[string]server.Progress {
	p.t.Helper()
	out, errs, code := warroom(p.t, p.data, append([]string{"replay", "--json"}, args...)...)
	var said []server.Progress
	if err := json.Unmarshal([]byte(out), &said); err != nil || code != 0 {
		p.t.Fatalf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	by := map[string]server.Progress{}
	for _, progress := range said {
		if progress.Looked != progress.Of || progress.Error != "" || progress.Refused > 0 {
			p.t.Errorf("%+v", progress)
		}
		by[progress.Kind] = progress
	}
	return by
}
