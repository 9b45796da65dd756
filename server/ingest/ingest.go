// Package ingest is the doors: it turns what a sender posts into validated records in the spool, one door for each
// kind.
//
// It promises:
//   - A 202 is written only after every event it counts as accepted is on disk.
//   - One bad event never fails its neighbours: each gets its own verdict.
//   - Donor, recipient and visitor are replaced by keyed hashes before anything touches the disk; what else looks
//     personal in free text and in unknown fields is removed (see personal.go for what that finds and what it can't).
//     No answer and no log line quotes a value.
//   - Memory is bounded whatever is sent: a body is read as a stream, an event has 64 KiB at most, and what all
//     requests hold together is limited.
//   - Overload is a 503 with Retry-After, never a 4xx; 410 and redirects never happen.
//
// It never talks to the engine and knows no other event than those it is reading.
package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"warroom/server/campaign"
)

// Limits of one request, as the contract states them.
const (
	maxWire     = 8 << 20   // bytes of the body as it is sent
	maxInflated = 64 << 20  // bytes after decompression
	maxEvent    = 64 << 10  // bytes of one event's JSON
	maxEvents   = 1_000_000 // in one request; 64 MiB hold fewer events of any real size
	maxListed   = 100_000   // rejections that an answer lists one by one; more are only counted
	maxDepth    = 32        // objects and arrays inside each other, the event itself counted
)

// limits are those that tests make smaller.
type limits struct {
	inflated       int64
	events, listed int
}

// maxHeld is how many bytes of records all requests together may hold before they are on disk; beyond it a request is
// told to come back in a second. Four requests of the largest size fit.
const maxHeld = 256 << 20

// Appender keeps records on disk, in practice a spool. Append returns nil only when all records are durable; it may
// not use them after it has returned nil. An error with a method RetryAfter() time.Duration says when to come back.
type Appender interface {
	Append(ctx context.Context, records ...[]byte) error
}

// Grant is what a token allows: events of the feed's name, of the kinds that May answers with true.
type Grant struct {
	Feed string
	May  func(campaign.Kind) bool
}

// Options of the doors. All are required.
type Options struct {
	// State is the folder for what must outlive the process: the answers to requests with an Idempotency-Key.
	State string
	// Secret is the install's secret; each purpose gets a key of its own from it.
	Secret []byte
	// Authenticate says what a bearer token allows; ok is false for unknown and expired ones.
	Authenticate func(token string) (grant Grant, ok bool)
	// Spools takes each kind's records.
	Spools map[campaign.Kind]Appender
	Logger *slog.Logger
}

// Doors are the HTTP doors of all kinds. Close gives back what Open took.
type Doors struct {
	Options
	answers  *answers
	feeds    *feeds
	room     *room
	limits   limits
	inflate  inflaters
	readings sync.Pool // of *reading
	buffers  sync.Pool // of *buffers
	now      func() time.Time
}

// Open opens the doors' state. Its errors name the folder or the secret that is wrong.
func Open(o Options) (*Doors, error) { return open(o, time.Now) }

func open(o Options, now func() time.Time) (*Doors, error) {
	keys, err := newKeys(o.Secret)
	if err != nil {
		return nil, fmt.Errorf("WARROOM_SECRET: %w", err)
	}
	d := &Doors{Options: o, feeds: newFeeds(), room: &room{size: maxHeld}, now: now,
		limits: limits{inflated: maxInflated, events: maxEvents, listed: maxListed}}
	for _, kind := range campaign.Kinds() {
		if o.Spools[kind] == nil {
			return nil, fmt.Errorf("ingest: no spool for %s", kind)
		}
	}
	d.readings.New = func() any { return newReading(keys) }
	d.buffers.New = func() any { return &buffers{} }
	if d.answers, err = openAnswers(filepath.Join(o.State, "answers"), now); err != nil {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return d, nil
}

// Door is the handler of one kind's native door.
func (d *Doors) Door(kind campaign.Kind) http.Handler {
	return &door{Doors: d, kind: kind, spool: d.Spools[kind], form: nativeForm(kind)}
}

// Feeds is what is known of each feed and kind, in no particular order. Node and Lag are left to the caller.
func (d *Doors) Feeds() []campaign.FeedState { return d.feeds.all() }

// Restore adds what an earlier process counted. Call it once, at any time.
func (d *Doors) Restore(known []campaign.FeedState) { d.feeds.restore(known) }

// Close closes the doors' state. Requests in flight fail with a 503.
func (d *Doors) Close() error { return d.answers.close() }
