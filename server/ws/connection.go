package ws

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/hub"
)

// connection is one browser. One goroutine reads, until the connection breaks or has been closed; a walker writes, for
// many connections.
type connection struct {
	*handler
	ws      *websocket.Conn
	socket  *socket
	valid   func() bool
	deflate bool
	box     *hub.Mailbox
	walker  *walker

	gone    chan struct{} // closed by read at its end
	dead    atomic.Bool   // likewise
	left    atomic.Bool   // it is being told goodbye: no more frames
	skipped atomic.Bool   // the walker found the socket busy: whoever keeps it busy says when it is free

	// What follows belongs to the walker.
	joined       bool
	asked, pingd time.Time // when access was last asked for, and a ping sent
}

// read waits for pongs and the end. What else a browser sends is thrown away.
func (c *connection) read() {
	defer c.end()
	alive := func(string) error { return c.ws.SetReadDeadline(time.Now().Add(c.Pong)) }
	if alive("") != nil {
		return
	}
	c.ws.SetPongHandler(alive)
	for {
		_, _, err := c.ws.NextReader() // skips what is left of the message before
		if errors.Is(err, websocket.ErrReadLimit) {
			c.drain()
		}
		if err != nil {
			return
		}
	}
}

// end gives everything back.
func (c *connection) end() {
	c.dead.Store(true)
	close(c.gone)
	_ = c.ws.Close()
	c.box.Leave()
	c.open.Add(-1)
	c.walker.again(c) // it forgets c
}

// drain reads on for a moment after the close frame of a refused message: closing with bytes unread would reset the
// connection, and the browser might never see why.
func (c *connection) drain() {
	raw := c.ws.NetConn()
	if raw.SetReadDeadline(time.Now().Add(lingerFor)) == nil {
		_, _ = io.CopyN(io.Discard, raw, 64<<10)
	}
}

// errAccessEnded says that the person may not watch any more.
var errAccessEnded = errors.New("access ended")

// finish writes the rest of a message to a browser that is slow to take it. The caller has the socket's mu, which is
// given back. Meanwhile access is asked for as always, and no backlog grows.
func (c *connection) finish(rest []byte) {
	_, err := c.socket.writeBy(rest, time.Now().Add(c.Write))
	c.socket.mu.Unlock()
	if err != nil {
		_ = c.ws.Close() // read ends
		return
	}
	c.freed()
}

// freed has the walker look at a connection again that it found busy.
func (c *connection) freed() {
	if c.skipped.Swap(false) {
		c.walker.again(c)
	}
}

// leave says goodbye, if there is anybody to say it to, and closes the connection.
func (c *connection) leave(why error) {
	switch {
	case errors.Is(why, hub.ErrClosed):
		c.sayGoodbye(websocket.CloseGoingAway, "warroom is stopping")
	case errors.Is(why, errAccessEnded):
		c.sayGoodbye(closeAccessEnded, "access ended: sign in again")
	}
	_ = c.ws.Close()
}

// sayGoodbye sends a close frame and gives the browser a moment to answer it.
func (c *connection) sayGoodbye(code int, reason string) {
	deadline := time.Now().Add(lingerFor)
	if c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), deadline) != nil {
		return
	}
	enough := time.NewTimer(lingerFor)
	defer enough.Stop()
	select {
	case <-c.gone:
	case <-enough.C:
	}
}
