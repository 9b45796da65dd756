// Package engine runs the embedded ClickHouse: it finds the library, writes its configuration, starts it as a child
// process on loopback ports, watches it, starts it again when it dies or hangs, and ends it.
//
// The child is this same program (see ChildMain), so that a crash of the library never takes the server along. It ends
// with its parent, however that ends. One process uses a data folder at a time. The ports and passwords stay the same
// when the child is started again; the passwords are kept on disk and are per install. Nothing is reachable from other
// machines, and the package never reads or writes a table.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// ErrPermanent is wrapped by errors of Open that trying again can't mend: the library is missing, or too old.
var ErrPermanent = errors.New("the embedded engine can't be used as it is")

// Options says where the engine lives and what it may use.
type Options struct {
	Dir         string // data, configuration, passwords and log; made when missing (0700)
	Library     string // libchdb.so or a clickhouse program; empty = looked for, see Find
	MemoryBytes int64  // the engine's limit for queries, merges and caches; 0 = half of the machine, 4 GiB at most
	Logger      *slog.Logger
}

// Engine is a running ClickHouse. Its methods may be called from any goroutine.
type Engine struct {
	timing
	logger   *slog.Logger
	launch   launch
	locks    *locks
	gate     *gate
	keys     passwords
	client   *http.Client
	version  string
	restarts atomic.Int64
	pid      atomic.Int64 // of the newest child
	once     sync.Once
	closing  chan struct{} // closed by Close
	ended    chan struct{} // closed by the watching goroutine when the last child has gone
}

// timing is how patient the watching is. Tests are less so.
type timing struct {
	ready     time.Duration // a start may take this long: large folders load slowly from cold disks
	pingEvery time.Duration
	pingWaits time.Duration // one ping
	hung      int           // so many pings in a row without an answer make a hung child
	lived     time.Duration // a child that lived this long resets the back-off
	slowest   time.Duration // of the back-off
	goodbye   time.Duration // for each step of ending: input closed, SIGTERM, SIGKILL
	orphan    time.Duration // an earlier, killed warroom's child may take this long to go
}

// patient allows a busy disk or a stopped process a minute and a half before a child counts as hung.
func patient() timing {
	return timing{
		ready: 3 * time.Minute, pingEvery: 5 * time.Second, pingWaits: 10 * time.Second, hung: 9,
		lived: time.Minute, slowest: 30 * time.Second, goodbye: 2 * time.Second, orphan: 15 * time.Second,
	}
}

// Open starts the engine and returns when it answers. It fails when the library is missing, when another process uses
// the folder, and when the engine does not come up; ctx ends the waiting, not the engine.
func Open(ctx context.Context, o Options) (*Engine, error) { return open(ctx, o, patient()) }

func open(ctx context.Context, o Options, t timing) (_ *Engine, err error) {
	e := &Engine{
		timing: t, logger: o.Logger,
		client:  &http.Client{Transport: &http.Transport{Proxy: nil, MaxIdleConnsPerHost: 1}},
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
	library, err := Find(o.Library)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("the engine's folder %s: %w", o.Dir, err)
	}
	if e.locks, err = takeLocks(ctx, dir, t.orphan); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.release())
		}
	}()
	if e.keys, err = loadPasswords(filepath.Join(dir, "passwords.json")); err != nil {
		return nil, err
	}
	if e.gate, err = openGate(ctx); err != nil {
		return nil, err
	}
	e.launch = launch{dir: dir, library: library, lock: e.locks.child, gate: e.gate}
	if err := writeConfig(dir, e.keys, limitsFor(o.MemoryBytes), e.launch); err != nil {
		return nil, err
	}
	c, err := e.first(ctx)
	if err != nil {
		return nil, err
	}
	go e.watch(c)
	return e, nil
}

// Address is where the native protocol listens, host:port.
func (e *Engine) Address() string { return e.launch.native }

// HTTPAddress is where the HTTP protocol listens, host:port.
func (e *Engine) HTTPAddress() string { return e.launch.http }

// AppPassword is the password of the user app, who may do everything.
func (e *Engine) AppPassword() string { return e.keys.App }

// AnalystPassword is the password of the user analyst, who may read the database analyst.
func (e *Engine) AnalystPassword() string { return e.keys.Analyst }

// Version is ClickHouse's version, for example 26.7.1.1.
func (e *Engine) Version() string { return e.version }

// Restarts is how often the engine died, or hung, and was started again.
func (e *Engine) Restarts() int { return int(e.restarts.Load()) }

// Close ends the engine and returns when it has gone: a few seconds at most. What was acknowledged is on disk.
func (e *Engine) Close() error {
	e.once.Do(func() { close(e.closing) })
	<-e.ended
	return e.release()
}

// release gives back what open took, the child excepted.
func (e *Engine) release() error {
	e.client.CloseIdleConnections()
	var errs []error
	if e.gate != nil {
		errs = append(errs, e.gate.close())
	}
	return errors.Join(append(errs, e.locks.release())...)
}

func private(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the engine's folder: %w", err)
	}
	return os.Chmod(dir, 0o700) //nolint:gosec // a folder needs its x bit
}
