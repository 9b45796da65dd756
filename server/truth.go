package server

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"warroom/server/campaign"
	"warroom/server/warehouse"
)

const (
	// compareEvery and compareWithin bound the pause between two comparisons of a kind: a difference is found within five
	// minutes of its appearing, the comparison included. In between, comparing rests a hundred times as long as it took,
	// and while it lasts it keeps two cores busy: a fiftieth of a core.
	compareEvery, compareWithin = time.Minute, 4*time.Minute + 30*time.Second
	restAfter                   = 100
	// retryRepair and retryCompare are the pauses after an engine that did not answer.
	retryRepair, retryCompare = 10 * time.Second, 15 * time.Second
	// lookEvery is how soon an engine that was started again is looked at.
	lookEvery = 250 * time.Millisecond
	// scrubEvery is how often every byte of money and mail is read, for damage that no query meets.
	scrubEvery, scrubFirst = 24 * time.Hour, time.Hour
	// listedDifferences and loggedDifferences bound what is remembered, and what one comparison writes into the log.
	listedDifferences, loggedDifferences = 100, 20
)

// truth watches over what the engine holds. It compares rollups with truth in the background and has differences
// repaired; after each start of the engine it looks for parts of tables that could not be read, has their rows refilled
// from their sibling tables and from the spools' kept segments, and says so as long as rows may still be missing.
type truth struct {
	store  *store
	replay func(ctx context.Context, kind campaign.Kind) (rows int, err error)
	path   string // what is known from one start to the next
	logger *slog.Logger

	mu    sync.Mutex // guards what follows
	state truthState
	kinds map[campaign.Kind]*kindTruth
	asked *warehouse.Warehouse // whose rebuilt tables are known
}

// truthState is kept in the data folder.
type truthState struct {
	Handled    []string              `json:"handled"`    // broken parts whose rows have been refilled
	Rows       map[string]uint64     `json:"rows"`       // by kind: how many there were; money and mail never become fewer
	Incomplete map[string]incomplete `json:"incomplete"` // by kind, until an operator accepts it
	Accepted   map[string]int        `json:"accepted"`   // by kind: differences that can't be repaired, and may stay
	Traffic    warehouse.TrafficHeld `json:"traffic"`    // as it was when it was last whole
}

// incomplete says why rows of a kind may be missing.
type incomplete struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

func (i incomplete) about(kind string) string {
	return fmt.Sprintf("%s may be incomplete since %s: %s", kind, i.Since.UTC().Format("2006-01-02 15:04 UTC"), i.Why)
}

// kindTruth is what is known of one kind.
type kindTruth struct {
	checks, found, repaired uint64
	last                    warehouse.Comparison // the last one that could be made
	trouble                 string               // why the newest could not be made
	newest                  []warehouse.Difference
	open                    map[warehouse.Difference]bool // unrepaired ones that are known already
	next, scrubbed          time.Time
	broken                  []warehouse.BrokenPart // that wait to be refilled
	mending                 bool
}

func newTruth(o Options, store *store, from *streams) *truth {
	t := &truth{
		store: store, path: filepath.Join(o.Data, "state", "truth.json"), logger: o.Logger,
		kinds: map[campaign.Kind]*kindTruth{},
		replay: func(ctx context.Context, kind campaign.Kind) (int, error) {
			sent, err := from.replay(ctx, []campaign.Kind{kind}, time.Time{}, "", nil)
			return sent[kind].Rows, err
		},
	}
	for _, kind := range campaign.Kinds() {
		t.kinds[kind] = &kindTruth{open: map[warehouse.Difference]bool{}, scrubbed: time.Now().Add(scrubFirst - scrubEvery)}
	}
	state, err := readTruth(t.path)
	if err != nil { // it only spares work: a damaged one must not stop the start
		o.Logger.Error("what was known of the totals is lost: broken parts are refilled again", "error", err)
	}
	t.state = state
	return t
}

// begin looks at the tables before anything is stored in them: a later copy of a gift must not take the place of one
// whose row was in a broken part. It tries again while the engine does not answer, and ends with ctx.
func (t *truth) begin(ctx context.Context) error {
	return t.store.persist(ctx, slowestConnect, "the tables can't be looked at yet", t.examine)
}

// run compares and repairs until ctx ends.
func (t *truth) run(ctx context.Context, started <-chan struct{}) {
	select {
	case <-ctx.Done():
		return
	case <-started: // from here on there is a warehouse, and the sinks can replay
	}
	var repairs sync.WaitGroup
	defer repairs.Wait()
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		t.accept()
		if !t.store.examinedAll() {
			if err := t.examine(ctx); err != nil && ctx.Err() == nil {
				t.logger.Warn("the tables can't be looked at yet", "error", err)
			}
		}
		for _, kind := range campaign.Kinds() {
			if t.mustMend(kind) {
				repairs.Go(func() { t.mend(ctx, kind) })
			}
		}
		if kind, due := t.due(time.Now()); due {
			t.check(ctx, kind)
		}
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
	}
}

// due is the kind whose comparison is most overdue.
func (t *truth) due(now time.Time) (kind campaign.Kind, due bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range campaign.Kinds() {
		one := t.kinds[k]
		if !one.mending && !now.Before(one.next) && (!due || one.next.Before(t.kinds[kind].next)) {
			kind, due = k, true
		}
	}
	return kind, due
}

// check compares a kind, and looks at what the engine has set aside.
func (t *truth) check(ctx context.Context, kind campaign.Kind) {
	c, held, err := t.compare(ctx, kind)
	now := time.Now()
	t.mu.Lock()
	k := t.kinds[kind]
	if err != nil {
		k.next = now.Add(retryCompare)
		if ctx.Err() == nil && k.trouble == "" {
			t.logger.Warn("totals could not be compared with the truth, trying again", "kind", kind.String(), "error", err)
		}
		k.trouble = "the engine did not answer"
		t.mu.Unlock()
		return
	}
	k.trouble = ""
	k.next = now.Add(min(max(restAfter*c.Took, compareEvery), compareWithin))
	if kind == campaign.Traffic {
		k.next = now.Add(compareEvery) // a slice of it, see warehouse.Compare
	}
	t.mu.Unlock()
	t.note(c)
	t.count(kind, c, held)
}

func (t *truth) compare(ctx context.Context, kind campaign.Kind) (c warehouse.Comparison, held warehouse.TrafficHeld, err error) {
	wh, err := t.store.warehouse()
	if err != nil {
		return c, held, err
	}
	if err := t.noteBroken(ctx, wh); err != nil { // also those that the last comparison had set aside
		return c, held, err
	}
	if kind == campaign.Traffic {
		if held, err = wh.TrafficHeld(ctx); err != nil {
			return c, held, err
		}
	} else if t.scrubDue(kind) {
		if _, err := wh.Scrub(ctx, kind); err != nil {
			return c, held, err
		}
	}
	c, err = wh.Compare(ctx, kind)
	return c, held, err
}

func (t *truth) scrubDue(kind campaign.Kind) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[kind]
	if time.Since(k.scrubbed) < scrubEvery {
		return false
	}
	k.scrubbed = time.Now()
	return true
}

// note counts, lists and logs what a comparison found.
func (t *truth) note(c warehouse.Comparison) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[c.Kind]
	unlisted := uint64(c.Found - len(c.Differences)) //nolint:gosec // never negative
	if c.Left > 0 && c.Found == k.last.Found {
		unlisted = 0 // the same that stay as the last time
	}
	k.checks++
	k.last = c
	open := map[warehouse.Difference]bool{}
	logged := 0
	for _, d := range c.Differences {
		if !d.Repaired {
			open[d] = true
		}
		if k.open[d] {
			continue
		}
		k.newest = append(k.newest, d)
		if logged++; logged <= loggedDifferences {
			t.logger.Warn("a total was not what the truth says", "table", d.Table, "at", d.Where, "held", d.Rollup,
				"truth", d.Truth, "repaired", d.Repaired)
		}
	}
	k.found += uint64(logged) + unlisted    //nolint:gosec // a count
	k.repaired += uint64(logged) + unlisted //nolint:gosec // a count
	for d := range open {
		if !k.open[d] {
			k.repaired--
		}
	}
	if more := c.Found - loggedDifferences; more > 0 && logged > loggedDifferences {
		t.logger.Warn("more totals were not what the truth says", "kind", c.Kind.String(), "differences", more)
	}
	k.open = open
	k.newest = k.newest[max(0, len(k.newest)-listedDifferences):]
}

// count remembers how much there is. Less than there was has been lost without a broken part to tell.
func (t *truth) count(kind campaign.Kind, c warehouse.Comparison, held warehouse.TrafficHeld) {
	missing := t.missing(c, held)
	t.mu.Lock()
	name, k := kind.String(), t.kinds[kind]
	_, incomplete := t.state.Incomplete[name]
	switch {
	case len(k.broken) > 0: // what is known of a whole kind must outlive its loss
	case missing != "" && !incomplete:
		t.logger.Error("rows have gone from the engine; they are looked for elsewhere", "kind", name, "missing", missing)
		k.broken = append(k.broken, warehouse.BrokenPart{Kind: kind, Name: "rows", At: time.Now()})
	case missing == "":
		t.remember(kind, c, held)
	}
	t.mu.Unlock()
	if missing == "" && incomplete {
		t.settle(kind, "")
	}
}

// remember keeps how much there is of a kind. The caller holds mu.
func (t *truth) remember(kind campaign.Kind, c warehouse.Comparison, held warehouse.TrafficHeld) {
	name, was := kind.String(), t.state
	if kind == campaign.Traffic {
		changed := !maps.Equal(was.Traffic.Requests, held.Requests) || !was.Traffic.Sums.Equal(held.Sums)
		if t.state.Traffic = held; changed {
			t.save()
		}
		return
	}
	rows, counted := was.Rows[name]
	if accepted := was.Accepted[name]; !counted || rows != c.Rows || accepted != c.Left {
		t.state.Rows[name], t.state.Accepted[name] = c.Rows, min(accepted, c.Left)
		t.save()
	}
}
