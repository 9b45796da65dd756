// Package scale fills an engine with a campaign of full size, inside the engine, and measures what the boards' queries
// cost there: `make bench-queries`. It is no part of the server. It promises the same rows at every run, and that the
// sums agree with the movements and the mail under them as those of stored batches do.
package scale

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"warroom/server/engine"
	"warroom/server/warehouse"
)

// Size is how large the campaign is. All its days end with the night of At.
type Size struct {
	Days        int     // of gifts and mail
	Gifts       float64 // a minute on average, before the last night
	Night       float64 // gifts a minute in the last three hours
	Mails       float64 // of an average large blast; there are 12 of them and 48 that are 18 times smaller
	TrafficDays int     // of sums by the minute
	Requests    float64 // a second on average; 15 times as many in the last three hours
	Single      float64 // single requests a second in the quarter of an hour before the moment
	Older       float64 // single requests a second in the six days before
	Sketches    int     // how full the sketches are, 0 to 5
}

// Full is 20 million gifts over 600 days, 150 million mail events and the sums of a billion requests.
func Full() Size {
	return Size{
		Days: 600, Gifts: 23, Night: 640, Mails: 4.5e6, TrafficDays: 90, Requests: 125, Single: 2000, Older: 40, Sketches: 5,
	}
}

// Part is about one in a hundred of it, over fewer days with a night as busy as the full one.
func Part() Size {
	return Size{
		Days: 60, Gifts: 1, Night: 640, Mails: 4.5e4, TrafficDays: 3, Requests: 20, Single: 40, Older: 0.2, Sketches: 3,
	}
}

// At is the moment that is asked about: a convention night in New York.
func At() time.Time { return time.Date(2026, 8, 21, 2, 47, 31, 412e6, time.UTC) }

// Ground is an engine of its own with warroom's tables.
type Ground struct {
	size      Size
	engine    *engine.Engine
	warehouse *warehouse.Warehouse
	say       func(format string, args ...any)
}

// Open starts an engine in dir and makes the tables. Its engine may use 3 GiB. say hears how filling gets on.
func Open(ctx context.Context, dir string, size Size, say func(format string, args ...any)) (*Ground, error) {
	quiet := slog.New(slog.DiscardHandler)
	e, err := engine.Open(ctx, engine.Options{Dir: dir, MemoryBytes: 3 << 30, Logger: quiet})
	if err != nil {
		return nil, err
	}
	address := url.URL{
		Scheme: "clickhouse", User: url.UserPassword("app", e.AppPassword()), Host: e.Address(), Path: "/campaign",
	}
	const ages = 20 * 365 * 24 * time.Hour // the moment is fixed, so nothing may be too old
	w, err := warehouse.Open(ctx, warehouse.Options{
		URL: address.String(), Logger: quiet,
		Retain: warehouse.Retain{Requests: ages, Seconds: ages, Minutes: ages},
	})
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	g := &Ground{size: size, engine: e, warehouse: w, say: say}
	if _, err := g.ask(ctx, "SYSTEM STOP TTL MERGES", nil); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// Close ends the engine. Its files stay.
func (g *Ground) Close() error { return errors.Join(g.warehouse.Close(), g.engine.Close()) }

// Filled says whether the folder has been filled before, and with how many times the history.
func (g *Ground) Filled(ctx context.Context) (times int, err error) {
	_, err = g.ask(ctx, "CREATE TABLE IF NOT EXISTS scale_filled (times UInt8) ENGINE = MergeTree ORDER BY times", nil)
	if err != nil {
		return 0, err
	}
	text, err := g.text(ctx, "SELECT max(times) FROM scale_filled")
	if err != nil {
		return 0, err
	}
	_, err = fmt.Sscan(text, &times)
	return times, err
}

func (g *Ground) filled(ctx context.Context, times int) error {
	_, err := g.ask(ctx, fmt.Sprintf("INSERT INTO scale_filled VALUES (%d)", times), nil)
	return err
}
