//go:build linux

// Command viewers is a crowd before a board: it opens many websockets, reads what comes as cheaply as can be, and says
// how old it was. make bench-viewers runs it, so that the crowd's CPU is not counted as the server's.
//
// It obeys lines on its input: "start" forgets what was measured, "report" answers with a line of JSON, and it ends
// with its input. Lost connections are opened again after a random part of five seconds, as browsers do.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// report is what was seen since start. Ages are of a sample of the frames, in milliseconds.
type report struct {
	Open   int64   `json:"open"`   // connections
	Frames uint64  `json:"frames"` // messages that came
	Lost   int64   `json:"lost"`   // connections, since start
	Reads  uint64  `json:"reads"`  // that they came in: a tick of several frames is one
	Bytes  uint64  `json:"bytes"`
	Ages   int     `json:"ages"`
	P50    float64 `json:"p50"`
	P95    float64 `json:"p95"`
	P99    float64 `json:"p99"`
	Max    float64 `json:"max"`
	CPU    float64 `json:"cpu"` // s, that the viewers took
}

func main() {
	c := &crowd{}
	flag.StringVar(&c.address, "address", "127.0.0.1:8080", "host:port of the server")
	flag.StringVar(&c.path, "path", "/live?board=leadership", "path of the websocket")
	flag.StringVar(&c.token, "token", "", "reader token, or empty")
	flag.BoolVar(&c.deflate, "deflate", false, "ask for deflated messages")
	n := flag.Int("n", 1000, "viewers")
	flag.IntVar(&c.every, "sample", 20, "the ages are those of every so many'th viewer")
	flag.Parse()
	if err := c.open(*n); err != nil {
		fmt.Fprintln(os.Stderr, "viewers:", err)
		os.Exit(1)
	}
	fmt.Println("open")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "start":
			c.forget()
		case "report":
			text, _ := json.Marshal(c.report()) // numbers always encode
			fmt.Println(string(text))
		}
	}
}

// crowd is all viewers.
type crowd struct {
	address, path, token string
	deflate              bool
	every                int

	epoll   int
	viewers []atomic.Pointer[viewer] // by file descriptor
	count   atomic.Int64
	lost    atomic.Int64
	turns   chan struct{} // a token for each handshake
	joined  atomic.Uint64 // handshakes so far
	frames  atomic.Uint64
	reads   atomic.Uint64
	bytes   atomic.Uint64

	mu   sync.Mutex    // guards what follows
	ages []float64     // ms
	cpu  time.Duration // when ages began
	sent sent
}

func (c *crowd) report() report {
	r := report{Open: c.count.Load(), Lost: c.lost.Load(), Frames: c.frames.Load(), Reads: c.reads.Load(), Bytes: c.bytes.Load()}
	c.mu.Lock()
	ages := slices.Clone(c.ages)
	r.CPU = (cpuTime() - c.cpu).Seconds()
	c.mu.Unlock()
	if slices.Sort(ages); len(ages) > 0 {
		at := func(q float64) float64 { return ages[min(int(q*float64(len(ages))), len(ages)-1)] }
		r.Ages, r.P50, r.P95, r.P99, r.Max = len(ages), at(.5), at(.95), at(.99), ages[len(ages)-1]
	}
	return r
}

// forget begins to measure.
func (c *crowd) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frames.Store(0)
	c.lost.Store(0)
	c.reads.Store(0)
	c.bytes.Store(0)
	c.ages, c.cpu = nil, cpuTime()
}

// cpuTime is what this process has had of the processor.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// note keeps the age of a message to a viewer, unless it was published before that one came: then it is no late one.
func (c *crowd) note(message []byte, deflated bool, came time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at := c.sent.of(message, deflated); at.After(came) {
		c.ages = append(c.ages, float64(time.Since(at).Microseconds())/1000)
	}
}
