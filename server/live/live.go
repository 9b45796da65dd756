// Package live keeps the boards up to date: it finds which topics are watched and due, asks one query for all who
// watch, and publishes the answer if it changed. It holds the newest state of every panel for pages and the API too.
//
// It never asks for a topic that nobody looks at, never asks twice for the same thing at the same time, and sets no
// timer while nobody watches. It promises that a panel whose query fails keeps its last figures and says since when
// and why they can't be trusted, and that a topic's seq only grows, over restarts too.
package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/hub"
)

// Querier runs one query of a board and gives its rows to scan.
type Querier interface {
	Query(ctx context.Context, sql string, params map[string]string, scan func(board.Rows) error) error
}

// Options are the parts around the publisher. The functions may block for a moment; a nil one knows nothing.
type Options struct {
	Panels []board.Panel // in the order of the board: the first are answered first
	// Find gives the panels that are made on demand, by their topic: of one thing, or over another span. nil: none.
	Find  func(topic string) (board.Panel, bool)
	Query Querier
	Hub   *hub.Hub
	Zone  *time.Location // of times in reasons; nil is UTC

	Doubt     func(kinds ...campaign.Kind) string    // why figures of these kinds can't be trusted now; empty: they can
	Watermark func(kinds ...campaign.Kind) time.Time // the latest event that is counted; zero: unknown
	Pulse     func(now time.Time) Pulse

	Logger *slog.Logger
}

const (
	// atOnce bounds the queries that run at the same time: one for each core of the smallest machine.
	atOnce = 2
	// answerWithin is when a query is given up: its panel says so while a reader still remembers the last figures.
	answerWithin = 3 * time.Second
	// coalesce is the least time between two answers of a topic, however many batches are confirmed. People can't
	// follow more, and a gift is still on the screen within 250 ms.
	coalesce = 200 * time.Millisecond
	// longestRest is the most that a topic waits because its query is expensive.
	longestRest = time.Second
	// restamp is how long a page may show an older data time of figures that have not changed since.
	restamp = 10 * time.Second
	// retryAtLeast and retryAtMost bound the back-off of a panel in doubt, which otherwise is its query's Every.
	retryAtLeast, retryAtMost = time.Second, 5 * time.Second
)

// Publisher answers panels and publishes their answers.
type Publisher struct {
	Options
	kick    chan struct{}      // one token: something may be due
	flights singleflight.Group // one answer of a topic, or of a topic and a moment, at a time
	past    chan struct{}      // a token for each question about the past that runs
	pulse   *heartbeat
	queries atomic.Uint64 // sent to the engine

	mu      sync.Mutex // guards what follows, and the pace of all topics
	topics  []*topic   // in the order of the board, then those on demand
	byName  map[string]*topic
	counts  map[string]*counts // by the panel's name
	added   int                // topics that there have been
	made    int                // topics on demand that there are
	full    bool               // some that are watched could not be made
	dropped time.Time          // when it was last looked which of them are idle
	replies []*reply           // of the last moments, to questions that several topics have
	tick    time.Duration      // between the moments when topics are answered; 0: at any
	held    time.Time          // since when the hub has been silent; zero: it is not
}

// New makes a publisher. It does nothing until Run, Newest or At.
func New(o Options) *Publisher {
	p := &Publisher{
		Options: o.withDefaults(),
		byName:  make(map[string]*topic, len(o.Panels)),
		counts:  make(map[string]*counts, len(o.Panels)),
		kick:    make(chan struct{}, 1),
		past:    make(chan struct{}, atOnce),
	}
	for _, panel := range o.Panels {
		if panel.Of == nil { // otherwise it is made for each thing that is asked for
			p.add(panel)
		}
	}
	p.pulse = newHeartbeat(p)
	return p
}

func (o Options) withDefaults() Options {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Doubt == nil {
		o.Doubt = func(...campaign.Kind) string { return "" }
	}
	if o.Watermark == nil {
		o.Watermark = func(...campaign.Kind) time.Time { return time.Time{} }
	}
	if o.Pulse == nil {
		o.Pulse = func(time.Time) Pulse { return Pulse{} }
	}
	return o
}

// Run publishes until ctx ends; it returns when no query of its own is running any more.
func (p *Publisher) Run(ctx context.Context) {
	var running sync.WaitGroup // what start started
	defer p.Hub.Release()
	defer running.Wait()
	alarm := time.NewTimer(0)
	defer alarm.Stop()
	for {
		var rings <-chan time.Time // never, when nothing is watched
		if next := p.start(ctx, &running); !next.IsZero() {
			alarm.Reset(time.Until(next))
			rings = alarm.C
		}
		select {
		case <-ctx.Done():
			return
		case <-p.Hub.Wake():
		case <-p.kick:
		case <-rings:
		}
	}
}

// Confirmed says that a batch of this kind is in the warehouse, whenever its events occurred: the topics that show it
// are due. It never blocks.
func (p *Publisher) Confirmed(kind campaign.Kind) { p.ConfirmedFrom(kind, time.Time{}) }

// ConfirmedFrom is Confirmed for a batch without events from before first.
func (p *Publisher) ConfirmedFrom(kind campaign.Kind, first time.Time) {
	now := time.Now()
	p.mu.Lock()
	for _, t := range p.topics {
		t.confirm(kind, now, first)
	}
	p.mu.Unlock()
	p.wake()
}

func (p *Publisher) wake() {
	select {
	case p.kick <- struct{}{}:
	default:
	}
}

// Stats are the publisher's figures since it was made.
type Stats struct {
	Topics map[string]TopicStats // by the panel's name
}

// TopicStats are the figures of one panel, of all its topics together.
type TopicStats struct {
	Queries   uint64 // sent to the engine, those about the past too
	Failures  uint64 // of these
	Published uint64 // frames, however many watched
}

// Stats are the figures of this moment.
func (p *Publisher) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Stats{Topics: make(map[string]TopicStats, len(p.counts)+1)}
	for name, c := range p.counts {
		s.Topics[name] = c.stats()
	}
	s.Topics[PulseTopic] = p.pulse.counts.stats()
	return s
}

// counts are TopicStats in the making.
type counts struct{ queries, failures, published atomic.Uint64 }

func (c *counts) stats() TopicStats {
	return TopicStats{Queries: c.queries.Load(), Failures: c.failures.Load(), Published: c.published.Load()}
}
