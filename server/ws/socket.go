package ws

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// socket is the line to a browser. Frames and what gorilla writes by itself, such as the answers to pings, take turns
// on it.
type socket struct {
	net.Conn
	raw      syscall.RawConn // nil: the line is not one of the kernel's
	deadline time.Time       // of gorilla's next write; gorilla writes one at a time
	mu       sync.Mutex      // held while a message is on its way
	freed    func()          // called after mu was given back by somebody who may have kept a walker waiting
}

func newSocket(conn net.Conn) *socket {
	s := &socket{Conn: conn}
	if sys, ok := conn.(syscall.Conn); ok {
		s.raw, _ = sys.SyscallConn() // without it a goroutine writes
	}
	return s
}

// SetWriteDeadline is gorilla's: it is for the next Write, and no other writer's.
func (s *socket) SetWriteDeadline(t time.Time) error {
	s.deadline = t
	return nil
}

// Write is gorilla's.
func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	n, err := s.writeBy(p, s.deadline)
	s.mu.Unlock()
	if s.freed != nil {
		s.freed()
	}
	return n, err
}

// writeBy waits until all is written, or the deadline. The caller holds mu.
func (s *socket) writeBy(p []byte, deadline time.Time) (int, error) {
	if err := s.Conn.SetWriteDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := s.Conn.Write(p)
	return n, errors.Join(err, s.Conn.SetWriteDeadline(time.Time{}))
}

// hand is a write that doesn't wait. Each walker has one and uses it again for every socket.
type hand struct {
	message []byte
	n       int
	err     error
	try     func(fd uintptr) bool
}

func newHand() *hand {
	h := &hand{}
	h.try = func(fd uintptr) bool {
		for {
			h.n, h.err = syscall.Write(int(fd), h.message)
			if !errors.Is(h.err, syscall.EINTR) {
				return true // never wait
			}
		}
	}
	return h
}

// write writes as much as the line takes at once. The caller holds the socket's mu.
func (h *hand) write(s *socket, message []byte) (int, error) {
	if s.raw == nil {
		return 0, nil
	}
	h.message, h.n, h.err = message, 0, nil
	err := s.raw.Write(h.try)
	h.message = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(h.err, syscall.EAGAIN):
		return 0, nil
	}
	return max(h.n, 0), h.err
}

// taken puts a socket under the connection that the upgrader takes over.
type taken struct {
	http.ResponseWriter
	socket *socket
}

// Hijack gives the upgrader the socket.
func (t *taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.socket = newSocket(conn)
	return t.socket, buffered, nil
}
