//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkCrowd is the leadership board at its real rate, under the demo's load, before 19,000 viewers on the same
// machine (as many as a process may have files open here): how old the frames are when they come, what the server
// spends, and how soon all are back after a restart. x-queries is how many more queries a second the engine gets for
// them than for one viewer, x-back-queries the same during the return.
func BenchmarkCrowd(b *testing.B) {
	data := dataFolder(b)
	reader, feed := token4test(b, data, "wall", "reader"), token4test(b, data, "demo", "feed")
	p := serve4test(b, data)
	startLoad(b, p, feed)
	for b.Loop() {
		one := p.gather(b, reader, 1)
		rate := one.queries(b, p, reader)
		one.leave()
		before := p.figure(b, reader, "process_resident_memory_bytes")
		crowd := p.gather(b, reader, crowdSize)
		time.Sleep(5 * time.Second) // the first frames, of all topics at once, are over
		b.ReportMetric((p.figure(b, reader, "process_resident_memory_bytes")-before)/crowdSize/1024, "KiB/viewer")
		crowd.measure(b, p, reader, rate)
		p.stop()
		for crowd.report(b).Open > 0 { // they have been told
			time.Sleep(50 * time.Millisecond)
		}
		started := time.Now()
		p = serve4test(b, data, "WARROOM_ADDR="+p.host())
		for crowd.report(b).Open < crowdSize {
			if time.Since(started) > patience {
				b.Fatalf("only %d are back after %s", crowd.report(b).Open, patience)
			}
			time.Sleep(100 * time.Millisecond)
		}
		took := time.Since(started)
		b.ReportMetric(took.Seconds(), "s-back")
		b.ReportMetric(p.queries(reader)/took.Seconds()/rate, "x-back-queries")
		crowd.leave()
	}
	b.ReportMetric(0, "ns/op")
}

// crowdSize is how many viewers a crowd has.
const crowdSize = 19_000

// measure reports what a crowd gets and costs; rate is the queries a second for one viewer.
func (c *crowd) measure(b *testing.B, p *process, reader string, rate float64) {
	b.Helper()
	c.tell("start")
	cpu := p.figure(b, reader, "process_cpu_seconds_total")
	b.ReportMetric(c.queries(b, p, reader)/rate, "x-queries")
	b.ReportMetric((p.figure(b, reader, "process_cpu_seconds_total")-cpu)/crowdSpan.Seconds(), "cores")
	seen := c.report(b)
	b.ReportMetric(float64(seen.Frames)/crowdSize/crowdSpan.Seconds(), "frames/s/viewer")
	b.ReportMetric(float64(seen.Bytes)/crowdSize/crowdSpan.Seconds(), "B/s/viewer")
	b.ReportMetric(float64(seen.Reads)/crowdSize/crowdSpan.Seconds(), "reads/s/viewer")
	b.ReportMetric(seen.CPU/crowdSpan.Seconds(), "viewers-cores")
	for name, ms := range map[string]float64{"p50-ms": seen.P50, "p95-ms": seen.P95, "p99-ms": seen.P99, "max-ms": seen.Max} {
		b.ReportMetric(ms, name)
	}
	b.Logf("%+v", seen) // also when the return fails
}

// crowdSpan is how long a crowd is measured.
const crowdSpan = 20 * time.Second

func (p *process) host() string { return strings.TrimPrefix(p.url, "http://") }

// crowd is a process of many viewers.
type crowd struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner

	trouble *strings.Builder // what it says before it ends
}

type crowdReport struct {
	Open, Lost, Frames, Reads, Bytes int64
	P50, P95, P99, Max               float64 // ms
	CPU                              float64 // s, of the viewers
}

func (p *process) gather(b *testing.B, reader string, viewers int) *crowd {
	b.Helper()
	program := filepath.Join(b.TempDir(), "viewers")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", program, "warroom/cmd/viewers").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	if _, _, err := net.SplitHostPort(p.host()); err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), program, "-address", p.host(), "-token", reader, "-n", fmt.Sprint(viewers), "-deflate")
	c := &crowd{cmd: cmd, trouble: &strings.Builder{}}
	c.in, _ = cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	cmd.Stderr = c.trouble
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if c.out = bufio.NewScanner(out); !c.out.Scan() {
		_ = cmd.Wait()
		b.Fatalf("the viewers did not come: %s", c.trouble)
	}
	return c
}

func (c *crowd) tell(word string) { fmt.Fprintln(c.in, word) }

func (c *crowd) report(b *testing.B) (r crowdReport) {
	b.Helper()
	if c.tell("report"); !c.out.Scan() || json.Unmarshal(c.out.Bytes(), &r) != nil {
		b.Fatalf("no report: %s; the viewers ended: %v %v: %s", c.out.Bytes(), c.cmd.Wait(), c.out.Err(), c.trouble)
	}
	return r
}

// queries is how many the engine gets a second while the crowd watches.
func (c *crowd) queries(b *testing.B, p *process, reader string) float64 {
	b.Helper()
	before := p.queries(reader)
	time.Sleep(crowdSpan)
	return (p.queries(reader) - before) / crowdSpan.Seconds()
}

func (c *crowd) leave() {
	_ = c.in.Close()
	_ = c.cmd.Wait()
}
