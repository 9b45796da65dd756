package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"warroom/server/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// take gives what is in the mailbox as text.
func take(t *testing.T, m *hub.Mailbox) []string {
	t.Helper()
	frames, err := m.Take()
	if err != nil {
		t.Fatalf("Take: %v", err)
	}
	texts := []string{}
	for _, f := range frames {
		texts = append(texts, string(f.Bytes))
	}
	return texts
}

func wantTake(t *testing.T, m *hub.Mailbox, want ...string) {
	t.Helper()
	if got := take(t, m); !slices.Equal(got, want) {
		t.Errorf("took %q, want %q", got, want)
	}
}

func TestJoinGetsTheNewestOfEachTopicInOrder(t *testing.T) {
	h := hub.New()
	h.Publish("mail", []byte("m1"))
	h.Publish("money", []byte("$1"))
	h.Publish("money", []byte("$2"))
	box := h.Join([]string{"money", "traffic", "mail", "money"})
	wantTake(t, box, "$2", "m1")
	wantTake(t, box)
	h.Publish("traffic", []byte("t1"))
	wantTake(t, box, "t1")
}

func TestSlowReaderGetsTheNewestAndNoBacklog(t *testing.T) {
	h := hub.New()
	slow := h.Join([]string{"money", "mail"})
	for i := range 1000 {
		h.Publish("money", []byte(strconv.Itoa(i)))
	}
	h.Publish("mail", []byte("m"))
	wantTake(t, slow, "999", "m")
	wantTake(t, slow)
}

func TestFramesAreShared(t *testing.T) {
	h := hub.New()
	a, b := h.Join([]string{"money"}), h.Join([]string{"money"})
	h.Publish("money", []byte("$1"))
	fromA, _ := a.Take()
	fromB, _ := b.Take()
	if fromA[0] != fromB[0] {
		t.Fatal("two watchers got two frames")
	}
	made := 0
	prepare := func(bytes []byte) (any, error) { made++; return "wire " + string(bytes), nil }
	for _, f := range []*hub.Frame{fromA[0], fromB[0]} {
		if wire, err := f.Prepared(prepare); wire != "wire $1" || err != nil {
			t.Errorf("prepared %v, %v", wire, err)
		}
	}
	if made != 1 {
		t.Errorf("prepared %d times, want once", made)
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hub.New()
		box := h.Join([]string{"money"})
		var got []*hub.Frame
		go func() { got, _ = box.Next(t.Context()) }()
		synctest.Wait()
		if got != nil {
			t.Fatal("Next returned without a frame")
		}
		h.Publish("mail", []byte("m"))
		h.Publish("money", []byte("$1"))
		synctest.Wait()
		if len(got) != 1 || string(got[0].Bytes) != "$1" {
			t.Fatalf("Next gave %v", got)
		}
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := hub.New().Join([]string{"money"}).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next: %v", err)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hub.New()
		reading, idle := h.Join([]string{"money"}), h.Join(nil)
		var ended error
		go func() {
			_, ended = reading.Next(t.Context())
			reading.Leave()
		}()
		synctest.Wait()
		began := time.Now()
		go func() {
			<-idle.Ready()
			<-time.After(time.Second) // says goodbye
			idle.Leave()
		}()
		h.Close()
		if took := time.Since(began); took != time.Second {
			t.Errorf("Close returned after %s: want it to wait for the last to leave", took)
		}
		if !errors.Is(ended, hub.ErrClosed) {
			t.Errorf("a reader of a closed hub got %v", ended)
		}
		for name, box := range map[string]*hub.Mailbox{"left": reading, "joined late": h.Join([]string{"money"})} {
			for range 2 {
				if _, err := box.Next(t.Context()); !errors.Is(err, hub.ErrClosed) {
					t.Errorf("%s: Next gave %v", name, err)
				}
			}
			box.Leave()
		}
		h.Publish("money", []byte("$1"))
		h.Close()
		if s := h.Stats(); s != (hub.Stats{}) {
			t.Errorf("a closed hub has %+v", s)
		}
	})
}

func TestCloseDoesNotWaitForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hub.New()
		h.Join([]string{"money"}) // never left
		began := time.Now()
		h.Close()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("Close took %s", took)
		}
	})
}

func TestLeaveWakesTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		box := hub.New().Join([]string{"money"})
		var ended error
		go func() { _, ended = box.Next(t.Context()) }()
		synctest.Wait()
		box.Leave()
		box.Leave()
		synctest.Wait()
		if !errors.Is(ended, hub.ErrClosed) {
			t.Errorf("Next gave %v", ended)
		}
	})
}

func TestWatchedAndWake(t *testing.T) {
	h := hub.New()
	woken := func() bool {
		select {
		case <-h.Wake():
			return true
		default:
			return false
		}
	}
	if h.Watched("money") || woken() {
		t.Error("an empty hub is watched")
	}
	first := h.Join([]string{"money", "mail"})
	if !h.Watched("money") || !h.Watched("mail") || h.Watched("traffic") || !woken() || woken() {
		t.Error("the first watcher was not noticed, or more than once")
	}
	second := h.Join([]string{"money"})
	if woken() {
		t.Error("a second watcher woke")
	}
	first.Leave()
	if !h.Watched("money") || h.Watched("mail") {
		t.Error("leaving touched the wrong topics")
	}
	second.Leave()
	if h.Watched("money") || h.Stats().Viewers != 0 {
		t.Error("somebody is left")
	}
	h.Join([]string{"money"})
	if !woken() {
		t.Error("the next first watcher did not wake")
	}
}

// Many join, leave, read and publish at once; every reader's numbers grow, and the last one arrives.
func TestRaces(t *testing.T) {
	const readers, publishers, frames = 40, 4, 200
	h := hub.New()
	topics := make([]string, publishers)
	for i := range topics {
		topics[i] = "topic " + strconv.Itoa(i)
	}
	var reading, publishing sync.WaitGroup
	for i := range readers {
		reading.Go(func() { readToTheEnd(t, h, topics, i%4 == 0) })
	}
	for _, topic := range topics {
		publishing.Go(func() {
			for i := range frames {
				h.Publish(topic, fmt.Appendf(nil, "%s:%d", topic, i))
			}
			h.Publish(topic, fmt.Appendf(nil, "%s:%d", topic, frames))
		})
	}
	publishing.Wait()
	late := h.Join(topics)
	for i, text := range take(t, late) {
		if want := fmt.Sprintf("%s:%d", topics[i], frames); text != want {
			t.Errorf("a late watcher got %s, want %s", text, want)
		}
	}
	late.Leave()
	reading.Wait()
	if s := h.Stats(); s.Viewers != 0 || s.Published != publishers*(frames+1) {
		t.Errorf("in the end %+v", s)
	}
}

// readToTheEnd reads until each topic's last frame has come; a fickle reader leaves and joins again at each frame.
func readToTheEnd(t *testing.T, h *hub.Hub, topics []string, fickle bool) {
	box := h.Join(topics)
	defer func() { box.Leave() }()
	newest := map[string]int{}
	for sum := 0; sum < 200*len(topics); {
		frames, err := box.Next(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		for _, f := range frames {
			topic := string(f.Bytes[:7])
			number, err := strconv.Atoi(string(f.Bytes[8:]))
			if err != nil || number < newest[topic] {
				t.Errorf("%s came after %d", f.Bytes, newest[topic])
			}
			sum += number - newest[topic]
			newest[topic] = number
		}
		if fickle {
			box.Leave()
			box = h.Join(topics)
		}
	}
}

// A change is for those who have what it builds on; everybody else gets the whole state.
func TestChanges(t *testing.T) {
	h := hub.New()
	steady, slow := h.Join([]string{"chart"}), h.Join([]string{"chart"})
	h.PublishChange("chart", []byte("one"), []byte("one after nothing"))
	wantTake(t, steady, "one")
	h.PublishChange("chart", []byte("two"), []byte("two after one"))
	wantTake(t, steady, "two after one")
	wantTake(t, slow, "two") // it never had one
	h.PublishChange("chart", []byte("three"), []byte("three after two"))
	h.PublishChange("chart", []byte("four"), []byte("four after three"))
	wantTake(t, steady, "four") // it missed three
	wantTake(t, slow, "four")
	wantTake(t, h.Join([]string{"chart"}), "four")
	h.PublishChange("chart", []byte("five"), nil)
	wantTake(t, slow, "five")
	wantTake(t, slow)
}

func TestForget(t *testing.T) {
	h := hub.New()
	h.Publish("money", []byte("$1"))
	box := h.Join([]string{"money", "mail"})
	h.Forget("money") // somebody watches
	wantTake(t, box, "$1")
	names := h.Watching()
	if slices.Sort(names); !slices.Equal(names, []string{"mail", "money"}) {
		t.Errorf("watched are %q", names)
	}
	box.Leave()
	h.Forget("money")
	h.Forget("never")
	wantTake(t, h.Join([]string{"money"}))
	if names := h.Watching(); !slices.Equal(names, []string{"money"}) {
		t.Errorf("watched are %q", names)
	}
}

// Who looks after many mailboxes is told once, and finds in each what is new for it.
func TestGroup(t *testing.T) {
	h := hub.New()
	h.Publish("money", []byte("$1"))
	group := h.Group()
	told := func() bool {
		select {
		case <-group.Ready():
			return true
		default:
			return false
		}
	}
	a, b := group.Join([]string{"money", "mail"}), group.Join([]string{"money"})
	wantTake(t, a, "$1")
	wantTake(t, b, "$1")
	if told() || h.Watchers("money") != 2 || h.Watchers("mail") != 1 || !h.Watched("mail") {
		t.Error("told without a reason, or the watchers are not counted")
	}
	h.Publish("money", []byte("$2"))
	h.Publish("mail", []byte("m"))
	h.Publish("traffic", []byte("t"))
	if !told() || told() {
		t.Error("not told, or more than once")
	}
	wantTake(t, a, "$2", "m")
	a.Leave()
	if h.Watched("mail") || h.Watchers("money") != 1 || told() {
		t.Error("a mailbox that was left still watches, or its group was told, which knows")
	}
	h.Publish("mail", []byte("for nobody"))
	if told() {
		t.Error("told of a topic that nobody watches any more")
	}
	wantTake(t, b, "$2")
	go func() {
		<-group.Ready()
		if _, err := b.Take(); !errors.Is(err, hub.ErrClosed) {
			t.Errorf("a closed hub gave %v", err)
		}
		b.Leave()
	}()
	h.Close()
}

// What is published during a hold is there for who takes, and all are told of it once, at the release.
func TestHold(t *testing.T) {
	h := hub.New()
	group := h.Group()
	alone, of := h.Join([]string{"money", "mail"}), group.Join([]string{"money", "mail"})
	<-alone.Ready() // of joining
	told := func(ready <-chan struct{}) bool {
		select {
		case <-ready:
			return true
		default:
			return false
		}
	}
	wantTold := func(when string, want, whole bool) {
		t.Helper()
		if told(alone.Ready()) != want || told(group.Ready()) != want || told(group.Ready()) {
			t.Errorf("%s: told, want %v, once", when, want)
		}
		if group.Whole() != whole || group.Whole() {
			t.Errorf("%s: whole, want %v, once", when, whole)
		}
	}
	h.Publish("money", []byte("$1"))
	wantTold("without a hold", true, false)
	h.Hold()
	h.Publish("money", []byte("$2"))
	h.Publish("money", []byte("$3"))
	h.Publish("mail", []byte("m"))
	wantTold("held", false, false)
	wantTake(t, alone, "$3", "m")
	late := h.Join([]string{"money"})
	wantTake(t, late, "$3")
	late.Leave()
	h.Release()
	wantTold("released", true, true)
	wantTake(t, of, "$3", "m")
	h.Release()
	wantTold("released again", false, false)
	h.Publish("mail", []byte("m2"))
	wantTold("after the hold", true, false)
	h.Hold()
	h.Publish("mail", []byte("m3"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Close()
	}()
	for box, ready := range map[*hub.Mailbox]<-chan struct{}{alone: alone.Ready(), of: group.Ready()} {
		<-ready // closing is told at once
		for {   // a token may be older than the end
			if _, err := box.Take(); errors.Is(err, hub.ErrClosed) {
				break
			}
			<-ready
		}
		box.Leave()
	}
	<-done
	h.Release()
}
