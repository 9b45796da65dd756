package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"warroom/server/campaign"
)

// Sums are made again, never added to: for the minutes that a batch brought something for from the events; the hours
// and days of these from what the other minutes and hours were summed as; and only the values of each cut that it
// brought something for. So a batch reads no more events than its minutes have, however long the campaign has been
// running, and writes little.
//
// The statements run with a sheet `batch` of touches.

// touch is a minute, by a moment of it in Unix ms, and a value of a cut, in which something has to be summed again. The
// minutes and the values of a sheet are taken apart: each value in each minute.
type touch struct {
	at         int64
	cut, value string
}

func touchSheet(touches []touch) block {
	return blockOf("batch", []field[touch]{
		signed("at", func(t *touch) int64 { return t.at }),
		word("cut", func(t *touch) string { return t.cut }),
		text("value", func(t *touch) string { return t.value }),
	}, touches)
}

// touched are the minutes of some rows, and the cuts and values that they are in.
func touched[T any](rows []row[T], of func(*T) (at int64, in [][2]string)) (touches []touch) {
	const minute = int64(time.Minute / time.Millisecond)
	minutes, values := map[int64]bool{}, map[[2]string]bool{}
	for _, r := range rows {
		at, in := of(r.event)
		at -= at % minute
		if !minutes[at] {
			minutes[at] = true
			touches = append(touches, touch{at: at, cut: "all"})
		}
		for _, v := range in {
			if !values[v] {
				values[v] = true
				touches = append(touches, touch{at, v[0], v[1]})
			}
		}
	}
	return touches
}

// cutsOf are the cuts that a movement of donations_by_time is in: the cut, the value, and a detail. donationCuts says the
// same in Go.
const cutsOf = `ARRAY JOIN ['all', 'recurring', 'source', 'path', 'form', 'channel', 'refcode', 'state', 'send', 'amount'] AS c,
	['', toString(recurring), toString(source), toString(path), toString(form), toString(channel), toString(refcode),
	 if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''), toString(send_id), toString(amount_minor)] AS v,
	['', '', '', '', '', '', toString(channel), '', '', ''] AS d`

// inCut leaves out what a movement has no part in.
const inCut = `NOT (c = 'send' AND v = '') AND NOT (c = 'amount' AND kind != 'gift')`

// wholeCuts are the cuts that every movement is in.
const wholeCuts = `('all', 'recurring', 'source', 'path', 'form', 'channel', 'refcode', 'state')`

const (
	touchedValues = `(SELECT cut, value FROM batch)`
	// allValues are those of the touched minutes and days, also what is summed for no movement.
	allValues = `(SELECT c, v FROM donations_by_time {cuts} WHERE toStartOfMinute(occurred_at) IN {minutes}
		UNION ALL SELECT toString(cut), toString(value) FROM donation_cuts
		WHERE span IN (60, 3600) AND toStartOfDay(start) IN {days})`
	touchedSends = `(SELECT value FROM batch WHERE cut = 'send')`
	// allSends are those of the touched days: what is repaired may name a blast that no event does.
	allSends = `(SELECT send_id FROM email_minutes WHERE minute IN {minutes}
		UNION ALL SELECT send_id FROM send_cuts WHERE toStartOfDay(start) IN {days})`
)

// donationSums sum money again, as {version}; values is a query for the cuts and values.
func donationSums(values string) []string {
	return []string{`
		INSERT INTO donation_minutes (minute, currency, kind, recurring, movements, amount_minor, version)
		SELECT toStartOfMinute(occurred_at) AS minute, currency, kind, recurring,
		       count(), sum(toInt128(amount_minor)), {version}
		FROM donations_by_time FINAL
		WHERE toStartOfMinute(occurred_at) IN {minutes}
		GROUP BY minute, currency, kind, recurring`,
		strings.ReplaceAll(cutSums, "{values}", values), bestSums()}
}

const cutSums = `
	INSERT INTO donation_cuts (span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds,
	                           given_minor, net_minor, version)
	SELECT span, c, toDateTime(intDiv(toUnixTimestamp(s), span) * span, 'UTC') AS since, cur, v, d,
	       sum(movements), sum(gifts), sum(first_gifts), sum(refunds), sum(given_minor), sum(net_minor), {version}
	FROM
	(
		SELECT [60, 3600, 86400] AS spans, c, toStartOfMinute(occurred_at) AS s, toString(currency) AS cur,
		       v, d, count() AS movements, countIf(kind = 'gift') AS gifts,
		       countIf(kind = 'gift' AND first_gift) AS first_gifts,
		       countIf(kind IN ('refund', 'chargeback')) AS refunds,
		       sumIf(toInt128(amount_minor), kind = 'gift') AS given_minor,
		       sum(toInt128(amount_minor)) AS net_minor
		FROM donations_by_time FINAL
		{cuts}
		WHERE toStartOfMinute(occurred_at) IN {minutes} AND (c, v) IN {values} AND {inCut}
		GROUP BY c, s, cur, v, d
		UNION ALL
		SELECT if(span = 60, [3600, 86400], [86400]), cut, start, currency, value, detail, movements, gifts, first_gifts,
		       refunds, given_minor, net_minor
		FROM donation_cuts FINAL
		PREWHERE (span = 60 AND toStartOfHour(start) IN {hours} AND start NOT IN {minutes}
		          OR span = 3600 AND toStartOfDay(start) IN {days} AND start NOT IN {hours})
		         AND (cut, value) IN {values}
	)
	ARRAY JOIN spans AS span
	GROUP BY span, c, since, cur, v, d`

// bestHours name the best hours of other days than today, {which}, and say anew what those that were named before, {named},
// are now. Of today its hours tell: making it again with every batch would cost as much as a rollup.
const bestHours = `
	INSERT INTO donation_cuts (span, cut, start, currency, value, movements, gifts, first_gifts, refunds, given_minor,
	                           net_minor, version)
	SELECT 86400, 'best', day, cur, at, m, g, f, r, given, net, {version}
	FROM
	(
		SELECT toStartOfDay(start) AS day, currency AS cur, toString(toUnixTimestamp(start)) AS at, movements AS m,
		       gifts AS g, first_gifts AS f, refunds AS r, given_minor AS given, net_minor AS net,
		       row_number() OVER (PARTITION BY toStartOfDay(start), currency ORDER BY net_minor DESC, start) AS place
		FROM donation_cuts FINAL
		WHERE span = 3600 AND cut = 'all' AND toStartOfDay(start) != {today} AND {which}
	)
	WHERE place = 1 OR (cur, at) IN (SELECT currency, value FROM donation_cuts WHERE span = 86400 AND cut = 'best'{named})`

// bestSums are those of the touched days, and closeDays those of yesterday, the day before, what a wrong clock put
// after today, and all that have none yet.
func bestSums() string {
	return strings.NewReplacer("{which}", "toStartOfDay(start) IN {days}", "{named}", " AND start IN {days}").Replace(bestHours)
}

func closeDays() string {
	return strings.NewReplacer("{named}", "", "{which}", `(start >= {today} - INTERVAL 2 DAY OR toStartOfDay(start) NOT IN
			(SELECT start FROM donation_cuts WHERE span = 86400 AND cut = 'best'))`).Replace(bestHours)
}

// donorSums add who gave in the touched minutes to the sketches. The view does it as the events come in; where an earlier
// try was cut off between the two, it has to be done again.
const donorSums = `
	INSERT INTO donor_sketches (start, currency, donors)
	SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 30 MINUTE) AS half, currency,
	       uniqCombined64State(16)(donor_key)
	FROM donations_by_time
	WHERE kind = 'gift' AND donor_key != '' AND toStartOfMinute(occurred_at) IN {minutes}
	GROUP BY half, currency`

// emailSums sum mail again, as {version}: what is beyond email_minutes from it. sends is a query for the blasts whose
// hours and days are made.
func emailSums(sends string) []string {
	return []string{`
		INSERT INTO email_minutes (minute, send_id, variant, type, bounce, domain, events, version)
		SELECT toStartOfMinute(occurred_at) AS minute, send_id, variant, type, bounce, domain, count(), {version}
		FROM email_events FINAL
		WHERE toStartOfMinute(occurred_at) IN {minutes}
		GROUP BY minute, send_id, variant, type, bounce, domain`,
		strings.ReplaceAll(sendSums, "{sends}", sends), `
		INSERT INTO mail_hours (hour, domain, type, bounce, events, version)
		SELECT toStartOfHour(minute) AS since, domain, type, bounce, sum(events), {version}
		FROM email_minutes FINAL
		WHERE toStartOfHour(minute) IN {hours}
		GROUP BY since, domain, type, bounce`}
}

// sendSums sum all blasts of a minute by the minute, and those in {sends}, for which the rest of the day is read, by the
// hour and the day.
const sendSums = `
	INSERT INTO send_cuts (span, send_id, start, variant, type, bounce, events, version)
	SELECT span, i, toDateTime(intDiv(toUnixTimestamp(s), span) * span, 'UTC') AS since, v, t, b, sum(n), {version}
	FROM
	(
		SELECT if(send_id IN {sends}, [60, 3600, 86400], [60]) AS spans, toString(send_id) AS i, minute AS s, toString(variant) AS v,
		       toString(type) AS t, toString(bounce) AS b, sum(events) AS n
		FROM email_minutes FINAL
		WHERE minute IN {minutes} AND send_id != ''
		GROUP BY spans, i, s, v, t, b
		UNION ALL
		SELECT if(span = 60, [3600, 86400], [86400]), send_id, start, variant, type, bounce, events
		FROM send_cuts FINAL
		PREWHERE (span = 60 AND toStartOfHour(start) IN {hours} AND start NOT IN {minutes}
		          OR span = 3600 AND toStartOfDay(start) IN {days} AND start NOT IN {hours})
		         AND send_id IN {sends}
	)
	ARRAY JOIN spans AS span
	GROUP BY span, i, since, v, t, b`

// sumAgain runs statements of sums for what is touched. The kind must be owned.
func sumAgain(ctx context.Context, w *Warehouse, kind campaign.Kind, version uint64, touches []touch, sums []string) error {
	if len(touches) == 0 {
		return nil
	}
	sheet := touchSheet(touches)
	for _, sql := range sums {
		if strings.Contains(sql, "{today}") && !otherDays(touches) {
			continue
		}
		sql = withVersion(overTimes(sql, touches), version) + threads(touches)
		if err := w.askAlong(ctx, kind, "sum again", sql, sheet, nil, nil); err != nil {
			return err
		}
	}
	return nil
}

// today is when the UTC day began, in Unix seconds.
func today() int64 {
	return time.Now().Truncate(24 * time.Hour).Unix()
}

// otherDays says whether another day than today is touched.
func otherDays(touches []touch) bool {
	const length = int64(24 * time.Hour / time.Millisecond)
	day := today() * 1000
	return slices.ContainsFunc(touches, func(t touch) bool { return t.at < day || t.at >= day+length })
}

// closeDay runs what is due once a UTC day, and after a start, with the first batch. The kind must be owned.
func (w *Warehouse) closeDay(ctx context.Context, kind campaign.Kind, sql string) error {
	day := today()
	if sql == "" || w.closed[kind].Load() == day {
		return nil
	}
	err := w.askAlong(ctx, kind, "close the day", withVersion(overTimes(sql, nil), w.version()), block{}, nil, nil)
	if err == nil {
		w.closed[kind].Store(day)
	}
	return err
}

// fewTimes is up to how many minutes are written into a statement: the engine is quicker with them than with a question.
const fewTimes = 200

// overTimes writes a statement out for the minutes of touches, in Unix ms.
func overTimes(sql string, touches []touch) string {
	minutes := times(touches, time.Minute, "toStartOfMinute")
	hours, days := times(touches, time.Hour, "toStartOfHour"), times(touches, 24*time.Hour, "toStartOfDay")
	sql = strings.NewReplacer("{cuts}", cutsOf, "{inCut}", inCut, "{wholeCuts}", wholeCuts).Replace(sql)
	return strings.NewReplacer("{minutes}", minutes, "{hours}", hours, "{days}", days, "{today}", dayText(today())).Replace(sql)
}

// fewTouches is up to how many touches a second thread costs more than it brings.
const fewTouches = 200

// threads are the settings of a statement for touches.
func threads(touches []touch) string {
	if len(touches) > fewTouches {
		return ""
	}
	return " SETTINGS max_threads = 1"
}

// counts are how many different minutes, hours and days are touched.
func counts(touches []touch) int {
	seen := map[[2]int64]bool{}
	for _, t := range touches {
		for _, ms := range []int64{60_000, 3_600_000, 86_400_000} {
			seen[[2]int64{ms, t.at / ms}] = true
		}
	}
	return len(seen)
}

// dayText writes the start of a day, in Unix seconds, for a statement.
func dayText(unix int64) string { return fmt.Sprintf("toDateTime(%d, 'UTC')", unix) }

func times(touches []touch, step time.Duration, start string) string {
	var list []uint32
	seconds := int64(step / time.Second)
	for _, t := range touches {
		unix := t.at / 1000
		if at := uint32(unix - unix%seconds); !slices.Contains(list, at) { //nolint:gosec // see moment
			list = append(list, at)
		}
		if len(list) > fewTimes {
			return "(SELECT " + start + "(fromUnixTimestamp64Milli(at, 'UTC')) FROM batch)"
		}
	}
	return minutesList(list)
}

// donationCuts are the values of a movement by its cuts, as cutsOf tells the engine.
func donationCuts(d *campaign.Donation) (at int64, in [][2]string) {
	in = [][2]string{
		{"all", ""}, {"recurring", d.Recurring}, {"source", d.Source}, {"path", d.Path}, {"form", d.Form},
		{"channel", d.Channel}, {"refcode", d.Refcode}, {"state", ""},
	}
	if country := upper(d.Country); country == "" || country == "US" || country == "USA" {
		in[len(in)-1][1] = upper(d.State)
	}
	if d.SendID != "" {
		in = append(in, [2]string{"send", d.SendID})
	}
	if d.Kind == "gift" {
		in = append(in, [2]string{"amount", strconv.FormatInt(d.AmountMinor, 10)})
	}
	return millis(d.OccurredAt), in
}

// emailCuts are those of an event of mail.
func emailCuts(e *campaign.EmailEvent) (at int64, in [][2]string) {
	return millis(e.OccurredAt), [][2]string{{"send", e.SendID}}
}

// upper is the engine's: of Latin letters without accents alone.
func upper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}
