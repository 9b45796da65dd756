package scale

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	day       = 24 * time.Hour
	nightSpan = 3 * time.Hour
	busier    = 15 // times as many requests in the last three hours
	perInsert = 10 * day
)

// Fill makes the whole campaign, and the same once more for each further time: times 10 has ten times the history.
func (g *Ground) Fill(ctx context.Context, times int) error {
	done, err := g.Filled(ctx)
	if err != nil {
		return err
	}
	if done == 0 {
		for _, fill := range []func(context.Context) error{g.fillGifts, g.fillMail, g.fillTraffic, g.relive} {
			if err := fill(ctx); err != nil {
				return err
			}
		}
		done = 1
		if err := g.filled(ctx, done); err != nil {
			return err
		}
	}
	for ; done < times; done++ {
		if err := g.fillOlder(ctx, done); err != nil {
			return err
		}
		if err := g.filled(ctx, done+1); err != nil {
			return err
		}
	}
	return g.settle(ctx)
}

// first is the UTC day on which the campaign begins.
func (g *Ground) first() time.Time {
	return At().Truncate(day).Add(-time.Duration(g.size.Days-1) * day)
}

// days calls fill for spans of UTC days from the first to the last.
func (g *Ground) days(fill func(span values) error) error {
	end := At().Truncate(day).Add(day)
	for from := g.first(); from.Before(end); from = from.Add(perInsert) {
		until := from.Add(perInsert)
		if until.After(end) {
			until = end
		}
		if err := fill(values{"from": second(from), "until": second(until)}); err != nil {
			return err
		}
	}
	return nil
}

// fillGifts makes movements and their sums, oldest first.
func (g *Ground) fillGifts(ctx context.Context) error {
	starts, names := g.blastLists()
	return g.days(func(span values) error {
		movements := span.with(values{
			"at": moment(At()), "rate": number(g.size.Gifts), "night": number(g.size.Night),
			"night_from": second(At().Add(-nightSpan)), "starts": starts, "sends": names,
		})
		for _, step := range []struct {
			file string
			v    values
		}{
			{"gifts", movements}, {"gift_minutes", span}, {"donors", span}, {"cut_minutes", span},
			{"cut_sums", span.with(values{"span": "3600", "of": "60"})},
			{"cut_sums", span.with(values{"span": "86400", "of": "3600"})}, {"cut_best", span},
		} {
			if err := g.run(ctx, step.file, step.v); err != nil {
				return err
			}
		}
		return nil
	})
}

// blast is one send.
type blast struct {
	name  string
	start time.Time
	mails float64
}

// Newest is the blast that is going out at the moment.
func (g *Ground) Newest() string {
	all := g.blasts()
	return all[len(all)-1].name
}

// blasts are oldest first: half of them spread over the campaign, half in its last thirty days, the newest half an hour
// old. Every fifth is large.
func (g *Ground) blasts() (all []blast) {
	const half = 30
	early := time.Duration(max(g.size.Days-31, 1)) * day / half
	start := g.first().Add(15 * time.Hour)
	for i := range 2 * half {
		b := blast{name: fmt.Sprintf("blast-%03d", i), mails: g.size.Mails / 18 * (0.5 + float64(i%3)/2)}
		if i%5 == 4 {
			b.mails = g.size.Mails * (0.7 + 0.3*float64(i%3))
		}
		switch {
		case i < half:
			b.start = start.Add(time.Duration(i) * early)
		default:
			b.start = At().Truncate(time.Minute).Add(-35*time.Minute - time.Duration(2*half-1-i)*day)
		}
		b.start = b.start.Truncate(time.Minute)
		all = append(all, b)
	}
	return all
}

func (g *Ground) blastLists() (starts, names string) {
	var s, n []string
	for _, b := range g.blasts() {
		s, n = append(s, "'"+second(b.start)+"'"), append(n, "'"+b.name+"'")
	}
	return "[" + strings.Join(s, ",") + "]", "[" + strings.Join(n, ",") + "]"
}

// fillMail makes the minutes first and as many events as they count, oldest first.
func (g *Ground) fillMail(ctx context.Context) error {
	blasts := g.blasts()
	for _, b := range blasts {
		err := g.run(ctx, "mail_minutes", values{
			"start": second(b.start), "send": b.name, "mails": number(b.mails), "at": moment(At()),
		})
		if err != nil {
			return err
		}
	}
	for _, file := range []string{"send_cuts", "mail_hours"} {
		if err := g.run(ctx, file, nil); err != nil {
			return err
		}
	}
	// An insert ends where a blast begins, so that the inserts follow each other in time.
	edges := []time.Time{g.first()}
	for _, b := range blasts {
		edges = append(edges, b.start)
	}
	edges = append(edges, At().Add(time.Minute))
	for i, until := range edges[1:] {
		if err := g.run(ctx, "mail_events", values{"from": second(edges[i]), "until": second(until)}); err != nil {
			return err
		}
	}
	return nil
}

// settle waits until the engine has merged what it wants to merge.
func (g *Ground) settle(ctx context.Context) error {
	for quiet := 0; quiet < 3; {
		text, err := g.text(ctx, "SELECT count() FROM system.merges")
		if err != nil {
			return err
		}
		if quiet++; text != "0" {
			quiet = 0
		}
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// relive sums the last minute, hour and day again and again, as the batches of a live night do.
func (g *Ground) relive(ctx context.Context) error {
	for _, file := range slices.Repeat([]string{"again_cuts", "again_mail"}, 20) {
		if err := g.run(ctx, file, values{"at": moment(At())}); err != nil {
			return err
		}
	}
	return nil
}
