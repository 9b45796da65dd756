package ws

import (
	"slices"
	"sync"
	"time"

	"warroom/server/hub"
)

// walker writes to many connections, one after the other, whatever is new for each: one write, however many topics have
// changed. It never waits for a browser. Its goroutine runs while it has connections.
type walker struct {
	*handler
	group *hub.Group
	calls chan struct{} // one token: somebody waits in asking

	mu      sync.Mutex    // guards what follows
	asking  []*connection // that have come, have become free, or have gone
	running bool

	// What follows belongs to the goroutine.
	all    []*connection
	hand   *hand
	bundle []bundle
	took   time.Duration // by the last walk
	ended  time.Time     // when it ended
}

// bundle is the wire form of some frames in a row, as most connections of a walk get them.
type bundle struct {
	frames  []*hub.Frame
	deflate bool
	wire    []byte
}

const (
	// mostBundles is how many different ones are kept during a walk: the boards and spans that people have open.
	mostBundles = 64
	// longestGather is the most that a walk waits for what else is about to change: the panels of a tick are answered
	// within it, and nobody sees it.
	longestGather = 40 * time.Millisecond
	// gatherFor is how many times as long as a walk takes the next one waits for more, up to longestGather: what little
	// a few viewers cost is not saved at the price of a delay.
	gatherFor = 20
	// spread is over how many moments of a period the connections of a walker are distributed.
	spread = 64
	// longestRest is the most that a walker rests after a long walk, so that half of a core is left to the queries.
	longestRest = 100 * time.Millisecond
)

func newWalker(h *handler) *walker {
	return &walker{handler: h, group: h.Hub.Group(), calls: make(chan struct{}, 1), hand: newHand()}
}

// again has the walker look at a connection soon, and starts it when it is not running.
func (w *walker) again(c *connection) {
	w.mu.Lock()
	w.asking = append(w.asking, c)
	start := !w.running
	w.running = true
	w.mu.Unlock()
	if start {
		go w.run() // ends when all its connections have gone
		return
	}
	select {
	case w.calls <- struct{}{}:
	default:
	}
}

func (w *walker) run() {
	sweep := time.NewTicker(min(max(min(w.Check, w.Ping)/4, time.Millisecond), time.Second/2))
	defer sweep.Stop()
	for w.greet(); w.busy(); w.greet() {
		select {
		case <-w.calls:
		case <-w.group.Ready():
			w.gather()
			w.walk(time.Now())
		case now := <-sweep.C:
			w.sweep(now)
		}
	}
}

// gather rests after a long walk, and waits for what else is about to change, unless all has been released together.
// Meanwhile those who come are served.
func (w *walker) gather() {
	wait := min(w.took, longestRest) - time.Since(w.ended)
	if !w.group.Whole() {
		wait = max(wait, min(gatherFor*w.took, longestGather))
	}
	if wait < time.Millisecond {
		return
	}
	enough := time.NewTimer(wait)
	defer enough.Stop()
	for {
		select {
		case <-enough.C:
			return
		case <-w.calls:
			w.greet()
		}
	}
}

// busy reports whether the walker has any connections; if not, it is over.
func (w *walker) busy() bool {
	if len(w.all) > 0 {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running = len(w.asking) > 0
	return w.running
}

// greet serves the connections that ask for it, and forgets those that have gone.
func (w *walker) greet() {
	w.mu.Lock()
	asking := w.asking
	w.asking = nil
	w.mu.Unlock()
	now, gone := time.Now(), false
	for _, c := range asking {
		if c.dead.Load() {
			gone = true
			continue
		}
		if !c.joined && !w.take(c, now) {
			continue
		}
		w.serve(c)
	}
	w.forget() // the bundles of a few connections
	if gone {
		w.all = slices.DeleteFunc(w.all, func(c *connection) bool { return c.dead.Load() })
	}
}

// take takes a connection that has come. Those that come together are asked for and pinged at different times later.
func (w *walker) take(c *connection, now time.Time) bool {
	c.joined = true
	w.all = append(w.all, c)
	if !w.ask(c, now) {
		return false
	}
	part := time.Duration(len(w.all) % spread)
	c.asked, c.pingd = now.Add(-w.Check*part/spread), now.Add(-w.Ping*part/spread)
	return true
}

// walk serves all connections.
func (w *walker) walk(now time.Time) {
	for _, c := range w.all {
		w.serve(c)
	}
	w.forget()
	w.ended = time.Now()
	w.took = w.ended.Sub(now)
}

// sweep asks whether access is still valid, and sends pings, where it is time.
func (w *walker) sweep(now time.Time) {
	for _, c := range w.all {
		if now.Sub(c.asked) >= w.Check && !w.ask(c, now) {
			continue
		}
		if now.Sub(c.pingd) >= w.Ping && c.socket.mu.TryLock() {
			c.pingd = now
			w.send(c, []byte{finalPing, 0})
		}
	}
}

// ask asks whether access is still valid, and ends the connection when it is not.
func (w *walker) ask(c *connection, now time.Time) bool {
	c.asked = now
	if c.valid() {
		return true
	}
	w.dismiss(c, errAccessEnded)
	return false
}

// dismiss ends a connection: the walker has nothing more to do with it but to forget it, when it has gone.
func (w *walker) dismiss(c *connection, why error) {
	if c.left.Swap(true) {
		return
	}
	go c.leave(why) // ends within lingerFor, or with the connection
}

// serve writes what is new for a connection, unless its last message is still on its way: then it is served when that
// has left.
func (w *walker) serve(c *connection) {
	if c.left.Load() {
		return
	}
	if !c.socket.mu.TryLock() {
		c.skipped.Store(true)
		if !c.socket.mu.TryLock() { // else it has become free just now, and perhaps nobody says so
			return
		}
	}
	frames, err := c.box.Take()
	if err == nil && len(frames) > 0 {
		var message []byte
		if message, err = w.wire(frames, c.deflate); err == nil {
			w.send(c, message)
			return
		}
	}
	c.socket.mu.Unlock()
	if err != nil {
		w.dismiss(c, err)
	}
}

// send writes what the line takes at once. The rest, of a slow browser, is left to a goroutine. The caller has the
// socket's mu, which is given back.
func (w *walker) send(c *connection, message []byte) {
	n, err := w.hand.write(c.socket, message)
	switch {
	case err != nil:
		c.socket.mu.Unlock()
		w.dismiss(c, err)
	case n < len(message):
		go c.finish(message[n:]) // ends within Write, or with the connection
	default:
		c.socket.mu.Unlock()
	}
}

// wire is the wire form of some frames in a row. Connections of the same board get the same frames: it is put together
// once for all of them.
func (w *walker) wire(frames []*hub.Frame, deflate bool) ([]byte, error) {
	if len(frames) == 1 {
		return bytesOf(frames[0], deflate)
	}
	for i := range w.bundle {
		b := &w.bundle[i]
		if b.deflate == deflate && slices.Equal(b.frames, frames) {
			return b.wire, nil
		}
	}
	var all []byte
	for _, f := range frames {
		one, err := bytesOf(f, deflate)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	if len(w.bundle) < mostBundles {
		w.bundle = append(w.bundle, bundle{slices.Clone(frames), deflate, all})
	}
	return all, nil
}

// forget lets go of the wire forms of the last walk.
func (w *walker) forget() {
	clear(w.bundle)
	w.bundle = w.bundle[:0]
}
