package faults

import (
	"net/http"
	"slices"
	"sync"
	"testing"
)

// parcel is one copy of an event on its way.
type parcel struct {
	*entry
	path string
	more int64 // minor units that this copy claims in addition
}

// Each event comes one to ten times, over two paths, in any order: refunds before their gifts, copies in one request
// and far apart, late ones. Then copies that claim another amount: the first one counts.
func TestRepeatsInAnyOrder(t *testing.T) {
	f := newFault(t, "repeats, shuffled, late, conflicts")
	p, j := newWarroom(t, t.TempDir()), newJournal("repeat")
	p.serve()
	all := j.draw(f.Rand, pick(500, 20_000))
	var first, again []parcel
	for _, e := range all {
		for range 1 + f.IntN(10) {
			first = append(first, parcel{e, []string{"vendor", "mirror"}[f.IntN(2)], 0})
		}
		again = append(again, parcel{e, "mirror", 0})
		if f.IntN(3) == 0 {
			again = append(again, parcel{e, "mirror", 1 + f.Int64N(1000)})
		}
	}
	f.runs = len(first) + len(again)
	p.deliver(f, first)
	j.mark(all, acknowledged)
	f.audit(t, p, j)
	f.acked = 0 // the same events are judged again
	p.deliver(f, again)
	f.audit(t, p, j)
	f.note = "a run is a copy"
}

// deliver sends parcels in any order, in requests of any size, by four senders at a time. Each is sent until it is
// acknowledged.
func (p *warroom) deliver(f *fault, parcels []parcel) {
	p.t.Helper()
	f.Shuffle(len(parcels), func(a, b int) { parcels[a], parcels[b] = parcels[b], parcels[a] })
	requests := make(chan []parcel)
	var senders sync.WaitGroup
	l := &load{p: p, client: client, statuses: map[int]int{}}
	for range 4 {
		senders.Go(func() {
			for request := range requests {
				var text []byte
				for _, c := range request {
					g := c.gift
					g.path = c.path
					g.minor += c.more
					text = g.appendJSON(text)
				}
				for l.post(text, len(request)) != http.StatusAccepted && !p.t.Failed() {
					l.check(p.t)
				}
			}
		})
	}
	for len(parcels) > 0 {
		n := min(1+f.IntN(60), len(parcels))
		requests <- slices.Clone(parcels[:n])
		parcels = parcels[n:]
	}
	close(requests)
	senders.Wait()
	l.check(p.t)
}
