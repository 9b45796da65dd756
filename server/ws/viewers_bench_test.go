//go:build linux

package ws_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/ws"
)

const (
	benchViewers = 5000
	benchMessage = 2 << 10 // bytes
	benchTicks   = 40      // that are measured, four a second
)

// BenchmarkViewers is what it costs to keep a crowd up to date: 5,000 viewers get a message of 2 KiB four times a
// second, as it is and deflated, from warroom's hub and from a plain one after gorilla's example, in turns. The viewers
// are a process of their own. It prints CPU-seconds of the server per million deliveries, what a connection takes of
// the heap and the stacks, and how old the messages were when they came.
func BenchmarkViewers(b *testing.B) {
	crowd := filepath.Join(b.TempDir(), "viewers")
	if out, err := exec.CommandContext(b.Context(), "go", "build", "-o", crowd, "warroom/cmd/viewers").CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	for _, deflate := range []bool{false, true} {
		for _, of := range []struct {
			name string
			open func(b *testing.B) (site *httptest.Server, publish func([]byte))
		}{{"warroom", ours}, {"gorilla", plainHub}} {
			b.Run(fmt.Sprintf("%s/deflate=%v", of.name, deflate), func(b *testing.B) {
				for b.Loop() {
					before := memory()
					site, publish := of.open(b)
					measure(b, crowd, site, publish, deflate, before)
				}
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

func ours(b *testing.B) (*httptest.Server, func([]byte)) {
	h := open(b, func(o *ws.Options) { o.Origin = func(*http.Request) bool { return true } })
	return h.Server, func(message []byte) { h.hub.Publish("money", message) }
}

// plainHub is the usual hub: a goroutine for each client that writes what comes on its channel.
func plainHub(b *testing.B) (*httptest.Server, func([]byte)) {
	var mu sync.Mutex // guards clients
	clients := map[chan []byte]bool{}
	up := websocket.Upgrader{EnableCompression: true, CheckOrigin: func(*http.Request) bool { return true }}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		inbox := make(chan []byte, 16)
		mu.Lock()
		clients[inbox] = true
		mu.Unlock()
		go func() {
			defer c.Close()
			for message := range inbox {
				if c.WriteMessage(websocket.TextMessage, message) != nil {
					return
				}
			}
		}()
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				break
			}
		}
		mu.Lock()
		delete(clients, inbox)
		mu.Unlock()
		close(inbox)
	}))
	b.Cleanup(site.Close)
	return site, func(message []byte) {
		mu.Lock()
		defer mu.Unlock()
		for inbox := range clients {
			select {
			case inbox <- message:
			default:
			}
		}
	}
}

func measure(b *testing.B, crowd string, site *httptest.Server, publish func([]byte), deflate bool, before uint64) {
	b.Helper()
	address := site.Listener.Addr().String()
	cmd := exec.CommandContext(b.Context(), crowd, "-address", address, "-path", "/live?board=money", "-n", fmt.Sprint(benchViewers),
		fmt.Sprintf("-deflate=%v", deflate))
	in, _ := cmd.StdinPipe()
	out, _ := cmd.StdoutPipe()
	var trouble strings.Builder
	cmd.Stderr = &trouble
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		b.Fatalf("the viewers did not come: %s", &trouble)
	}
	tick := time.NewTicker(time.Second / 4)
	defer tick.Stop()
	send := func(times int) {
		for range times {
			<-tick.C
			publish(message())
		}
	}
	send(8) // all are there, and what is made once has been made
	memoryOfOne := float64(memory()-before) / benchViewers
	fmt.Fprintln(in, "start")
	cpu := cpuTime()
	send(benchTicks)
	<-tick.C
	spent := cpuTime() - cpu
	fmt.Fprintln(in, "report")
	var seen struct {
		Open, Frames       int64
		P50, P95, P99, Max float64
	}
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &seen) != nil {
		b.Fatalf("no report: %s %s", lines.Bytes(), &trouble)
	}
	came := float64(seen.Frames) / (benchViewers * benchTicks) // the hub leaves out what is no longer the newest
	if seen.Open != benchViewers || came < 0.5 {
		b.Errorf("%d viewers are there, and %.0f %% of the messages came", seen.Open, 100*came)
	}
	b.ReportMetric(100*came, "%-came")
	b.ReportMetric(spent.Seconds()/float64(seen.Frames)*1e6, "CPU-s/1M")
	b.ReportMetric(memoryOfOne/1024, "KiB/conn")
	for name, ms := range map[string]float64{"p50-ms": seen.P50, "p95-ms": seen.P95, "p99-ms": seen.P99, "max-ms": seen.Max} {
		b.ReportMetric(ms, name)
	}
	_ = in.(io.Closer).Close()
	_ = cmd.Wait()
}

// message is 2 KiB of JSON such as a panel's: it deflates to about a quarter.
func message() []byte {
	var text strings.Builder
	fmt.Fprintf(&text, `{"topic":"money.refcodes","seq":%d,"sent":%.3f,"html":"`, time.Now().UnixMilli(), float64(time.Now().UnixMicro())/1000)
	for text.Len() < benchMessage-2 {
		fmt.Fprintf(&text, `<li data-key=\"em%04d\"><b>$%d,%03d</b><i>%d gifts</i></li>`, rand.IntN(1e4), rand.IntN(900), rand.IntN(1000), rand.IntN(5000))
	}
	return []byte(text.String()[:benchMessage-2] + `"}`)
}

// cpuTime is what this process has had of the processor.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
