package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

func hits(n int, at time.Time) []campaign.Request {
	rows := make([]campaign.Request, n)
	for i := range rows {
		rows[i] = campaign.Request{
			Feed: "edge", App: "donate", OccurredAt: at.Add(time.Duration(i) * time.Second), ReceivedAt: at.Add(time.Minute),
			Method: "GET", Path: "/give", Status: 200, Bytes: 100, DurationMS: 12.5, Weight: 1,
			VisitorKey: fmt.Sprintf("visitor-%d", i%10),
		}
	}
	return rows
}

func storeTraffic(t *testing.T, w *Warehouse, batches ...campaign.Batch[campaign.Request]) {
	t.Helper()
	for _, b := range batches {
		if err := w.StoreTraffic(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func wantHits(t *testing.T, w *Warehouse, n uint64) {
	t.Helper()
	want(t, w, "SELECT count() FROM requests", n)
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_seconds", n)
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_minutes", n)
	want(t, w, "SELECT toUInt64(sum(bytes)) FROM request_minutes", 100*n)
	want(t, w, "SELECT uniqCombinedMerge(12)(visitors) FROM request_visitors", uint64(10))
	want(t, w, "SELECT uniqCombinedMerge(12)(visitors) FROM request_minutes", uint64(10))
}

func TestTrafficCountsOnce(t *testing.T) {
	w := open(t)
	first, second := batchOf("seg-1", hits(100, now())...), batchOf("seg-2", hits(50, now())...)
	storeTraffic(t, w, first, second, first)
	storeTraffic(t, reopen(t), second)
	wantHits(t, w, 150)
}

// A segment's parts come again in any order: when the engine refuses some rows, when one feed is replayed. Rows of one
// segment may have been received on two days.
func TestPartsOfTrafficCountOnce(t *testing.T) {
	midnight := now().Truncate(24 * time.Hour)
	rows := hits(200, midnight.Add(-100*time.Second))
	for i := range rows {
		rows[i].ReceivedAt = rows[i].OccurredAt
	}
	w := open(t)
	before := batchOf("seg-0", hits(30, midnight)...)
	storeTraffic(t, w, before)
	partly(t, batchOf("seg-1", rows...), func(b campaign.Batch[campaign.Request]) error { return w.StoreTraffic(t.Context(), b) })
	storeTraffic(t, reopen(t), before)
	wantHits(t, w, 230)
	want(t, w, "SELECT uniqExact(segment, n) FROM requests", uint64(230))
}

func TestTrafficIsExactAfterACutAnywhere(t *testing.T) {
	b := batchOf("seg-1", hits(100, now())...)
	store := func(w *Warehouse, first bool) error {
		b.First = first
		return w.StoreTraffic(t.Context(), b)
	}
	cutEverywhere(t, store, func(t *testing.T, w *Warehouse) { wantHits(t, w, 100) })
}

// The table has the rows and a view doesn't: what a dying engine leaves.
func TestRollupsOfTrafficAreMended(t *testing.T) {
	for _, table := range []string{"request_seconds", "request_minutes", "request_visitors"} {
		w := open(t)
		before, b := batchOf("seg-1", hits(30, now())...), batchOf("seg-2", hits(100, now())...)
		storeTraffic(t, w, before)
		view := table + "_from_requests"
		run(t, w, "DETACH TABLE "+view)
		err := w.StoreTraffic(t.Context(), b)
		run(t, w, "ATTACH TABLE "+view)
		if err != nil {
			t.Fatal(err)
		}
		storeTraffic(t, w, b)
		wantHits(t, w, 130)
		storeTraffic(t, reopen(t), b, before)
		wantHits(t, w, 130)
		if t.Failed() {
			t.Fatalf("without its share in %s", table)
		}
	}
}

// The same share may get lost more than once.
func TestARollupIsMendedAgain(t *testing.T) {
	w := open(t)
	b := batchOf("seg-1", hits(10, now())...)
	storeTraffic(t, w, b)
	for range 3 {
		for _, table := range []string{"request_seconds", "request_minutes", "request_visitors"} {
			run(t, w, "DELETE FROM "+table+" WHERE true")
		}
		storeTraffic(t, w, b)
		wantHits(t, w, 10)
	}
}

// One half of a segment is in a rollup and the other is not: what is missing is added, and no more.
func TestARollupGetsNoMoreThanItLacks(t *testing.T) {
	for _, table := range []string{"request_seconds", "request_minutes", "request_visitors"} {
		w := open(t)
		rows := hits(100, now())
		for i := range rows {
			rows[i].OccurredAt, rows[i].Weight = now().Add(time.Duration(i%7)*time.Second), 0.25
		}
		b := batchOf("seg-1", rows...)
		var even, odd []int
		for i := 0; i < len(rows); i += 2 {
			even, odd = append(even, i), append(odd, i+1)
		}
		storeTraffic(t, w, only(b, even...))
		run(t, w, "DETACH TABLE "+table+"_from_requests")
		err := w.StoreTraffic(t.Context(), only(b, odd...))
		run(t, w, "ATTACH TABLE "+table+"_from_requests")
		if err != nil {
			t.Fatal(err)
		}
		storeTraffic(t, w, b, only(b, odd...), b)
		want(t, w, "SELECT sum(requests) FROM request_seconds", 25.0)
		want(t, w, "SELECT sum(bytes) FROM request_seconds", 2500.0)
		want(t, w, "SELECT sum(duration_ms) FROM request_seconds", 25*12.5)
		want(t, w, "SELECT sum(requests) FROM request_minutes", 25.0)
		want(t, w, "SELECT sum(bytes) FROM request_minutes", 2500.0)
		want(t, w, "SELECT round(quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[2], 3) FROM request_minutes", float32(12.5))
		want(t, w, "SELECT uniqCombinedMerge(12)(visitors) FROM request_visitors", uint64(10))
		if t.Failed() {
			t.Fatalf("without a share in %s", table)
		}
	}
}

func TestRowsThatWereLostAreSentAgain(t *testing.T) {
	w := open(t)
	b := batchOf("seg-1", hits(100, now())...)
	storeTraffic(t, w, b)
	run(t, w, "ALTER TABLE requests DELETE WHERE n >= 40 SETTINGS mutations_sync = 2")
	storeTraffic(t, w, b)
	want(t, w, "SELECT count() FROM requests", uint64(100))
	run(t, w, "ALTER TABLE requests DELETE WHERE 1 SETTINGS mutations_sync = 2")
	storeTraffic(t, w, b)
	want(t, w, "SELECT count() FROM requests", uint64(100))
	want(t, w, "SELECT uniqExact(n) FROM requests", uint64(100))
}

func TestRequestsThatWaitedTooLongDoNotHoldUpTheOthers(t *testing.T) {
	w := open(t)
	old := hits(10, now().Add(-30*24*time.Hour))
	storeTraffic(t, w, batchOf("seg-1", old...), batchOf("seg-2", hits(100, now())...))
	wantHits(t, w, 100)
}

func TestABrokenNumberSpoilsNoSum(t *testing.T) {
	w := open(t)
	rows := hits(3, now())
	rows[0].DurationMS, rows[1].Weight, rows[2].DurationMS = math.NaN(), math.Inf(1), math.Inf(-1)
	storeTraffic(t, w, batchOf("seg-1", rows...))
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_seconds", uint64(2))
	want(t, w, "SELECT isFinite(sum(duration_ms)) FROM request_seconds", uint8(1))
}

// An insert that was given up here may still run in the engine and fill the views: mending them then would count twice.
func TestNothingIsMendedWhileTheInsertRuns(t *testing.T) {
	w := open(t)
	b := batchOf("seg-1", hits(100, now())...)
	storeTraffic(t, w, b)
	slow, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- w.write.Exec(clickhouse.Context(slow, clickhouse.WithSettings(clickhouse.Settings{
			"max_block_size": 1, "function_sleep_max_microseconds_per_block": 0,
		})), "INSERT INTO request_minutes (app) SELECT 'slow' FROM numbers(100000) WHERE sleepEachRow(0.01) = 1")
	}()
	for w.StoreTraffic(t.Context(), b) == nil {
		select {
		case err := <-ended:
			t.Fatalf("the slow insert has ended: %v", err)
		default:
		}
	}
	if err := w.StoreTraffic(t.Context(), b); !errors.Is(err, errRunning) {
		t.Errorf("got %v, want errRunning", err)
	}
	stop()
	<-ended
	for w.StoreTraffic(t.Context(), b) != nil { //nolint:revive // until the engine has noticed
	}
	wantHits(t, w, 100)
}

// BenchmarkInsertRequests sends blocks of requests over a line; the peer is the driver, column by column. x-driver is
// how much of the driver's CPU time a line needs, on our side of the socket.
func BenchmarkInsertRequests(b *testing.B) {
	w := open(b)
	defer w.own(campaign.Traffic)()
	const size = 100_000
	var ours, theirs, engines time.Duration
	c, sent := chunkOf(batchOf("", hits(size, now())...)), 0
	b.ReportAllocs()
	for b.Loop() {
		sent++
		c.segment = fmt.Sprintf("ours-%d", sent)
		for i := range c.rows {
			c.rows[i].segment = c.segment
		}
		to := table[request]{"requests", requestFields(now().Truncate(24 * time.Hour))}
		used, engine := cpuUsed(b, 0), cpuUsed(b, child(b))
		if err := insert(b.Context(), w, campaign.Traffic, to, c, c.rows); err != nil {
			b.Fatal(err)
		}
		ours += cpuUsed(b, 0) - used
		engines += cpuUsed(b, child(b)) - engine
		b.StopTimer()
		used = cpuUsed(b, 0)
		if err := byDriver(b.Context(), w, c); err != nil {
			b.Fatal(err)
		}
		theirs += cpuUsed(b, 0) - used
		b.StartTimer()
	}
	millions := float64(size*sent) / 1e6
	b.ReportMetric(ours.Seconds()/millions, "cpu-s/M")
	b.ReportMetric(engines.Seconds()/millions, "engine-cpu-s/M")
	b.ReportMetric(float64(ours)/float64(theirs), "x-driver")
}

// cpuUsed is the CPU time of this process, or of a child.
func cpuUsed(b *testing.B, pid int) time.Duration {
	b.Helper()
	if pid == 0 {
		var used syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
			b.Fatal(err)
		}
		return time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond // proc counts hundredths
}

// byDriver stores requests as clickhouse-go's documentation shows it for speed: a slice for each column.
func byDriver(ctx context.Context, w *Warehouse, c chunk[campaign.Request]) error {
	batch, err := w.write.PrepareBatch(ctx, "INSERT INTO requests (day, segment, n, occurred_at, received_at, feed, app, host, method, path, "+
		"status, bytes, duration_ms, visitor_key, referrer, refcode, region, weight, props)")
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	day := now().Truncate(24 * time.Hour)
	for i, err := range []error{
		driverColumn(batch, 0, c, func(r *request) time.Time { return day }),
		driverColumn(batch, 1, c, func(r *request) string { return "driver" }),
		driverColumn(batch, 2, c, func(r *request) uint32 { return r.n }),
		driverColumn(batch, 3, c, func(r *request) time.Time { return moment(r.event.OccurredAt) }),
		driverColumn(batch, 4, c, func(r *request) time.Time { return moment(r.event.ReceivedAt) }),
		driverColumn(batch, 5, c, func(r *request) string { return r.event.Feed }),
		driverColumn(batch, 6, c, func(r *request) string { return r.event.App }),
		driverColumn(batch, 7, c, func(r *request) string { return r.event.Host }),
		driverColumn(batch, 8, c, func(r *request) string { return r.event.Method }),
		driverColumn(batch, 9, c, func(r *request) string { return r.event.Path }),
		driverColumn(batch, 10, c, func(r *request) uint16 { return r.event.Status }),
		driverColumn(batch, 11, c, func(r *request) uint64 { return r.event.Bytes }),
		driverColumn(batch, 12, c, func(r *request) float32 { return float32(r.event.DurationMS) }),
		driverColumn(batch, 13, c, func(r *request) string { return r.event.VisitorKey }),
		driverColumn(batch, 14, c, func(r *request) string { return r.event.Referrer }),
		driverColumn(batch, 15, c, func(r *request) string { return r.event.Refcode }),
		driverColumn(batch, 16, c, func(r *request) string { return r.event.Region }),
		driverColumn(batch, 17, c, func(r *request) float64 { return r.event.Weight }),
		driverColumn(batch, 18, c, func(r *request) string { return r.event.Props }),
	} {
		if err != nil {
			return fmt.Errorf("column %d: %w", i, err)
		}
	}
	return batch.Send()
}

func driverColumn[V any](b driver.Batch, i int, c chunk[campaign.Request], value func(r *request) V) error {
	values := make([]V, len(c.rows))
	for k := range c.rows {
		values[k] = value(&c.rows[k])
	}
	return b.Column(i).Append(values)
}

// BenchmarkStoreTraffic stores batches that nobody can have sent before, as the sink does when all is well.
func BenchmarkStoreTraffic(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("rows=%d", size), func(b *testing.B) {
			w := open(b)
			var ours, engines time.Duration
			batch, sent := batchOf("", hits(size, now())...), 0
			batch.First = true
			b.ReportAllocs()
			for b.Loop() {
				sent++
				batch.Segment = fmt.Sprintf("seg-%08d", sent)
				used, engine := cpuUsed(b, 0), cpuUsed(b, child(b))
				if err := w.StoreTraffic(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
				ours += cpuUsed(b, 0) - used
				engines += cpuUsed(b, child(b)) - engine
			}
			millions := float64(size*sent) / 1e6
			b.ReportMetric(ours.Seconds()/millions, "cpu-s/M")
			b.ReportMetric(engines.Seconds()/millions, "engine-cpu-s/M")
		})
	}
}
