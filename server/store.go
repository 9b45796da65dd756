package server

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/saved"
	"warroom/server/warehouse"
)

var (
	// errStarting is what boards say until the engine answers for the first time.
	errStarting = errors.New("the engine is starting")
	// errNotLookedAt is why nothing is stored right after a start of the engine: a later copy of an event must not take
	// the place of one whose row was in a part that can't be read.
	errNotLookedAt = errors.New("the engine was started again and its tables have not been looked at yet")
	// errNoStart is what they say when the embedded engine has failed to start, and is tried again.
	errNoStart = errors.New("the engine does not start")
)

// store is the engine and the warehouse on it. It is there from the start and works from the moment they do; until
// then its methods return errStarting.
type store struct {
	Options
	mu     sync.Mutex // guards engine, wh and failed
	engine *engine.Engine
	wh     *warehouse.Warehouse
	failed error // why the last start did not work

	looked atomic.Int64 // the engine's starts after which the tables have been looked at, see truth

	asked   sync.Mutex // guards health and at, and lets one question at a time through
	health  error
	askedAt time.Time
}

func newStore(o Options) *store {
	s := &store{Options: o, failed: errStarting}
	s.looked.Store(-1)
	return s
}

const (
	// slowestStart bounds the pause before the engine is started again: a start takes a second of a core.
	slowestStart = 30 * time.Second
	// slowestConnect bounds the pause before an engine that runs is asked again.
	slowestConnect = 5 * time.Second
)

// open starts the engine and prepares the tables. It tries again while that fails, because the doors are open
// meanwhile, and returns an error only when trying again can't help, or nil when ctx ends.
func (s *store) open(ctx context.Context) error {
	if s.ClickHouseURL == "" {
		if err := s.persist(ctx, slowestStart, "the engine does not start", s.start); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return s.persist(ctx, slowestConnect, "the warehouse isn't there yet", s.connect)
}

// persist tries until it works or ctx ends (nil), or until trying again can't help.
func (s *store) persist(ctx context.Context, slowest time.Duration, trouble string, try func(context.Context) error) error {
	for wait := 250 * time.Millisecond; ; wait = min(2*wait, slowest) {
		err := try(ctx)
		switch {
		case err == nil, ctx.Err() != nil:
			return nil //nolint:nilerr // told to stop while trying
		case errors.Is(err, warehouse.ErrPermanent), errors.Is(err, engine.ErrPermanent):
			return err
		}
		s.Logger.Error(trouble+", trying again; events are kept on disk meanwhile", "in", wait, "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// start starts the embedded engine.
func (s *store) start(ctx context.Context) error {
	e, err := engine.Open(ctx, engine.Options{
		Dir: filepath.Join(s.Data, "engine"), Library: s.EngineLibrary, MemoryBytes: s.EngineMemory, Logger: s.Logger,
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engine = e; err != nil {
		s.failed = fmt.Errorf("%w: %w", errNoStart, err)
		return err
	}
	s.failed = errStarting
	return nil
}

// connect prepares the tables of an engine that runs.
func (s *store) connect(ctx context.Context) error {
	wh, err := warehouse.Open(ctx, s.warehouseOptions())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wh, s.failed = wh, err
	return err
}

func (s *store) warehouseOptions() warehouse.Options {
	o := warehouse.Options{URL: s.ClickHouseURL, Logger: s.Logger, Retain: warehouse.Retain{
		Requests: s.RetainRequests, Seconds: s.RetainSeconds, Minutes: s.RetainMinutes,
	}}
	if e := s.embedded(); e != nil {
		o.URL = (&url.URL{Scheme: "clickhouse", User: url.UserPassword("app", e.AppPassword()), Host: e.Address(), Path: "/campaign"}).String()
	}
	return o
}

func (s *store) embedded() *engine.Engine {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engine
}

func (s *store) warehouse() (*warehouse.Warehouse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wh, s.failed
}

// Query runs a board's query.
func (s *store) Query(ctx context.Context, sql string, params map[string]string, scan func(board.Rows) error) error {
	wh, err := s.warehouse()
	if err != nil {
		return err
	}
	return wh.Query(ctx, sql, params, func(rows warehouse.Rows) error { return scan(rows) })
}

// storing is the warehouse for storing.
func (s *store) storing() (*warehouse.Warehouse, error) {
	if !s.examinedAll() {
		return nil, errNotLookedAt
	}
	return s.warehouse()
}

// starts counts how often the embedded engine was started again; 0 for a ClickHouse that is not ours.
func (s *store) starts() int {
	if e := s.embedded(); e != nil {
		return e.Restarts()
	}
	return 0
}

// examined notes that the tables were looked at after so many starts.
func (s *store) examined(starts int) { s.looked.Store(int64(starts)) }

func (s *store) examinedAll() bool { return s.looked.Load() == int64(s.starts()) }

func (s *store) donations(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
	wh, err := s.storing()
	if err != nil {
		return err
	}
	return wh.StoreDonations(ctx, b)
}

func (s *store) emails(ctx context.Context, b campaign.Batch[campaign.EmailEvent]) error {
	wh, err := s.storing()
	if err != nil {
		return err
	}
	return wh.StoreEmails(ctx, b)
}

func (s *store) traffic(ctx context.Context, b campaign.Batch[campaign.Request]) error {
	wh, err := s.storing()
	if err != nil {
		return err
	}
	return wh.StoreTraffic(ctx, b)
}

// healthFor is how long an answer about the engine's health is good for: probes must not become its load.
const healthFor = time.Second

// ready says whether the engine answers, as of a second ago at most.
func (s *store) ready(ctx context.Context) error {
	s.asked.Lock()
	defer s.asked.Unlock()
	if time.Since(s.askedAt) < healthFor {
		return s.health
	}
	wh, err := s.warehouse()
	if err == nil {
		ask, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		err = wh.Ping(ask)
	}
	s.health, s.askedAt = err, time.Now()
	return err
}

// analyst is the read-only account.
func (s *store) analyst() (saved.Account, bool) {
	if e := s.embedded(); e != nil {
		if _, err := s.warehouse(); err != nil {
			return saved.Account{}, false
		}
		return saved.Account{URL: "http://" + e.HTTPAddress(), User: "analyst", Password: e.AnalystPassword()}, true
	}
	u, err := url.Parse(s.AnalystURL)
	if err != nil || s.AnalystURL == "" {
		return saved.Account{}, false
	}
	password, _ := u.User.Password()
	return saved.Account{URL: u.Scheme + "://" + u.Host, User: u.User.Username(), Password: password}, true
}

func (s *store) close() error {
	s.mu.Lock()
	wh, e := s.wh, s.engine
	s.wh, s.engine, s.failed = nil, nil, errors.New("warroom is stopping")
	s.mu.Unlock()
	var errs []error
	if wh != nil {
		errs = append(errs, wh.Close())
	}
	if e != nil {
		if err := e.Close(); err != nil {
			errs = append(errs, fmt.Errorf("stop the engine: %w", err))
		}
	}
	return errors.Join(errs...)
}
