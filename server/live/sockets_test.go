package live_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/ws"
)

// Two hundred real websockets see a moving number, each frame of it made by one query.
func TestManySocketsOneQueryAFrame(t *testing.T) {
	const sockets, frames = 200, 3
	d := newDesk(t, []board.Panel{stamped("money.hour", 100*time.Millisecond, campaign.Donations)})
	running, stop := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() { d.Run(running) })
	site := httptest.NewServer(ws.Handler(ws.Options{
		Hub: d.hub, Topics: func(*http.Request) ([]string, bool) { return []string{"money.hour"}, true },
		Valid:  func(*http.Request) func() bool { return func() bool { return true } },
		Origin: func(*http.Request) bool { return true },
		Logger: d.Logger,
	}))
	seen := make(chan frame, sockets*frames)
	var watching sync.WaitGroup
	for range sockets {
		watching.Go(func() { watch(t, site, frames, seen) })
	}
	watching.Wait()
	stop()
	publishing.Wait()
	d.hub.Close()
	site.Close()
	close(seen)
	distinct := map[int64]bool{}
	for f := range seen {
		distinct[f.Seq] = true
	}
	s := d.Stats().Topics["money.hour"]
	if queries := d.engine.queries(); len(distinct) > queries || s.Published > s.Queries || s.Queries != uint64(queries) {
		t.Errorf("%d queries, %d different frames seen, stats %+v", queries, len(distinct), s)
	}
	if len(distinct) > sockets {
		t.Errorf("%d sockets saw %d different frames", sockets, len(distinct))
	}
}

// watch reads so many frames of one socket; their seq grows.
func watch(t *testing.T, site *httptest.Server, frames int, seen chan<- frame) {
	c, _, err := websocket.DefaultDialer.Dial(strings.Replace(site.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	last := int64(0)
	for range frames {
		_, text, err := c.ReadMessage()
		var f frame
		if err != nil || json.Unmarshal(text, &f) != nil || f.Seq <= last || f.HTML == nil {
			t.Errorf("after seq %d came %s: %v", last, text, err)
			return
		}
		last = f.Seq
		seen <- f
	}
}
