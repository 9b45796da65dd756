package server

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"warroom/server/campaign"
)

const (
	// mostCopies bounds what waits to be copied while the engine is away.
	mostCopies = 10_000
	// copyAgain is how soon a copy that failed is tried again.
	copyAgain = 10 * time.Second
)

// letterCopies copies what is known of dead letters into the table `dead_letters`, for boards and analysts. The files
// are the truth: a copy that fails is tried again, and open letters are copied again at every start.
type letterCopies struct {
	store  func(ctx context.Context, letters []campaign.DeadLetter) error
	logger *slog.Logger
	came   chan struct{} // holds a token when something waits

	mu      sync.Mutex // guards waiting
	waiting map[letterKey]campaign.DeadLetter
}

type letterKey struct {
	kind    campaign.Kind
	segment string
	n       uint32
}

func newLetterCopies(s *store, logger *slog.Logger) *letterCopies {
	save := func(ctx context.Context, letters []campaign.DeadLetter) error {
		wh, err := s.warehouse()
		if err != nil {
			return err
		}
		return wh.SaveLetters(ctx, letters)
	}
	return &letterCopies{
		store: save, logger: logger, came: make(chan struct{}, 1), waiting: map[letterKey]campaign.DeadLetter{},
	}
}

// add has letters copied as they are now.
func (c *letterCopies) add(letters []campaign.DeadLetter) {
	c.mu.Lock()
	for _, l := range letters {
		c.put(l, true)
	}
	c.mu.Unlock()
	select {
	case c.came <- struct{}{}:
	default:
	}
}

// put keeps the newest state of a letter, and leaves out what is too much: it is copied after the next start.
func (c *letterCopies) put(l campaign.DeadLetter, newer bool) {
	key := letterKey{l.Kind, l.Segment, l.N}
	_, waits := c.waiting[key]
	if waits && newer || !waits && len(c.waiting) < mostCopies {
		c.waiting[key] = l
	}
}

// addOpen has those copied that are not settled.
func (c *letterCopies) addOpen(letters []campaign.DeadLetter) {
	var open []campaign.DeadLetter
	for _, l := range letters {
		if l.Settled.IsZero() {
			open = append(open, l)
		}
	}
	c.add(open)
}

// take empties what waits.
func (c *letterCopies) take() (letters []campaign.DeadLetter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.waiting {
		letters = append(letters, l)
	}
	clear(c.waiting)
	return letters
}

// run copies until ctx ends.
func (c *letterCopies) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.came:
		}
		for failed := false; ; failed = true {
			letters := c.take()
			err := c.save(ctx, letters)
			if err == nil {
				break
			}
			if !failed && ctx.Err() == nil {
				c.logger.Warn("dead letters could not be copied into their table, trying again; their file has them", "error", err)
			}
			c.mu.Lock()
			for _, l := range letters {
				c.put(l, false)
			}
			c.mu.Unlock()
			select {
			case <-ctx.Done():
				return
			case <-time.After(copyAgain):
			}
		}
	}
}

func (c *letterCopies) save(ctx context.Context, letters []campaign.DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	return c.store(ctx, letters)
}
