package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version that the queries and settings are written for.
const oldest = 26

const (
	// starts is how often the first start is tried: between picking a free port and listening somebody else may take it.
	starts = 3
	// mendings bounds how often damaged files are set aside for one start: as often as there are tables, and more.
	mendings = 50
)

// first starts the first child on free ports and waits until it answers.
func (e *Engine) first(ctx context.Context) (*child, error) {
	var failed error
	for tries, mended := 0, 0; tries < starts; tries++ {
		var err error
		if e.launch.native, e.launch.http, err = freePorts(ctx); err != nil {
			return nil, err
		}
		c, err := e.launch.start()
		if err != nil {
			return nil, err
		}
		e.pid.Store(int64(c.process.Pid))
		err = e.wait(ctx, c)
		if err == nil {
			e.logger.Info("the embedded engine is up", "version", e.version, "pid", c.process.Pid,
				"after", time.Since(c.started).Round(time.Millisecond),
				"native", e.launch.native, "http", e.launch.http)
			return c, nil
		}
		c.end(e.goodbye)
		if !errors.Is(err, errDied) {
			return nil, err
		}
		failed = err
		if mended < mendings && e.mend(c) {
			tries, mended = -1, mended+1
		}
	}
	return nil, failed
}

// mend sets aside what a dead child could not start with, and says whether there was something.
func (e *Engine) mend(dead *child) bool {
	done, err := e.launch.mend(dead.says.String())
	if err != nil {
		e.logger.Error("the engine's damaged files could not be set aside", "error", err)
	}
	if done == "" {
		return false
	}
	e.logger.Error("the engine's files are damaged; it is started again without what can't be read", "done", done)
	return true
}

// errDied marks a child that ended while it was waited for.
var errDied = errors.New("the embedded engine did not start")

// wait returns when the child answers on both protocols in a version that is new enough.
func (e *Engine) wait(ctx context.Context, c *child) error {
	ctx, cancel := context.WithTimeout(ctx, e.ready)
	defer cancel()
	for {
		version, err := e.ask(ctx, "SELECT version()")
		if err == nil {
			err = e.dial(ctx)
		}
		if err == nil {
			e.version = version
			return checkVersion(version, e.launch.library)
		}
		select {
		case <-c.exited:
			return fmt.Errorf("%w: %w", errDied, c.death())
		case <-e.closing:
			return errors.New("closed while the engine was starting")
		case <-ctx.Done():
			return fmt.Errorf("the embedded engine does not answer (%w), last: %w", ctx.Err(), err)
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func checkVersion(version, library string) error {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err != nil || n < oldest {
		return fmt.Errorf("%w: %s is ClickHouse %q, warroom needs %d or newer: run `make build` (or `npm ci`) "+
			"in warroom's folder for the right one", ErrPermanent, library, version, oldest)
	}
	return nil
}

// watch keeps a child running until Close.
func (e *Engine) watch(c *child) {
	defer close(e.ended)
	answered := true // Open has waited for the first child
	for failures := 0; ; answered = false {
		stopGuard := e.guard(c, answered)
		select {
		case <-e.closing:
			stopGuard()
			c.end(e.goodbye)
			return
		case <-c.exited:
			stopGuard()
		}
		if time.Since(c.started) >= e.lived {
			failures = 0
		}
		if c = e.again(c, &failures); c == nil {
			return
		}
	}
}

// again starts a child in the place of a dead one, trying until one process starts. It returns nil when told to close.
func (e *Engine) again(dead *child, failures *int) *child {
	why := dead.death()
	e.mend(dead)
	for {
		wait := backOff(*failures, e.slowest)
		*failures++
		e.logger.Error("the embedded engine has gone and is started again; events are kept on disk meanwhile",
			"in", wait, "error", why)
		select {
		case <-e.closing:
			return nil
		case <-time.After(wait):
		}
		e.restarts.Add(1)
		c, err := e.launch.start()
		if err == nil {
			e.pid.Store(int64(c.process.Pid))
			return c
		}
		why = err
	}
}

// backOff doubles from 100 ms.
func backOff(failures int, slowest time.Duration) time.Duration {
	return min(100*time.Millisecond<<min(failures, 16), slowest)
}

// guard kills a child that stops answering, or never answers. The returned function ends the guarding and waits for
// that.
func (e *Engine) guard(c *child, answered bool) func() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { // ends with the returned function
		defer close(done)
		starting := time.Now().Add(e.ready)
		silent := 0
		for e.pause(ctx) {
			if e.ping(ctx) == nil {
				answered, silent = true, 0
				continue
			}
			if !answered && time.Now().Before(starting) {
				continue // still loading its tables
			}
			if silent++; silent >= e.hung && ctx.Err() == nil {
				e.logger.Error("the embedded engine hangs and is ended", "pings", silent)
				_ = c.process.Kill()
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

func (e *Engine) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(e.pingEvery):
		return true
	}
}

// ping asks for a sign of life that needs no query.
func (e *Engine) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, e.pingWaits)
	defer cancel()
	_, err := e.do(ctx, "/ping", nil)
	return err
}

// ask runs a query without parameters as app and returns its text.
func (e *Engine) ask(ctx context.Context, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, e.pingWaits)
	defer cancel()
	return e.do(ctx, "/", strings.NewReader(sql))
}

func (e *Engine) dial(ctx context.Context) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", e.launch.native)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (e *Engine) do(ctx context.Context, path string, body io.Reader) (string, error) {
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+e.launch.http+path, body)
	if err != nil {
		return "", err
	}
	if body != nil {
		req.Header.Set("X-ClickHouse-User", "app")
		req.Header.Set("X-ClickHouse-Key", e.keys.App)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d: %.200s", resp.StatusCode, text)
	}
	return strings.TrimSpace(string(text)), nil
}
