package faults

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"warroom/server/engine"
)

// warroom is a server on a data folder, over all its lives: address, tokens and log stay.
type warroom struct {
	t             testing.TB
	data          string
	program       string
	url           string
	feed, analyst string
	env           []string
	elsewhere     []string // environment of a server whose engine is not its own child
	logFile       string

	cmd     *exec.Cmd
	done    chan struct{} // closed when it has ended
	started time.Time
}

// newWarroom makes a server that is not started yet. It is killed when the test ends, and its last words are shown
// when the test has failed.
func newWarroom(t testing.TB, data string, env ...string) *warroom {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	library, err := engine.Find("")
	if err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	p := &warroom{t: t, data: data, program: path, url: "http://" + address, logFile: filepath.Join(t.TempDir(), "log")}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "WARROOM_") {
			p.env = append(p.env, pair)
		}
	}
	p.env = append(p.env, "WARROOM_DATA="+data, "WARROOM_ADDR="+address, "WARROOM_ENGINE_LIBRARY="+library,
		"WARROOM_SELF_TRAFFIC=false")
	p.env = append(p.env, env...)
	p.feed, p.analyst = p.token("feed"), p.token("analyst")
	t.Cleanup(func() {
		p.kill()
		if raced && strings.Contains(p.log(), "DATA RACE") {
			t.Error("the server has a data race")
		}
		if t.Failed() {
			t.Logf("the end of the server's log:\n%s", lastBytes(p.log(), 6000))
		}
	})
	return p
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func lastBytes(text string, n int) string { return text[max(0, len(text)-n):] }

// run runs one of warroom's commands to its end.
func (p *warroom) run(args ...string) (stdout, stderr string, code int) {
	p.t.Helper()
	cmd := exec.Command(p.program, args...)
	var out, errs bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		p.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

func (p *warroom) token(role string) string {
	p.t.Helper()
	out, errs, code := p.run("token", "create", "--name", "faults-"+role, "--role", role)
	if code != 0 {
		p.t.Fatalf("token create: %s", errs)
	}
	return strings.TrimSpace(out)
}

// start starts the server and does not wait for anything.
func (p *warroom) start() {
	p.t.Helper()
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	p.cmd = exec.Command(p.program, "serve")
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append(p.elsewhere, p.env...), log, log
	p.started = time.Now()
	if err := start(p.cmd); err != nil {
		p.t.Fatal(err)
	}
	cmd, done := p.cmd, make(chan struct{})
	p.done = done
	go func() {
		_ = cmd.Wait()
		close(done)
	}()
}

// serve starts the server and waits until it is ready.
func (p *warroom) serve() {
	p.t.Helper()
	p.start()
	p.ready()
}

func (p *warroom) ready() time.Duration {
	p.t.Helper()
	return until(p.t, "the server is ready", func() bool {
		p.alive()
		return p.get("/-/ready", "").status == http.StatusOK
	})
}

// alive fails the test when the server has ended by itself.
func (p *warroom) alive() {
	p.t.Helper()
	select {
	case <-p.done:
		p.t.Fatalf("the server ended by itself: %v", p.cmd.ProcessState)
	default:
	}
}

// kill ends the server's process as kill -9 does; its engine goes with it.
func (p *warroom) kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// stop asks it to end, and returns its exit code.
func (p *warroom) stop() (code int, took time.Duration) {
	p.t.Helper()
	since := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("the server does not stop")
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(since)
}

func (p *warroom) pid() int { return p.cmd.Process.Pid }

// engine is the pid of the engine's process, the server's child; 0 when there is none.
func (p *warroom) engine() int { return childOf(p.pid()) }

func childOf(pid int) int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		text, _ := os.ReadFile(list)
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				return child
			}
		}
	}
	return 0
}

func (p *warroom) log() string {
	text, _ := os.ReadFile(p.logFile)
	return string(text)
}

type answer struct {
	status int // 0 = no answer came
	header http.Header
	body   []byte
}

var client = &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}

func (p *warroom) ask(method, path, token string, body []byte) answer {
	req, err := http.NewRequestWithContext(context.Background(), method, p.url+path, bytes.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return answer{}
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}
	}
	return answer{resp.StatusCode, resp.Header, text}
}

func (p *warroom) get(path, token string) answer { return p.ask(http.MethodGet, path, token, nil) }

// tryQuery asks as the analyst and returns the rows without the names of their columns; ok is false when there is no
// whole answer.
func (p *warroom) tryQuery(sql string) (rows [][]string, ok bool) {
	question, err := json.Marshal(map[string]any{"sql": sql, "format": "CSV", "limit": 100_000})
	if err != nil {
		p.t.Fatal(err)
	}
	a := p.ask(http.MethodPost, "/api/v1/sql", p.analyst, question)
	if a.status >= 400 && a.status < 429 || a.header.Get("X-Warroom-Truncated") != "" {
		p.t.Fatalf("%s: %d %.300s", sql, a.status, a.body)
	}
	if a.status != http.StatusOK {
		return nil, false
	}
	rows, err = csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) == 0 {
		p.t.Fatalf("%s: %v", sql, err)
	}
	return rows[1:], true
}

// query is tryQuery until it works.
func (p *warroom) query(sql string) (rows [][]string) {
	p.t.Helper()
	until(p.t, "the analysts' SQL answers", func() (ok bool) {
		rows, ok = p.tryQuery(sql)
		return ok
	})
	return rows
}

// answers says whether the engine answers the analysts.
func (p *warroom) answers() bool {
	_, ok := p.tryQuery("SELECT 1 AS x")
	return ok
}

// metric reads a figure of /metrics; ok is false when it isn't there.
func (p *warroom) metric(name string) (value float64, ok bool) {
	text := p.get("/metrics", p.analyst).body
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindSubmatch(text)
	if m == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(string(m[1]), 64)
	return value, err == nil
}

// waiting is how many gifts wait for the engine; -1 when the server does not say.
func (p *warroom) waiting() int {
	n, ok := p.metric(`warroom_spool_records{kind="donations"}`)
	if !ok {
		return -1
	}
	return int(n)
}

// drained waits until everything acknowledged is stored.
func (p *warroom) drained() time.Duration {
	p.t.Helper()
	return until(p.t, "the spool is empty", func() bool {
		p.alive()
		return p.waiting() == 0
	})
}

// signal sends a signal to a process of ours.
func signal(t testing.TB, pid int, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		t.Fatalf("signal %v to %d: %v", s, pid, err)
	}
}

// freeze stops processes in the middle of whatever they do, and returns when none of their threads can go on. A thread
// that waits for the disk is not waited for: being cut off there is what we are after.
func freeze(t testing.TB, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		signal(t, pid, syscall.SIGSTOP)
	}
	until(t, "the processes are frozen", func() bool {
		for _, pid := range pids {
			if !frozen(pid) {
				return false
			}
		}
		return true
	})
}

func frozen(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, file := range stats {
		text, _ := os.ReadFile(file)
		_, state, _ := strings.Cut(string(text), ") ")
		if state != "" && !strings.ContainsRune("TtDZX", rune(state[0])) {
			return false
		}
	}
	return true
}
