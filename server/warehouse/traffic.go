package warehouse

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// StoreTraffic stores a batch of requests and returns nil when they were read back. Requests have no identity: what
// is there of a batch is known by its receipts, and only the rest is sent. The rollups by the second and the minute are
// filled by views; where the engine died between the two, they are mended. After an error the same batch must be
// stored again before the next.
func (w *Warehouse) StoreTraffic(ctx context.Context, b campaign.Batch[campaign.Request]) error {
	return storeChunks(ctx, w, b, w.storeRequests)
}

type request = row[campaign.Request]

func (w *Warehouse) storeRequests(ctx context.Context, c chunk[campaign.Request]) error {
	place := placeOf(c.rows)
	if w.expired(place) {
		w.logger.Warn("requests waited longer than requests are kept: they are not stored",
			"batch", c.name, "requests", len(c.rows))
		return nil
	}
	missing, err := w.missing(ctx, place, c.rows)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		if err := w.wait(ctx, c.name+"/requests"); err != nil {
			return err
		}
		return w.mendRollups(ctx, place)
	}
	if len(missing) < len(c.rows) { // can't be: an insert makes one part. If it is, these are other rows
		c.name = fmt.Sprintf("%s/rest-%d", c.name, w.version())
	}
	if err := insert(ctx, w, table[campaign.Request]{"requests", requestFields(place.day)}, c.name, missing); err != nil {
		return err
	}
	if missing, err = w.missing(ctx, place, c.rows); err != nil {
		return err
	}
	if len(missing) > 0 {
		return errUnconfirmed
	}
	return nil
}

// place is where a chunk's rows are found without reading the others: the tables are sorted by time.
type place struct {
	segment     string
	first, last uint32 // numbers of its receipts
	day         time.Time
	from, to    time.Time // of occurrence, both included
}

func placeOf(rows []request) place {
	p := place{
		segment: rows[0].segment, first: rows[0].n, last: rows[len(rows)-1].n,
		day:  moment(rows[0].event.ReceivedAt).Truncate(24 * time.Hour),
		from: moment(rows[0].event.OccurredAt), to: moment(rows[0].event.OccurredAt),
	}
	for _, r := range rows {
		at := moment(r.event.OccurredAt)
		if at.Before(p.from) {
			p.from = at
		}
		if at.After(p.to) {
			p.to = at
		}
	}
	return p
}

const placed = `day = {day:Date} AND segment = {segment:String} AND n BETWEEN {first:UInt32} AND {last:UInt32}
	AND occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND fromUnixTimestamp64Milli({to:Int64}, 'UTC')`

func (p place) params() clickhouse.Parameters {
	return clickhouse.Parameters{
		"day": p.day.Format(time.DateOnly), "segment": p.segment,
		"first": strconv.FormatUint(uint64(p.first), 10), "last": strconv.FormatUint(uint64(p.last), 10),
		"from": strconv.FormatInt(p.from.UnixMilli(), 10), "to": strconv.FormatInt(p.to.UnixMilli(), 10),
	}
}

// expired says whether the table would drop the rows at once: they could never be read back.
func (w *Warehouse) expired(p place) bool {
	keep := w.retain.requestDays()
	if keep == 0 {
		keep = 8 * 24 * time.Hour // as the migration has it
	}
	return time.Since(p.day) >= keep
}

// missing are the rows of a chunk that the table doesn't have.
func (w *Warehouse) missing(ctx context.Context, p place, rows []request) (missing []request, err error) {
	there := make(map[uint32]struct{}, len(rows))
	look := statement{what: "look for what is there", sql: "SELECT n FROM requests WHERE " + placed, params: p.params()}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var n uint32
		err := rows.Scan(&n)
		there[n] = struct{}{}
		return err
	})
	for _, r := range rows {
		if _, ok := there[r.n]; !ok {
			missing = append(missing, r)
		}
	}
	return missing, err
}

// errRunning says that an earlier insert of the same rows has not ended: its views are still being filled.
var errRunning = errors.New("an earlier insert of it still runs")

// wait is an error while an insert with that token runs: one that was given up here may go on in the engine.
func (w *Warehouse) wait(ctx context.Context, token string) error {
	var running uint64
	look := statement{what: "look for running inserts", params: clickhouse.Parameters{"token": token},
		sql: "SELECT count() FROM system.processes WHERE Settings['insert_deduplication_token'] = {token:String}"}
	err := w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&running) })
	if err == nil && running > 0 {
		return errRunning
	}
	return err
}

// mendRollups fills in what the views did not get of a chunk whose rows are there: its insert was cut off between the
// table and the views. A view's share is one part too, so it is missing as a whole, and a second with less in the
// rollup than in the table tells.
func (w *Warehouse) mendRollups(ctx context.Context, p place) error {
	for _, r := range rollups() {
		var short uint64
		look := statement{what: "compare " + r.table, sql: r.short, params: p.params()}
		if err := w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&short) }); err != nil {
			return err
		}
		if short == 0 {
			continue
		}
		w.logger.Info("a batch of requests was cut off: its share in a rollup is written now",
			"rollup", r.table, "segment", p.segment)
		if err := w.exec(ctx, statement{what: "mend " + r.table, sql: r.fill, params: p.params()}); err != nil {
			return err
		}
	}
	return nil
}

// rollup is how one rollup is compared with the table and filled for one place.
type rollup struct{ table, short, fill string }

// rollups repeats what the views of migration 0003 say, for one place.
func rollups() []rollup {
	const class = "toUInt8(intDiv(status, 100))"
	return []rollup{
		{"request_seconds", shortOf("request_seconds", "second", "toDateTime(occurred_at, 'UTC')"),
			`INSERT INTO request_seconds (second, app, class, requests, bytes, duration_ms)
			SELECT toDateTime(occurred_at, 'UTC') AS second, app, ` + class + ` AS class,
			       sum(weight), sum(bytes * weight), sum(duration_ms * weight)
			FROM requests WHERE ` + placed + ` GROUP BY second, app, class`},
		{"request_minutes", shortOf("request_minutes", "minute", "toStartOfMinute(toDateTime(occurred_at, 'UTC'))"),
			`INSERT INTO request_minutes (minute, app, class, requests, bytes, visitors, latency)
			SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, app, ` + class + ` AS class,
			       sum(weight), sum(bytes * weight), uniqCombinedState(12)(visitor_key),
			       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms)
			FROM requests WHERE ` + placed + ` GROUP BY minute, app, class`},
		// Who was there can be said twice: the sketch stays the same.
		{"request_visitors", "SELECT countIf(visitor_key != '') FROM requests WHERE " + placed,
			`INSERT INTO request_visitors (tick, app, visitors)
			SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 10 SECOND) AS tick, app,
			       uniqCombinedState(12)(visitor_key)
			FROM requests WHERE visitor_key != '' AND ` + placed + ` GROUP BY tick, app`},
	}
}

// shortOf counts the steps of a place for which the rollup has less than the table. The sums are of floats: less means
// by more than their rounding.
func shortOf(table, step, expression string) string {
	const span = `occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') - INTERVAL 1 MINUTE
		AND fromUnixTimestamp64Milli({to:Int64}, 'UTC') + INTERVAL 1 MINUTE`
	return `SELECT count() FROM
		(SELECT ` + expression + ` AS step, app, sum(weight) AS truth FROM requests
		 WHERE ` + span + ` AND step IN (SELECT ` + expression + ` FROM requests WHERE ` + placed + `)
		 GROUP BY step, app) AS t
		LEFT JOIN
		(SELECT ` + step + ` AS step, app, sum(requests) AS rolled FROM ` + table + `
		 WHERE step IN (SELECT ` + expression + ` FROM requests WHERE ` + placed + `)
		 GROUP BY step, app) AS r USING (step, app)
		WHERE rolled < truth - 1e-6 * (1 + truth)`
}

func requestFields(day time.Time) []field[campaign.Request] {
	return []field[campaign.Request]{
		column("day", func(*request) time.Time { return day }),
		column("segment", func(r *request) string { return r.segment }),
		column("n", func(r *request) uint32 { return r.n }),
		column("occurred_at", func(r *request) time.Time { return moment(r.event.OccurredAt) }),
		column("received_at", func(r *request) time.Time { return moment(r.event.ReceivedAt) }),
		column("feed", func(r *request) string { return r.event.Feed }),
		column("app", func(r *request) string { return r.event.App }),
		column("host", func(r *request) string { return r.event.Host }),
		column("method", func(r *request) string { return r.event.Method }),
		column("path", func(r *request) string { return r.event.Path }),
		column("status", func(r *request) uint16 { return r.event.Status }),
		column("bytes", func(r *request) uint64 { return r.event.Bytes }),
		column("duration_ms", func(r *request) float32 { return float32(finite(r.event.DurationMS)) }),
		column("visitor_key", func(r *request) string { return r.event.VisitorKey }),
		column("referrer", func(r *request) string { return r.event.Referrer }),
		column("refcode", func(r *request) string { return r.event.Refcode }),
		column("region", func(r *request) string { return r.event.Region }),
		column("weight", func(r *request) float64 { return finite(r.event.Weight) }),
		column("props", func(r *request) string { return r.event.Props }),
	}
}

// finite keeps one broken number from spoiling every sum that it would be part of.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
