//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// viewer is one websocket, and how far its newest message has come.
type viewer struct {
	fd      int
	came    time.Time
	sampled bool
	rest    []byte // the beginning of a head that is not whole
	head    head   // of the frame that is coming
	left    uint64 // of its payload
	body    []byte // of a sampled message that comes in parts
}

// head is the beginning of a frame (RFC 6455 5.2).
type head struct {
	first  byte
	size   int
	length uint64 // of the payload
}

func (h head) code() byte { return h.first & 0x0f }

func (h head) deflated() bool { return h.first&0x40 != 0 }

// headOf reads a head; false when it is not whole.
func headOf(p []byte) (head, bool) {
	if len(p) < 2 {
		return head{}, false
	}
	h := head{first: p[0], size: 2, length: uint64(p[1] & 0x7f)}
	switch {
	case h.length == 126 && len(p) >= 4:
		h.size, h.length = 4, uint64(binary.BigEndian.Uint16(p[2:]))
	case h.length == 127 && len(p) >= 10:
		h.size, h.length = 10, binary.BigEndian.Uint64(p[2:])
	case h.length > 125:
		return head{}, false
	}
	return h, true
}

// atOnce bounds the handshakes that are under way: each waits in a thread.
const atOnce = 256

// open opens so many connections.
func (c *crowd) open(n int) (err error) {
	if c.epoll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil && limit.Cur < limit.Max {
		limit.Cur = limit.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) // what is not allowed shows when it is needed
	}
	c.viewers = make([]atomic.Pointer[viewer], n+1024)
	c.turns = make(chan struct{}, atOnce)
	go c.watch() // ends with the process
	failed := make(chan error, n)
	var opening sync.WaitGroup
	for i := range n {
		opening.Go(func() { failed <- c.join(i%c.every == 0) })
	}
	opening.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// join opens a connection, when it is its turn, and has the loop read it.
func (c *crowd) join(sampled bool) error {
	c.turns <- struct{}{}
	defer func() { <-c.turns }()
	fd, rest, err := c.handshake()
	if err != nil {
		return err
	}
	if fd >= len(c.viewers) {
		_ = syscall.Close(fd)
		return fmt.Errorf("the file descriptor %d is higher than expected", fd)
	}
	v := &viewer{fd: fd, came: time.Now(), sampled: sampled}
	c.viewers[fd].Store(v)
	c.count.Add(1)
	if err := v.feed(c, rest); err != nil {
		return err
	}
	event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP, Fd: int32(fd)}
	return errors.Join(syscall.SetNonblock(fd, true), syscall.EpollCtl(c.epoll, syscall.EPOLL_CTL_ADD, fd, &event))
}

// handshake opens a websocket. What came behind its answer is given back.
func (c *crowd) handshake() (fd int, rest []byte, err error) {
	address, err := net.ResolveTCPAddr("tcp4", c.address)
	if err != nil {
		return 0, nil, err
	}
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0); err != nil {
		return 0, nil, os.NewSyscallError("socket", err)
	}
	defer func(opened int) { // fd is 0 by then
		if err != nil {
			_ = syscall.Close(opened)
		}
	}(fd)
	if err = c.spread(fd, address.IP); err != nil {
		return 0, nil, err
	}
	to := &syscall.SockaddrInet4{Port: address.Port}
	copy(to.Addr[:], address.IP.To4())
	if err = syscall.Connect(fd, to); err != nil {
		return 0, nil, os.NewSyscallError("connect", err)
	}
	ask := "GET " + c.path + " HTTP/1.1\r\nHost: " + c.address + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://" + c.address + "\r\n"
	if c.deflate {
		ask += "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n"
	}
	if c.token != "" {
		ask += "Authorization: Bearer " + c.token + "\r\n"
	}
	if _, err = syscall.Write(fd, []byte(ask+"\r\n")); err != nil {
		return 0, nil, os.NewSyscallError("write", err)
	}
	answer := make([]byte, 0, 4096)
	for {
		n, err := syscall.Read(fd, answer[len(answer):cap(answer)])
		if err != nil || n <= 0 {
			return 0, nil, fmt.Errorf("no answer to the handshake: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		answer = answer[:len(answer)+n]
		if head, rest, whole := bytes.Cut(answer, []byte("\r\n\r\n")); whole {
			if !bytes.HasPrefix(head, []byte("HTTP/1.1 101")) {
				return 0, nil, fmt.Errorf("the server answered %.200q", answer)
			}
			return fd, rest, nil
		}
		if len(answer) == cap(answer) {
			return 0, nil, errors.New("the answer to the handshake has no end")
		}
	}
}

const (
	// neighbours is how many addresses the viewers come from, if the server is on this machine: from one, the kernel
	// would look for a free port longer and longer.
	neighbours = 64
	// bindAddressNoPort is IP_BIND_ADDRESS_NO_PORT: the port is chosen by connect.
	bindAddressNoPort = 24
)

// spread gives a socket to this machine one of its addresses, by turns.
func (c *crowd) spread(fd int, server net.IP) error {
	if !server.IsLoopback() {
		return nil
	}
	from := &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 1, byte(1 + c.joined.Add(1)%neighbours)}}
	return os.NewSyscallError("bind",
		errors.Join(syscall.SetsockoptInt(fd, syscall.IPPROTO_IP, bindAddressNoPort, 1), syscall.Bind(fd, from)))
}

// lull is how long the crowd looks away after it has read all there was. Real viewers wake up on their own machines; here
// a thread that woke up for each of them would take the processor from the server. Ages are so much too high at most.
const lull = 4 * time.Millisecond

// watch reads whatever comes.
func (c *crowd) watch() {
	events, buffer := make([]syscall.EpollEvent, 1024), make([]byte, 128<<10)
	for {
		n, err := syscall.EpollWait(c.epoll, events, -1)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			panic(err)
		}
		for i := range max(n, 0) {
			v := c.viewers[events[i].Fd].Load()
			if err := v.read(c, buffer); err != nil {
				c.lose(v)
			}
		}
		if n < len(events) {
			time.Sleep(lull)
		}
	}
}

func (v *viewer) read(c *crowd, buffer []byte) error {
	n, err := syscall.Read(v.fd, buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return nil
	case err != nil:
		return err
	case n == 0:
		return io.EOF
	}
	c.bytes.Add(uint64(n))
	c.reads.Add(1)
	return v.feed(c, buffer[:n])
}

// lose closes a connection and opens it again after a random while.
func (c *crowd) lose(v *viewer) {
	_ = syscall.Close(v.fd)
	c.count.Add(-1)
	c.lost.Add(1)
	go func() {
		for wait := 250 * time.Millisecond; ; wait = min(2*wait, 2500*time.Millisecond) {
			time.Sleep(rand.N(2 * wait)) //nolint:gosec // no secret
			if c.join(v.sampled) == nil {
				return
			}
		}
	}()
}

// feed takes what has come.
func (v *viewer) feed(c *crowd, p []byte) error {
	if len(v.rest) > 0 {
		p, v.rest = slices.Concat(v.rest, p), nil
	}
	for len(p) > 0 {
		if v.left == 0 {
			h, whole := headOf(p)
			if !whole {
				v.rest = slices.Clone(p)
				return nil
			}
			p, v.head, v.left, v.body = p[h.size:], h, h.length, v.body[:0]
		}
		n := min(uint64(len(p)), v.left)
		part := p[:n]
		p, v.left = p[n:], v.left-n
		if err := v.take(c, part); err != nil {
			return err
		}
	}
	return nil
}

// take takes a part of a frame, most often all of it.
func (v *viewer) take(c *crowd, part []byte) error {
	if v.sampled && (len(v.body) > 0 || v.left > 0) {
		v.body = append(v.body, part...)
		part = v.body
	}
	if v.left > 0 {
		return nil
	}
	switch v.head.code() {
	case 1:
		c.frames.Add(1)
		if v.sampled {
			c.note(part, v.head.deflated(), v.came)
		}
	case 9: // a pong, masked with zeros
		_, err := syscall.Write(v.fd, []byte{0x8a, 0x80, 0, 0, 0, 0})
		return err
	case 8:
		return io.EOF
	default:
		return fmt.Errorf("a frame of type %d", v.head.code())
	}
	return nil
}
