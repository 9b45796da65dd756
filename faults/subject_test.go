package faults

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warroom/server/engine"
	"warroom/server/spool"
)

// A subject is a program that keeps numbered records in a folder and says on stdout what became of each:
//
//	subject write DIR RUN SENDERS SIZE   appends until it is killed: "kept RUN.SENDER.N" when it is durable,
//	                                     "refused RUN.SENDER.N why" when it is not; then the sender goes on with N+1
//	subject read DIR                     "got RUN.SENDER.N" for each record that is there, then "end"
//
// Our spool may get one more word at the end of write: "delete" takes out segments meanwhile and says "got …" for what
// is in them before they are deleted; "keep" does the same, and they are kept for a replay, which read shows, too.
//
// The spool and a plain ClickHouse are subjects inside this test program; peers/ is the program of the others.
type subject []string

const subjectVariable = "FAULTS_SUBJECT"

// own is a subject of this program.
func own(name string) subject { return subject{os.Args[0], name} }

// subjectMain is the subject's main. Elsewhere it does nothing.
func subjectMain() {
	if os.Getenv(subjectVariable) == "" {
		return
	}
	var err error
	switch name, verb, args := os.Args[1], os.Args[2], os.Args[3:]; name + " " + verb {
	case "spool write":
		err = writeSpool(args)
	case "spool read":
		err = readSpool(args[0])
	case "clickhouse write":
		err = writeClickHouse(args)
	case "clickhouse read":
		err = readClickHouse(args[0])
	default:
		err = fmt.Errorf("no subject %s %s", name, verb)
	}
	if err != nil {
		fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
	os.Exit(0)
}

// sendAll lets senders append records until the process is killed. append returns nil when the record is durable.
func sendAll(args []string, append func(record []byte) error) {
	var senders, size int
	_, _ = fmt.Sscan(args[2], &senders)
	_, _ = fmt.Sscan(args[3], &size)
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%s.%d.%d", args[1], s, n)
				record := make([]byte, max(len(name)+1, size))
				copy(record, name+" ")
				if err := append(record); err != nil {
					fmt.Println("refused", name, strings.ReplaceAll(err.Error(), "\n", " "))
					time.Sleep(20 * time.Millisecond) // its pace; a full disk is not asked all the time
					continue
				}
				fmt.Println("kept", name)
			}
		})
	}
	all.Wait()
}

func nameOf(record []byte) string {
	name, _, _ := strings.Cut(string(record), " ")
	return name
}

func openSpool(dir string, keep bool) (*spool.Spool, error) {
	o := spool.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	if keep {
		o.Keep = spool.Keep{Age: time.Hour, Bytes: 1 << 40}
	}
	return spool.Open(dir, o)
}

// writeSpool appends to our spool, while another goroutine takes segments out as the sink does.
func writeSpool(args []string) error {
	after := append(args, "")[4]
	s, err := openSpool(args[0], after == "keep")
	if err != nil {
		return err
	}
	if after != "" {
		go takeOut(s)
	}
	sendAll(args, func(record []byte) error { return s.Append(context.Background(), record) })
	return nil
}

func takeOut(s *spool.Spool) {
	for {
		g, err := s.Next(context.Background())
		if err != nil {
			fmt.Println("failed", err)
			return
		}
		var said strings.Builder
		for _, record := range g.Records() {
			fmt.Fprintln(&said, "got", nameOf(record))
		}
		if g.Err() == nil {
			fmt.Print(said.String())
		}
		if err := g.Done(); err != nil {
			time.Sleep(20 * time.Millisecond) // a broken disk is not asked all the time
		}
	}
}

// readSpool says what waits and what is kept.
func readSpool(dir string) error {
	s, err := openSpool(dir, true)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(os.Stdout)
	say := func(g *spool.Segment) error {
		for _, record := range g.Records() {
			fmt.Fprintln(out, "got", nameOf(record))
		}
		return g.Err()
	}
	for _, g := range s.Kept(time.Time{}) {
		if err := say(g); err != nil {
			return err
		}
	}
	for s.Stats().Records > 0 {
		g, err := s.Next(context.Background())
		if err != nil {
			return err
		}
		if err := errors.Join(say(g), g.Done()); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "end")
	return errors.Join(out.Flush(), s.Close())
}

// plainEngine is a ClickHouse with a table that has nothing but default settings.
type plainEngine struct{ *engine.Engine }

func openPlain(dir string) (plainEngine, error) {
	e, err := engine.Open(context.Background(), engine.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return plainEngine{}, err
	}
	p := plainEngine{e}
	_, err = p.ask("CREATE TABLE IF NOT EXISTS default.records (name String, payload String) ENGINE = MergeTree ORDER BY name", "")
	return p, err
}

func (p plainEngine) ask(sql, data string) (string, error) {
	if data != "" {
		data = "\n" + data
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+p.HTTPAddress(), strings.NewReader(sql+data))
	if err != nil {
		return "", err
	}
	req.Header.Set("X-ClickHouse-User", "app")
	req.Header.Set("X-ClickHouse-Key", p.AppPassword())
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%d %.200s", resp.StatusCode, text)
	}
	return string(text), err
}

func writeClickHouse(args []string) error {
	p, err := openPlain(args[0])
	if err != nil {
		return err
	}
	fmt.Println("ready")
	sendAll(args, func(record []byte) error {
		name := nameOf(record)
		_, err := p.ask("INSERT INTO default.records FORMAT TSV", name+"\t"+strings.Repeat("x", len(record)-len(name))+"\n")
		return err
	})
	return nil
}

func readClickHouse(dir string) error {
	p, err := openPlain(dir)
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	names, err := p.ask("SELECT name FROM default.records", "")
	if err != nil {
		return err
	}
	for name := range strings.Lines(names) {
		fmt.Print("got ", name)
	}
	fmt.Println("end")
	return nil
}

// running is a subject at work, and what it has said.
type running struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and all of its words are read
	acks atomic.Int64
	noes atomic.Int64

	mu     sync.Mutex // guards what follows
	said   ledger
	failed string
}

// ledger is what was said about records, over all runs of a subject.
type ledger struct {
	kept, refused, got map[string]bool
	next               map[string]int // of each sender, the number that nothing was said of yet
}

func newLedger() ledger {
	return ledger{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}}
}

// answered notes what became of a record.
func (l ledger) answered(to map[string]bool, name string) {
	to[name] = true
	sender, n := numberOf(name)
	l.next[sender] = max(l.next[sender], n+1)
}

// numberOf splits RUN.SENDER.N.
func numberOf(name string) (sender string, n int) {
	i := strings.LastIndexByte(name, '.')
	n, _ = strconv.Atoi(name[i+1:])
	return name[:i], n
}

// start starts a subject's verb; what it says goes into said.
func (s subject) start(t testing.TB, said ledger, args ...string) *running {
	t.Helper()
	r := &running{t: t, said: said, done: make(chan struct{})}
	r.cmd = exec.Command(s[0], append(s[1:len(s):len(s)], args...)...)
	r.cmd.Env = append(os.Environ(), subjectVariable+"=1")
	log, err := os.OpenFile(filepath.Join(workshop, "subjects.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	r.cmd.Stderr = log
	out, err := r.cmd.StdoutPipe()
	if err == nil {
		err = start(r.cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			r.hear(lines.Text())
		}
		_ = r.cmd.Wait()
		close(r.done)
	}()
	t.Cleanup(r.kill)
	return r
}

func (r *running) hear(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	name, _, _ := strings.Cut(rest, " ")
	r.mu.Lock()
	defer r.mu.Unlock()
	switch verb {
	case "kept":
		r.said.answered(r.said.kept, name)
		r.acks.Add(1)
	case "refused":
		r.said.answered(r.said.refused, name)
		r.noes.Add(1)
	case "got":
		r.said.got[name] = true
	case "failed":
		r.failed = rest
	}
}

func (r *running) kill() {
	_ = r.cmd.Process.Kill()
	<-r.done
}

// ended says whether the subject has gone by itself.
func (r *running) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}

// pids are the subject's and, if it has one, its child's.
func (r *running) pids() []int {
	pids := []int{r.cmd.Process.Pid}
	if child := childOf(pids[0]); child != 0 {
		pids = append(pids, child)
	}
	return pids
}

// read starts the subject anew, to say what is there. It returns why it could not, and how long it took.
func (s subject) read(t testing.TB, said ledger, dir string) (failed string, took time.Duration) {
	t.Helper()
	since := time.Now()
	clear(said.got)
	r := s.start(t, said, "read", dir)
	select {
	case <-r.done:
	case <-time.After(patience):
		return "it does not come to an end", patience
	}
	if !r.cmd.ProcessState.Success() {
		return max(r.failed, r.cmd.ProcessState.String()), time.Since(since)
	}
	return "", time.Since(since)
}
