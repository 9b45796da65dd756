package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkGiftToBoard measures the time from the POST of a gift until a frame of a real websocket shows it, with the
// demo's load, and with many more requests a second, on the same machine. It prints the distribution of a hundred gifts;
// the peer is the bare POST to the same door, so that a slow machine can be told from a slow program.
func BenchmarkGiftToBoard(b *testing.B) {
	data := dataFolder(b)
	reader := token4test(b, data, "wall", "reader")
	probe := token4test(b, data, "probe", "feed")
	p := serve4test(b, data)
	arrived := p.arrivals(reader)
	for _, load := range []struct{ name, rate string }{{"demo", "300"}, {"5000-requests", "5000"}, {"10000-requests", "10000"}} {
		b.Run(load.name, func(b *testing.B) {
			startLoad(b, p, probe, "--rate", load.rate)
			var whole, post []time.Duration
			for b.Loop() {
				for range 100 {
					time.Sleep(rand.N(200 * time.Millisecond)) // or each gift would come just after a tick
					shown, taken := p.sendProbe(b, probe, arrived)
					whole, post = append(whole, shown), append(post, taken)
				}
			}
			slices.Sort(whole)
			slices.Sort(post)
			for _, q := range []float64{50, 99} {
				b.ReportMetric(quantile(whole, q), fmt.Sprintf("p%.0f-ms", q))
			}
			b.ReportMetric(quantile(post, 99), "p99-post-ms")
			b.ReportMetric(quantile(whole, 50)/quantile(post, 50), "x-post")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// arrivals are the refcodes of the probes as the ticker shows them.
func (p *process) arrivals(reader string) <-chan string {
	conn := p.watch(reader)
	arrived := make(chan string, 1024)
	go func() {
		defer close(arrived)
		seen := map[string]bool{}
		for {
			var f frame
			if conn.ReadJSON(&f) != nil {
				return
			}
			if f.Topic != "money.latest" {
				continue
			}
			for _, part := range strings.Split(f.HTML, "probe-")[1:] {
				name := "probe-" + part[:strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })]
				if !seen[name] {
					seen[name] = true
					arrived <- name
				}
			}
		}
	}()
	return arrived
}

// sendProbe sends a gift and waits until the board shows it.
func (p *process) sendProbe(b *testing.B, feed string, arrived <-chan string) (whole, post time.Duration) {
	b.Helper()
	started := time.Now()
	name := fmt.Sprintf("probe-%d", started.UnixNano())
	a := p.post("/v1/donations", feed, ndjson, gift(name, "1.00", started, fmt.Sprintf(`"refcode":%q`, name)))
	post = time.Since(started)
	if a.status != http.StatusAccepted {
		b.Fatalf("%d %s", a.status, a.body)
	}
	timeout := time.After(patience)
	for got := ""; got != name; {
		select {
		case got = <-arrived:
		case <-timeout:
			b.Fatalf("%s never arrived", name)
		}
	}
	return time.Since(started), post
}

// BenchmarkThousandViewers is what a thousand open boards cost under the demo's load; the peer is one open board in the
// same run. The server's own figures are read from /metrics; the bytes are those of the wire.
func BenchmarkThousandViewers(b *testing.B) {
	const viewers = 1000
	data := dataFolder(b)
	reader, feed := token4test(b, data, "wall", "reader"), token4test(b, data, "demo", "feed")
	p := serve4test(b, data)
	startLoad(b, p, feed)
	for b.Loop() {
		one := p.costOf(b, reader, 1)
		many := p.costOf(b, reader, viewers)
		b.ReportMetric(many.cores, "cores")
		b.ReportMetric(many.cores/one.cores, "x-cores")
		b.ReportMetric(many.queries/one.queries, "x-queries")
		b.ReportMetric(many.frames, "frames/s/viewer")
		b.ReportMetric(many.bytes, "B/s/viewer")
		b.ReportMetric((many.memory-one.memory)/viewers/1024, "KiB/viewer")
	}
	b.ReportMetric(0, "ns/op")
}

// viewing is what the server spends a second, and what each viewer gets.
type viewing struct{ cores, memory, queries, frames, bytes float64 }

// costOf opens boards and measures for ten seconds.
func (p *process) costOf(b *testing.B, reader string, viewers int) viewing {
	b.Helper()
	var bytes, frames atomic.Int64
	dialer := websocket.Dialer{EnableCompression: true, NetDial: func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		return &counted{conn, &bytes}, err
	}}
	var reading sync.WaitGroup
	defer reading.Wait()
	for range viewers {
		conn, resp, err := dialer.Dial("ws"+strings.TrimPrefix(p.url, "http")+"/live?board=leadership",
			http.Header{"Authorization": {"Bearer " + reader}})
		if err != nil {
			b.Fatal(err)
		}
		_ = resp.Body.Close()
		defer conn.Close() //nolint:errcheck // nothing more is expected of it
		reading.Go(func() {
			for {
				if _, _, err := conn.NextReader(); err != nil { // skips frames without inflating them
					return
				}
				frames.Add(1)
			}
		})
	}
	time.Sleep(2 * time.Second) // the first frames, of all topics at once, are over
	const span = 10 * time.Second
	perSecond := func(before, after float64) float64 { return (after - before) / span.Seconds() }
	cpu, queries := p.figure(b, reader, "process_cpu_seconds_total"), p.queries(reader)
	gotBytes, gotFrames := float64(bytes.Load()), float64(frames.Load())
	time.Sleep(span)
	return viewing{
		cores:   perSecond(cpu, p.figure(b, reader, "process_cpu_seconds_total")),
		queries: perSecond(queries, p.queries(reader)),
		memory:  p.figure(b, reader, "process_resident_memory_bytes"),
		bytes:   perSecond(gotBytes, float64(bytes.Load())) / float64(viewers),
		frames:  perSecond(gotFrames, float64(frames.Load())) / float64(viewers),
	}
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *counted) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	c.bytes.Add(int64(n))
	return n, err
}

// figure is one without labels in /metrics.
func (p *process) figure(b *testing.B, token, name string) float64 {
	b.Helper()
	for line := range strings.Lines(p.get("/metrics", token).body) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			if err != nil {
				b.Fatal(err)
			}
			return value
		}
	}
	b.Skipf("this system does not tell %s", name)
	return 0
}

func quantile(sorted []time.Duration, percent float64) float64 {
	at := min(int(float64(len(sorted))*percent/100), len(sorted)-1)
	return float64(sorted[at]) / float64(time.Millisecond)
}

// startLoad sends a campaign's spike, with the defaults of `warroom simulate`, until the benchmark ends. It returns when
// the spike has come.
func startLoad(b *testing.B, p *process, feed string, flags ...string) {
	b.Helper()
	args := []string{"simulate", "--url", p.url, "--token", feed, "--scenario", "spike"}
	cmd := command4test(p.data, append(args, flags...)...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { stopProcess(cmd) })
	time.Sleep(5 * time.Second)
}

func stopProcess(cmd *exec.Cmd) {
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
}
