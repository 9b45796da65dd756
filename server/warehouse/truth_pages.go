package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// pageOf is a request's page, as the views of migration 0010 name it.
const pageOf = `multiIf(status = 404, '(not found)',
	match(path, '\\.(js|css|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|map)$'), '(assets)',
	arrayStringConcat(arrayMap(part -> if(match(part, '^([0-9]+|[0-9a-fA-F-]{12,})$'), ':id', part),
	                           splitByChar('/', substring(path, 1, 120))), '/'))`

// isGiving says whether a request is for a page where people give, as migration 0010 has it.
const isGiving = `(app IN ('donate', 'give', 'contribute', 'donations')
	OR match(path, '^/(donate|give|contribute|donations)(/|$)'))`

// pageSums are the sums of traffic by page, host and referrer: how each is made from the requests of {which}, {minute} by
// minute.
func pageSums() []struct{ table, columns, sql string } {
	return []struct{ table, columns, sql string }{
		{"request_pages", "minute, app, page, class, requests, duration_ms",
			`SELECT {minute} AS minute, app, ` + pageOf + ` AS page, toUInt8(intDiv(status, 100)) AS class,
				sum(weight) AS requests, sum(requests.duration_ms * weight) AS duration_ms
			 FROM requests WHERE {which} GROUP BY minute, app, page, class`},
		{"request_hosts", "minute, app, host, requests, errors, duration_ms, last_at",
			`SELECT {minute} AS minute, app, host, sum(weight) AS requests, sumIf(weight, status >= 500) AS errors,
				sum(requests.duration_ms * weight) AS duration_ms, max(occurred_at) AS last_at
			 FROM requests WHERE {which} GROUP BY minute, app, host`},
		{"request_referrers", "minute, app, referrer, requests",
			`SELECT {minute} AS minute, app, substring(domainWithoutWWW(requests.referrer), 1, 120) AS referrer,
				sum(weight) AS requests
			 FROM requests WHERE {which} AND requests.referrer != '' GROUP BY minute, app, referrer`},
	}
}

const minuteOfRequest = "toStartOfMinute(toDateTime(occurred_at, 'UTC'))"

// pageLine is a minute of one app in which the sums by page, host or referrer and the requests differ.
type pageLine struct {
	minute uint32
	app    string
	truth  [3]float64 // requests, of those with an error, with a referrer
	sums   [4]float64 // requests by page and by host, errors by host, requests by referrer
	differ [3]bool    // by page, host, referrer
}

// pageLines finds what differs in the minutes of which `which`, a condition on m, is true. As trafficLines, it leaves out
// minutes in which sums have more than the single requests although those may lack.
func (w *Warehouse) pageLines(ctx context.Context, h horizon, which string) (found []pageLine, err error) {
	differ := func(a, b string) string { return fmt.Sprintf("abs(%s - %s) > 1e-6 * (1 + abs(%s))", a, b, a) }
	sums := func(table, figures string) string {
		return `SELECT minute AS m, app, 0, 0, 0, ` + figures + " FROM " + table + `
			WHERE minute >= toDateTime(greatest({requests:UInt32}, {minutes:UInt32}), 'UTC')
				AND minute < toDateTime({until:UInt32}, 'UTC') AND ` + which + " GROUP BY m, app"
	}
	look := statement{what: "compare the sums by page", params: h.params(), sql: `
		SELECT toUnixTimestamp(m), app, t, e, f, p, h, he, r, pd, hd, rd,
			toDate(m) IN ` + quoted(h.keep) + ` AND (p > t AND pd OR h > t AND hd OR r > f AND rd) FROM
		(SELECT m, app, sum(t1) AS t, sum(e1) AS e, sum(f1) AS f, sum(p1) AS p, sum(h1) AS h, sum(he1) AS he, sum(r1) AS r,
			` + differ("t", "p") + " AS pd, " + differ("t", "h") + " OR " + differ("e", "he") + " AS hd, " + differ("f", "r") + ` AS rd
		 FROM (
			SELECT ` + minuteOfRequest + ` AS m, app, sum(weight) AS t1, sumIf(weight, status >= 500) AS e1,
				sumIf(weight, referrer != '') AS f1, 0. AS p1, 0. AS h1, 0. AS he1, 0. AS r1
			FROM requests WHERE occurred_at >= toDateTime(greatest({requests:UInt32}, {minutes:UInt32}), 'UTC')
				AND occurred_at < toDateTime({until:UInt32}, 'UTC') AND ` + which + ` GROUP BY m, app
			UNION ALL ` + sums("request_pages", "sum(requests), 0, 0, 0") + `
			UNION ALL ` + sums("request_hosts", "0, sum(requests), sum(errors), 0") + `
			UNION ALL ` + sums("request_referrers", "0, 0, 0, sum(requests)") + `)
		 GROUP BY m, app)
		WHERE pd OR hd OR rd ORDER BY m, app
		SETTINGS max_threads = 1`}
	lacking := map[uint32]bool{}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var l pageLine
		var pages, hosts, referrers, lacks uint8
		err := rows.Scan(&l.minute, &l.app, &l.truth[0], &l.truth[1], &l.truth[2], &l.sums[0], &l.sums[1], &l.sums[2], &l.sums[3],
			&pages, &hosts, &referrers, &lacks)
		l.differ = [3]bool{pages > 0, hosts > 0, referrers > 0}
		lacking[l.minute] = lacking[l.minute] || lacks > 0
		found = append(found, l)
		return err
	})
	return slices.DeleteFunc(found, func(l pageLine) bool { return lacking[l.minute] }), err
}

// comparePages compares the sums by page, host and referrer with the single requests, and repairs them.
func (w *Warehouse) comparePages(ctx context.Context, h horizon, which string, c *Comparison) error {
	found, err := w.pageLines(ctx, h, which)
	if err != nil {
		return err
	}
	var minutes []uint32
	for _, l := range found {
		if n := len(minutes); n == 0 || minutes[n-1] != l.minute {
			minutes = append(minutes, l.minute)
		}
	}
	for some := range slices.Chunk(minutes, minutesAtOnce) {
		if err := w.settlePages(ctx, h, some, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *Warehouse) settlePages(ctx context.Context, h horizon, minutes []uint32, c *Comparison) error {
	defer w.own(campaign.Traffic)()
	if busy, err := w.inserting(ctx); err != nil || busy {
		return err // as in settleTraffic
	}
	which := "m IN " + minutesList(minutes)
	found, err := w.pageLines(ctx, h, which)
	if err != nil || len(found) == 0 {
		return err
	}
	for i, sums := range pageSums() {
		var wrong []uint32
		for _, l := range found {
			if l.differ[i] && !slices.Contains(wrong, l.minute) {
				wrong = append(wrong, l.minute)
			}
		}
		if err := w.sumPagesAgain(ctx, sums.table, sums.columns, sums.sql, wrong); err != nil {
			return err
		}
	}
	left, err := w.pageLines(ctx, h, which)
	if err != nil {
		return err
	}
	for _, l := range found {
		settled := !slices.ContainsFunc(left, func(o pageLine) bool { return o.minute == l.minute })
		for i, d := range l.differences() {
			if d.Repaired = settled; l.differ[i] {
				c.add(d)
			}
		}
	}
	return nil
}

// differences are those of a line, by page, host and referrer.
func (l pageLine) differences() [3]Difference {
	where := minuteText(l.minute) + " " + l.app
	requests := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) + " requests" }
	errs := func(n float64) string { return ", " + strconv.FormatFloat(n, 'f', -1, 64) + " errors" }
	return [3]Difference{
		{Table: "request_pages", Where: where, Rollup: requests(l.sums[0]), Truth: requests(l.truth[0])},
		{Table: "request_hosts", Where: where, Rollup: requests(l.sums[1]) + errs(l.sums[2]),
			Truth: requests(l.truth[0]) + errs(l.truth[1])},
		{Table: "request_referrers", Where: where, Rollup: requests(l.sums[3]), Truth: requests(l.truth[2])},
	}
}

func (w *Warehouse) sumPagesAgain(ctx context.Context, table, columns, sql string, minutes []uint32) error {
	if len(minutes) == 0 {
		return nil
	}
	list := minutesList(minutes)
	sql = strings.NewReplacer("{minute}", minuteOfRequest, "{which}", minuteOfRequest+" IN "+list).Replace(sql)
	err := w.exec(ctx, statement{what: "take out " + table, sql: "DELETE FROM " + table + " WHERE minute IN " + list})
	if err != nil {
		return err
	}
	return w.exec(ctx, statement{what: "sum " + table + " again",
		sql: "INSERT INTO " + table + " (" + columns + ") SETTINGS insert_deduplicate = 0 " + sql})
}

// lackingPages are queries for the rows that the sums by page, host and referrer and the steps lack for one place: see
// rollups.
func lackingPages(span, placed string, keep time.Duration) (all []rollup) {
	keys := map[string]string{"request_pages": "minute, app, page, class", "request_hosts": "minute, app, host",
		"request_referrers": "minute, app, referrer"}
	for _, s := range pageSums() {
		key := keys[s.table]
		touched := "(SELECT " + minuteOfRequest + " FROM requests WHERE " + placed + ")"
		truth := strings.NewReplacer("{minute}", minuteOfRequest, "{which}", span+" AND "+minuteOfRequest+" IN "+touched).Replace(s.sql)
		figures, sums := []string{}, []string{}
		for _, name := range strings.Split(strings.TrimPrefix(s.columns, key+", "), ", ") {
			if name == "last_at" {
				figures, sums = append(figures, "t.last_at AS last_at"), append(sums, "max(last_at) AS last_at")
				continue
			}
			figures = append(figures, "t."+name+" - r."+name+" AS "+name)
			sums = append(sums, "sum("+s.table+"."+name+") AS "+name)
		}
		all = append(all, rollup{s.table, s.columns, "SELECT " + key + ", " + strings.Join(figures, ", ") + " FROM (" + truth +
			") AS t LEFT JOIN (SELECT " + key + ", " + strings.Join(sums, ", ") + " FROM " + s.table + " WHERE minute IN " + touched +
			" GROUP BY " + key + ") AS r USING (" + key + ") WHERE r.requests < t.requests - 1e-6 * (1 + t.requests)", keep})
	}
	const start = "toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 5 MINUTE)"
	return append(all, rollup{"request_steps", "start, saw, came, sent", `
		SELECT start, saw, came, sent
		FROM (SELECT start, uniqCombinedMergeState(12)(s) AS saw, uniqCombinedMergeState(12)(c) AS came,
		             uniqCombinedMergeState(12)(f) AS sent,
		             (uniqCombinedMerge(12)(s), uniqCombinedMerge(12)(c), uniqCombinedMerge(12)(f)) AS people,
		             (uniqCombinedMergeIf(12)(s, rolled), uniqCombinedMergeIf(12)(c, rolled),
		              uniqCombinedMergeIf(12)(f, rolled)) AS known
		      FROM (SELECT ` + start + ` AS start, ` + stepStates("s", "c", "f") + `, false AS rolled
		            FROM requests WHERE visitor_key != '' AND ` + placed + ` GROUP BY start
		            UNION ALL
		            SELECT start, saw, came, sent, true FROM request_steps
		            WHERE start IN (SELECT ` + start + ` FROM requests WHERE ` + placed + `))
		      GROUP BY start)
		WHERE people != known`, keep})
}

// stepStates are the sketches of who went how far, under these names.
func stepStates(saw, came, sent string) string {
	return "uniqCombinedState(12)(visitor_key) AS " + saw + ", uniqCombinedStateIf(12)(visitor_key, " + isGiving + ") AS " + came +
		", uniqCombinedStateIf(12)(visitor_key, " + isGiving + " AND method = 'POST' AND status BETWEEN 200 AND 399) AS " + sent
}
