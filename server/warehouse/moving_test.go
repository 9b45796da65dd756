package warehouse

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"warroom/migrations"
)

// A database as an earlier warroom left it keeps its requests when they move into the order of their receipts: the
// rows, what the rollups say, and that a batch of then is known.
func TestRequestsMoveWithAllTheyHold(t *testing.T) {
	w := open(t)
	long := 30 * 24 * time.Hour // kept far longer than usual: nothing may be lost on the way
	defer run(t, w, "ALTER TABLE requests MODIFY TTL day + toIntervalSecond(691200)")
	asBefore(t, w)
	run(t, w, "ALTER TABLE requests MODIFY TTL day + toIntervalSecond("+fmt.Sprint(int64((long+24*time.Hour)/time.Second))+")")
	old, young := batchOf("seg-1", hits(60, now().Add(-20*24*time.Hour))...), batchOf("seg-2", hits(40, now())...)
	w.retain.Requests = long
	storeTraffic(t, w, old, young)
	o := options()
	o.Retain.Requests = long
	if lines, err := Migrate(t.Context(), o); err != nil || len(lines) < 2 {
		t.Fatal(lines, err)
	}
	want(t, w, "SELECT sorting_key FROM system.tables WHERE database = 'campaign' AND name = 'requests'", "segment, n")
	want(t, w, "SELECT count() FROM system.tables WHERE name LIKE '%moving%'", uint64(0))
	storeTraffic(t, w, young, old, only(old, 3, 5))
	want(t, w, "SELECT count() FROM requests", uint64(100))
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_minutes", uint64(100))
	wantAnswer(t, "SELECT count(), max(status) FROM requests FORMAT CSV", "100,200")
	storeTraffic(t, w, batchOf("seg-3", hits(10, now())...))
	want(t, w, "SELECT count() FROM requests", uint64(110))
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_minutes", uint64(110))
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_seconds", uint64(50)) // what is old has expired there
}

// The move is cut at each of its statements and run again.
func TestTheMoveCanBeCutAnywhere(t *testing.T) {
	defer func() {
		if _, err := Migrate(t.Context(), options()); err != nil {
			t.Error(err)
		}
	}()
	for at := range len(statements(t, "0006_requests_by_receipt.sql")) + 1 {
		w := open(t)
		asBefore(t, w)
		b := batchOf("seg-1", hits(60, now())...)
		storeTraffic(t, w, b)
		for _, sql := range statements(t, "0006_requests_by_receipt.sql")[:at] {
			run(t, w, sql)
		}
		if _, err := Migrate(t.Context(), options()); err != nil {
			t.Fatal(err)
		}
		storeTraffic(t, w, b, only(b, 1, 2))
		wantHits(t, w, 60)
		want(t, w, "SELECT count() FROM system.tables WHERE name LIKE '%moving%'", uint64(0))
		if t.Failed() {
			t.Fatalf("cut after %d statements", at)
		}
	}
}

// asBefore puts the tables of requests back to what they were before migration 0006, and empty.
func asBefore(t *testing.T, w *Warehouse) {
	t.Helper()
	for _, name := range []string{"request_seconds_from_requests", "request_visitors_from_requests",
		"request_minutes_from_requests", "requests"} {
		run(t, w, "DROP TABLE IF EXISTS "+name+" SYNC")
	}
	for _, sql := range statements(t, "0003_traffic.sql") {
		run(t, w, sql)
	}
	run(t, w, "ALTER TABLE goose_db_version DELETE WHERE version_id >= 6 SETTINGS mutations_sync = 2")
}

// statements are those of a migration.
func statements(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := migrations.FS.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`(?m)--.*$`).ReplaceAllString(string(text), "")
	for sql := range strings.SplitSeq(code, ";") {
		if sql = strings.TrimSpace(sql); sql != "" {
			all = append(all, sql)
		}
	}
	return all
}
