package scale

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// fillOlder puts the whole campaign once more before what is there: the sums of money and mail as they are, those of
// traffic with sketches of next to nobody. Single movements, mails and requests are left out: a live query reads them in the
// cut minutes at its ends only, which it finds by the primary key.
func (g *Ground) fillOlder(ctx context.Context, done int) error {
	days := done * g.size.Days
	all := values{"days": strconv.Itoa(days), "name": fmt.Sprintf("older%d-", done)}
	span := all.with(values{"from": second(g.first()), "until": second(At().Truncate(day).Add(day))})
	for _, file := range []string{
		"older_gift_minutes", "older_donors", "older_mail_minutes", "older_send_cuts", "older_mail_hours",
	} {
		if err := g.run(ctx, file, span); err != nil {
			return err
		}
	}
	for _, seconds := range []string{"3600", "86400"} {
		if err := g.run(ctx, "older_cuts", span.with(values{"span": seconds})); err != nil {
			return err
		}
	}
	if err := g.days(func(part values) error { return g.run(ctx, "older_cuts", all.with(part).with(values{"span": "60"})) }); err != nil {
		return err
	}
	return g.olderTraffic(ctx, done)
}

func (g *Ground) olderTraffic(ctx context.Context, done int) error {
	if err := g.run(ctx, "sketches", nil); err != nil { // they are in memory only
		return err
	}
	length := time.Duration(g.size.TrafficDays) * day
	until := At().Add(-15 * time.Minute).Truncate(day).Add(-time.Duration(done) * length)
	return g.trafficSums(ctx, until.Add(-length), until, g.size.Requests, 0)
}
