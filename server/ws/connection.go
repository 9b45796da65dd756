package ws

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/hub"
)

// connection is one browser. Two goroutines serve it: read ends when the connection breaks or is closed by write;
// write ends when the hub closes, access ends, or read has ended, and closes the connection.
type connection struct {
	*handler
	ws    *websocket.Conn
	valid func() bool
	gone  chan struct{} // closed by read at its end
	asked time.Time     // when access was last asked for; only write touches it
}

// read waits for pongs and the end. What else a browser sends is thrown away.
func (c *connection) read() {
	defer close(c.gone)
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

// write sends frames and pings, and asks whether access is still valid. It is the only writer of data.
func (c *connection) write(box *hub.Mailbox) {
	defer c.open.Add(-1)
	defer box.Leave()
	defer func() { _ = c.ws.Close() }()
	switch err := c.serve(box); {
	case errors.Is(err, hub.ErrClosed):
		c.sayGoodbye(websocket.CloseGoingAway, "warroom is stopping")
	case errors.Is(err, errAccessEnded):
		c.sayGoodbye(closeAccessEnded, "access ended: sign in again")
	default: // the connection broke, or the browser closed it: nobody to say goodbye to
	}
}

// serve returns why the connection ends.
func (c *connection) serve(box *hub.Mailbox) error {
	check, ping := time.NewTicker(c.Check), time.NewTicker(c.Ping)
	defer check.Stop()
	defer ping.Stop()
	err := c.ask()
	for err == nil {
		select {
		case <-c.gone:
			return net.ErrClosed
		case <-check.C:
			err = c.ask()
		case <-ping.C:
			err = c.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(c.Write))
		case <-box.Ready():
			err = c.send(box)
		}
	}
	return err
}

// ask asks whether access is still valid.
func (c *connection) ask() error {
	c.asked = time.Now()
	if !c.valid() {
		return errAccessEnded
	}
	return nil
}

// send writes what is new. The wire form of a frame is made once for all browsers. With a slow browser this takes
// long, so access is asked for between the frames too.
func (c *connection) send(box *hub.Mailbox) error {
	frames, err := box.Take()
	if err != nil {
		return err
	}
	for _, frame := range frames {
		if time.Since(c.asked) > c.Check {
			if err := c.ask(); err != nil {
				return err
			}
		}
		if err := c.sendOne(frame); err != nil {
			return err
		}
	}
	return nil
}

func (c *connection) sendOne(frame *hub.Frame) error {
	prepared, err := frame.Prepared(prepare)
	if err != nil {
		return err
	}
	if err := c.ws.SetWriteDeadline(time.Now().Add(c.Write)); err != nil {
		return err
	}
	return c.ws.WritePreparedMessage(prepared.(*websocket.PreparedMessage))
}

func prepare(bytes []byte) (any, error) {
	return websocket.NewPreparedMessage(websocket.TextMessage, bytes)
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
