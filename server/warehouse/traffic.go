package warehouse

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"math"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// StoreTraffic stores a batch of requests and returns nil when they were read back. Requests have no identity: what
// is there of a batch is known by its receipts, and only the rest is sent, so any part of a segment can come again in
// any order. The rollups by the second and the minute are filled by views; where the engine died between the table and
// a view, they are mended. After an error the same batch must be stored again before the next.
func (w *Warehouse) StoreTraffic(ctx context.Context, b campaign.Batch[campaign.Request]) error {
	defer w.own(campaign.Traffic)()
	return storeChunks(ctx, w, b, w.storeRequests)
}

type request = row[campaign.Request]

func (w *Warehouse) storeRequests(ctx context.Context, c chunk[campaign.Request]) error {
	for part := range byDay(c.rows) {
		c.rows = part
		if err := w.storeDay(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// byDay cuts rows where a segment begins on another day.
func byDay(rows []request) iter.Seq[[]request] {
	return func(yield func([]request) bool) {
		start, end := 0, 0
		for part := range bySegment(rows) {
			if !dayOf(part).Equal(dayOf(rows[start:])) {
				if !yield(rows[start:end]) {
					return
				}
				start = end
			}
			end += len(part)
		}
		yield(rows[start:])
	}
}

// dayOf is the day that rows are stored under.
func dayOf(rows []request) time.Time {
	return moment(rows[0].event.ReceivedAt).Truncate(24 * time.Hour)
}

// storeDay stores segments of one day.
func (w *Warehouse) storeDay(ctx context.Context, c chunk[campaign.Request]) error {
	day := dayOf(c.rows)
	if w.expired(day) {
		w.logger.Warn("requests waited longer than requests are kept: they are not stored",
			"batch", c.segment, "requests", len(c.rows))
		return nil
	}
	missing := c.rows
	if !c.first {
		err := w.alone(ctx)
		if err != nil {
			return err
		}
		if missing, err = w.missing(ctx, c); err != nil {
			return err
		}
	}
	if err := w.insertRequests(ctx, c, day, missing); err != nil {
		return err
	}
	if len(missing) < len(c.rows) {
		return w.mendRollups(ctx, c)
	}
	return nil
}

// insertRequests stores rows of a chunk as one block, which has one day and so makes one part: all of it is there, or
// nothing. Then it reads the chunk back.
func (w *Warehouse) insertRequests(ctx context.Context, c chunk[campaign.Request], day time.Time, rows []request) error {
	if len(rows) == 0 {
		return nil
	}
	to := table[request]{"requests", requestFields(day)}
	if err := insert(ctx, w, campaign.Traffic, to, c, rows); err != nil {
		return err
	}
	missing, err := w.missing(ctx, c)
	if err == nil && len(missing) > 0 {
		return errUnconfirmed
	}
	return err
}

// expired says whether the table would drop the rows at once: they could never be read back.
func (w *Warehouse) expired(day time.Time) bool { return time.Since(day) >= w.retain.requestDays() }

// placed finds a chunk's rows, and what else the table has between them.
const placed = `segment BETWEEN {segment:String} AND {until:String} AND n BETWEEN {first:UInt32} AND {last:UInt32}`

// place are the parameters of placed, and the time from which to which the rows occurred.
func place(c chunk[campaign.Request]) clickhouse.Parameters {
	segment, until := c.rows[0].segment, c.rows[0].segment
	first, last := c.rows[0].n, c.rows[0].n
	from := millis(c.rows[0].event.OccurredAt)
	to := from
	for _, r := range c.rows {
		segment, until = min(segment, r.segment), max(until, r.segment)
		first, last = min(first, r.n), max(last, r.n)
		at := millis(r.event.OccurredAt)
		from, to = min(from, at), max(to, at)
	}
	return clickhouse.Parameters{
		"segment": segment, "until": until,
		"first": strconv.FormatUint(uint64(first), 10), "last": strconv.FormatUint(uint64(last), 10),
		"from": strconv.FormatInt(from, 10), "to": strconv.FormatInt(to, 10),
	}
}

// checksum is what rows of a segment have in common with a copy of them: their number, and a sum over their own numbers
// and what is counted.
type checksum struct{ rows, sum uint64 }

// checkSQL is checksumOf, for the engine: all in UInt64, which wraps.
const checkSQL = `count(), sum((toUInt64(n) * 2 + 1) * bitXor(reinterpretAsUInt64(weight),
	toUInt64(toUnixTimestamp64Milli(occurred_at)) * 1000003 + bytes))`

func checksumOf(rows []request) checksum {
	c := checksum{rows: uint64(len(rows))}
	for _, r := range rows {
		at := uint64(millis(r.event.OccurredAt)) //nolint:gosec // since 1970
		c.sum += (uint64(r.n)*2 + 1) * (math.Float64bits(finite(r.event.Weight)) ^ (at*1000003 + r.event.Bytes))
	}
	return c
}

// missing are the rows of a chunk that the table doesn't have. As a rule it has all of a segment or nothing, and the
// engine can tell without naming them.
func (w *Warehouse) missing(ctx context.Context, c chunk[campaign.Request]) ([]request, error) {
	there := map[string]checksum{}
	params := place(c)
	look := statement{"compare the requests",
		"SELECT segment::String, " + checkSQL + " FROM requests WHERE " + placed + " GROUP BY segment", params}
	err := w.ask(ctx, look, func(rows driver.Rows) error {
		var segment string
		var sum checksum
		err := rows.Scan(&segment, &sum.rows, &sum.sum)
		there[segment] = sum
		return err
	})
	if err != nil {
		return nil, err
	}
	var missing, unsure []request
	for part := range bySegment(c.rows) {
		switch has := there[part[0].segment]; has {
		case checksumOf(part):
		case checksum{}:
			missing = append(missing, part...)
		default:
			unsure = append(unsure, part...)
		}
	}
	if len(unsure) == 0 {
		return missing, nil
	}
	has := map[receipt]struct{}{}
	look = statement{"look for what is there", "SELECT segment::String, n FROM requests WHERE " + placed, params}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var r receipt
		err := rows.Scan(&r.segment, &r.n)
		has[r] = struct{}{}
		return err
	})
	for _, r := range unsure {
		if _, ok := has[r.receipt]; !ok {
			missing = append(missing, r)
		}
	}
	return missing, err
}

// errRunning says that an earlier insert has not ended: it may still bring rows, and the views are still being filled.
var errRunning = errors.New("an earlier insert still runs")

// alone is errRunning while an earlier insert runs. The engine lists one for a moment after it has answered.
func (w *Warehouse) alone(ctx context.Context) error {
	const tries, pause = 5, 20 * time.Millisecond
	for range tries {
		busy, err := w.inserting(ctx)
		if err != nil || !busy {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return errRunning
}

// mendRollups brings the rollups up to the table for the steps of time that a chunk touches. A chunk of which rows were
// there already may come from an insert that was cut off between the table and the views, so what is there may be
// missing in a rollup. What a rollup lacks is the difference to the table, whichever insert left it.
func (w *Warehouse) mendRollups(ctx context.Context, c chunk[campaign.Request]) error {
	params := place(c)
	for _, r := range w.rollups() {
		if time.Since(moment(c.rows[len(c.rows)-1].event.OccurredAt)) > r.keep {
			continue // it has dropped them
		}
		var short uint64
		look := statement{"compare " + r.table, "SELECT count() FROM (" + r.lack + ")", params}
		if err := w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&short) }); err != nil {
			return err
		}
		if short == 0 {
			continue
		}
		w.logger.Info("a batch of requests was cut off: its share in a rollup is written now",
			"rollup", r.table, "segment", c.rows[0].segment)
		// Whatever an earlier share looked like, this one is no repeat of it.
		sql := "INSERT INTO " + r.table + " (" + r.columns + ") SETTINGS insert_deduplicate = 0 " + r.lack
		fill := statement{"mend " + r.table, sql, params}
		if err := w.exec(ctx, fill); err != nil {
			return err
		}
	}
	return nil
}

// rollup is a query for the rows that a rollup lacks for one place, and how long it keeps rows.
type rollup struct {
	table, columns, lack string
	keep                 time.Duration
}

// rollups repeats what the views of migrations 0006 and 0010 say. Sums lack the difference between the table and the rollup: less
// means by more than the rounding of floats. Visitors can be said twice: the sketch stays the same. Digests of times to
// answer can't be compared, so a minute that lacks requests gets those of the place, which is right as long as it is
// the place's share that is missing.
func (w *Warehouse) rollups() []rollup {
	const day = 24 * time.Hour
	seconds, minutes := cmp.Or(w.retain.Seconds, 2*day), cmp.Or(w.retain.Minutes, 90*day) // usual as in migration 0003
	const (
		span = `occurred_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') - INTERVAL 1 MINUTE
			AND fromUnixTimestamp64Milli({to:Int64}, 'UTC') + INTERVAL 1 MINUTE`
		class = "toUInt8(intDiv(status, 100)) AS class"
		less  = "r.requests < t.requests - 1e-6 * (1 + t.requests)"
	)
	const second, minute = "toDateTime(occurred_at, 'UTC')", "toStartOfMinute(toDateTime(occurred_at, 'UTC'))"
	const tick = "toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 10 SECOND)"
	return append(lackingPages(span, placed, minutes), []rollup{
		{"request_seconds", "second, app, class, requests, bytes, duration_ms", `
			SELECT second, app, class, t.requests - r.requests AS requests, t.bytes - r.bytes AS bytes,
			       t.duration_ms - r.duration_ms AS duration_ms
			FROM (SELECT ` + second + ` AS second, app, ` + class + `, sum(weight) AS requests,
			             sum(requests.bytes * weight) AS bytes, sum(requests.duration_ms * weight) AS duration_ms
			      FROM requests WHERE ` + span + ` AND second IN (SELECT ` + second + ` FROM requests WHERE ` + placed + `)
			      GROUP BY second, app, class) AS t
			LEFT JOIN (SELECT second, app, class, sum(requests) AS requests, sum(bytes) AS bytes,
			                  sum(duration_ms) AS duration_ms
			      FROM request_seconds WHERE second IN (SELECT ` + second + ` FROM requests WHERE ` + placed + `)
			      GROUP BY second, app, class) AS r USING (second, app, class)
			WHERE ` + less, seconds},
		{"request_minutes", "minute, app, class, requests, bytes, visitors, latency", `
			SELECT minute, app, class, t.requests - r.requests AS requests, t.bytes - r.bytes AS bytes,
			       visitors, latency
			FROM (SELECT ` + minute + ` AS minute, app, ` + class + `, sum(weight) AS requests,
			             sum(requests.bytes * weight) AS bytes, uniqCombinedState(12)(visitor_key) AS visitors,
			             quantilesTDigestStateIf(0.5, 0.95, 0.99)(duration_ms, ` + placed + `) AS latency
			      FROM requests WHERE ` + span + ` AND minute IN (SELECT ` + minute + ` FROM requests WHERE ` + placed + `)
			      GROUP BY minute, app, class) AS t
			LEFT JOIN (SELECT minute, app, class, sum(requests) AS requests, sum(bytes) AS bytes
			      FROM request_minutes WHERE minute IN (SELECT ` + minute + ` FROM requests WHERE ` + placed + `)
			      GROUP BY minute, app, class) AS r USING (minute, app, class)
			WHERE ` + less, minutes},
		{"request_visitors", "tick, app, visitors", `
			SELECT tick, app, visitors
			FROM (SELECT tick, app, uniqCombinedMergeState(12)(seen) AS visitors, uniqCombinedMerge(12)(seen) AS people,
			             uniqCombinedMergeIf(12)(seen, rolled) AS known
			      FROM (SELECT ` + tick + ` AS tick, app, uniqCombinedState(12)(visitor_key) AS seen, false AS rolled
			            FROM requests WHERE visitor_key != '' AND ` + placed + ` GROUP BY tick, app
			            UNION ALL
			            SELECT tick, app, visitors AS seen, true AS rolled FROM request_visitors
			            WHERE tick IN (SELECT ` + tick + ` FROM requests WHERE ` + placed + `))
			      GROUP BY tick, app)
			WHERE people != known`, seconds},
	}...)
}

func requestFields(day time.Time) []field[request] {
	return []field[request]{
		date("day", func(*request) time.Time { return day }),
		word("segment", func(r *request) string { return r.segment }),
		number("n", func(r *request) uint32 { return r.n }),
		at("occurred_at", func(r *request) time.Time { return r.event.OccurredAt }),
		at("received_at", func(r *request) time.Time { return r.event.ReceivedAt }),
		word("feed", func(r *request) string { return r.event.Feed }),
		word("app", func(r *request) string { return r.event.App }),
		word("host", func(r *request) string { return r.event.Host }),
		word("method", func(r *request) string { return r.event.Method }),
		text("path", func(r *request) string { return r.event.Path }),
		small("status", func(r *request) uint16 { return r.event.Status }),
		large("bytes", func(r *request) uint64 { return r.event.Bytes }),
		single("duration_ms", func(r *request) float32 { return float32(finite(r.event.DurationMS)) }),
		text("visitor_key", func(r *request) string { return r.event.VisitorKey }),
		text("referrer", func(r *request) string { return r.event.Referrer }),
		word("refcode", func(r *request) string { return r.event.Refcode }),
		word("region", func(r *request) string { return r.event.Region }),
		double("weight", func(r *request) float64 { return finite(r.event.Weight) }),
		text("props", func(r *request) string { return r.event.Props }),
	}
}

// finite keeps one broken number from spoiling every sum that it would be part of.
func finite(f float64) float64 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}
