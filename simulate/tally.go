package simulate

import (
	"hash/maphash"
	"sync"
	"time"

	"warroom/server/campaign"
	"warroom/simulate/story"
)

// Report is how a run stands.
type Report struct {
	Acknowledged uint64        // events so far
	PerSecond    float64       // acknowledged since the last report
	NetMinor     int64         // acknowledged dollars in cents, each movement once
	Behind       time.Duration // how far the slowest feed is behind its story
	Slowest      string        // that feed
	Trouble      string        // why the server takes nothing at the moment; empty = it does
}

// Summary is what came of a run.
type Summary struct {
	Scenario string    `json:"scenario"`
	Seed     uint64    `json:"seed"`
	Begin    time.Time `json:"begin"` // of the history
	Start    time.Time `json:"start"`
	// Feeds counts every copy of every event; Totals counts each movement of money once, by currency.
	Feeds  map[string]FeedSummary `json:"feeds"`
	Totals map[string]*Total      `json:"totals"`
	// Requests is how many requests the acknowledged traffic events stand for.
	Requests float64 `json:"requests"`
}

// FeedSummary counts one feed's events and its attempts.
type FeedSummary struct {
	Told         uint64 `json:"told"` // handed to the sender
	Acknowledged uint64 `json:"acknowledged"`
	Rejected     uint64 `json:"rejected"`       // by the server, for good
	Unknown      uint64 `json:"unacknowledged"` // the answer was not there when the run ended
	Batches      uint64 `json:"batches"`
	Retries      uint64 `json:"retries"`
}

// Total sums acknowledged movements of money, in minor units.
type Total struct {
	Movements uint64 `json:"movements"`
	Gross     int64  `json:"gross_minor"`   // gifts and won disputes
	Refunds   int64  `json:"refunds_minor"` // refunds and chargebacks, as a positive number
	Net       int64  `json:"net_minor"`
}

// tally keeps count for all feeds of a run.
type tally struct {
	plan *story.Plan

	mu    sync.Mutex // guards all below
	feeds map[string]*feedTally
	// seen holds the identities of acknowledged movements, hashed: 16 bytes each, for some 40,000 an hour at the most.
	seen     map[uint64]struct{}
	hash     maphash.Seed
	totals   map[string]*Total
	requests float64
}

type feedTally struct {
	FeedSummary
	at      time.Time // how far its story has been told and answered
	over    bool      // the story has ended
	trouble string
}

func newTally(p *story.Plan, feeds []*story.Feed) *tally {
	t := &tally{
		plan: p, feeds: map[string]*feedTally{}, seen: map[uint64]struct{}{}, hash: maphash.MakeSeed(),
		totals: map[string]*Total{},
	}
	for _, f := range feeds {
		t.feeds[f.Name] = &feedTally{at: f.Due()}
	}
	return t
}

func (t *tally) told(feed string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].Told += uint64(n)
	t.feeds[feed].Unknown += uint64(n)
	t.feeds[feed].Batches++
}

// answered counts a batch after its verdict, or after the run ended without one.
func (t *tally) answered(f *story.Feed, events []story.Event, acknowledged []bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.feeds[f.Name]
	for i := range events {
		if !acknowledged[i] {
			continue
		}
		c.Acknowledged++
		c.Unknown--
		if f.Kind == campaign.Donations {
			t.moved(&events[i])
		}
		t.requests += events[i].Weight
	}
}

func (t *tally) rejected(feed string, n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].Rejected += uint64(n)
	t.feeds[feed].Unknown -= uint64(n)
}

// moved adds a movement of money, unless another copy of it was there before. t.mu is held.
func (t *tally) moved(e *story.Event) {
	key := maphash.String(t.hash, e.Source+"\n"+e.ID)
	if _, again := t.seen[key]; again {
		return
	}
	t.seen[key] = struct{}{}
	total := t.totals[e.Currency]
	if total == nil {
		total = &Total{}
		t.totals[e.Currency] = total
	}
	total.Movements++
	total.Gross += max(e.AmountMinor, 0)
	total.Refunds -= min(e.AmountMinor, 0)
	total.Net += e.AmountMinor
}

func (t *tally) reached(feed string, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].at = at
}

func (t *tally) finished(feed string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].over = true
}

func (t *tally) retried(feed string, why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].Retries++
	t.feeds[feed].trouble = why.Error()
}

func (t *tally) calm(feed string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.feeds[feed].trouble = ""
}

func (t *tally) summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := Summary{
		Scenario: t.plan.Scenario(), Seed: t.plan.Seed(), Begin: t.plan.Begin(), Start: t.plan.Start(),
		Feeds: map[string]FeedSummary{}, Totals: t.totals, Requests: t.requests,
	}
	for name, f := range t.feeds {
		s.Feeds[name] = f.FeedSummary
	}
	return s
}

// report says how it stands; before is what the last report counted.
func (t *tally) report(now time.Time, before uint64, since time.Duration) Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	var r Report
	for name, f := range t.feeds {
		r.Acknowledged += f.Acknowledged
		if behind := now.Sub(f.at); behind > r.Behind && !f.over {
			r.Behind, r.Slowest = behind, name
		}
		if f.trouble != "" {
			r.Trouble = name + ": " + f.trouble
		}
	}
	r.PerSecond = float64(r.Acknowledged-before) / since.Seconds()
	if usd := t.totals["USD"]; usd != nil {
		r.NetMinor = usd.Net
	}
	return r
}

// reports calls f regularly until the returned function is called; that waits for a call under way.
func (t *tally) reports(f func(Report), every time.Duration) (stop func()) {
	if f == nil {
		return func() {}
	}
	if every == 0 {
		every = 5 * time.Second
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() { // ended by stop
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for before := uint64(0); ; {
			select {
			case <-end:
				return
			case now := <-ticker.C:
				r := t.report(now, before, every)
				before = r.Acknowledged
				f(r)
			}
		}
	}()
	return func() { close(end); <-ended }
}
