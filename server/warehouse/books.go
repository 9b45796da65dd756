package warehouse

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// books are the three tables that say the same of a kind whose events have an identity: by identity, in the order of
// time, and summed by the minute. What the first one says of an identity holds; what the first one lacks and the
// second one has is put back, because nothing is ever taken out of either.
type books struct {
	kind                        campaign.Kind
	identities, events, minutes string // the tables
	claim                       string // columns that identities and events share and have to agree on
	line                        string // the columns that a rollup's row stands for, beside the minute
	count                       string // the column of minutes that counts
	cents                       string // minor units, in events and minutes; 0 where there are none
	columns                     string // of events
	putBack                     string // columns and values of an identity's row, from an event
	// refill brings into events what identities have, for the minutes {when}. Events that are there are replaced.
	refill string
	cuts   string // the largest table of chain
	chain  chain  // what is summed beyond minutes
}

func moneyBooks() books {
	const shared = `source, id, path, feed, kind, of, occurred_at, received_at, amount_minor, currency, recurring,
		donor_key, refcode, send_id, channel, form, state, country, first_gift`
	return books{
		kind: campaign.Donations, identities: "donations", events: "donations_by_time", minutes: "donation_minutes",
		claim: `source, id, kind, currency, amount_minor, occurred_at, recurring, of, refcode, send_id, channel, form,
			state, country, first_gift`,
		line: "currency, kind, recurring", count: "movements", cents: "amount_minor",
		columns: shared, putBack: shared,
		refill: `SELECT ` + shared + ` FROM donations FINAL
			WHERE {few} AND {when}`,
		cuts: "donation_cuts", chain: moneyChain(),
	}
}

func mailBooks() books {
	return books{
		kind: campaign.Emails, identities: "email_identities", events: "email_events", minutes: "email_minutes",
		claim: "source, id, type, bounce, occurred_at",
		line:  "send_id, variant, type, bounce, domain", count: "events", cents: "0",
		columns: `occurred_at, type, bounce, source, id, feed, received_at, send_id, variant, recipient_key, domain,
			message_id, link, reason, props`,
		putBack: "source, id, type, bounce, occurred_at",
		// An identity tells when and what, not of which blast: without any event of it there is nothing to refill.
		refill: `SELECT i.occurred_at, i.type, i.bounce, e.source, e.id, e.feed, e.received_at, e.send_id, e.variant,
				e.recipient_key, e.domain, e.message_id, e.link, e.reason, e.props
			FROM (SELECT * FROM email_events FINAL WHERE {when}) AS e
			INNER JOIN (SELECT source, id, type, bounce, occurred_at FROM email_identities FINAL
				WHERE (source, id) IN (SELECT source, id FROM email_events WHERE {when})) AS i
			ON e.source = i.source AND e.id = i.id
			WHERE (e.type, e.bounce, e.occurred_at) != (i.type, i.bounce, i.occurred_at)`,
		cuts: "send_cuts", chain: mailChain(),
	}
}

// fill writes a statement of these books. {minute} is an event's minute, {sum} what a rollup's row and the events that
// it sums agree in: it wraps around, and so do the engine's sums.
func (b books) fill(sql string, pairs ...string) string {
	return strings.NewReplacer(append([]string{
		"{identities}", b.identities, "{events}", b.events, "{minutes}", b.minutes, "{claim}", b.claim, "{line}", b.line,
		"{count}", b.count, "{cents}", b.cents, "{minute}", "toStartOfMinute(occurred_at)",
	}, pairs...)...).Replace(sql)
}

// compare finds the minutes that differ, and settles them.
func (b books) compare(ctx context.Context, w *Warehouse, c *Comparison) error {
	siblings, sums, err := b.suspects(ctx, w, c)
	if err != nil {
		return err
	}
	for _, some := range rounds(siblings) {
		if err := b.settle(ctx, w, some, c, true); err != nil {
			return err
		}
	}
	for _, some := range rounds(sums) {
		if err := b.settle(ctx, w, some, c, false); err != nil {
			return err
		}
	}
	return b.compareCuts(ctx, w, c)
}

// suspects are the minutes, in Unix seconds and in order, in which identities and events differ, and the others in
// which only the sums do. Each table is read once, in one statement, so that they are seen at almost the same moment;
// a batch that is being stored shows up.
func (b books) suspects(ctx context.Context, w *Warehouse, c *Comparison) (siblings, sums []uint32, err error) {
	look := statement{what: "compare the minutes", sql: b.fill(`
		SELECT sum(i), arraySort(groupArrayIf(toUnixTimestamp(m), i != e OR ih != eh)),
			arraySort(groupArrayIf(toUnixTimestamp(m), i = e AND ih = eh AND (e != s OR el != sl))) FROM
		(SELECT m, sum(i1) AS i, sum(ih1) AS ih, sum(e1) AS e, sum(eh1) AS eh, sum(el1) AS el, sum(s1) AS s, sum(sl1) AS sl
		 FROM (
			SELECT {minute} AS m, count() AS i1, sum(cityHash64({claim})) AS ih1,
				0 AS e1, toUInt64(0) AS eh1, toUInt64(0) AS el1, 0 AS s1, toUInt64(0) AS sl1
			FROM {identities} FINAL GROUP BY m
			UNION ALL
			SELECT {minute} AS m, 0, 0, count(), sum(cityHash64({claim})),
				sum(cityHash64({line}) * (1 + 1000003 * toUInt64({cents}))), 0, 0
			FROM {events} FINAL GROUP BY m
			UNION ALL
			SELECT minute AS m, 0, 0, 0, 0, 0, sum({count}),
				sum(cityHash64({line}) * ({count} + 1000003 * toUInt64({cents})))
			FROM {minutes} FINAL GROUP BY m)
		 GROUP BY m)
		SETTINGS max_threads = 1`)}
	err = w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&c.Rows, &siblings, &sums) })
	return siblings, sums, err
}

// settle looks at some minutes with the kind held, and repairs what still differs there.
func (b books) settle(ctx context.Context, w *Warehouse, minutes []uint32, c *Comparison, withSiblings bool) error {
	defer w.own(b.kind)()
	var siblings []sibling
	var err error
	if withSiblings {
		if siblings, err = b.siblings(ctx, w, minutes); err != nil {
			return err
		}
		if err := b.settleSiblings(ctx, w, siblings, c); err != nil {
			return err
		}
	}
	lines, err := b.lines(ctx, w, minutes)
	if err != nil || len(lines) == 0 && len(siblings) == 0 {
		return err
	}
	if err := b.sumAgain(ctx, w, minutes); err != nil {
		return err
	}
	left, err := b.lines(ctx, w, minutes)
	if err != nil {
		return err
	}
	still := map[string]bool{}
	for _, l := range left {
		still[l.Where] = true
	}
	for i := range lines {
		lines[i].Repaired = !still[lines[i].Where]
	}
	c.add(lines...)
	return nil
}

// sibling is a minute in which identities and events differ.
type sibling struct {
	minute             uint32
	identities, events uint64 // rows
}

// settleSiblings makes identities and events say the same, and names where they did not.
func (b books) settleSiblings(ctx context.Context, w *Warehouse, differ []sibling, c *Comparison) error {
	if len(differ) == 0 {
		return nil
	}
	minutes := make([]uint32, len(differ))
	for i, s := range differ {
		minutes[i] = s.minute
	}
	orphans, err := b.orphans(ctx, w, minutes)
	if err != nil {
		return err
	}
	if err := b.refillEvents(ctx, w, minutes); err != nil {
		return err
	}
	left, err := b.siblings(ctx, w, minutes)
	if err != nil {
		return err
	}
	still := map[uint32]bool{}
	for _, l := range left {
		still[l.minute] = true
	}
	for _, s := range differ {
		d := Difference{Table: b.events, Where: minuteText(s.minute), Rollup: rowsText(s.events), Truth: rowsText(s.identities),
			Repaired: !still[s.minute]}
		if n := orphans[s.minute]; n > 0 {
			d.Table, d.Rollup, d.Truth = b.identities, rowsText(s.identities), rowsText(s.identities+n)
		} else if s.identities == s.events {
			d.Rollup = "rows that say something else"
		}
		c.add(d)
	}
	return nil
}

func rowsText(n uint64) string { return fmt.Sprint(n, " rows") }

// orphans counts, by minute, the events whose identity is not known.
func (b books) orphans(ctx context.Context, w *Warehouse, minutes []uint32) (map[uint32]uint64, error) {
	found := map[uint32]uint64{}
	look := statement{what: "look for events without identity", sql: b.fill(`
		SELECT toUnixTimestamp({minute}) AS m, count() FROM {events} FINAL WHERE {orphaned} GROUP BY m`,
		"{orphaned}", b.orphaned(minutes))}
	err := w.ask(ctx, look, func(rows driver.Rows) error {
		var minute uint32
		var n uint64
		err := rows.Scan(&minute, &n)
		found[minute] = n
		return err
	})
	return found, err
}

// orphaned is true for an event in some minutes whose identity is not known.
func (b books) orphaned(minutes []uint32) string {
	return b.fill(`{when} AND (source, id) NOT IN
		(SELECT source, id FROM {identities} WHERE (source, id) IN
			(SELECT source, id FROM {events} WHERE {when}))`, "{when}", when(minutes))
}

// siblings compares identities and events in some minutes.
func (b books) siblings(ctx context.Context, w *Warehouse, minutes []uint32) (found []sibling, err error) {
	look := statement{what: "compare the identities", sql: b.fill(`
		SELECT toUnixTimestamp(m), sum(i1) AS i, sum(e1) AS e FROM (
			SELECT {minute} AS m, count() AS i1, sum(cityHash64({claim})) AS ih1, 0 AS e1, toUInt64(0) AS eh1
			FROM {identities} FINAL WHERE {few} AND {when} GROUP BY m
			UNION ALL
			SELECT {minute} AS m, 0, 0, count(), sum(cityHash64({claim}))
			FROM {events} FINAL WHERE {when} GROUP BY m)
		GROUP BY m HAVING i != e OR sum(ih1) != sum(eh1) ORDER BY m`, "{few}", b.few(minutes), "{when}", when(minutes))}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var s sibling
		err := rows.Scan(&s.minute, &s.identities, &s.events)
		found = append(found, s)
		return err
	})
	return found, err
}

// refillEvents makes identities and events say the same in some minutes. Identities that only events have are put back
// first, as version 0: any copy that comes from the spool with a receipt replaces such a row.
func (b books) refillEvents(ctx context.Context, w *Warehouse, minutes []uint32) error {
	with := []string{"{when}", when(minutes), "{few}", b.few(minutes)}
	for _, s := range []statement{
		{what: "put identities back", sql: b.fill(`
			INSERT INTO {identities} ({putBack}, segment, n, version) SETTINGS insert_deduplicate = 0
			SELECT {putBack}, '', 0, 0 FROM {events} FINAL WHERE {orphaned}`,
			"{putBack}", b.putBack, "{orphaned}", b.orphaned(minutes))},
		// Filtering before FINAL saves reading all of every identity. It may bring an older version of one, which is
		// deleted next.
		{what: "refill events", sql: b.fill("INSERT INTO {events} ({columns}) "+
			"SETTINGS insert_deduplicate = 0, optimize_move_to_prewhere_if_final = 1 "+b.refill,
			append(with, "{columns}", b.columns)...)},
		{what: "delete events that no identity knows", sql: b.fill(`
			DELETE FROM {events} WHERE {when} AND (source, id, occurred_at) NOT IN
				(SELECT source, id, occurred_at FROM {identities} FINAL
				 WHERE (source, id) IN (SELECT source, id FROM {events} WHERE {when}))`, with...)},
	} {
		if err := w.exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// lines are the rows of the rollup that differ from the events in some minutes.
func (b books) lines(ctx context.Context, w *Warehouse, minutes []uint32) (found []Difference, err error) {
	look := statement{what: "compare the sums", sql: b.fill(`
		SELECT toUnixTimestamp(m), arrayStringConcat([{texts}], ' '), sum(n1) AS n, toString(sum(a1)) AS a,
			sum(n2) AS rn, toString(sum(a2)) AS ra
		FROM (
			SELECT {minute} AS m, {line}, count() AS n1, sum(toInt128({cents})) AS a1, 0 AS n2, toInt128(0) AS a2
			FROM {events} FINAL WHERE {when} GROUP BY m, {line}
			UNION ALL
			SELECT minute AS m, {line}, 0, 0, sum({count}), sum(toInt128({cents}))
			FROM {minutes} FINAL WHERE {whensum} GROUP BY m, {line})
		GROUP BY m, {line} HAVING n != rn OR a != ra ORDER BY m, {line}`,
		"{when}", when(minutes), "{whensum}", spans("minute", minutes), "{texts}", "toString("+strings.ReplaceAll(b.line, ", ", "), toString(")+")")}
	err = w.ask(ctx, look, func(rows driver.Rows) error {
		var minute uint32
		var line string
		var n, rolled uint64
		var cents, rolledCents string
		if err := rows.Scan(&minute, &line, &n, &cents, &rolled, &rolledCents); err != nil {
			return err
		}
		found = append(found, Difference{Table: b.minutes, Where: strings.TrimSpace(minuteText(minute) + " " + line),
			Rollup: b.sum(rolled, rolledCents), Truth: b.sum(n, cents)})
		return nil
	})
	return found, err
}

func (b books) sum(n uint64, cents string) string {
	if b.cents == "0" {
		return fmt.Sprint(n, " ", b.count)
	}
	return fmt.Sprint(n, " ", b.count, ", ", cents, " minor units")
}

// sumAgain sums the minutes again from the events, and takes out what no event stands for: a row of zeros would name
// a currency in which nothing was given.
func (b books) sumAgain(ctx context.Context, w *Warehouse, minutes []uint32) error {
	with := []string{"{when}", when(minutes), "{whensum}", spans("minute", minutes)}
	version := fmt.Sprint(w.version())
	// A row with a later version than ours would win over ours, and we would delete both.
	err := w.exec(ctx, statement{what: "take out sums of the future", sql: b.fill(
		"DELETE FROM {minutes} WHERE {whensum} AND version >= "+version, with...)})
	if err != nil {
		return err
	}
	sums := "{line}, {count}, version"
	values := "{line}, count(), " + version
	if b.cents != "0" {
		sums, values = "{line}, {count}, {cents}, version", "{line}, count(), sum(toInt128({cents})), "+version
	}
	err = w.exec(ctx, statement{what: "sum the minutes again", sql: b.fill(
		"INSERT INTO {minutes} (minute, "+sums+") SETTINGS insert_deduplicate = 0 SELECT {minute} AS m, "+values+
			" FROM {events} FINAL WHERE {when} GROUP BY m, {line}", with...)})
	if err != nil {
		return err
	}
	return w.exec(ctx, statement{what: "take out what was summed before", sql: b.fill(
		"DELETE FROM {minutes} WHERE {whensum} AND version != "+version, with...)})
}

// fewMinutes is up to how many minutes it pays to look identities up by their names: they lie in the order of those.
const fewMinutes = 500

// few is a condition that is true of all identities in some minutes and, when these are few, of no others.
func (b books) few(minutes []uint32) string {
	if len(minutes) > fewMinutes {
		return "true"
	}
	return b.fill("(source, id) IN (SELECT source, id FROM {identities} WHERE {when})", "{when}", when(minutes))
}

// when is the condition that an event is of some minutes.
func when(minutes []uint32) string { return spans("toStartOfMinute(occurred_at)", minutes) }
