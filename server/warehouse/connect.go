package warehouse

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// database is fixed: the analysts' views name it.
const database = "campaign"

const (
	dialTimeout = 2 * time.Second
	// queryTimeout bounds a board's query: a board shows doubt rather than wait for a stuck engine.
	queryTimeout = 3 * time.Second
	// storeTimeout bounds a statement of storing. An engine that needs longer is stuck; what became of the statement
	// is unknown then, and the batch comes again.
	storeTimeout = 30 * time.Second
	// sendTimeout bounds one write to a socket: a stopped engine reads nothing.
	sendTimeout = 10 * time.Second
	// migrateTimeout bounds a statement of a migration, which may have to touch every part of a table.
	migrateTimeout = 10 * time.Minute
)

// BoardThreads is how many threads of the engine one of the boards' queries uses. They read a few thousand rows: a second
// thread made none of them sooner, and cost a quarter more of the processors.
const BoardThreads = 1

// purpose is what a pool of connections is for.
type purpose struct {
	conns   int // at most; the engine has two cores, and each kind stores on its own
	timeout time.Duration
	threads int // of one query; 0 leaves it to the engine
}

func writing() purpose   { return purpose{conns: 8, timeout: storeTimeout} }
func reading() purpose   { return purpose{conns: 8, timeout: queryTimeout, threads: BoardThreads} }
func migrating() purpose { return purpose{conns: 2, timeout: migrateTimeout} }

// parse reads the URL. Its errors never quote it: it holds a password.
func parse(url string, p purpose) (*clickhouse.Options, error) {
	o, err := clickhouse.ParseDSN(url)
	if err != nil {
		return nil, fmt.Errorf("%w: the ClickHouse URL can't be read: want clickhouse://user:password@host:9000/%s",
			ErrPermanent, database)
	}
	if o.Auth.Database == "" {
		o.Auth.Database = database
	}
	switch {
	case o.Auth.Database != database:
		return nil, fmt.Errorf("%w: the ClickHouse URL names the database %q: it must be called %s",
			ErrPermanent, o.Auth.Database, database)
	case o.Protocol != clickhouse.Native:
		return nil, fmt.Errorf("%w: the ClickHouse URL must be of the native protocol: clickhouse://…", ErrPermanent)
	}
	for name, value := range pinned() {
		o.Settings[name] = value
	}
	if p.threads > 0 {
		o.Settings["max_threads"] = p.threads
	}
	o.Compression = nil // on one machine it costs more than it saves; the URL's compress=lz4 is for far ones
	o.DialTimeout, o.ReadTimeout = dialTimeout, p.timeout
	o.MaxOpenConns, o.MaxIdleConns, o.ConnMaxLifetime = p.conns, p.conns, 10*time.Minute
	o.DialContext = dialer(o.TLS)
	return o, nil
}

func connect(url string, p purpose) (driver.Conn, error) {
	o, err := parse(url, p)
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
	}
	return conn, nil
}

// dialer dials as the driver does, and bounds writes, which the driver doesn't.
func dialer(secure *tls.Config) func(ctx context.Context, addr string) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTimeout}
	return func(ctx context.Context, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return nil, err
		}
		plain := &socket{TCPConn: conn.(*net.TCPConn)} //nolint:forcetypeassert // that is what "tcp" gives
		if secure == nil {
			return plain, nil
		}
		config := secure.Clone()
		if config.ServerName == "" {
			config.ServerName, _, _ = net.SplitHostPort(addr)
		}
		encrypted := tls.Client(plain, config)
		if err := encrypted.HandshakeContext(ctx); err != nil {
			_ = plain.Close()
			return nil, err
		}
		return encrypted, nil
	}
}

// socket gives up a write that doesn't get on. It stays a syscall.Conn, by which the driver finds dead connections.
type socket struct{ *net.TCPConn }

// Write sends b within sendTimeout.
func (s *socket) Write(b []byte) (int, error) {
	if err := s.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return 0, err
	}
	return s.TCPConn.Write(b)
}

// Check says what is wrong with a URL, without connecting.
func Check(url string) error {
	_, err := parse(url, reading())
	return err
}

// Reachable says whether a ClickHouse answers at url, without changing anything.
func Reachable(ctx context.Context, url string) error {
	conn, err := connect(url, reading())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	return outcome("connect", conn.Ping(ctx))
}
