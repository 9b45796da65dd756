package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// chain is what the sums of a kind beyond the minutes are compared by. Each link tells rows (of: the table, its span in
// seconds, the start, a line of words, six figures) and whether this is what has to be there (real) or what is. {events}
// and {sums} are conditions on the time of an event and of a sum.
type chain struct {
	links []string
	sums  []string // the statements that make the sums again
	daily string   // what is due once a day: see closeDay; {closed} in links is the day for which it was last done
	// stale deletes what the sums of the touched minutes, hours and days did not replace; {past} is on the version.
	stale []string
}

// Every link but the first reads the sums once: what is, and what the next longer span has to be.
const (
	cutFigures = "movements AS m, gifts AS g, first_gifts AS f, refunds AS r, given_minor AS given, net_minor AS net"
	cutLine    = "concat(cut, ' ', value, ' ', detail, ' ', currency) AS line"
	nextSpans  = `arrayJoin(multiIf(span = 60, [(60, start, false), (3600, toStartOfHour(start), true)],
		span = 3600, [(3600, start, false), (86400, toDateTime(toStartOfDay(start), 'UTC'), true)], [(86400, start, false)])) AS step`
	staleTimes = "(span = 60 AND start IN {minutes} OR span = 3600 AND start IN {hours} OR span = 86400 AND start IN {days})"
)

func moneyChain() chain {
	return chain{
		links: []string{
			`SELECT 'donation_cuts' AS of, 60 AS span, toDateTime(toStartOfMinute(occurred_at), 'UTC') AS start,
				concat(c, ' ', v, ' ', d, ' ', currency) AS line, 1 AS m, kind = 'gift' AS g,
				kind = 'gift' AND first_gift AS f, kind IN ('refund', 'chargeback') AS r,
				if(kind = 'gift', toInt128(amount_minor), 0) AS given, toInt128(amount_minor) AS net, true AS real
			 FROM donations_by_time FINAL ` + cutsOf + ` WHERE {events} AND ` + inCut,
			"SELECT 'donation_cuts', step.1, step.2, " + cutLine + ", " + cutFigures + `, step.3 AS real FROM
				(SELECT *, ` + nextSpans + ` FROM donation_cuts FINAL WHERE cut != 'best' AND {sums})`,
			`SELECT 'donation_cuts', 86400, toDateTime(day, 'UTC'), concat('best ', at, ' ', cur), m, g, f, r, given, net, true FROM
				(SELECT toStartOfDay(start) AS day, toString(toUnixTimestamp(start)) AS at, currency AS cur, ` + cutFigures + `,
					row_number() OVER (PARTITION BY toStartOfDay(start), currency ORDER BY net_minor DESC, start) AS place
				 FROM donation_cuts FINAL WHERE span = 3600 AND cut = 'all' AND toStartOfDay(start) != {closed} AND {sums})
			 WHERE place = 1 OR (cur, at) IN
				(SELECT currency, value FROM donation_cuts FINAL WHERE span = 86400 AND cut = 'best' AND {sums})`,
			`SELECT 'donation_cuts', 86400, start, concat('best ', value, ' ', currency), ` + cutFigures + `, false
			 FROM donation_cuts FINAL WHERE span = 86400 AND cut = 'best' AND start != {closed} AND {sums}`,
			`SELECT 'send_gifts', span, start, concat(value, ' ', currency), 1, gifts, 0, refunds, given_minor, net_minor, true
			 FROM donation_cuts FINAL WHERE cut = 'send' AND {sums}`,
			`SELECT 'send_gifts', span, start, concat(send_id, ' ', currency), 1, gifts, 0, refunds, given_minor, net_minor, false
			 FROM send_gifts FINAL WHERE {sums}`,
		},
		sums:  append(donationSums(allValues), donorSums),
		daily: closeDays(),
		stale: []string{
			"DELETE FROM donation_cuts WHERE " + staleTimes + " AND version {past}",
			"DELETE FROM send_gifts WHERE " + staleTimes + " AND version {past}",
			"DELETE FROM donation_minutes WHERE minute IN {minutes} AND version {past}",
		},
	}
}

func mailChain() chain {
	const none = "0, 0, 0, toInt128(0), toInt128(0)"
	return chain{
		links: []string{
			`SELECT 'send_cuts' AS of, 60 AS span, minute AS start, concat(send_id, ' ', variant, ' ', type, ' ', bounce) AS line,
				events AS m, 0 AS g, 0 AS f, 0 AS r, toInt128(0) AS given, toInt128(0) AS net, true AS real
			 FROM email_minutes FINAL WHERE {minute} AND send_id != ''`,
			`SELECT 'send_cuts', step.1, step.2, concat(send_id, ' ', variant, ' ', type, ' ', bounce), events, ` + none + `, step.3
			 FROM (SELECT *, ` + nextSpans + ` FROM send_cuts FINAL WHERE {sums})`,
			`SELECT 'mail_hours', 3600, toStartOfHour(minute), concat(domain, ' ', type, ' ', bounce), events, ` + none + `, true
			 FROM email_minutes FINAL WHERE {hour}`,
			`SELECT 'mail_hours', 3600, hour, concat(domain, ' ', type, ' ', bounce), events, ` + none + `, false
			 FROM mail_hours FINAL WHERE {mailhour}`,
		},
		sums: emailSums(allSends),
		stale: []string{
			"DELETE FROM send_cuts WHERE " + staleTimes + " AND version {past}",
			"DELETE FROM mail_hours WHERE hour IN {hours} AND version {past}",
			"DELETE FROM email_minutes WHERE minute IN {minutes} AND version {past}",
		},
	}
}

// rows are those of all links; each condition is on the column that it names.
func (c chain) rows(closed int64, events, sums, minute, hour string) string {
	return strings.NewReplacer("{closed}", dayText(closed), "{events}", events, "{sums}", sums, "{minute}", minute, "{hour}", hour,
		"{mailhour}", strings.ReplaceAll(hour, "minute", "hour")).Replace(strings.Join(c.links, "\nUNION ALL\n"))
}

// suspects are the starts of minutes, hours and days, in Unix seconds and in order, whose sums are not what they have to
// be. Old days are looked at in slices; yesterday and today always.
func (c chain) suspects(ctx context.Context, w *Warehouse, kind campaign.Kind, slice, of uint64) (starts []uint32, err error) {
	day := func(column string) string {
		return fmt.Sprintf("(intDiv(toUnixTimestamp(%s), 86400) %% %d = %d OR toUnixTimestamp(%s) >= %d)", column, of, slice,
			column, today()-86400)
	}
	look := statement{what: "compare the sums", sql: `
		SELECT arraySort(groupUniqArray(toUnixTimestamp(at))) FROM
		(SELECT span, start AS at,
			sum(if(real, 1, -1) * toInt128(cityHash64(of, line)) *
				(toInt128(m) + 1000003 * g + 1000033 * f + 1000037 * r + 1000039 * given + 1000081 * net)) AS more
		 FROM (` + c.rows(w.closed[kind].Load(), day("occurred_at"), day("start"), day("minute"), day("minute")) + `)
		 GROUP BY span, start HAVING more != 0)
		SETTINGS max_threads = 1`}
	err = w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&starts) })
	return starts, err
}

// lines name what differs in the minutes that begin at starts, and in their hours and days.
func (c chain) lines(ctx context.Context, w *Warehouse, kind campaign.Kind, starts []uint32) (found []Difference, err error) {
	touches := touchesOf(starts)
	inDays := func(column string) string { return "toStartOfDay(" + column + ") IN {days}" }
	sql := c.rows(w.closed[kind].Load(), "toStartOfMinute(occurred_at) IN {minutes}", inDays("start"), inDays("minute"), inDays("minute"))
	look := statement{what: "compare the sums", sql: overTimes(`
		SELECT of, span, toUnixTimestamp(start), line, toString((sumIf(m, real), sumIf(g, real), sumIf(f, real), sumIf(r, real),
				sumIf(given, real), sumIf(net, real))) AS want,
			toString((sumIf(m, NOT real), sumIf(g, NOT real), sumIf(f, NOT real), sumIf(r, NOT real), sumIf(given, NOT real),
				sumIf(net, NOT real))) AS got
		FROM (`+sql+`)
		WHERE span = 60 AND start IN {minutes} OR span = 3600 AND start IN {hours} OR span = 86400 AND start IN {days}
		GROUP BY of, span, start, line HAVING want != got ORDER BY of, span, start, line`, touches)}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var d Difference
		var span, start uint32
		var line string
		err := rows.Scan(&d.Table, &span, &start, &line, &d.Truth, &d.Rollup)
		d.Where = fmt.Sprintf("%s %ds %s", minuteText(start), span, line)
		found = append(found, d)
		return err
	})
	return found, err
}

// sumAgain makes the sums of some minutes, their hours and days again, and takes out what nothing stands for. A row with
// a later version than ours would win over ours, and we would delete both: it goes first.
func (c chain) sumAgain(ctx context.Context, w *Warehouse, b books, starts []uint32) error {
	touches := touchesOf(starts)
	version := w.version()
	remove := func(past string) error {
		for _, sql := range c.stale {
			sql = overTimes(strings.ReplaceAll(sql, "{past}", past), touches)
			if err := w.exec(ctx, statement{what: "take out sums", sql: sql}); err != nil {
				return err
			}
		}
		return nil
	}
	if err := remove(fmt.Sprint(">= ", version)); err != nil {
		return err
	}
	if err := sumAgain(ctx, w, b.kind, version, touches, c.sums); err != nil {
		return err
	}
	return remove(fmt.Sprint("!= ", version))
}

func touchesOf(starts []uint32) []touch {
	touches := make([]touch, len(starts))
	for i, start := range starts {
		touches[i] = touch{at: int64(start) * 1000, cut: "all"}
	}
	return touches
}

// cutsAtOnce bounds the minutes of one round of a repair: they are written into its statements.
const cutsAtOnce = fewTimes

// compareCuts compares and repairs what is summed beyond the minutes.
func (b books) compareCuts(ctx context.Context, w *Warehouse, c *Comparison) error {
	if err := b.closeDay(ctx, w); err != nil {
		return err
	}
	slice, of, err := w.nextCuts(ctx, b)
	if err != nil {
		return err
	}
	starts, err := b.chain.suspects(ctx, w, b.kind, slice, of)
	if err != nil {
		return err
	}
	for len(starts) > 0 {
		some := starts[:min(len(starts), cutsAtOnce)]
		starts = starts[len(some):]
		if err := b.settleCuts(ctx, w, some, c); err != nil {
			return err
		}
	}
	return nil
}

// closeDay makes what would only be late: see Warehouse.closeDay.
func (b books) closeDay(ctx context.Context, w *Warehouse) error {
	defer w.own(b.kind)()
	return w.closeDay(ctx, b.kind, b.chain.daily)
}

// settleCuts looks at some minutes with the kind held, and repairs what still differs there.
func (b books) settleCuts(ctx context.Context, w *Warehouse, starts []uint32, c *Comparison) error {
	defer w.own(b.kind)()
	found, err := b.chain.lines(ctx, w, b.kind, starts)
	if err != nil || len(found) == 0 {
		return err
	}
	if err := b.chain.sumAgain(ctx, w, b, starts); err != nil {
		return err
	}
	left, err := b.chain.lines(ctx, w, b.kind, starts)
	if err != nil {
		return err
	}
	still := map[string]bool{}
	for _, d := range left {
		still[d.Where] = true
	}
	for i := range found {
		found[i].Repaired = !still[found[i].Where]
	}
	c.add(found...)
	return nil
}

// nextCuts says which of how many slices of the days comes next, by how many sums there are.
func (w *Warehouse) nextCuts(ctx context.Context, b books) (slice, of uint64, err error) {
	var rows uint64
	count := statement{what: "count the sums", sql: "SELECT count() FROM " + b.cuts}
	if err := w.ask(ctx, count, func(r driver.Rows) error { return r.Scan(&rows) }); err != nil {
		return 0, 0, err
	}
	of = min(1+rows/sliceRows, mostSlices)
	return w.cuts[b.kind].Add(1) % of, of, nil
}
