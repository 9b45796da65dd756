// Package simulate sends a told campaign through the server's public doors, as the campaign's suppliers would: every
// feed by itself, over its own connection, in batches, and again until the server has acknowledged them.
//
// It knows of the server only what the outside contract says. It holds one batch a feed in memory and no more: a
// story is told on, not stored, while the server is away. It stops when its context ends, when the story has reached
// its end, or when the server refuses it for good, and never because the server is away.
//
// What it promises: an event that the journal calls acknowledged was covered by a 202 answer of the server. The
// reverse isn't promised: an answer may be lost on its way.
package simulate

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"warroom/simulate/story"
)

// Options say what to send, and where to.
type Options struct {
	URL      string                   // scheme and host of the server; required
	Plan     *story.Plan              // required
	Token    func(feed string) string // the bearer token that a feed shows; required
	Duration time.Duration            // how much live time to tell; 0 = until the context ends
	Journal  io.Writer                // gets one JSON line an event; nil = none is kept
	// JournalTraffic also writes the requests into the journal: many lines, and none of them has an identity.
	JournalTraffic bool
	Report         func(Report)  // called every ReportEvery, and never by two goroutines; nil = never
	ReportEvery    time.Duration // 0 = 5 s
	Logger         *slog.Logger  // required
	// FirstWait is the pause after a first failure; it doubles with every further one, up to 5 s. 0 = 100 ms.
	FirstWait time.Duration
	// AnswerWithin is how long a request may take before it counts as lost and is sent again. 0 = 30 s.
	AnswerWithin time.Duration
}

// linger is how long a request in flight may go on when the sender is told to stop: an answer is worth waiting for.
const linger = 2 * time.Second

// Run sends until the story has ended or ctx has. Its error is nil in both cases; the summary holds what came of it
// in any case.
func Run(ctx context.Context, o Options) (Summary, error) {
	run, err := nonce()
	if err != nil {
		return Summary{}, err
	}
	feeds := o.Plan.Feeds()
	t := newTally(o.Plan, feeds)
	j := &journal{out: o.Journal, traffic: o.JournalTraffic}
	group, groupCtx := errgroup.WithContext(ctx)
	stopReports := t.reports(o.Report, o.ReportEvery)
	for _, f := range feeds {
		c := newCourier(f, o, run, t, j)
		group.Go(func() error {
			defer c.client.CloseIdleConnections()
			return c.run(groupCtx)
		})
	}
	err = group.Wait()
	stopReports()
	if errors.Is(err, errStopped) {
		err = nil
	}
	return t.summary(), err
}

// nonce names this run in idempotency keys: another run, even of the same story, cuts it into other batches.
func nonce() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("name the run: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

func newCourier(f *story.Feed, o Options, run string, t *tally, j *journal) *courier {
	c := &courier{
		feed: f, door: strings.TrimRight(o.URL, "/") + "/v1/" + f.Kind.String(), token: o.Token(f.Name),
		key: "simulate-" + run + "-" + f.Name + "-", firstWait: o.FirstWait, packing: packingFor(f),
		// A feed is a sender of its own: it shares no connection.
		client: &http.Client{
			Timeout:   o.AnswerWithin,
			Transport: &http.Transport{DisableCompression: true, MaxConnsPerHost: 1},
		},
		tally: t, journal: j, log: o.Logger.With("feed", f.Name),
	}
	// The doors never redirect: whatever does is not the server.
	c.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.firstWait == 0 {
		c.firstWait = 100 * time.Millisecond
	}
	if c.client.Timeout == 0 {
		c.client.Timeout = 30 * time.Second
	}
	if o.Duration > 0 {
		c.until = o.Plan.Start().Add(o.Duration)
	}
	return c
}
