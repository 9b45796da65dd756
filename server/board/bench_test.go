package board

import (
	"fmt"
	"testing"
	"time"

	"warroom/server/warehouse"
)

// BenchmarkQueries runs each panel's query over a busy hour and the month before it, and reports, beside its best time,
// the budget of its header and how many times longer the same takes from the truth or the raw rows in the same run.
func BenchmarkQueries(b *testing.B) {
	h := openHouse(b)
	at := evening(b).At
	h.fill(b, at)
	naive := naiveQueries()
	for _, topic := range topicsInOrder() {
		p := h.panels[topic]
		m := Moment{At: at, Window: p.Window}
		b.Run(topic, func(b *testing.B) {
			peer, own := time.Hour, time.Hour
			for b.Loop() { // one after the other, so that both meet the same noise
				own = min(own, h.run(b, p.Query.SQL, p.Params(m)))
				peer = min(peer, h.run(b, naive[topic], asOf(m)))
			}
			b.ReportMetric(float64(own.Microseconds())/1000, "ms")
			b.ReportMetric(float64(p.Query.Budget.Milliseconds()), "ms-budget")
			b.ReportMetric(float64(peer)/float64(own), "x-raw")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func topicsInOrder() []string {
	return []string{
		"money.hour", "money.today", "money.minutes", "money.refcodes", "money.states", "money.latest",
		"traffic.now", "traffic.hour", "traffic.visitors", "mail.hour",
	}
}

// run measures a query, reading its rows.
func (h *house) run(b *testing.B, sql string, params map[string]string) time.Duration {
	b.Helper()
	started := time.Now()
	err := h.Query(b.Context(), sql, params, func(rows warehouse.Rows) error {
		for rows.Next() {
			continue
		}
		return rows.Err()
	})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(started)
}

// naiveQueries ask for the same figures in the way that comes to mind first: from the truth, or from the raw rows.
func naiveQueries() map[string]string {
	const (
		at          = "{at:DateTime64(3,'UTC')}"
		lastHour    = " WHERE occurred_at > " + at + " - INTERVAL 1 HOUR AND occurred_at <= " + at
		fiveMinutes = " WHERE occurred_at > " + at + " - INTERVAL 5 MINUTE AND occurred_at <= " + at
		truth       = " FROM donations FINAL"
	)
	return map[string]string{
		"money.hour": "SELECT currency, sum(amount_minor)" + truth + lastHour + " GROUP BY currency",
		"money.today": "SELECT currency, sum(amount_minor), quantileExact(amount_minor), uniqExact(donor_key)" + truth +
			" WHERE occurred_at > " + at + " - INTERVAL 23 HOUR AND occurred_at <= " + at + " GROUP BY currency",
		"money.minutes": "SELECT toStartOfMinute(occurred_at) AS minute, recurring, sum(amount_minor)" + truth +
			" WHERE occurred_at > " + at + " - INTERVAL 3 HOUR AND occurred_at <= " + at + " GROUP BY ALL",
		"money.refcodes": "SELECT refcode, sum(amount_minor)" + truth + lastHour + " GROUP BY refcode",
		"money.states":   "SELECT state, sum(amount_minor)" + truth + lastHour + " GROUP BY state",
		"money.latest":   "SELECT *" + truth + " WHERE occurred_at <= " + at + " ORDER BY occurred_at DESC LIMIT 12",
		"traffic.now": "SELECT countIf(occurred_at > " + at + " - INTERVAL 10 SECOND), count(), countIf(status >= 500), " +
			"quantile(0.95)(duration_ms) FROM requests" + fiveMinutes,
		"traffic.hour": "SELECT toStartOfInterval(occurred_at, INTERVAL 10 SECOND) AS step, intDiv(status, 100) AS class, " +
			"count() FROM requests" + lastHour + " GROUP BY ALL",
		"traffic.visitors": "SELECT uniq(visitor_key) FROM requests" + fiveMinutes,
		"mail.hour":        "SELECT type, bounce, uniqExact(source, id) FROM email_events" + lastHour + " GROUP BY ALL",
	}
}

// fill makes the data of a busy hour and of the weeks before it, in the engine itself.
func (h *house) fill(b *testing.B, at time.Time) {
	b.Helper()
	ago := func(ms string) string {
		return fmt.Sprintf("toDateTime64('%s', 3, 'UTC') - toIntervalMillisecond(%s)", engineTime(at), ms)
	}
	const hour = "rand(1) % 3600000"
	const columns = "occurred_at, received_at, source, id, kind, amount_minor, currency, recurring, donor_key, refcode, " +
		"channel, state, country"
	for _, sql := range []string{
		// 40,000 gifts in the last hour, 60,000 in the day before, 900,000 in the month before.
		`INSERT INTO campaign.donations (occurred_at, received_at, source, id, kind, amount_minor, currency, recurring,
		    donor_key, refcode, channel, state, country)
		 SELECT ` + ago("multiIf(number < 40000, "+hour+", number < 100000, rand(1) % 86400000, rand64(1) % 2592000000)") +
			` AS t, t, 'actblue', toString(number), if(number % 100 = 0, 'refund', 'gift'),
		    if(number % 100 = 0, -1, 1) * [500, 1000, 2500, 5000, 10000][1 + rand(2) % 5], 'USD',
		    if(rand(3) % 6 = 0, 'monthly', 'none'), lower(hex(sipHash128(rand(4) % 50000))), 'em' || toString(rand(5) % 40),
		    'email', ['OH', 'CA', 'NY', 'TX', ''][1 + rand(6) % 5], 'US'
		 FROM numbers(1000000)`,
		`INSERT INTO campaign.donations_by_time (` + columns + `) SELECT ` + columns + ` FROM campaign.donations`,
		`INSERT INTO campaign.donation_minutes SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, currency,
		    kind, recurring, count(), sum(toInt128(amount_minor)), 1 FROM campaign.donations FINAL GROUP BY ALL`,
		`INSERT INTO campaign.requests (day, segment, n, occurred_at, received_at, app, status, duration_ms,
		    visitor_key, weight)
		 SELECT toDate(t), 's', number, ` + ago("if(number < 300000, rand(1) % 300000, "+hour+")") + ` AS t, t,
		    ['www', 'donate', 'api'][1 + rand(2) % 3], [200, 200, 302, 404, 500][1 + rand(3) % 5], rand(4) % 400,
		    lower(hex(sipHash128(rand(5) % 20000))), 1
		 FROM numbers(1000000)`,
		`INSERT INTO campaign.email_events (occurred_at, received_at, source, id, type, bounce, send_id, domain)
		 SELECT ` + ago(hour) + ` AS t, t, 'ses', toString(number),
		    ['send', 'delivery', 'open', 'bounce'][1 + rand(2) % 4] AS y,
		    if(y = 'bounce', 'hard', ''), 'em' || toString(rand(3) % 3), ['gmail.com', 'aol.com', 'x.org'][1 + rand(4) % 3]
		 FROM numbers(500000)`,
		`INSERT INTO campaign.email_minutes SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, send_id,
		    variant, type, bounce, domain, count(), 1 FROM campaign.email_events FINAL GROUP BY ALL`,
	} {
		h.exec(b, sql)
	}
}
