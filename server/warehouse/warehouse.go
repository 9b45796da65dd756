// Package warehouse is the only one that talks to ClickHouse: it connects, checks version and settings, migrates,
// stores batches and runs queries. It knows no spool, no HTTP and no board.
//
// Storing is idempotent. Money and mail are exact whatever happens between two statements, because the identity
// (source, id) is in the tables' sorting keys, rollups are recomputed and never incremented, and nil is returned only
// after the rows were read back. Insert tokens spare the engine work; nothing relies on them. One process writes; its
// batches of one kind come one after the other, and a batch that failed comes again before the next one.
//
// An error of storing names the batch, the step and the engine's code. It never quotes the engine's text, which may
// hold rows.
package warehouse

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/server/campaign"
)

// ErrPermanent is wrapped by errors that trying again can't mend: a wrong password, a setting that was changed, a
// schema that is newer than this program.
var ErrPermanent = errors.New("the warehouse can't be used as it is")

// Options of a Warehouse.
type Options struct {
	// URL is clickhouse://user:password@host:port,host2:port/campaign?secure=true. Several hosts must be copies of the
	// same data: the first that answers is used.
	URL    string
	Logger *slog.Logger
	Retain Retain
}

// Retain says how long traffic is kept; zero leaves what the tables say. Money and mail are kept for ever.
type Retain struct {
	Requests time.Duration // single requests
	Seconds  time.Duration // sums by the second, visitors by ten seconds
	Minutes  time.Duration // sums by the minute
}

// Warehouse is an open database. Its methods may be called from any goroutine.
type Warehouse struct {
	write, read driver.Conn // pools of their own, so that storing never waits for boards
	logger      *slog.Logger
	retain      Retain

	queries, inserts, rows, errs atomic.Uint64

	clock sync.Mutex // guards last
	last  uint64     // newest version that was given out

	turns   [campaign.Traffic + 1]sync.Mutex // see own; before all others
	lines   [campaign.Traffic + 1]*line      // each guarded by its kind's turn; nil when there is none
	dialing *clickhouse.Options              // of the lines
	ended   context.Context                  // ends with Close, and what a line does with it
	end     context.CancelFunc

	cuts    [campaign.Traffic + 1]atomic.Uint64 // slices of the days that the next comparison looks at
	closed  [campaign.Traffic + 1]atomic.Int64  // see closeDay: for which day it was last done, in Unix seconds
	slice   atomic.Uint64                       // of traffic that the next comparison looks at
	rebuilt []campaign.Kind                     // see Rebuilt

	feeds        sync.Mutex // guards what follows, and lets one of the feeds' methods through at a time
	saved        map[feedKey]campaign.FeedState
	savedMinutes map[minuteKey]campaign.FeedMinute
}

// Stats are counts since Open.
type Stats struct{ Queries, Inserts, Rows, Errors uint64 }

// Open connects, checks version and settings, and brings the tables up to this program. An error wraps ErrPermanent
// when trying again can't help.
func Open(ctx context.Context, o Options) (*Warehouse, error) {
	if _, err := Migrate(ctx, o); err != nil {
		return nil, err
	}
	rebuilt, err := rebuild(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := check(ctx, o); err != nil {
		return nil, err
	}
	w := &Warehouse{logger: o.Logger, retain: o.Retain, rebuilt: rebuilt, saved: map[feedKey]campaign.FeedState{},
		savedMinutes: map[minuteKey]campaign.FeedMinute{}}
	w.ended, w.end = context.WithCancel(context.WithoutCancel(ctx))
	if w.dialing, err = parse(o.URL, writing()); err != nil {
		return nil, err
	}
	if w.write, err = connect(o.URL, writing()); err != nil {
		return nil, err
	}
	if w.read, err = connect(o.URL, reading()); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	if err := w.readClock(ctx); err != nil {
		return nil, errors.Join(err, w.Close())
	}
	return w, nil
}

// Close gives the connections back. A Store that still runs fails.
func (w *Warehouse) Close() error {
	w.end()
	var errs []error
	for kind := range w.lines {
		release := w.own(campaign.Kind(kind))
		if l := w.lines[kind]; l != nil {
			errs = append(errs, l.conn.Close())
			w.lines[kind] = nil
		}
		release()
	}
	for _, pool := range []driver.Conn{w.write, w.read} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// Ping asks the engine for a sign of life.
func (w *Warehouse) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return outcome("ping", w.read.Ping(ctx))
}

// Stats returns the counts so far.
func (w *Warehouse) Stats() Stats {
	return Stats{Queries: w.queries.Load(), Inserts: w.inserts.Load(), Rows: w.rows.Load(), Errors: w.errs.Load()}
}

// own takes a kind's tables for a writer that must be alone: a batch being stored, a repair. Call the result at the end.
func (w *Warehouse) own(kind campaign.Kind) (release func()) {
	w.turns[kind].Lock()
	return w.turns[kind].Unlock
}

// version numbers what replaces a row: it grows within a process and, because readClock looks, from one process to the
// next, even when the machine's clock was set back. About Unix nanoseconds.
func (w *Warehouse) version() uint64 {
	w.clock.Lock()
	defer w.clock.Unlock()
	w.last = max(w.last+1, uint64(time.Now().UnixNano())) //nolint:gosec // after 1970
	return w.last
}

func (w *Warehouse) readClock(ctx context.Context) error {
	const newest = `SELECT max(version) FROM (SELECT max(version) AS version FROM donation_minutes
		UNION ALL SELECT max(version) FROM email_minutes UNION ALL SELECT max(version) FROM feeds
		UNION ALL SELECT max(version) FROM feed_minutes UNION ALL SELECT max(version) FROM dead_letters)`
	w.clock.Lock()
	defer w.clock.Unlock()
	return outcome("read the newest version", w.read.QueryRow(ctx, newest).Scan(&w.last))
}
