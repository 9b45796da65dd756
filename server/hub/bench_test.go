package hub_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"warroom/server/hub"
)

// BenchmarkPublish is one frame to many watchers, until all have it: a tick of the boards. call-ns is Publish alone.
// The x- figures are shares of what a hub with a channel of frames for each client takes, the usual way, which moreover
// keeps a backlog.
func BenchmarkPublish(b *testing.B) {
	frame := make([]byte, 4<<10)
	for _, watchers := range []int{1_000, 10_000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			h := hub.New()
			var reading, round sync.WaitGroup // round: who has not got the frame yet
			for range watchers {
				box := h.Join([]string{"money.hour", "mail.hour"})
				reading.Go(func() {
					defer box.Leave()
					for range box.Ready() {
						frames, err := box.Take()
						if err != nil {
							return
						}
						if len(frames) > 0 {
							round.Done()
						}
					}
				})
			}
			b.ReportAllocs()
			var call, all time.Duration
			for b.Loop() {
				c, a := tick(&round, watchers, func() { h.Publish("money.hour", frame) })
				call, all = call+c, all+a
			}
			b.StopTimer()
			h.Close()
			reading.Wait()
			peerCall, peerAll := publishToPeer(b.N, watchers, frame)
			b.ReportMetric(float64(call)/float64(b.N), "call-ns")
			b.ReportMetric(float64(call)/float64(peerCall), "x-call")
			b.ReportMetric(float64(all)/float64(peerAll), "x-all")
		})
	}
}

// tick publishes once and waits until all have it.
func tick(round *sync.WaitGroup, watchers int, publish func()) (call, all time.Duration) {
	round.Add(watchers)
	began := time.Now()
	publish()
	call = time.Since(began)
	round.Wait()
	return call, time.Since(began)
}

// publishToPeer is how long the peer takes for as many frames.
func publishToPeer(frames, watchers int, frame []byte) (call, all time.Duration) {
	p := peer{clients: map[chan []byte]bool{}}
	var reading, round sync.WaitGroup
	for range watchers {
		inbox := make(chan []byte, 16)
		p.clients[inbox] = true
		reading.Go(func() {
			for range inbox {
				round.Done()
			}
		})
	}
	for range frames {
		c, a := tick(&round, watchers, func() { p.publish(frame) })
		call, all = call+c, all+a
	}
	for client := range p.clients {
		close(client)
	}
	reading.Wait()
	return call, all
}

// peer is the usual hub: a map of clients, a channel of frames for each.
type peer struct {
	mu      sync.Mutex
	clients map[chan []byte]bool
}

func (p *peer) publish(frame []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for client := range p.clients {
		select {
		case client <- frame:
		default: // its buffer is full: the frame is lost to it
		}
	}
}
