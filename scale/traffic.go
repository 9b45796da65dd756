package scale

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// fillTraffic makes the sums up to a quarter of an hour before the moment; from there on single requests come in by the
// front door, and the sums with them.
func (g *Ground) fillTraffic(ctx context.Context) error {
	if err := g.run(ctx, "sketches", nil); err != nil {
		return err
	}
	present := At().Add(-15 * time.Minute).Truncate(5 * time.Minute)
	night := At().Add(-nightSpan).Truncate(5 * time.Minute)
	start := present.Truncate(day).Add(-time.Duration(g.size.TrafficDays) * day)
	if err := g.trafficSums(ctx, start, night, g.size.Requests, g.size.Sketches); err != nil {
		return err
	}
	if err := g.trafficSums(ctx, night, present, g.size.Requests*busier, g.size.Sketches); err != nil {
		return err
	}
	if err := g.olderRequests(ctx, present); err != nil {
		return err
	}
	return g.run(ctx, "requests", requestsOf(present, At().Add(time.Second), g.size.Single, g.size.Requests*busier))
}

// requestsOf are the parameters of single requests: rate a second, standing for real a second.
func requestsOf(from, until time.Time, rate, real float64) values {
	return values{
		"from": second(from), "until": second(until), "at": moment(At()), "rate": number(rate), "weight": number(max(1, real/rate)),
	}
}

// trafficSums makes the sums of a span; those by the second only of its last two days.
func (g *Ground) trafficSums(ctx context.Context, from, until time.Time, rate float64, sketches int) error {
	seconds := until.Add(-2 * day)
	if seconds.Before(from) {
		seconds = from
	}
	v := values{"until": second(until), "rate": number(rate), "level": strconv.Itoa(sketches)}
	long, short := v.with(values{"from": second(from)}), v.with(values{"from": second(seconds)})
	for _, file := range []string{"request_minutes", "request_pages", "request_hosts", "request_referrers", "request_steps"} {
		if err := g.run(ctx, file, long); err != nil {
			return err
		}
	}
	for _, file := range []string{"request_seconds", "request_visitors"} {
		if err := g.run(ctx, file, short); err != nil {
			return err
		}
	}
	return nil
}

// olderRequests puts single requests under the sums that are there already: the views look away meanwhile.
func (g *Ground) olderRequests(ctx context.Context, until time.Time) error {
	names, err := g.text(ctx, `SELECT name FROM system.tables WHERE database = 'campaign' AND engine = 'MaterializedView'
		AND match(create_table_query, 'FROM (campaign\\.)?requests\\b')`)
	if err != nil {
		return err
	}
	views := strings.Fields(names)
	for _, name := range views {
		if _, err := g.ask(ctx, "DETACH TABLE "+name+" SYNC", nil); err != nil {
			return err
		}
	}
	from := until.Truncate(day).Add(-6 * day)
	for ; from.Before(until); from = from.Add(day) {
		to := from.Add(day)
		if to.After(until) {
			to = until
		}
		if err := g.run(ctx, "requests", requestsOf(from, to, g.size.Older, g.size.Older)); err != nil {
			return err
		}
	}
	for _, name := range views {
		if _, err := g.ask(ctx, "ATTACH TABLE "+name, nil); err != nil {
			return err
		}
	}
	return nil
}
