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

	mu      sync.Mutex // guards pending and dropped
	pending [][]byte
	dropped uint64
}

const (
	selfEvery = time.Second
	selfMost  = 20_000 // requests a flush; more than that in a second are dropped and counted
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
		seen := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		next.ServeHTTP(seen, r)
		status := seen.Status()
		if status == 0 {
			status = http.StatusOK
		}
		s.record(r, status, seen.BytesWritten(), started, time.Since(started))
	})
}

func (s *selfTraffic) record(r *http.Request, status, bytes int, started time.Time, took time.Duration) {
	q := campaign.Request{
		Feed: "warroom", App: "warroom", OccurredAt: started.UTC(), ReceivedAt: time.Now().UTC(),
		Host: r.Host, Method: r.Method, Path: r.URL.Path,
		Status: uint16(status), Bytes: uint64(bytes), //nolint:gosec // both are small and positive
		DurationMS: float64(took) / float64(time.Millisecond), Weight: 1,
	}
	if r.Header.Get("Authorization") == "" { // a person's browser, not a sender
		address, _, _ := net.SplitHostPort(r.RemoteAddr)
		q.VisitorKey = s.visitor(address, r.UserAgent(), started)
	}
	record := campaign.AppendRequest(nil, &q)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) >= selfMost {
		s.dropped++
		return
	}
	s.pending = append(s.pending, record)
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
	records := s.pending
	s.pending = nil
	s.mu.Unlock()
	if len(records) == 0 {
		return
	}
	if err := s.append(ctx, records...); err != nil {
		s.mu.Lock()
		s.dropped += uint64(len(records))
		s.mu.Unlock()
		s.logger.Warn("own requests were not counted", "requests", len(records), "error", err)
	}
}

// Dropped is the number of own requests that were not counted.
func (s *selfTraffic) Dropped() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}
