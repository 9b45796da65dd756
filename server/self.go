package server

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/go-chi/chi/v5/middleware"

	"warroom/server/campaign"
)

// selfTraffic counts warroom's own requests as one of the apps: real traffic from the first day, through the same
// spool, sink and rollups as everybody's. It gathers requests for a second and appends them together, so that a
// request never waits for the disk because of its own record. Requests that were not yet appended when the process is
// killed are not counted; nobody was promised that they would be.
type selfTraffic struct {
	append  func(ctx context.Context, records ...[]byte) error
	visitor func(address, agent string, day time.Time) string
	logger  *slog.Logger

	mu      sync.Mutex // guards what follows
	pending [][]byte
	stand   uint64 // requests that pending stands for
	passed  int    // requests that the next record stands for, beside its own
	dropped uint64
}

const (
	selfEvery = time.Second
	selfWhole = 1000   // requests a flush that get a record each; of more, a sample with weights is kept:
	selfShare = 10     // one record for so many
	selfMost  = 20_000 // records a flush; more than that are dropped and counted
)

// wrap records every request that next answers.
func (s *selfTraffic) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		if r.Header.Get("Upgrade") != "" { // a websocket lives for hours: it counts when it begins
			s.record(r, http.StatusSwitchingProtocols, 0, started, 0)
			next.ServeHTTP(w, r)
			return
		}
		seen := watched(w, r)
		next.ServeHTTP(seen, r)
		s.record(r, max(seen.Status(), http.StatusOK), seen.BytesWritten(), started, time.Since(started))
	})
}

// watched is w as a writer that remembers what was written; w itself when it is one already.
func watched(w http.ResponseWriter, r *http.Request) middleware.WrapResponseWriter {
	if seen, ok := w.(middleware.WrapResponseWriter); ok {
		return seen
	}
	return middleware.NewWrapResponseWriter(w, r.ProtoMajor)
}

func (s *selfTraffic) record(r *http.Request, status, bytes int, started time.Time, took time.Duration) {
	weight := s.weigh()
	if weight == 0 {
		return
	}
	q := campaign.Request{
		Feed: "warroom", App: "warroom", OccurredAt: started.UTC(), ReceivedAt: time.Now().UTC(),
		Host: r.Host, Method: r.Method, Path: r.URL.Path,
		Status: uint16(status), Bytes: uint64(bytes), //nolint:gosec // both are small and positive
		DurationMS: float64(took) / float64(time.Millisecond), Weight: float64(weight),
	}
	if r.Header.Get("Authorization") == "" { // a person's browser, not a sender
		address, _, _ := net.SplitHostPort(r.RemoteAddr)
		q.VisitorKey = s.visitor(address, r.UserAgent(), started)
	}
	record := campaign.AppendRequest(make([]byte, 0, 160+len(q.Path)), &q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= selfMost {
		s.dropped += uint64(weight) //nolint:gosec // positive
		return
	}
	s.pending = append(s.pending, record)
	s.stand += uint64(weight) //nolint:gosec // positive
}

// weigh says how many requests a record of this one stands for; 0 = it gets none, a later one stands for it. Under a
// flood of single events warroom's own records would be as many as the senders' events.
func (s *selfTraffic) weigh() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= selfWhole && s.passed < selfShare-1 {
		s.passed++
		return 0
	}
	weight := 1 + s.passed
	s.passed = 0
	return weight
}

// Run appends what has gathered, every second, until ctx ends; then once more.
func (s *selfTraffic) Run(ctx context.Context) {
	tick := time.NewTicker(selfEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.flush(context.WithoutCancel(ctx))
			return
		case <-tick.C:
			s.flush(ctx)
		}
	}
}

func (s *selfTraffic) flush(ctx context.Context) {
	s.mu.Lock()
	records, stand := s.pending, s.stand
	s.pending, s.stand = nil, 0
	s.mu.Unlock()
	if len(records) == 0 {
		return
	}
	if err := s.append(ctx, records...); err != nil {
		s.mu.Lock()
		s.dropped += stand
		s.mu.Unlock()
		s.logger.Warn("own requests were not counted", "requests", stand, "error", err)
	}
}

// Dropped is the number of own requests that were not counted.
func (s *selfTraffic) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}
