// Package ws carries the hub's frames to browsers over websockets. It knows nothing of what is in a frame, and of
// people only what it is told: who may connect, what they watch, and whether they still may.
//
// gorilla does the upgrade and the protocol; frames are put on the line by a few walkers, a goroutine for each core, who
// go from connection to connection and never wait for one: the system call is what a delivery costs, so there is one
// for a viewer and tick, however many topics have changed in it.
//
// It promises that a slow browser gets the newest state and holds nobody else up; that a browser that has gone is let
// go within two ping periods; that one whose access ended is dark within five seconds (close code 4401); that a
// regular stop says so (1001); and that a connection costs less than 20 KiB.
package ws

import (
	"cmp"
	"log/slog"
	"net/http"
	"regexp"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/hub"
	"warroom/server/problem"
)

// Options are what the handler needs. The zero durations and the zero limit are replaced by sensible ones.
type Options struct {
	Hub    *hub.Hub
	Topics func(r *http.Request) (topics []string, known bool) // what the asked-for board consists of
	Valid  func(r *http.Request) func() bool                   // asked again and again: may this person still watch?
	Origin func(r *http.Request) bool                          // is the page that opens the socket one of ours?
	Logger *slog.Logger

	Limit int           // connections at a time; 50,000 when 0
	Ping  time.Duration // between pings; 10 s when 0
	Pong  time.Duration // how long a browser may be silent: more than Ping, less than twice as much; 15 s when 0
	Check time.Duration // between questions whether access is still valid; 2 s when 0
	Write time.Duration // for one frame to leave; 3 s when 0
}

const (
	// closeAccessEnded tells the page that it has to sign in again (4xxx: private use, RFC 6455 7.4.2).
	closeAccessEnded = 4401
	// readLimit bounds what a browser may send: it has nothing to say but pong and close.
	readLimit = 512
	// lingerFor is how long a browser has to answer a close frame before the connection is cut.
	lingerFor = time.Second
	// mostWalkers bounds the walkers, of which there is one for each core.
	mostWalkers = 16
	// sendBuffer bounds what the kernel keeps for a slow browser (it doubles it). Left alone it grows to megabytes:
	// a backlog of old states, out of the hub's reach.
	sendBuffer = 32 << 10
)

func (o Options) withDefaults() Options {
	o.Limit = cmp.Or(o.Limit, 50_000)
	o.Ping = cmp.Or(o.Ping, 10*time.Second)
	o.Pong = cmp.Or(o.Pong, 15*time.Second)
	o.Check = cmp.Or(o.Check, 2*time.Second)
	o.Write = cmp.Or(o.Write, 3*time.Second)
	return o
}

type handler struct {
	Options
	open            atomic.Int64 // connections, those on the way in and out too
	plain, deflated websocket.Upgrader
	offer           *regexp.Regexp
	walkers         []*walker
	next            atomic.Uint64 // walker, by turns
}

// Handler upgrades GET requests to websockets. Its refusals are problem+json: 403 for a foreign or missing Origin, 404
// for an unknown board, 503 when too many are connected, 426 for a request that is no websocket's.
func Handler(o Options) http.Handler {
	h := &handler{Options: o.withDefaults(), offer: regexp.MustCompile(offer), plain: websocket.Upgrader{
		HandshakeTimeout: 5 * time.Second,
		ReadBufferSize:   readLimit,
		WriteBufferSize:  readLimit, // nothing but the handshake and control frames passes here
		WriteBufferPool:  &sync.Pool{},
		CheckOrigin:      func(*http.Request) bool { return true }, // ServeHTTP has asked Origin
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			problem.Write(w, status, reason.Error())
		},
	}}
	// A frame is deflated once for all browsers, and leaves a quarter as large. What a browser sends is never inflated:
	// read skips it.
	h.deflated = h.plain
	h.deflated.EnableCompression = true
	for range min(max(runtime.GOMAXPROCS(0), 2), mostWalkers) {
		h.walkers = append(h.walkers, newWalker(h))
	}
	return h
}

// ServeHTTP decides whether the connection may be, and hands it to its own goroutines: when the handler has returned,
// net/http's buffers and the request are free.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.Origin(r) {
		problem.WriteField(w, http.StatusForbidden, "Origin",
			"this websocket is for warroom's own pages, and for programs that send a token")
		return
	}
	topics, known := h.Topics(r)
	if !known {
		problem.WriteField(w, http.StatusNotFound, "board", "there is no such board: GET /api/v1/boards lists them")
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		problem.WriteField(w, http.StatusUpgradeRequired, "Upgrade", "want a websocket: open ws://…"+r.URL.Path)
		return
	}
	if h.open.Add(1) > int64(h.Limit) {
		h.open.Add(-1)
		w.Header().Set("Retry-After", "10")
		problem.Write(w, http.StatusServiceUnavailable, "too many screens are connected: try again in a few seconds")
		return
	}
	h.upgrade(w, r, topics)
}

func (h *handler) upgrade(w http.ResponseWriter, r *http.Request, topics []string) {
	valid := h.Valid(r)
	deflate, upgrader := h.offersDeflate(r.Header["Sec-Websocket-Extensions"]), &h.plain
	if deflate {
		upgrader = &h.deflated
	}
	over := &taken{ResponseWriter: w}
	ws, err := upgrader.Upgrade(over, r, nil)
	if err != nil {
		h.open.Add(-1)
		h.Logger.Debug("a websocket was not opened", "error", err)
		return
	}
	ws.SetReadLimit(readLimit)
	if tcp, ok := over.socket.Conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // a wish: without it a slow browser costs more
	}
	walker := h.walkers[h.next.Add(1)%uint64(len(h.walkers))]
	c := &connection{
		handler: h, ws: ws, socket: over.socket, valid: valid, deflate: deflate, walker: walker,
		box: walker.group.Join(topics), gone: make(chan struct{}),
	}
	c.socket.freed = c.freed
	walker.again(c)
	go c.read() // ends with the connection
}
