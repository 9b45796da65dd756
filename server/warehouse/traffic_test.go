package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

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

func TestTrafficIsExactAfterACutAnywhere(t *testing.T) {
	b := batchOf("seg-1", hits(100, now())...)
	cutEverywhere(t, func(w *Warehouse) error { return w.StoreTraffic(t.Context(), b) }, func(t *testing.T, w *Warehouse) {
		wantHits(t, w, 100)
	})
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
			"insert_deduplication_token": "seg-1/0/requests", "max_block_size": 1,
			"function_sleep_max_microseconds_per_block": 0,
		})), "INSERT INTO feeds (node) SELECT 'slow' FROM numbers(100000) WHERE sleepEachRow(0.01) = 1")
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
