// Package server puts the parts together: it opens what lives on disk, listens, starts the engine behind the open
// doors, and stops everything in order. The doors are open before the engine is up and stay open while it is away;
// what they acknowledged waits in the spools.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"warroom/server/auth"
	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/hub"
	"warroom/server/ingest"
	"warroom/server/live"
	"warroom/server/saved"
	"warroom/server/warehouse"
)

// Options is the configuration, already checked.
type Options struct {
	Addr, Data, Currency, PublicURL, Secret string
	Zone                                    *time.Location
	SpoolLimit                              int64         // bytes, each of the three streams
	Keep                                    time.Duration // of counted events on disk; 0 = they are deleted at once
	KeepBytes                               int64         // of all streams; 0 = they are deleted at once
	SelfTraffic                             bool

	ClickHouseURL string // empty = embedded engine
	AnalystURL    string // of the read-only account's HTTP side, with ClickHouseURL only
	EngineLibrary string
	EngineMemory  int64 // bytes; 0 = half of the machine, 4 GiB at most

	RetainRequests, RetainSeconds, RetainMinutes time.Duration

	// MailPerSecond and MailPerDay are the mail provider's quota; 0 where it isn't known.
	MailPerSecond, MailPerDay float64
	// Tiers say how much hangs on an app, 1 to 3: see board.Options.
	Tiers map[string]int

	Version string
	Logger  *slog.Logger
}

// Server is a warroom that listens. Run serves; Close without Run gives everything back.
type Server struct {
	Options
	started  time.Time
	listener net.Listener
	auth     *auth.Store
	streams  *streams
	doors    *ingest.Doors
	self     *selfTraffic // nil when switched off
	store    *store
	truth    *truth
	boards   []board.Board
	reporter *feedReporter
	coverage *coverage
	hub      *hub.Hub
	live     *live.Publisher
	saved    *saved.Runner
	figures  *figures
	http     *http.Server
	control  *control      // nil when the socket could not be made
	stopping chan struct{} // closed when new requests are refused
}

// stopWithin bounds each step of stopping; a step that takes longer loses nothing acknowledged.
const stopWithin = 5 * time.Second

// Open opens the data folder and listens. Its errors say which setting or folder to mend.
func Open(o Options) (_ *Server, err error) {
	s := &Server{Options: o, started: time.Now(), stopping: make(chan struct{})}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	// Before anybody is told an address:
	if o.ClickHouseURL == "" {
		if _, err := engine.Find(o.EngineLibrary); err != nil {
			return nil, err
		}
	} else if err := warehouse.Check(o.ClickHouseURL); err != nil {
		return nil, fmt.Errorf("WARROOM_CLICKHOUSE_URL: %w", err)
	}
	if s.listener, err = listen(o.Addr); err != nil {
		return nil, err
	}
	if err := s.openState(); err != nil {
		return nil, err
	}
	if err := s.openBoards(); err != nil {
		return nil, err
	}
	s.figures = newFigures(s)
	s.http = &http.Server{
		Handler:           s.routes(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // 8 MiB over a slow line
		WriteTimeout:      5 * time.Minute, // an analyst's answer
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	if s.control, err = openControl(filepath.Join(s.Data, "state"), s.streams, o.Logger); err != nil {
		o.Logger.Warn("commands such as warroom replay can't reach this server", "error", err)
	}
	return s, s.writeAddress()
}

func listen(addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("WARROOM_ADDR: %s is taken by another program: stop it, or choose another port (0 picks a free one)", addr)
	case err != nil:
		return nil, fmt.Errorf("WARROOM_ADDR: can't listen on %s: %w", addr, err)
	}
	return l, nil
}

// openState opens what is kept in the data folder, the engine's part excepted.
func (s *Server) openState() error {
	state := filepath.Join(s.Data, "state")
	if err := os.MkdirAll(state, 0o700); err != nil {
		return fmt.Errorf("WARROOM_DATA: can't write %s: %w", s.Data, err)
	}
	key, err := installSecret(s.Secret, filepath.Join(state, "secret"))
	if err != nil {
		return err
	}
	if s.auth, err = auth.Open(state, auth.Options{Logger: s.Logger}); err != nil {
		return err
	}
	s.store = newStore(s.Options)
	if s.streams, err = openStreams(s.Options, s.store); err != nil {
		return err
	}
	s.truth = newTruth(s.Options, s.store, s.streams)
	return s.openDoors(key, state)
}

func (s *Server) openDoors(key []byte, state string) (err error) {
	s.doors, err = ingest.Open(ingest.Options{
		State:  state,
		Secret: key,
		Authenticate: func(token string) (ingest.Grant, bool) {
			g, ok := s.auth.Authenticate(token)
			return ingest.Grant{Feed: g.Name, May: g.MayIngest}, ok
		},
		Spools: map[campaign.Kind]ingest.Appender{
			campaign.Donations: s.streams.spools[campaign.Donations],
			campaign.Emails:    s.streams.spools[campaign.Emails],
			campaign.Traffic:   s.streams.spools[campaign.Traffic],
		},
		Logger: s.Logger,
	})
	if err != nil {
		return err
	}
	if s.SelfTraffic {
		s.self = &selfTraffic{append: s.streams.spools[campaign.Traffic].Append, visitor: visitorKey(key), logger: s.Logger}
	}
	return nil
}

func (s *Server) openBoards() (err error) {
	options := board.Options{Zone: s.Zone, Currency: s.Currency, Tiers: s.Tiers, MailPerSecond: s.MailPerSecond, MailPerDay: s.MailPerDay}
	if s.boards, err = board.All(options); err != nil {
		return err
	}
	s.reporter = newFeedReporter(s)
	s.coverage = &coverage{from: s.reporter.source(), zone: s.Zone}
	if s.reporter.panels, err = board.Feeds(options, s.reporter.source()); err != nil {
		return err
	}
	s.hub = hub.New()
	s.live = live.New(live.Options{
		Panels: append(board.Panels(s.boards), s.reporter.panels...), Query: s.store, Hub: s.hub, Zone: s.Zone, Logger: s.Logger,
		Find:  func(topic string) (board.Panel, bool) { return board.Find(s.boards, topic) },
		Doubt: s.doubt, Watermark: s.streams.confirmedUpTo, Pulse: s.pulse,
	})
	s.saved = saved.New(s.store.analyst)
	return nil
}

// Addr is the address that was chosen, host:port.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// URL is where a browser on this machine, or the public one if it is known, finds the server.
func (s *Server) URL() string {
	if s.PublicURL != "" {
		return s.PublicURL
	}
	host, port, _ := net.SplitHostPort(s.Addr())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// SignInLink makes a link that signs its first user in as admin, once, within an hour.
func (s *Server) SignInLink() (string, error) {
	key, err := s.auth.NewLink()
	if err != nil {
		return "", err
	}
	return s.URL() + "/enter?key=" + url.QueryEscape(key), nil
}

// writeAddress tells scripts and `warroom doctor` where the server of this data folder is.
func (s *Server) writeAddress() error {
	path := filepath.Join(s.Data, "state", "address")
	if err := os.WriteFile(path, []byte(s.URL()+"\n"), 0o600); err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return nil
}

// Run serves until ctx ends, then stops in order: refuse new requests, close the boards (1001), stop publishing, let
// the sinks drain for a while, close the spools, stop the engine. It returns nil after a regular stop, and an error
// when something that can't mend itself has failed: the engine's library is missing, the schema is newer than this
// program, the listener broke.
func (s *Server) Run(ctx context.Context) error {
	group, failed := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve: %w", err)
		}
		return nil
	})
	background, stopBackground := context.WithCancel(context.WithoutCancel(ctx))
	sinks, stopSinks := context.WithCancel(context.WithoutCancel(ctx))
	var boards, feeding sync.WaitGroup // background's and sinks' goroutines
	group.Go(func() error {
		if err := s.store.open(failed); err != nil || failed.Err() != nil {
			return err // nil when told to stop: sinks without an engine would only hold that up
		}
		if err := s.truth.begin(failed); err != nil || failed.Err() != nil {
			return err
		}
		s.streams.run(sinks, &feeding, s.live.ConfirmedFrom)
		return nil
	})
	boards.Go(func() { s.live.Run(background) })
	boards.Go(func() { s.keepFeeds(background) })
	boards.Go(func() { s.coverage.run(background) })
	boards.Go(func() { s.truth.run(background, s.streams.started) })
	if s.control != nil {
		boards.Go(s.control.serve)
	}
	if s.self != nil {
		boards.Go(func() { s.self.Run(background) })
	}
	<-failed.Done()
	s.refuse()
	stopBackground()
	boards.Wait()
	err := group.Wait()
	s.streams.drain(stopWithin)
	stopSinks()
	feeding.Wait()
	return errors.Join(err, s.Close())
}

// refuse stops the doors and the boards. Senders whose request is in flight get their answer.
func (s *Server) refuse() {
	close(s.stopping)
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if s.control != nil {
		_ = s.control.close() // a replay can be asked for again
	}
	s.hub.Close() // before Shutdown, which doesn't know websockets
	if err := s.http.Shutdown(ctx); err != nil {
		s.Logger.Warn("some requests were cut", "error", err)
		_ = s.http.Close()
	}
}

// Close gives back what Open took.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.control != nil {
		errs = append(errs, s.control.close())
	}
	if s.doors != nil {
		errs = append(errs, s.doors.Close())
	}
	if s.streams != nil {
		errs = append(errs, s.streams.close())
	}
	if s.store != nil {
		errs = append(errs, s.store.close())
	}
	if s.auth != nil {
		errs = append(errs, s.auth.Close())
	}
	return errors.Join(errs...)
}

// secure says whether browsers reach this server by https.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(s.PublicURL, "https://")
}
