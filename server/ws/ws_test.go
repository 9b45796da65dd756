package ws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"warroom/server/hub"
	"warroom/server/ws"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds a wait for something that has to happen; nothing is measured by it.
const patience = 30 * time.Second

// house is a server with one board, "money", of the topics money and mail.
type house struct {
	*httptest.Server
	hub     *hub.Hub
	revoked atomic.Bool
}

const page = "https://warroom.example"

func open(t testing.TB, change func(*ws.Options)) *house {
	h := &house{hub: hub.New()}
	o := ws.Options{
		Hub: h.hub,
		Topics: func(r *http.Request) ([]string, bool) {
			return []string{"money", "mail"}, r.URL.Query().Get("board") == "money"
		},
		Valid:  func(*http.Request) func() bool { return func() bool { return !h.revoked.Load() } },
		Origin: func(r *http.Request) bool { return r.Header.Get("Origin") == page },
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	h.Server = httptest.NewServer(ws.Handler(o))
	t.Cleanup(func() {
		h.hub.Close()
		h.Close()
	})
	return h
}

func (h *house) dial(origin, query string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	return websocket.DefaultDialer.Dial(strings.Replace(h.URL, "http", "ws", 1)+"/live"+query, header)
}

func (h *house) watch(t testing.TB) *websocket.Conn {
	t.Helper()
	c, _, err := h.dial(page, "?board=money")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t testing.TB, c *websocket.Conn) string {
	t.Helper()
	kind, frame, err := c.ReadMessage()
	if err != nil || kind != websocket.TextMessage {
		t.Fatalf("read a message of type %d: %v", kind, err)
	}
	return string(frame)
}

// wantClose reads to the end of the connection.
func wantClose(t *testing.T, c *websocket.Conn, code int) {
	t.Helper()
	for {
		_, _, err := c.ReadMessage()
		if err == nil {
			continue
		}
		if closed := (&websocket.CloseError{}); !errors.As(err, &closed) || closed.Code != code {
			t.Errorf("closed with %v, want code %d", err, code)
		}
		return
	}
}

// wantViewers waits until so many mailboxes are there.
func wantViewers(t *testing.T, h *house, want int) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); h.hub.Stats().Viewers != want; <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d viewers, want %d", h.hub.Stats().Viewers, want)
		}
	}
}

func TestFramesArrive(t *testing.T) {
	h := open(t, nil)
	h.hub.Publish("money", []byte(`{"topic":"money","seq":1}`))
	c := h.watch(t)
	if got := read(t, c); got != `{"topic":"money","seq":1}` {
		t.Errorf("the newest frame is not the first: %s", got)
	}
	h.hub.Publish("elsewhere", []byte(`{"topic":"elsewhere"}`))
	h.hub.Publish("mail", []byte(`{"topic":"mail","seq":1}`))
	if got := read(t, c); got != `{"topic":"mail","seq":1}` {
		t.Errorf("got %s", got)
	}
	c.Close()
	wantViewers(t, h, 0)
}

func TestRefusals(t *testing.T) {
	h := open(t, func(o *ws.Options) { o.Limit = 1 })
	kept := h.watch(t)
	for name, try := range map[string]struct {
		origin, query string
		status        int
		says          string
	}{
		"no origin":      {"", "?board=money", http.StatusForbidden, "own pages"},
		"null origin":    {"null", "?board=money", http.StatusForbidden, "own pages"},
		"foreign origin": {"https://evil.example", "?board=money", http.StatusForbidden, "own pages"},
		"unknown board":  {page, "?board=secret", http.StatusNotFound, "no such board"},
		"one too many":   {page, "?board=money", http.StatusServiceUnavailable, "too many"},
	} {
		t.Run(name, func(t *testing.T) {
			c, answer, err := h.dial(try.origin, try.query)
			if err == nil {
				c.Close()
				t.Fatal("the websocket was opened")
			}
			wantProblem(t, answer, try.status, try.says)
			if try.status == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		})
	}
	kept.Close()
	wantViewers(t, h, 0)
}

func TestPlainRequestIsToldToUpgrade(t *testing.T) {
	h := open(t, nil)
	r, _ := http.NewRequest(http.MethodGet, h.URL+"/live?board=money", nil)
	r.Header.Set("Origin", page)
	answer, err := h.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, answer, http.StatusUpgradeRequired, "want a websocket")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Version", "8")
	if answer, err = h.Client().Do(r); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, answer, http.StatusBadRequest, "version")
}

func wantProblem(t *testing.T, answer *http.Response, status int, says string) {
	t.Helper()
	defer answer.Body.Close()
	var p struct {
		Status int
		Detail string
	}
	body, _ := io.ReadAll(answer.Body)
	if err := json.Unmarshal(body, &p); err != nil || answer.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %q, %v", body, err)
	}
	if answer.StatusCode != status || p.Status != status || !strings.Contains(p.Detail, says) {
		t.Errorf("%d %s, want %d and %q", answer.StatusCode, body, status, says)
	}
}

func TestAccessEnds(t *testing.T) {
	h := open(t, func(o *ws.Options) { o.Check = 5 * time.Millisecond })
	c := h.watch(t)
	h.hub.Publish("money", []byte("{}"))
	read(t, c)
	h.revoked.Store(true)
	wantClose(t, c, 4401)
	wantClose(t, h.watch(t), 4401) // and at once for those who come now
	wantViewers(t, h, 0)
}

func TestHubCloses(t *testing.T) {
	h := open(t, nil)
	c := h.watch(t)
	wantViewers(t, h, 1)
	var closing sync.WaitGroup
	closing.Go(h.hub.Close)
	wantClose(t, c, websocket.CloseGoingAway)
	closing.Wait()
	if n := h.hub.Stats().Viewers; n != 0 {
		t.Errorf("%d viewers after Close", n)
	}
	wantClose(t, h.watch(t), websocket.CloseGoingAway)
}

func TestTooLargeMessage(t *testing.T) {
	for _, size := range []int{513, 1 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			h := open(t, nil)
			c := h.watch(t)
			_ = c.WriteMessage(websocket.TextMessage, make([]byte, size)) // the server may hang up in the middle
			wantClose(t, c, websocket.CloseMessageTooBig)
			wantViewers(t, h, 0)
		})
	}
}

func TestSmallMessagesAreIgnored(t *testing.T) {
	h := open(t, nil)
	c := h.watch(t)
	for range 10 {
		if err := c.WriteMessage(websocket.TextMessage, []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	h.hub.Publish("money", []byte("{}"))
	if got := read(t, c); got != "{}" {
		t.Errorf("got %s", got)
	}
}

// Browsers ask for deflated frames. What one sends in the same way costs nothing, however large it would be.
func TestFramesAreDeflated(t *testing.T) {
	h := open(t, nil)
	frame := strings.Repeat(`<li class="tile">Ohio</li>`, 400)
	h.hub.Publish("money", []byte(frame))
	var wire atomic.Int64
	dialer := websocket.Dialer{EnableCompression: true, NetDial: func(network, address string) (net.Conn, error) {
		conn, err := net.Dial(network, address)
		return &counted{conn, &wire}, err
	}}
	c, _, err := dialer.Dial(strings.Replace(h.URL, "http", "ws", 1)+"/live?board=money", http.Header{"Origin": {page}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if got := read(t, c); got != frame {
		t.Errorf("a frame of %d bytes came as %d", len(frame), len(got))
	}
	if n := wire.Load(); n > int64(len(frame)/4) {
		t.Errorf("%d bytes came for a frame of %d", n, len(frame))
	}
	for range 10 {
		if err := c.WriteMessage(websocket.TextMessage, make([]byte, 64<<10)); err != nil { // a hundred on the wire
			t.Fatal(err)
		}
	}
	h.hub.Publish("money", []byte("{}"))
	if got := read(t, c); got != "{}" {
		t.Errorf("got %s", got)
	}
}

// counted counts what is read from a connection.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c *counted) Read(into []byte) (int, error) {
	n, err := c.Conn.Read(into)
	c.bytes.Add(int64(n))
	return n, err
}

func TestClientClosesRegularly(t *testing.T) {
	h := open(t, nil)
	c := h.watch(t)
	goodbye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	if err := c.WriteControl(websocket.CloseMessage, goodbye, time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	wantClose(t, c, websocket.CloseNormalClosure)
	wantViewers(t, h, 0)
}

// A browser that answers pings stays, one that does not goes: no other sign of life is needed, or enough.
func TestDeadPeerIsLetGo(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *ws.Options) { o.Ping, o.Pong = time.Second, 1900*time.Millisecond })
	alive, dead := h.watch(t), h.watch(t)
	pings := 0
	alive.SetPingHandler(func(data string) error {
		pings++
		return alive.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience))
	})
	wantViewers(t, h, 2)
	var reading sync.WaitGroup
	reading.Go(func() { // a gorilla client answers pings while it reads
		for {
			if _, _, err := alive.ReadMessage(); err != nil {
				return
			}
		}
	})
	wantViewers(t, h, 1) // dead never reads, so it never answers
	if _, _, err := dead.ReadMessage(); err == nil {
		t.Error("the dead peer got a message")
	}
	h.hub.Close()
	reading.Wait()
	if pings == 0 {
		t.Error("no ping came")
	}
}

// A browser that stops reading is cut when its frame can't leave; the others don't notice.
func TestStuckPeer(t *testing.T) {
	t.Parallel()
	h := open(t, func(o *ws.Options) { o.Write = time.Second })
	stuck, reader := h.watch(t), h.watch(t)
	wantViewers(t, h, 2)
	filler := strings.Repeat("x", 64<<10)
	for i := 0; h.hub.Stats().Viewers == 2; i++ {
		frame := fmt.Sprintf(`%d %s`, i, filler)
		h.hub.Publish("money", []byte(frame))
		if got := read(t, reader); got != frame {
			t.Fatalf("a frame of %d bytes came as %d", len(frame), len(got))
		}
	}
	stuck.Close()
}

// What a slow browser gets is new, however much was published: neither the hub nor the kernel keeps a backlog.
func TestSlowReaderGetsNoBacklog(t *testing.T) {
	const frames = 1000
	h := open(t, func(o *ws.Options) { o.Write = patience }) // it is slow on purpose
	c := h.watch(t)
	if err := c.NetConn().(*net.TCPConn).SetReadBuffer(16 << 10); err != nil {
		t.Fatal(err)
	}
	filler := strings.Repeat("x", 8<<10)
	h.hub.Publish("money", []byte(filler))
	read(t, c)
	quick := h.watch(t)
	read(t, quick)
	for i := range frames { // as fast as a quick reader follows
		h.hub.Publish("money", fmt.Appendf(nil, "%d %s", i, filler))
		read(t, quick)
	}
	got := 0
	for number := 0; number < frames-1; got++ {
		if _, err := fmt.Sscan(read(t, c), &number); err != nil {
			t.Fatal(err)
		}
	}
	if got > frames/20 {
		t.Errorf("%d of %d frames waited for a slow reader", got, frames)
	}
}

func TestManySockets(t *testing.T) {
	const sockets, rounds = 200, 5
	h := open(t, nil)
	var watching sync.WaitGroup
	for range sockets {
		c := h.watch(t)
		watching.Go(func() {
			last := fmt.Sprintf("%d", rounds-1)
			for text := ""; text != last; {
				text = read(t, c)
			}
			c.Close()
		})
	}
	wantViewers(t, h, sockets)
	for i := range rounds {
		h.hub.Publish("money", fmt.Append(nil, i))
	}
	watching.Wait()
	wantViewers(t, h, 0)
}

// Browsers come and go while frames are published: each sees numbers that only grow, and in the end nobody is left.
func TestComingAndGoing(t *testing.T) {
	const browsers, visits = 30, 10
	h := open(t, func(o *ws.Options) { o.Check, o.Ping, o.Pong = time.Millisecond, 2*time.Millisecond, patience })
	stop := make(chan struct{})
	var publishing, visiting sync.WaitGroup
	publishing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				h.hub.Publish([]string{"money", "mail"}[i%2], fmt.Appendf(nil, "%d", i))
			}
		}
	})
	for range browsers {
		visiting.Go(func() {
			for range visits {
				c := h.watch(t)
				last := map[int]int{0: -1, 1: -1} // by topic
				for range 5 {
					number, err := strconv.Atoi(read(t, c))
					if err != nil || number <= last[number%2] {
						t.Errorf("%d after %d: %v", number, last[number%2], err)
					}
					last[number%2] = number
				}
				c.Close()
			}
		})
	}
	visiting.Wait()
	close(stop)
	publishing.Wait()
	wantViewers(t, h, 0)
}
