package faults

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// load are senders that hardly rest: each sends a batch, waits for the answer, and sends the next.
type load struct {
	p       *warroom
	j       *journal
	batch   int
	client  *http.Client
	ending  chan struct{}
	senders sync.WaitGroup
	acks    atomic.Int64 // requests
	// again says how often a sender resends a batch that was refused, in percent; else it gives it up.
	again int

	mu       sync.Mutex // guards what follows
	statuses map[int]int
	silent   int // 429 and 503 without Retry-After
	strange  []string
	took     []time.Duration // of acknowledged requests
}

// newLoad starts senders whose requests hold a batch of gifts each. They end with the test, or with stop.
func newLoad(t testing.TB, p *warroom, j *journal, senders, batch int) *load {
	l := &load{
		p: p, j: j, batch: batch, ending: make(chan struct{}), again: 50, statuses: map[int]int{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: senders}},
	}
	for n := range senders {
		d := dice(fmt.Sprint(j.name, " sender ", n))
		l.senders.Go(func() { l.send(d) })
	}
	t.Cleanup(l.stop)
	return l
}

// stop waits for the answers that are still to come.
func (l *load) stop() {
	select {
	case <-l.ending:
	default:
		close(l.ending)
	}
	l.senders.Wait()
	l.client.CloseIdleConnections()
}

func (l *load) ended() bool {
	select {
	case <-l.ending:
		return true
	default:
		return false
	}
}

func (l *load) send(d *rand.Rand) {
	for !l.ended() {
		l.deliver(d, l.j.draw(d, l.batch))
		if !*full {
			time.Sleep(5 * time.Millisecond) // the short selection shares the machine with other tests
		}
	}
}

// deliver sends a batch until it is acknowledged or given up. One that got no answer is mostly sent again, as senders
// do; what became of it is unknown until then.
func (l *load) deliver(d *rand.Rand, batch []*entry) {
	text := body(batch)
	for unknown := false; ; {
		status := l.post(text, len(batch))
		switch status {
		case http.StatusAccepted:
			l.j.mark(batch, acknowledged)
			l.acks.Add(1)
			return
		case 0:
			unknown = true
		case http.StatusServiceUnavailable:
			if !unknown {
				l.j.mark(batch, refused)
			}
		}
		giveUp := 10
		if status != 0 {
			giveUp = 100 - l.again
		}
		if d.IntN(100) < giveUp || l.ended() {
			return
		}
		if !unknown {
			l.j.mark(batch, func(e *entry) { e.refused = false }) // until this answer
		}
		time.Sleep(10 * time.Millisecond) // the sender's pace
	}
}

// post sends one request and checks the answer; 0 means that none came.
func (l *load) post(text []byte, events int) (status int) {
	req, err := http.NewRequest(http.MethodPost, l.p.url+"/v1/donations", bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.p.feed)
	req.Header.Set("Content-Type", "application/x-ndjson")
	since := time.Now()
	resp, err := l.client.Do(req)
	if err != nil {
		l.note(0, nil, 0)
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		l.note(0, nil, 0)
		return 0
	}
	l.note(resp.StatusCode, resp.Header, time.Since(since))
	var verdict struct{ Accepted, Duplicates int }
	if resp.StatusCode == http.StatusAccepted && (json.Unmarshal(answer, &verdict) != nil || verdict.Accepted+verdict.Duplicates != events) {
		l.complain(fmt.Sprintf("%d events sent, answered %.300s", events, answer))
	}
	return resp.StatusCode
}

func (l *load) note(status int, header http.Header, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.statuses[status]++
	switch status {
	case http.StatusAccepted:
		l.took = append(l.took, took)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		if header.Get("Retry-After") == "" {
			l.silent++
		}
	}
}

func (l *load) complain(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.strange) < 5 {
		l.strange = append(l.strange, what)
	}
}

// check fails the test when an answer came that no sender should get.
func (l *load) check(t testing.TB) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, n := range l.statuses {
		if status != 0 && status != http.StatusAccepted && status != http.StatusServiceUnavailable {
			t.Errorf("%d answers with status %d", n, status)
		}
	}
	if l.silent > 0 {
		t.Errorf("%d refusals without Retry-After", l.silent)
	}
	for _, what := range l.strange {
		t.Error(what)
	}
}

func (l *load) answered(status int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.statuses[status]
}

// acked waits until n more requests are acknowledged, and says how long that took.
func (l *load) acked(t testing.TB, n int) time.Duration {
	t.Helper()
	goal := l.acks.Load() + int64(n)
	return until(t, "requests are acknowledged", func() bool {
		if t.Failed() {
			t.FailNow()
		}
		l.check(t)
		return l.acks.Load() >= goal
	})
}

// p99 is of the acknowledged requests since the last call.
func (l *load) p99() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	took := l.took
	l.took = nil
	if len(took) == 0 {
		return 0
	}
	slices.Sort(took)
	return took[len(took)*99/100]
}
