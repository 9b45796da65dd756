package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"warroom/server/engine"
)

// BenchmarkIngestCost is the processor time of all servers (ours and the engine; not the sender) for a million
// requests, from the POST until an analyst can see them, by the number of events in a POST. The peer, in the same run,
// is the same events sent straight to an engine of its own over HTTP: JSONEachRow, synchronous, one rollup view, default
// settings. x-direct is ours divided by the peer's: smaller is better.
func BenchmarkIngestCost(b *testing.B) {
	for _, size := range []struct {
		events, senders, ours, direct int // events in a POST; senders; events that are sent at all to each of the two
	}{
		{1, 32, 40_000, 300}, {10, 8, 150_000, 3_000}, {100, 8, 400_000, 20_000}, {1000, 8, 1_000_000, 100_000},
		{10_000, 8, 2_000_000, 500_000},
	} {
		b.Run(strconv.Itoa(size.events), func(b *testing.B) {
			for b.Loop() {
				direct := costDirect(b, size.events, size.senders, size.direct)
				ours := costOurs(b, size.events, size.senders, size.ours)
				b.ReportMetric(ours.million(), "cpu-s/M")
				b.ReportMetric(direct.million(), "direct-cpu-s/M")
				b.ReportMetric(ours.million()/direct.million(), "x-direct")
				b.ReportMetric(quantile(ours.acks, 99), "ack-p99-ms")
				b.ReportMetric(float64(ours.events)/ours.took.Seconds(), "events/s")
				b.ReportMetric(ours.peak, "peak-MiB")
				b.Logf("of ours: server %.2f, engine %.2f cpu-s/M", ours.server/ours.millions(), ours.engine/ours.millions())
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkIngestRate is how many requests a second become visible at a thousand a POST from eight senders, with the
// senders on the same machine, and what the server's memory is at its peak.
func BenchmarkIngestRate(b *testing.B) {
	for b.Loop() {
		c := costOurs(b, 1000, 8, 5_000_000)
		b.ReportMetric(float64(c.events)/c.took.Seconds(), "events/s")
		b.ReportMetric(quantile(c.acks, 99), "ack-p99-ms")
		b.ReportMetric(c.million(), "cpu-s/M")
		b.ReportMetric(c.peak, "peak-MiB")
	}
	b.ReportMetric(0, "ns/op")
}

// cost is what sending so many events took.
type cost struct {
	events         int
	server, engine float64         // processor seconds
	took           time.Duration   // until all were visible
	acks           []time.Duration // of each POST, sorted
	peak           float64         // MiB, of the server alone
}

func (c cost) millions() float64 { return float64(c.events) / 1e6 }
func (c cost) million() float64  { return (c.server + c.engine) / c.millions() }

// costOurs sends to a server of its own.
func costOurs(b *testing.B, size, senders, total int) cost {
	b.Helper()
	data := dataFolder(b)
	feed, analyst := token4test(b, data, "desk", "feed"), token4test(b, data, "ana", "analyst")
	p := serve4test(b, data)
	server, child := p.cmd.Process.Pid, engineOf(b, p.cmd.Process.Pid)
	posts := posts4bench(size, "/v1/traffic", "Authorization: Bearer "+feed, "Content-Type: "+ndjson)
	address := strings.TrimPrefix(p.url, "http://")

	c := cost{events: total / size * size}
	serverBefore, engineBefore, started := processor(b, server), processor(b, child), time.Now()
	c.acks = send4bench(b, address, senders, total/size, http.StatusAccepted, posts)
	p.until("all is visible", func() bool {
		rows := p.sql(analyst, "SELECT toString(count()) AS n FROM requests WHERE app != 'warroom'")
		if rows[0]["n"] == strconv.Itoa(c.events) {
			return true
		}
		time.Sleep(100 * time.Millisecond) // the question costs, too
		return false
	})
	c.took = time.Since(started)
	c.server, c.engine = processor(b, server)-serverBefore, processor(b, child)-engineBefore
	c.peak = peakMiB(b, server)
	p.stop()
	return c
}

const directSchema = `CREATE TABLE bench.requests
(
    occurred_at DateTime64(3, 'UTC'), app LowCardinality(String), host LowCardinality(String),
    method LowCardinality(String), path String, status UInt16, bytes UInt64, duration_ms Float32, visitor String,
    refcode LowCardinality(String)
)
ENGINE = MergeTree ORDER BY (app, occurred_at);
CREATE TABLE bench.seconds
(
    second DateTime('UTC'), app LowCardinality(String), requests SimpleAggregateFunction(sum, UInt64),
    bytes SimpleAggregateFunction(sum, UInt64)
)
ENGINE = AggregatingMergeTree ORDER BY (second, app);
CREATE MATERIALIZED VIEW bench.seconds_from_requests TO bench.seconds AS
SELECT toDateTime(occurred_at, 'UTC') AS second, app, count() AS requests, sum(bytes) AS bytes
FROM bench.requests GROUP BY second, app`

// costDirect sends to an engine of its own, which ends before ours is measured.
func costDirect(b *testing.B, size, senders, total int) cost {
	b.Helper()
	e, err := engine.Open(context.Background(), engine.Options{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	ask := func(sql string) string {
		req, err := http.NewRequest(http.MethodPost, "http://"+e.HTTPAddress()+"/", strings.NewReader(sql))
		if err != nil {
			b.Fatal(err)
		}
		req.SetBasicAuth("app", e.AppPassword())
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		defer resp.Body.Close()
		text, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", sql, text)
		}
		return strings.TrimSpace(string(text))
	}
	for sql := range strings.SplitSeq("CREATE DATABASE bench ENGINE = Atomic;"+directSchema, ";") {
		ask(sql)
	}
	insert := "/?date_time_input_format=best_effort&query=" +
		url.QueryEscape("INSERT INTO bench.requests FORMAT JSONEachRow")
	posts := posts4bench(size, insert, "X-ClickHouse-User: app", "X-ClickHouse-Key: "+e.AppPassword())
	child := engineOf(b, os.Getpid())

	c := cost{events: total / size * size}
	before, started := processor(b, child), time.Now()
	c.acks = send4bench(b, e.HTTPAddress(), senders, total/size, http.StatusOK, posts)
	c.took = time.Since(started)
	c.engine = processor(b, child) - before
	if got := ask("SELECT count() FROM bench.requests"); got != strconv.Itoa(c.events) {
		b.Fatalf("the peer has %s of %d rows", got, c.events)
	}
	return c
}

// posts4bench makes whole HTTP requests, header and body, with so many events of about 200 bytes each. A visitor makes
// four requests, not far from each other.
func posts4bench(size int, path string, headers ...string) [][]byte {
	const distinct = 20_000
	var posts [][]byte
	for n := range max(2, distinct/size) {
		var body bytes.Buffer
		for i := range size {
			at := time.Now().Add(-rand.N(time.Second)).UTC().Format("2006-01-02T15:04:05.000Z")
			fmt.Fprintf(&body, `{"occurred_at":"%s","app":"%s","host":"bench.example.org","method":"GET","path":"/give/%d",`+
				`"status":200,"bytes":%d,"duration_ms":%.1f,"visitor":"v-%08d","refcode":"em2609%02d"}`+"\n", at,
				[]string{"donate", "www", "events", "petition"}[rand.N(4)], rand.N(50), rand.N(60_000), rand.Float64()*90,
				(n*size+i)/4+rand.N(20), rand.N(30))
		}
		post := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
			path, strings.Join(headers, "\r\n"), body.Len(), body.Bytes())
		posts = append(posts, []byte(post))
	}
	return posts
}

// send4bench sends so many of the posts by connections that stay open, and returns how long each answer took, sorted.
func send4bench(b *testing.B, address string, senders, total, want int, posts [][]byte) (took []time.Duration) {
	b.Helper()
	var sent atomic.Int64
	var mu sync.Mutex // guards took
	var sending sync.WaitGroup
	for range senders {
		sending.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				b.Error(err)
				return
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			var mine []time.Duration
			for n := sent.Add(1); n <= int64(total); n = sent.Add(1) {
				started := time.Now()
				if _, err := conn.Write(posts[int(n)%len(posts)]); err != nil {
					b.Error(err)
					return
				}
				if status, err := skipAnswer(answers); err != nil || status != want {
					b.Error("answered with", status, err)
					return
				}
				mine = append(mine, time.Since(started))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
		})
	}
	sending.Wait()
	if b.Failed() {
		b.FailNow()
	}
	slices.Sort(took)
	return took
}

// skipAnswer reads one HTTP answer and returns its status. It costs next to nothing, as the processors are to be the
// servers', and knows no more of HTTP than the two servers use.
func skipAnswer(in *bufio.Reader) (status int, err error) {
	length, chunked := 0, false
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return status, err
		}
		line = bytes.TrimRight(line, "\r\n")
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch {
		case status == 0:
			if len(line) < len("HTTP/1.1 200") {
				return 0, errors.New("no HTTP")
			}
			status, err = strconv.Atoi(string(line[9:12]))
		case len(line) == 0 && chunked:
			return status, skipChunks(in)
		case len(line) == 0:
			_, err = in.Discard(length)
			return status, err
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, err = strconv.Atoi(string(value))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
		if err != nil {
			return status, err
		}
	}
}

func skipChunks(in *bufio.Reader) error {
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 31)
		if err != nil {
			return err
		}
		if _, err := in.Discard(int(size) + len("\r\n")); err != nil || size == 0 {
			return err
		}
	}
}

// processor is the processor time of a process so far, in seconds.
func processor(b *testing.B, pid int) float64 {
	b.Helper()
	const ticks = 100 // a second, on every Linux
	text := procFile(b, pid, "stat")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]) // the name before may hold spaces
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		b.Fatal(err)
	}
	system, err := strconv.Atoi(fields[12])
	if err != nil {
		b.Fatal(err)
	}
	return float64(user+system) / ticks
}

// peakMiB is the most memory that a process had at once.
func peakMiB(b *testing.B, pid int) float64 {
	b.Helper()
	_, after, _ := strings.Cut(procFile(b, pid, "status"), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		b.Fatal(err)
	}
	return float64(kib) / 1024
}

func procFile(b *testing.B, pid int, name string) string {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	if errors.Is(err, os.ErrNotExist) {
		b.Skip("this system has no /proc")
	}
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}
