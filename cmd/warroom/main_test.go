package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/engine"
)

// asWarroom makes the test's own program behave as warroom: the tests start real processes without a build.
const asWarroom = "TEST_AS_WARROOM"

func TestMain(m *testing.M) {
	engine.ChildMain()
	if os.Getenv(asWarroom) != "" {
		profiled := startProfile()
		code := run(os.Args[1:], os.Stdout, os.Stderr)
		profiled()
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// cpuProfile and allocProfile name files into which a server that ends regularly writes where its time went and what it
// allocated.
const cpuProfile, allocProfile = "TEST_CPUPROFILE", "TEST_ALLOCPROFILE"

func startProfile() (stop func()) {
	if !slices.Contains(os.Args, "serve") {
		return func() {}
	}
	if out, err := os.Create(os.Getenv(cpuProfile)); err == nil {
		_ = pprof.StartCPUProfile(out)
	}
	return func() {
		pprof.StopCPUProfile()
		if out, err := os.Create(os.Getenv(allocProfile)); err == nil {
			_ = pprof.Lookup("allocs").WriteTo(out, 0)
		}
	}
}

// patience bounds every wait for something that must happen; it is no measure of how long it takes.
const patience = 60 * time.Second

// warroom runs one command to its end.
func warroom(t testing.TB, data string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command4test(data, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func command4test(data string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, prefix) {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, asWarroom+"=1", "WARROOM_DATA="+data, "WARROOM_ADDR=127.0.0.1:0")
	return cmd
}

// process is a running warroom.
type process struct {
	t    testing.TB
	cmd  *exec.Cmd
	data string
	url  string
	link string
	done chan struct{} // closed when it has ended

	mu  sync.Mutex
	log bytes.Buffer
}

func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(text)
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// serve4test starts the server and waits until it is ready. It is killed when the test ends.
func serve4test(t testing.TB, data string, env ...string) *process {
	t.Helper()
	p := &process{t: t, data: data, done: make(chan struct{})}
	p.cmd = command4test(data, "serve")
	p.cmd.Env = append(p.cmd.Env, env...)
	p.cmd.Stderr = p
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for p.link == "" && lines.Scan() {
		if url, ok := strings.CutPrefix(lines.Text(), "warroom listens on "); ok {
			p.url = url
		}
		if _, link, ok := strings.Cut(lines.Text(), "sign in, once and within an hour: "); ok {
			p.link = link
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(p.kill)
	if p.link == "" {
		<-p.done
		t.Fatalf("the server did not start:\n%s", p.logged())
	}
	p.until("ready", func() bool { return p.get("/-/ready", "").status == http.StatusOK })
	return p
}

// kill ends it as a power cut does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

// stop asks it to end and waits.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	<-p.done
}

// until waits for something that must become true.
func (p *process) until(what string, ok func() bool) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		select {
		case <-p.done:
			p.t.Fatalf("the server ended while the test waited until %s:\n%s", what, p.logged())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("waited in vain until %s:\n%s", what, p.logged())
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (p *process) get(path, token string) answer {
	return p.ask(http.MethodGet, path, token, "", "")
}

func (p *process) post(path, token, contentType, body string) answer {
	return p.ask(http.MethodPost, path, token, contentType, body)
}

// ask sends one request; status 0 means that no answer came.
func (p *process) ask(method, path, token, contentType, body string) answer {
	req, err := http.NewRequestWithContext(context.Background(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, resp.Header, string(text)}
}

// token4test makes a token on the command line.
func token4test(t testing.TB, data, name, role string) string {
	t.Helper()
	out, errs, code := warroom(t, data, "token", "create", "--name", name, "--role", role)
	if code != 0 {
		t.Fatalf("token create: %d %s", code, errs)
	}
	return strings.TrimSpace(out)
}

// sql asks the analysts' question and returns the rows.
func (p *process) sql(token, query string) []map[string]any {
	p.t.Helper()
	body, err := json.Marshal(map[string]any{"sql": query, "format": "JSON", "limit": 100000})
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.post("/api/v1/sql", token, "application/json", string(body))
	var result struct{ Data []map[string]any }
	if err := json.Unmarshal([]byte(a.body), &result); err != nil || a.status != http.StatusOK {
		p.t.Fatalf("%s: %d %s", query, a.status, a.body)
	}
	return result.Data
}

// frame is what the websocket brings.
type frame struct {
	Topic string          `json:"topic"`
	Seq   int64           `json:"seq"`
	At    string          `json:"at"`
	Sent  int64           `json:"sent"`
	HTML  string          `json:"html"`
	Data  json.RawMessage `json:"data"`
}

// watch opens the leadership board's websocket.
func (p *process) watch(token string) *websocket.Conn {
	p.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + token}}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live?board=leadership", header)
	if err != nil {
		status := 0
		if resp != nil {
			status = resp.StatusCode
		}
		p.t.Fatalf("websocket: %v (status %d)", err, status)
	}
	_ = resp.Body.Close()
	p.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// next reads frames until one passes.
func next(t testing.TB, conn *websocket.Conn, passes func(frame) bool) frame {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	for {
		var f frame
		if err := conn.ReadJSON(&f); err != nil {
			t.Fatalf("websocket: %v", err)
		}
		if passes(f) {
			return f
		}
	}
}

// gift is one event as a sender writes it.
func gift(id, amount string, at time.Time, more string) string {
	if more != "" {
		more = "," + more
	}
	return fmt.Sprintf(`{"id":%q,"source":"test","occurred_at":%q,"amount":%q%s}`, id, at.UTC().Format(time.RFC3339Nano), amount, more)
}

func dataFolder(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "data")
}
