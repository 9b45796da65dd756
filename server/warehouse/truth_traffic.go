package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

const (
	// sliceRows is how many single requests one comparison looks at: less than a second of CPU.
	sliceRows = 20_000_000
	// mostSlices is how many comparisons look at all of them: at one a minute, five minutes.
	mostSlices = 5
	// minutesAtOnce bounds the minutes that are summed again with traffic held.
	minutesAtOnce = 200
	// unsettled is how young a request is whose insert may be running. Older ones are looked at again with traffic held.
	unsettled = time.Minute
)

// horizon is how far back rollups and single requests can be compared. All are whole minutes.
type horizon struct {
	requests, seconds, minutes time.Time // what is older may have been dropped
	until                      time.Time
	// keep are the days of which single requests may lack: what a rollup has more than them is left alone.
	keep []string
}

func (w *Warehouse) horizon(now time.Time, damaged []BrokenPart) horizon {
	const day = 24 * time.Hour
	or := func(keep, usual time.Duration) time.Duration {
		if keep == 0 {
			return usual // as migration 0003 has it
		}
		return keep
	}
	h := horizon{
		requests: now.Add(-or(w.retain.requestDays(), 8*day)).Truncate(day).Add(day),
		seconds:  now.Add(time.Hour - or(w.retain.Seconds, 2*day)).Truncate(time.Minute),
		minutes:  now.Add(time.Hour - or(w.retain.Minutes, 90*day)).Truncate(time.Minute),
		until:    now.Add(-unsettled).Truncate(time.Minute),
	}
	// A request that says it is of tomorrow lies with those of the day before, which have gone.
	h.keep = append(h.keep, h.requests.Format(time.DateOnly))
	for _, p := range damaged {
		if received, err := time.Parse("20060102", p.Partition); err == nil && p.Table == "requests" {
			for _, d := range []time.Duration{-day, 0, day} {
				h.keep = append(h.keep, received.Add(d).Format(time.DateOnly))
			}
		}
	}
	return h
}

func (h horizon) params() clickhouse.Parameters {
	unix := func(t time.Time) string { return strconv.FormatInt(max(t.Unix(), 0), 10) }
	return clickhouse.Parameters{"requests": unix(h.requests), "seconds": unix(h.seconds), "minutes": unix(h.minutes),
		"until": unix(h.until)}
}

// compareTraffic compares the sums by the second and the minute with the single requests, minute by minute.
func (w *Warehouse) compareTraffic(ctx context.Context, c *Comparison) error {
	damaged, err := w.BrokenParts(ctx)
	if err != nil {
		return err
	}
	h := w.horizon(c.At, damaged)
	slice, of, err := w.nextSlice(ctx)
	if err != nil {
		return err
	}
	which := fmt.Sprintf("(toUnixTimestamp(m) >= {until:UInt32} - 900 OR intDiv(toUnixTimestamp(m), 60) %% %d = %d)", of, slice)
	found, err := w.trafficLines(ctx, h, which)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(found.minutes(), minutesAtOnce) {
		if err := w.settleTraffic(ctx, h, some, c); err != nil {
			return err
		}
	}
	return w.comparePages(ctx, h, which, c)
}

// nextSlice says which of how many slices comes next, by how many requests there are.
func (w *Warehouse) nextSlice(ctx context.Context) (slice, of uint64, err error) {
	var rows uint64
	count := statement{what: "count the requests", sql: "SELECT count() FROM requests"}
	if err := w.ask(ctx, count, func(r driver.Rows) error { return r.Scan(&rows) }); err != nil {
		return 0, 0, err
	}
	of = min(1+rows/sliceRows, mostSlices)
	return w.slice.Add(1) % of, of, nil
}

// trafficLine is a minute of one app and class in which a rollup and the requests differ.
type trafficLine struct {
	minute                 uint32
	app                    string
	class                  uint8
	truth, bySecond, byMin traffic
	seconds, minutes       bool // which of the rollups differs
}

// traffic is a sum of requests by their weights.
type traffic struct{ requests, bytes float64 }

func (t traffic) String() string {
	return strconv.FormatFloat(t.requests, 'f', -1, 64) + " requests, " + strconv.FormatFloat(t.bytes, 'f', -1, 64) + " bytes"
}

type trafficLines []trafficLine

func (l trafficLines) minutes() (minutes []uint32) {
	for _, line := range l {
		if n := len(minutes); n == 0 || minutes[n-1] != line.minute { // they are in order
			minutes = append(minutes, line.minute)
		}
	}
	return minutes
}

// trafficLines finds what differs in the minutes of which `which`, a condition on m, is true. Left out are minutes in
// which a rollup has more than the single requests although those may lack. The sums are of floats: different means by
// more than their rounding.
func (w *Warehouse) trafficLines(ctx context.Context, h horizon, which string) (found trafficLines, err error) {
	differ := func(a, b string) string { return fmt.Sprintf("abs(%s - %s) > 1e-6 * (1 + abs(%s))", a, b, a) }
	const class, minute = "toUInt8(intDiv(status, 100))", "toStartOfMinute(toDateTime(occurred_at, 'UTC'))"
	look := statement{what: "compare the sums of traffic", params: h.params(), sql: `
		SELECT toUnixTimestamp(m), app, class, t, tb, s, sb, r, rb, sd, rd,
			toDate(m) IN ` + quoted(h.keep) + ` AND (sd AND s > t OR rd AND r > t) FROM
		(SELECT m, app, class, sum(t1) AS t, sum(s1) AS s, sum(r1) AS r, sum(tb1) AS tb, sum(sb1) AS sb, sum(rb1) AS rb,
			toUnixTimestamp(m) >= {seconds:UInt32} AND (` + differ("t", "s") + " OR " + differ("tb", "sb") + `) AS sd,
			toUnixTimestamp(m) >= {minutes:UInt32} AND (` + differ("t", "r") + " OR " + differ("tb", "rb") + `) AS rd
		 FROM (
			SELECT ` + minute + " AS m, app, " + class + ` AS class, sum(weight) AS t1, sum(bytes * weight) AS tb1,
				0. AS s1, 0. AS sb1, 0. AS r1, 0. AS rb1
			FROM requests WHERE occurred_at >= toDateTime({requests:UInt32}, 'UTC')
				AND occurred_at < toDateTime({until:UInt32}, 'UTC') AND ` + which + ` GROUP BY m, app, class
			UNION ALL
			SELECT toStartOfMinute(second) AS m, app, class, 0, 0, sum(requests), sum(bytes), 0, 0
			FROM request_seconds WHERE second >= toDateTime(greatest({requests:UInt32}, {seconds:UInt32}), 'UTC')
				AND second < toDateTime({until:UInt32}, 'UTC') AND ` + which + ` GROUP BY m, app, class
			UNION ALL
			SELECT minute AS m, app, class, 0, 0, 0, 0, sum(requests), sum(bytes)
			FROM request_minutes WHERE minute >= toDateTime(greatest({requests:UInt32}, {minutes:UInt32}), 'UTC')
				AND minute < toDateTime({until:UInt32}, 'UTC') AND ` + which + ` GROUP BY m, app, class)
		 GROUP BY m, app, class)
		WHERE sd OR rd ORDER BY m, app, class
		SETTINGS max_threads = 1`}
	lacking := map[uint32]bool{}
	err = w.ask(ctx, look, func(r driver.Rows) error {
		var l trafficLine
		var seconds, minutes, lacks uint8
		err := r.Scan(&l.minute, &l.app, &l.class, &l.truth.requests, &l.truth.bytes, &l.bySecond.requests, &l.bySecond.bytes,
			&l.byMin.requests, &l.byMin.bytes, &seconds, &minutes, &lacks)
		l.seconds, l.minutes = seconds > 0, minutes > 0
		lacking[l.minute] = lacking[l.minute] || lacks > 0
		found = append(found, l)
		return err
	})
	return slices.DeleteFunc(found, func(l trafficLine) bool { return lacking[l.minute] }), err
}

// settleTraffic looks at some minutes with traffic held, and sums again what still differs there.
func (w *Warehouse) settleTraffic(ctx context.Context, h horizon, minutes []uint32, c *Comparison) error {
	defer w.own(campaign.Traffic)()
	if busy, err := w.inserting(ctx); err != nil || busy {
		return err // an insert that was given up here still runs: the next comparison sees what it has left
	}
	which := "m IN " + minutesList(minutes)
	found, err := w.trafficLines(ctx, h, which)
	if err != nil || len(found) == 0 {
		return err
	}
	if err := w.sumTrafficAgain(ctx, found); err != nil {
		return err
	}
	left, err := w.trafficLines(ctx, h, which)
	if err != nil {
		return err
	}
	for _, l := range found {
		where := strings.TrimSpace(fmt.Sprintf("%s %s %dxx", minuteText(l.minute), l.app, l.class))
		settled := !slices.ContainsFunc(left, func(o trafficLine) bool { return o.minute == l.minute })
		if l.seconds {
			c.add(Difference{"request_seconds", where, l.bySecond.String(), l.truth.String(), settled})
		}
		if l.minutes {
			c.add(Difference{"request_minutes", where, l.byMin.String(), l.truth.String(), settled})
		}
	}
	return nil
}

// inserting says whether an insert into the tables of traffic runs in the engine, now that none of ours does.
func (w *Warehouse) inserting(ctx context.Context) (bool, error) {
	var running uint64
	look := statement{what: "look for running inserts", sql: `SELECT count() FROM system.processes
		WHERE query_kind = 'Insert' AND query LIKE '%INTO request%' AND query_id != queryID()`}
	err := w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&running) })
	return running > 0, err
}

// sumTrafficAgain replaces the sums of the minutes that differ by what the single requests say, as the views of
// migration 0003 count them.
func (w *Warehouse) sumTrafficAgain(ctx context.Context, found trafficLines) error {
	const class = "toUInt8(intDiv(status, 100)) AS class"
	const from = " FROM requests WHERE toStartOfMinute(toDateTime(occurred_at, 'UTC')) IN "
	seconds := slices.DeleteFunc(slices.Clone(found), func(l trafficLine) bool { return !l.seconds }).minutes()
	minutes := slices.DeleteFunc(slices.Clone(found), func(l trafficLine) bool { return !l.minutes }).minutes()
	for _, s := range []struct {
		minutes []uint32
		what    string
		sql     string // without the list of minutes and what follows it
		group   string
	}{
		{seconds, "take out sums by the second", "DELETE FROM request_seconds WHERE toStartOfMinute(second) IN ", ""},
		{seconds, "sum the seconds again", `INSERT INTO request_seconds (second, app, class, requests, bytes, duration_ms)
			SETTINGS insert_deduplicate = 0
			SELECT toDateTime(occurred_at, 'UTC') AS step, app, ` + class + `,
				sum(weight), sum(bytes * weight), sum(duration_ms * weight)` + from, " GROUP BY step, app, class"},
		{minutes, "take out sums by the minute", "DELETE FROM request_minutes WHERE minute IN ", ""},
		{minutes, "sum the minutes again", `INSERT INTO request_minutes
			(minute, app, class, requests, bytes, visitors, latency) SETTINGS insert_deduplicate = 0
			SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS step, app, ` + class + `,
				sum(weight), sum(bytes * weight), uniqCombinedState(12)(visitor_key),
				quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms)` + from, " GROUP BY step, app, class"},
		// Who was there can be said twice: the sketch stays the same.
		{seconds, "count the visitors again", visitorsAgain + from, " AND visitor_key != '' GROUP BY step, app"},
	} {
		if len(s.minutes) == 0 {
			continue
		}
		if err := w.exec(ctx, statement{what: s.what, sql: s.sql + minutesList(s.minutes) + s.group}); err != nil {
			return err
		}
	}
	return nil
}

const visitorsAgain = `INSERT INTO request_visitors (tick, app, visitors) SETTINGS insert_deduplicate = 0
	SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 10 SECOND) AS step, app,
		uniqCombinedState(12)(visitor_key)`

// RefillSketches counts again, into the sketches of a kind, who was there and who gave; of mail, when each blast was.
// Comparing does not look at sketches: it is for when a part of them has gone. What is said twice changes nothing.
func (w *Warehouse) RefillSketches(ctx context.Context, kind campaign.Kind) error {
	h := w.horizon(time.Now(), nil)
	again := map[campaign.Kind][]string{
		campaign.Donations: {`INSERT INTO donor_sketches (start, currency, donors)
			SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 30 MINUTE) AS half, currency,
				uniqCombined64State(16)(donor_key)
			FROM donations_by_time WHERE kind = 'gift' AND donor_key != '' GROUP BY half, currency`},
		campaign.Emails: {`INSERT INTO send_spans (send_id, first_at, last_at)
			SELECT send_id, min(if(type = 'send', start, toDateTime(4294967295, 'UTC'))), max(start)
			FROM send_cuts FINAL WHERE span = 60 GROUP BY send_id`},
		campaign.Traffic: {visitorsAgain + `
			FROM requests WHERE occurred_at >= toDateTime(greatest({requests:UInt32}, {seconds:UInt32}), 'UTC')
				AND visitor_key != '' GROUP BY step, app`,
			`INSERT INTO request_steps (start, saw, came, sent) SETTINGS insert_deduplicate = 0
			SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 5 MINUTE) AS step, ` + stepStates("s", "c", "f") + `
			FROM requests WHERE occurred_at >= toDateTime(greatest({requests:UInt32}, {minutes:UInt32}), 'UTC')
				AND visitor_key != '' GROUP BY step`},
	}
	for _, sql := range again[kind] {
		if err := w.exec(ctx, statement{what: "fill the sketches again", params: h.params(), sql: sql}); err != nil {
			return err
		}
	}
	return nil
}

// TrafficHeld is how much there is of what can't be compared with anything else.
type TrafficHeld struct {
	Requests map[string]uint64 // single requests by the day of their arrival, as 20261103; only grows until it is dropped
	Whole    string            // the first day of Requests that is not about to be dropped
	Sums     time.Time         // the first minute of the sums by the minute; zero: there are none
}

// TrafficHeld counts it, at the cost of looking at names.
func (w *Warehouse) TrafficHeld(ctx context.Context) (TrafficHeld, error) {
	held := TrafficHeld{Requests: map[string]uint64{}, Whole: w.horizon(time.Now(), nil).requests.Format("20060102")}
	days := statement{what: "count the requests by day", sql: `SELECT partition_id, sum(rows) FROM system.parts
		WHERE database = currentDatabase() AND table = 'requests' AND active GROUP BY partition_id`}
	err := w.ask(ctx, days, func(rows driver.Rows) error {
		var day string
		var n uint64
		err := rows.Scan(&day, &n)
		held.Requests[day] = n
		return err
	})
	if err != nil {
		return held, err
	}
	first := statement{what: "look for the first sums", sql: "SELECT min(minute) FROM request_minutes"}
	err = w.ask(ctx, first, func(rows driver.Rows) error { return rows.Scan(&held.Sums) })
	held.Sums = never(held.Sums)
	return held, err
}
