package server

import (
	"context"
	"sync"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
)

const (
	// coverageEvery is how often it is looked at how much of what is usual comes.
	coverageEvery = time.Second
	// coverageIdle is after how long without anybody who wants to know that is left off.
	coverageIdle = 10 * time.Second
	// coverageOld is when what was found says nothing any more.
	coverageOld = 30 * time.Second
)

// coverage is how much of what usually comes is coming, kept up to date while somebody wants to know. Whoever asks
// never waits for the engine.
type coverage struct {
	from board.FeedSource
	zone *time.Location

	mu     sync.Mutex // guards what follows
	wanted time.Time
	found  time.Time
	kinds  map[campaign.Kind]board.Coverage
}

// newest is what was found last; nil when nothing is known.
func (c *coverage) newest(now time.Time) map[campaign.Kind]board.Coverage {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = now
	if now.Sub(c.found) > coverageOld {
		return nil
	}
	return c.kinds
}

// run looks until ctx ends.
func (c *coverage) run(ctx context.Context) {
	tick := time.NewTicker(coverageEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			c.look(now)
		}
	}
}

func (c *coverage) look(now time.Time) {
	c.mu.Lock()
	wanted := now.Sub(c.wanted) <= coverageIdle
	c.mu.Unlock()
	if !wanted {
		return
	}
	kinds := board.Coverages(c.from, now, c.zone) // may ask the engine
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found, c.kinds = now, kinds
}
