package ws

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/hub"
)

// gorilla reads what is put on the wire here, of every length, as it is and deflated.
func TestWireIsReadable(t *testing.T) {
	random := make([]byte, 70_000)
	_, _ = rand.Read(random)
	noise := base64.StdEncoding.EncodeToString(random)
	up := websocket.Upgrader{EnableCompression: true}
	for _, deflate := range []bool{false, true} {
		var sent []string
		for _, n := range []int{0, 1, 125, 126, 127, 128, 4096, 65_535, 65_536, 90_000} {
			sent = append(sent, noise[:n], strings.Repeat("x", n), strings.Repeat("<li>Ohio</li>", n/13))
		}
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			over := &taken{ResponseWriter: w}
			c, err := up.Upgrade(over, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			h := hub.New()
			box := h.Join([]string{"topic"})
			for _, text := range sent {
				h.Publish("topic", []byte(text))
				frames, _ := box.Take()
				message, err := bytesOf(frames[0], deflate)
				if err != nil {
					t.Error(err)
				}
				if again, _ := bytesOf(frames[0], deflate); &again[0] != &message[0] {
					t.Error("the wire form was made twice")
				}
				if deflate && len(message) > len(text)+14 {
					t.Errorf("%d bytes for a message of %d", len(message), len(text))
				}
				if _, err := over.socket.Conn.Write(message); err != nil {
					t.Error(err)
				}
			}
			_, _, _ = c.ReadMessage() // until the client goes
		}))
		dialer := websocket.Dialer{EnableCompression: deflate}
		c, _, err := dialer.Dial(strings.Replace(site.URL, "http", "ws", 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range sent {
			if _, got, err := c.ReadMessage(); err != nil || string(got) != want {
				t.Fatalf("deflate %v: %d bytes came for %d, %v", deflate, len(got), len(want), err)
			}
		}
		c.Close()
		site.Close()
	}
}

// What is taken for an offer here is one for gorilla: both have to agree on what goes over the line.
func TestOffersAreReadAsGorillaDoes(t *testing.T) {
	up := websocket.Upgrader{EnableCompression: true}
	h, offers := &handler{offer: regexp.MustCompile(offer)}, 0
	for _, header := range [][]string{
		nil, {""}, {"permessage-deflate"}, {"permessage-deflate; client_max_window_bits"},
		{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
		{"permessage-deflate ; client_max_window_bits=15, permessage-deflate"}, {"x-webkit-deflate-frame"},
		{"permessage-deflate-more"}, {"x; y=\"permessage-deflate\""}, {"permessage-deflate", "permessage-deflate"}, {"foo, permessage-deflate"},
		{"permessage-deflate; a=\"b\""}, {"PERMESSAGE-DEFLATE"}, {"permessage-deflate;"}, {"permessage-deflate; a==b"}, {" permessage-deflate"},
	} {
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got := h.offersDeflate(r.Header["Sec-Websocket-Extensions"])
			c, err := up.Upgrade(w, r, nil)
			if err != nil {
				t.Error(err)
				return
			}
			fmt.Fprintf(c.NetConn(), "%v\n", got)
			c.Close()
		}))
		r, _ := http.NewRequest(http.MethodGet, site.URL, nil)
		for name, value := range map[string]string{
			"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
		} {
			r.Header.Set(name, value)
		}
		if header != nil {
			r.Header["Sec-Websocket-Extensions"] = header
		}
		answer, err := site.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 8)
		n, _ := answer.Body.(interface{ Read([]byte) (int, error) }).Read(line)
		answer.Body.Close()
		agreed := strings.Contains(answer.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate")
		if got := bytes.HasPrefix(line[:n], []byte("true")); got {
			offers++
			if !agreed {
				t.Errorf("%q is an offer here, and none for gorilla", header)
			}
		}
		site.Close()
	}
	if offers < 4 {
		t.Errorf("%d offers were understood", offers)
	}
}

// One write, however many topics have changed; and what browsers of the same board get is put together once.
func TestOneWriteForAllTopics(t *testing.T) {
	h := hub.New()
	w := newWalker(&handler{Options: Options{Hub: h}.withDefaults()})
	topics := []string{"a", "b", "c"}
	boxes := []*hub.Mailbox{w.group.Join(topics), w.group.Join(topics), w.group.Join(topics[:2])}
	for _, topic := range topics {
		h.Publish(topic, []byte(topic+" is new"))
	}
	var messages [][]byte
	for _, box := range boxes {
		frames, err := box.Take()
		if err != nil {
			t.Fatal(err)
		}
		message, err := w.wire(frames, false)
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, message)
	}
	if want := "\x81\x08a is new\x81\x08b is new\x81\x08c is new"; string(messages[0]) != want || string(messages[2]) != want[:20] {
		t.Errorf("got %q and %q", messages[0], messages[2])
	}
	if &messages[0][0] != &messages[1][0] {
		t.Error("it was put together twice")
	}
	w.forget()
	if len(w.bundle) != 0 || w.bundle[:1][0].wire != nil {
		t.Error("a walk's wire forms are kept")
	}
}

// gorilla's own writes wait until a message that is on its way has left: they never come into the middle of one.
func TestControlFramesWaitForTheMessage(t *testing.T) {
	ends := make(chan *taken, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		over := &taken{ResponseWriter: w}
		if _, err := (&websocket.Upgrader{}).Upgrade(over, r, nil); err != nil {
			t.Error(err)
		}
		ends <- over
	}))
	defer site.Close()
	c, _, err := websocket.DefaultDialer.Dial(strings.Replace(site.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	socket := (<-ends).socket
	defer socket.Close()
	message := framed(finalText, []byte(strings.Repeat("x", 1000)))
	socket.mu.Lock()
	n, err := newHand().write(socket, message[:500])
	if n != 500 || err != nil {
		t.Fatalf("wrote %d, %v", n, err)
	}
	done := make(chan error, 1)
	go func() {
		_ = socket.SetWriteDeadline(time.Now().Add(time.Minute))
		_, err := socket.Write([]byte{finalPing, 0})
		done <- err
	}()
	if _, err := socket.writeBy(message[500:], time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	socket.mu.Unlock()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	pinged := make(chan bool, 1)
	c.SetPingHandler(func(string) error { pinged <- true; return nil })
	if _, got, err := c.ReadMessage(); err != nil || len(got) != 1000 {
		t.Fatalf("%d bytes came, %v", len(got), err)
	}
	socket.mu.Lock()
	_, err = newHand().write(socket, framed(finalText, nil))
	socket.mu.Unlock()
	if _, _, err2 := c.ReadMessage(); err != nil || err2 != nil || !<-pinged {
		t.Errorf("the ping was lost: %v, %v", err, err2)
	}
}

// A walk waits for what else is about to change, but not when all has been released together; and it rests after a
// long walk in both cases.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hub.New()
		w := newWalker(&handler{Options: Options{Hub: h}.withDefaults()})
		w.group.Join([]string{"money"})
		for name, of := range map[string]struct {
			took, ago time.Duration // the last walk
			whole     bool
			want      time.Duration
		}{
			"the first":                  {0, 0, false, 0},
			"few viewers":                {500 * time.Microsecond, time.Second, false, 10 * time.Millisecond},
			"many":                       {10 * time.Millisecond, time.Second, false, 40 * time.Millisecond},
			"many, released":             {80 * time.Millisecond, time.Second, true, 0},
			"many, right after a walk":   {80 * time.Millisecond, 10 * time.Millisecond, false, 70 * time.Millisecond},
			"a crowd, after a walk":      {300 * time.Millisecond, 30 * time.Millisecond, true, 70 * time.Millisecond},
			"a crowd, after a rest":      {300 * time.Millisecond, 150 * time.Millisecond, true, 0},
			"a crowd, one by one":        {300 * time.Millisecond, 150 * time.Millisecond, false, 40 * time.Millisecond},
			"a crowd, during the rest":   {300 * time.Millisecond, 50 * time.Millisecond, false, 50 * time.Millisecond},
			"a crowd, just when it ends": {300 * time.Millisecond, 100 * time.Millisecond, true, 0},
		} {
			w.took, w.ended = of.took, time.Now().Add(-of.ago)
			h.Hold()
			h.Publish("money", []byte("$1"))
			h.Release()
			if !of.whole {
				h.Publish("money", []byte("$2"))
				w.group.Whole()
			}
			<-w.group.Ready()
			began := time.Now()
			w.gather()
			if took := time.Since(began); took != of.want {
				t.Errorf("%s: waited %s, want %s", name, took, of.want)
			}
		}
	})
}
