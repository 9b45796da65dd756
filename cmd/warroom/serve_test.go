package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

const ndjson = "application/x-ndjson"

// From a POST through the real door, the disk and the engine to a frame of a real websocket, and to the cent.
func TestAGiftReachesTheBoardAndTheAnalysts(t *testing.T) {
	data := dataFolder(t)
	feed := token4test(t, data, "vendor", "feed") // before the first start
	p := serve4test(t, data)
	reader := token4test(t, data, "wall", "reader") // and while it runs
	analyst := token4test(t, data, "ana", "analyst")
	p.until("the new token is known", func() bool { return p.get("/api/v1/boards", reader).status == http.StatusOK })

	conn := p.watch(reader)
	seen := map[string]int64{}
	for len(seen) < 10 { // every topic arrives once on connect
		f := next(t, conn, func(frame) bool { return true })
		if f.Seq <= seen[f.Topic] || f.Sent == 0 || (f.HTML == "") == (f.Data == nil) {
			t.Errorf("frame of %s: seq %d after %d, sent %d", f.Topic, f.Seq, seen[f.Topic], f.Sent)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z07:00", f.At); err != nil {
			t.Errorf("%s: %v", f.Topic, err)
		}
		seen[f.Topic] = f.Seq
	}

	now := time.Now()
	body := strings.Join([]string{
		gift("g1", "1234.56", now, `"refcode":"em1","state":"OH","donor":"ada@example.org"`),
		gift("g2", "0.44", now, `"recurring":"monthly"`),
		gift("g1", "1234.56", now, ""), // the same again
		gift("bad", "1.234", now, ""),
		gift("r1", "35.00", now, `"kind":"refund","of":"g1"`),
		gift("e1", "99.00", now, `"currency":"EUR"`),
	}, "\n")
	a := p.post("/v1/donations", feed, ndjson, body)
	var verdict struct {
		Accepted, Duplicates int
		Rejected             []struct {
			Index         int
			Field, Reason string
		}
	}
	if err := json.Unmarshal([]byte(a.body), &verdict); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if verdict.Accepted != 4 || verdict.Duplicates != 1 || len(verdict.Rejected) != 1 || verdict.Rejected[0].Index != 3 || verdict.Rejected[0].Field != "amount" {
		t.Errorf("verdict %s", a.body)
	}
	// The same once more, by another road: every total stays.
	if a := p.post("/v1/donations", feed, "application/json", "["+gift("g1", "1234.56", now, `"path":"mirror"`)+"]"); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}

	f := next(t, conn, func(f frame) bool { return f.Topic == "money.hour" && strings.Contains(f.HTML, "1,200") })
	if f.Seq <= seen["money.hour"] {
		t.Errorf("seq went from %d to %d", seen["money.hour"], f.Seq)
	}
	p.until("the analysts see all", func() bool {
		return len(p.sql(analyst, "SELECT id FROM donations")) == 4
	})
	rows := p.sql(analyst, "SELECT currency, sum(amount_minor) AS net, count() AS n FROM donations GROUP BY currency ORDER BY currency")
	if got := fmt.Sprint(rows); got != fmt.Sprint([]map[string]any{
		{"currency": "EUR", "net": rows[0]["net"], "n": rows[0]["n"]}, {"currency": "USD", "net": rows[1]["net"], "n": rows[1]["n"]},
	}) || fmt.Sprint(rows[0]["net"]) != "9900" || fmt.Sprint(rows[1]["net"]) != "120000" {
		t.Errorf("sums by currency: %s", got)
	}

	var panel struct {
		Topic, Unit, At string
		Value           struct {
			AmountMinor json.Number `json:"amount_minor"`
			Currency    string
		}
	}
	p.until("the API says the same", func() bool {
		a := p.get("/api/v1/panels/money.hour", reader)
		if err := json.Unmarshal([]byte(a.body), &panel); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		return panel.Value.AmountMinor == "120000" && panel.Value.Currency == "USD"
	})
	// As of an hour ago there was nothing.
	a = p.get("/api/v1/panels/money.hour?at="+now.Add(-time.Hour).UTC().Format(time.RFC3339), reader)
	if err := json.Unmarshal([]byte(a.body), &panel); err != nil || panel.Value.AmountMinor != "0" {
		t.Errorf("as of an hour ago: %v %s", err, a.body)
	}
	if log := p.logged(); strings.Contains(log, "ada@example.org") || strings.Contains(log, feed) {
		t.Error("the log holds personal data or a token")
	}
}

// Killed in the middle of a load, again and again: whatever was acknowledged is there, once, to the cent.
func TestNothingAcknowledgedIsLostByKill(t *testing.T) {
	data := dataFolder(t)
	feed, analyst := token4test(t, data, "vendor", "feed"), token4test(t, data, "ana", "analyst")
	acked := map[string]int{} // id → cents
	var mu sync.Mutex
	for round := range 3 {
		p := serve4test(t, data)
		var senders sync.WaitGroup
		var count atomic.Int64
		enough := make(chan struct{})
		for s := range 4 {
			senders.Go(func() {
				for n := 0; ; n++ {
					batch, ids := "", map[string]int{}
					for i := range 25 {
						id, cents := fmt.Sprintf("%d-%d-%d-%d", round, s, n, i), 100+(n*25+i)%5000
						ids[id] = cents
						batch += gift(id, fmt.Sprintf("%d.%02d", cents/100, cents%100), time.Now(), "") + "\n"
					}
					switch a := p.post("/v1/donations", feed, ndjson, batch); a.status {
					case http.StatusAccepted:
						mu.Lock()
						for id, cents := range ids {
							acked[id] = cents
						}
						mu.Unlock()
						if count.Add(1) == int64(60+40*round) {
							close(enough)
						}
					case 0:
						return // the kill came
					default:
						t.Errorf("%d %s", a.status, a.body)
						return
					}
				}
			})
		}
		select {
		case <-enough:
		case <-time.After(patience):
			t.Error("the load never got going")
		}
		p.kill()
		senders.Wait()
	}

	p := serve4test(t, data)
	p.until("all that was acknowledged is stored", func() bool {
		return len(p.sql(analyst, "SELECT 1 FROM donations LIMIT 1")) == 1 && strings.Contains(p.get("/metrics", analyst).body, `warroom_spool_records{kind="donations"} 0`)
	})
	stored := map[string]int{}
	for _, row := range p.sql(analyst, "SELECT id, toString(amount_minor) AS cents FROM donations") {
		cents, err := strconv.Atoi(fmt.Sprint(row["cents"]))
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := stored[fmt.Sprint(row["id"])]; twice {
			t.Errorf("%v is counted twice", row["id"])
		}
		stored[fmt.Sprint(row["id"])] = cents
	}
	for id, cents := range acked {
		if stored[id] != cents {
			t.Errorf("%s: acknowledged with %d cents, stored with %d", id, cents, stored[id])
		}
	}
	if len(acked) < 3*60*25 {
		t.Errorf("only %d gifts were acknowledged: the test proves too little", len(acked))
	}
}

// The engine dies; events are still taken, everything says so, and all is well again without anybody's hand.
func TestTheEngineDiesAndComesBack(t *testing.T) {
	data := dataFolder(t)
	feed, analyst := token4test(t, data, "vendor", "feed"), token4test(t, data, "ana", "analyst")
	p := serve4test(t, data)
	conn := p.watch(analyst)
	next(t, conn, func(f frame) bool { return f.Topic == "money.hour" })

	child := engineOf(t, p.cmd.Process.Pid)
	if err := syscall.Kill(child, syscall.SIGSTOP); err != nil { // silent, not gone: the worse case
		t.Fatal(err)
	}
	p.until("it is not ready", func() bool {
		a := p.get("/-/ready", "")
		return a.status == http.StatusServiceUnavailable && strings.Contains(a.body, "engine") && a.header.Get("Retry-After") != ""
	})
	if a := p.get("/-/healthy", ""); a.status != http.StatusOK {
		t.Errorf("alive? %d", a.status)
	}
	if a := p.get("/-/ready?for=ingest", ""); a.status != http.StatusOK {
		t.Errorf("ready for events? %d %s", a.status, a.body)
	}
	if a := p.post("/v1/donations", feed, ndjson, gift("away", "5.00", time.Now(), "")); a.status != http.StatusAccepted {
		t.Errorf("an event while the engine is away: %d %s", a.status, a.body)
	}
	out, _, code := warroom(t, data, "doctor", "--json")
	if code != 1 || !strings.Contains(out, `"part":"engine","ok":false`) {
		t.Errorf("doctor: %d %s", code, out)
	}
	next(t, conn, func(f frame) bool { return f.Topic == "pulse" && strings.Contains(string(f.Data), "engine") })

	if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.until("it is ready again", func() bool { return p.get("/-/ready", "").status == http.StatusOK })
	next(t, conn, func(f frame) bool { return f.Topic == "money.hour" && strings.Contains(f.HTML, "$5") })
	if out, _, code := warroom(t, data, "doctor"); code != 0 {
		t.Errorf("doctor after the return: %d %s", code, out)
	}
	if metrics := p.get("/metrics", analyst).body; !strings.Contains(metrics, "warroom_engine_restarts_total 1") {
		t.Error("the restart is not counted in /metrics")
	}
}

// engineOf finds the engine's process: the server's only child.
func engineOf(t testing.TB, server int) int {
	t.Helper()
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(server)).Output()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatalf("want one child, got %q", out)
	}
	return pid
}

// A thousand viewers cost the engine what one costs.
func TestViewersShareTheirQueries(t *testing.T) {
	data := dataFolder(t)
	reader := token4test(t, data, "wall", "reader")
	p := serve4test(t, data)
	first := p.watch(reader)
	// queriesATick is the number of queries while the first viewer saw ten pulses.
	queriesATick := func() float64 {
		pulse := func(f frame) bool { return f.Topic == "pulse" }
		next(t, first, pulse)
		before := p.queries(reader)
		for range 10 {
			next(t, first, pulse)
		}
		return p.queries(reader) - before
	}
	alone := queriesATick()
	for range 999 {
		conn := p.watch(reader)
		next(t, conn, func(f frame) bool { return f.Topic == "money.hour" })
		go func() {
			for {
				if _, _, err := conn.ReadMessage(); err != nil {
					return
				}
			}
		}()
	}
	p.until("all are counted", func() bool { return strings.Contains(p.get("/metrics", reader).body, "warroom_viewers 1000") })
	if together := queriesATick(); alone == 0 || together > alone*1.3 {
		t.Errorf("one viewer caused %v queries in ten ticks, a thousand caused %v", alone, together)
	}
}

// queries sums the queries of all topics in /metrics.
func (p *process) queries(token string) (sum float64) {
	for line := range strings.Lines(p.get("/metrics", token).body) {
		if strings.HasPrefix(line, "warroom_live_queries_total{") {
			value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndex(line, " "):]), 64)
			if err != nil {
				p.t.Fatal(err)
			}
			sum += value
		}
	}
	return sum
}

func TestTheLinkSignsInOnce(t *testing.T) {
	p := serve4test(t, dataFolder(t))
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	resp, err := browser.Get(p.link)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/" {
		t.Errorf("the link led to %s with %d", resp.Request.URL, resp.StatusCode)
	}
	if policy := resp.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	stranger := &http.Client{}
	if resp, err = stranger.Get(p.link); err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.Request.URL.Path != "/sign-in" {
		t.Errorf("the link worked twice: %s", resp.Request.URL)
	}
	for path, want := range map[string]int{"/": 401, "/boards/leadership": 401, "/api/v1/boards": 401, "/live?board=leadership": 401, "/metrics": 401, "/-/healthy": 200, "/version": 200, "/openapi.json": 401, "/docs": 401} {
		if a := p.get(path, ""); a.status != want {
			t.Errorf("%s without a session: %d, want %d", path, a.status, want)
		}
	}
}

func TestWrongRequestsGetClearAnswers(t *testing.T) {
	data := dataFolder(t)
	feed, reader, analyst := token4test(t, data, "vendor", "feed"), token4test(t, data, "wall", "reader"), token4test(t, data, "ana", "analyst")
	p := serve4test(t, data)
	for _, c := range []struct {
		method, path, token, contentType, body string
		status                                 int
		says                                   string
	}{
		{"POST", "/v1/donations", "", ndjson, "{}", 401, "Bearer"},
		{"POST", "/v1/donations", "nonsense", ndjson, "{}", 401, "token"},
		{"POST", "/v1/donations", reader, ndjson, "{}", 403, "feed"},
		{"POST", "/v1/donations", feed, "text/csv", "a,b", 415, "application/json"},
		{"POST", "/v1/donations", feed, ndjson, "{}", 422, "id"},
		{"GET", "/v1/donations", feed, "", "", 405, "POST"},
		{"PUT", "/api/v1/boards", reader, "", "", 405, "GET"},
		{"GET", "/nowhere", "", "", "", 404, ""},
		{"GET", "/api/v1/boards", feed, "", "", 403, "reader"},
		{"GET", "/boards/nowhere", reader, "", "", 404, ""},
		{"GET", "/api/v1/panels/nothing", reader, "", "", 404, ""},
		{"GET", "/api/v1/panels/money.hour?at=yesterday", reader, "", "", 400, "at"},
		{"GET", "/api/v1/panels/money.hour?window=long", reader, "", "", 400, "window"},
		{"GET", "/live?board=nowhere", reader, "", "", 404, ""},
		{"POST", "/api/v1/sql", reader, "application/json", `{"sql":"SELECT 1"}`, 403, "analyst"},
		{"POST", "/api/v1/sql", analyst, "application/json", `{"sql":"SELEKT 1"}`, 400, "Syntax error"},
		{"POST", "/api/v1/sql", analyst, "application/json", `{"sql":"SELECT 1","format":"XML"}`, 400, "format"},
		{"POST", "/api/v1/sql", analyst, "application/json", `{"sql":"SELECT * FROM campaign.donations"}`, 400, ""},
		{"POST", "/api/v1/sql", analyst, "application/json", `{"sql":"SELECT * FROM file('/etc/passwd')"}`, 400, ""},
	} {
		a := p.ask(c.method, c.path, c.token, c.contentType, c.body)
		if a.status != c.status || !strings.Contains(a.body, c.says) || a.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %d (%s) %s, want %d and %q", c.method, c.path, a.status, a.header.Get("Content-Type"), a.body, c.status, c.says)
		}
	}
	for path, want := range map[string]int{"/-/healthy": 200, "/version": 200, "/api/v1/boards": 401, "/v1/donations": 405} {
		if a := p.ask("HEAD", path, "", "", ""); a.status != want || a.body != "" {
			t.Errorf("HEAD %s: %d %q, want %d", path, a.status, a.body, want)
		}
	}
	p.isAsDescribed(reader, map[string]string{"feed-token": feed, "reader-token": reader, "analyst-token": analyst})
}

// isAsDescribed asks for everything in openapi.json: with the token that it names, and without.
func (p *process) isAsDescribed(reader string, tokens map[string]string) {
	p.t.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			Security  []map[string][]string
			Responses map[string]any
		}
	}
	if err := json.Unmarshal([]byte(p.get("/openapi.json", reader).body), &d); err != nil || len(d.Paths) == 0 {
		p.t.Fatalf("openapi.json: %d paths, %v", len(d.Paths), err)
	}
	for path, methods := range d.Paths {
		url := strings.NewReplacer("{name}", "leadership", "{topic}", "money.hour").Replace(path)
		for method, o := range methods {
			asked := []string{""}
			for _, way := range o.Security {
				for name := range way {
					if tokens[name] != "" {
						asked = append(asked, tokens[name])
					}
				}
			}
			for _, token := range asked {
				a := p.ask(strings.ToUpper(method), url, token, "application/json", "")
				locked := token == "" && len(o.Security) > 0
				if _, described := o.Responses[strconv.Itoa(a.status)]; !described || (a.status == 401) != locked || a.status == 403 {
					p.t.Errorf("%s %s: %d, which openapi.json does not say: %s", method, url, a.status, a.body)
				}
			}
		}
	}
}

// A page of another site must not open the socket with the viewer's cookie.
func TestForeignPagesCantWatch(t *testing.T) {
	p := serve4test(t, dataFolder(t))
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(p.link)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	cookie := resp.Cookies()[0]
	for origin, want := range map[string]int{"http://evil.example": 403, "null": 403, "": 403, p.url: 101} {
		header := http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}
		if origin != "" {
			header.Set("Origin", origin)
		}
		conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live?board=leadership", header)
		if resp == nil {
			t.Fatal(err)
		}
		if resp.StatusCode != want {
			t.Errorf("origin %q: %d, want %d", origin, resp.StatusCode, want)
		}
		if err == nil {
			_ = conn.Close()
		}
		_ = resp.Body.Close()
	}
}

func TestStopIsRegular(t *testing.T) {
	data := dataFolder(t)
	feed, analyst := token4test(t, data, "vendor", "feed"), token4test(t, data, "ana", "analyst")
	p := serve4test(t, data)
	conn := p.watch(analyst)
	if a := p.post("/v1/donations", feed, ndjson, gift("last", "7.00", time.Now(), "")); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	p.stop()
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.logged())
	}
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
				t.Errorf("the socket ended with %v, want 1001", err)
			}
			break
		}
	}
	p = serve4test(t, data)
	p.until("the last gift is there", func() bool { return len(p.sql(analyst, "SELECT 1 FROM donations WHERE id = 'last'")) == 1 })
}

// With an engine that hangs a regular stop takes its time. Who presses Ctrl-C again does not want to wait, and nothing
// acknowledged is lost by it.
func TestASecondInterruptEndsAtOnce(t *testing.T) {
	data := dataFolder(t)
	p := serve4test(t, data)
	if err := syscall.Kill(engineOf(t, p.cmd.Process.Pid), syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for ended := false; !ended; {
		_ = p.cmd.Process.Signal(os.Interrupt) // fails when it has just ended
		select {
		case <-p.done:
			ended = true
		case <-again.C:
		}
	}
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("it ended with %v, want the signal itself to end it", p.cmd.ProcessState)
	}
	serve4test(t, data) // its engine has gone too, stopped as it was
}

func TestBadStartsSayWhatToDo(t *testing.T) {
	data := dataFolder(t)
	p := serve4test(t, data)
	port := strings.TrimPrefix(p.url, "http://")
	for name, c := range map[string]struct {
		data, says string
		env        []string
	}{
		"port taken":       {dataFolder(t), "WARROOM_ADDR: " + port + " is taken", []string{"WARROOM_ADDR=" + port}},
		"folder taken":     {data, "another warroom", nil},
		"not a folder":     {"/proc/warroom", "WARROOM_DATA", nil},
		"unknown variable": {dataFolder(t), "WARROOM_TIMEZON is not a variable of warroom", []string{"WARROOM_TIMEZON=x"}},
		"bad zone":         {dataFolder(t), "WARROOM_TIMEZONE", []string{"WARROOM_TIMEZONE=Mars"}},
		"bad size":         {dataFolder(t), "WARROOM_SPOOL_LIMIT", []string{"WARROOM_SPOOL_LIMIT=lots"}},
		"bad ClickHouse":   {dataFolder(t), "warroom: WARROOM_CLICKHOUSE_URL: ", []string{"WARROOM_CLICKHOUSE_URL=http://x"}},
		"no library":       {dataFolder(t), "npm ci", []string{"WARROOM_ENGINE_LIBRARY=/nowhere/libchdb.so"}},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := command4test(c.data, "serve")
			cmd.Env = append(cmd.Env, c.env...)
			out, err := cmd.CombinedOutput()
			if cmd.ProcessState == nil {
				t.Fatal(err)
			}
			if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(out), c.says) {
				t.Errorf("exit %d: %s, want 1 and %q", code, out, c.says)
			}
			if strings.Contains(string(out), "listens on") {
				t.Errorf("an address was announced first:\n%s", out)
			}
			if strings.Contains(string(out), "goroutine ") {
				t.Errorf("a stack trace:\n%s", out)
			}
		})
	}
	if p.get("/-/ready", "").status != http.StatusOK {
		t.Error("the failed starts disturbed the running server")
	}
	if out, _, code := warroom(t, "/proc/warroom", "doctor"); code != 1 || !strings.Contains(out, "WARROOM_DATA") {
		t.Errorf("doctor with a bad folder: %d %s", code, out)
	}
	if _, err := os.Stat("/proc/warroom"); err == nil {
		t.Error("/proc/warroom exists")
	}
}
