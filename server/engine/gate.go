package engine

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// gate decides who may sign in as default: the engine's own session, once for each child, and nobody else ever.
//
// The library signs its first session in as default with an empty password, which can't be changed, from an address
// that can't be told from a local client's. So default's password is checked by us (http_authentication): the first
// question of a child can only come from its own session, because nothing listens before that one is in.
type gate struct {
	listener net.Listener
	server   *http.Server
	path     string // only the engine knows it
	next     atomic.Bool
}

func openGate(ctx context.Context) (*gate, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for the engine's sign-in: %w", err)
	}
	g := &gate{listener: listener, path: "/" + rand.Text()}
	g.server = &http.Server{Handler: g, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second}
	go func() { _ = g.server.Serve(listener) }() // ends with close
	return g, nil
}

// admitNext lets the next sign-in pass: a child is about to start.
func (g *gate) admitNext() { g.next.Store(true) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != g.path || !g.next.CompareAndSwap(true, false) {
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (g *gate) url() string { return "http://" + g.listener.Addr().String() + g.path }

func (g *gate) port() int { return g.listener.Addr().(*net.TCPAddr).Port }

func (g *gate) close() error { return g.server.Close() }
