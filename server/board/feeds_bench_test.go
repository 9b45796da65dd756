package board

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkFeedQueries runs what the Feeds page asks the engine, over a month of a million gifts that nearly all came
// by two paths, 40,000 of them in the last hour. It reports, beside the best time, the budget of the header and how
// many times longer the same takes without the copies' index of time. Ids are random, which is the worst for it.
func BenchmarkFeedQueries(b *testing.B) {
	h := openHouse(b)
	h.panels = feedPanels(b, nothingKnown())
	at := evening(b).At
	h.fillPaths(b, at)
	for _, c := range []struct {
		topic  string
		window time.Duration
	}{{"feeds.paths", time.Hour}, {"feeds.paths", 24 * time.Hour}, {"feeds.conflicts", 0}} {
		b.Run(fmt.Sprint(c.topic, "/", c.window), func(b *testing.B) {
			p := h.panels[c.topic]
			params := p.Params(Moment{At: at, Window: c.window})
			own, bare := time.Hour, time.Hour
			for b.Loop() { // one after the other, so that both meet the same noise
				own = min(own, h.run(b, p.Query.SQL, params))
				bare = min(bare, h.run(b, p.Query.SQL+" SETTINGS use_skip_indexes = 0", params))
			}
			b.ReportMetric(float64(own.Microseconds())/1000, "ms")
			b.ReportMetric(float64(p.Query.Budget.Milliseconds()), "ms-budget")
			b.ReportMetric(float64(bare)/float64(own), "x-bare")
			b.ReportMetric(0, "ns/op")
		})
	}
	b.Run("usual", func(b *testing.B) {
		best := time.Hour
		for b.Loop() {
			started := time.Now()
			if _, err := AskUsual(b.Context(), h.query, at, newYork(b).Zone); err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(started))
		}
		b.ReportMetric(float64(best.Microseconds())/1000, "ms")
		b.ReportMetric(0, "ns/op")
	})
}

// fillPaths makes the gifts, their copies, one in ten thousand with another amount, and a year of ten feeds' minutes.
func (h *house) fillPaths(b *testing.B, at time.Time) {
	b.Helper()
	moment := fmt.Sprintf("toDateTime64('%s', 3, 'UTC')", engineTime(at))
	ago := moment + " - toIntervalMillisecond(multiIf(number < 40000, number * 90, number < 100000, number * 864, number * 2592))"
	for _, sql := range []string{
		`INSERT INTO campaign.donations (occurred_at, received_at, source, id, path, feed, kind, amount_minor, currency)
		 SELECT ` + ago + ` AS t, t, 'actblue', lower(hex(sipHash128(number))), if(number % 3 = 0, 'mirror', 'vendor'),
		    'hook', 'gift', [500, 1000, 2500, 5000, 10000][1 + rand(2) % 5], 'USD'
		 FROM numbers(1000000)`,
		`INSERT INTO campaign.donations_by_time (occurred_at, received_at, source, id, path, feed, kind, amount_minor, currency)
		 SELECT occurred_at, received_at, source, id, path, feed, kind, amount_minor, currency FROM campaign.donations`,
		`INSERT INTO campaign.donation_copies (source, id, path, feed, kind, currency, amount_minor, occurred_at, conflict,
		    received_at)
		 SELECT source, id, if(path = 'vendor', 'mirror', 'vendor'), 'copy', kind, currency,
		    amount_minor + if(sipHash64(id) % 10000 = 0, 1, 0), occurred_at, sipHash64(id) % 10000 = 0, received_at
		 FROM campaign.donations WHERE sipHash64(id) % 100 != 1`,
		`OPTIMIZE TABLE campaign.donation_copies FINAL`,
		`INSERT INTO campaign.feed_minutes
		 SELECT 'n', 'feed-' || toString(number % 10), 'donations', toDateTime(` + moment + `, 'UTC') - 60 * intDiv(number, 10), 7, 0, 0, 1
		 FROM numbers(5256000) SETTINGS max_partitions_per_insert_block = 0`,
	} {
		h.exec(b, sql)
	}
}
