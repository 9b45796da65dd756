package ws_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// BenchmarkConnections is what one more screen costs the server: heap and stacks after it has got its first frame. The
// client's side is a bare socket. x-usual is the share of what the usual server takes, in the same run.
func BenchmarkConnections(b *testing.B) {
	h := open(b, nil)
	h.hub.Publish("money", make([]byte, 8<<10))
	peer := usual(make([]byte, 8<<10))
	defer peer.Close()
	for b.Loop() {
		ours := screenCost(b, h.Listener.Addr().String())
		theirs := screenCost(b, peer.Listener.Addr().String())
		for h.hub.Stats().Viewers > 0 {
			time.Sleep(time.Millisecond)
		}
		b.ReportMetric(ours, "B/connection")
		b.ReportMetric(ours/theirs, "x-usual")
	}
	b.ReportMetric(0, "ns/op")
}

// usual is a server after gorilla's own example: default buffers, a goroutine that reads, one that writes what comes on
// a channel of frames.
func usual(frame []byte) *httptest.Server {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		frames := make(chan []byte, 256)
		frames <- frame
		go func() {
			defer c.Close()
			for f := range frames {
				if c.WriteMessage(websocket.TextMessage, f) != nil {
					return
				}
			}
		}()
		defer close(frames)
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}))
}

// screenCost is the bytes that the server's side of a screen holds.
func screenCost(b *testing.B, address string) float64 {
	b.Helper()
	const screens = 1000
	before := memory()
	clients := make([]net.Conn, screens)
	for i := range clients {
		clients[i] = handshake(b, address)
	}
	cost := float64(memory()-before) / screens
	for _, c := range clients {
		c.Close()
	}
	return cost
}

func memory() uint64 {
	runtime.GC()
	runtime.GC() // what sync.Pools keep goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// handshake opens a websocket and reads all of its first frame.
func handshake(b *testing.B, address string) net.Conn {
	b.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(c, "GET /live?board=money HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address, page)
	want, buffer := 8<<10, make([]byte, 4<<10)
	for got := 0; got < want; {
		n, err := c.Read(buffer)
		if err != nil {
			b.Fatal(err)
		}
		if got == 0 && !bytes.HasPrefix(buffer, []byte("HTTP/1.1 101 ")) {
			b.Fatalf("no websocket: %.100s", buffer)
		}
		got += n
	}
	return c
}
