package live

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"warroom/server/campaign"
)

// PulseTopic is the heartbeat: once a second, whether anything changed or not, so that a page knows that it is alive.
const PulseTopic = "pulse"

const pulseEvery = time.Second

// Pulse is what the server knows about the truth of the boards.
type Pulse struct {
	DataAt time.Time        // the latest event of any feed; zero: none
	Feeds  int              // feeds that are sending
	Of     int              // feeds that are expected to
	LagMS  map[string]int64 // by kind: age of the oldest event that is not counted yet
	Doubt  string           // why the boards can't be trusted right now; empty when they can
	Kinds  map[string]KindPulse
}

// KindPulse is the same of one kind.
type KindPulse struct {
	Coverage
	DataAt    time.Time // the latest event of any feed; zero: none
	CountedTo time.Time // the latest event that the boards count; zero: none since the start
	Usual     *float64  // share of the usual volume for this hour of the week; nil: unknown
	Quiet     []string  // feeds that are missing
}

// of is what is known of some kinds together. Their share of the usual volume is the lowest of any.
func (p Pulse) of(kinds []campaign.Kind) KindPulse {
	if len(kinds) == 0 || p.Kinds == nil {
		return KindPulse{Coverage: Coverage{Feeds: p.Feeds, Of: p.Of}, DataAt: p.DataAt}
	}
	var all KindPulse
	for _, kind := range kinds {
		k := p.Kinds[kind.String()]
		all.Feeds, all.Of = all.Feeds+k.Feeds, all.Of+k.Of
		all.Quiet = append(all.Quiet, k.Quiet...)
		if all.Usual == nil || k.Usual != nil && *k.Usual < *all.Usual {
			all.Usual = k.Usual
		}
	}
	return all
}

// heartbeat publishes the pulse while somebody watches.
type heartbeat struct {
	publisher *Publisher
	out       *outlet
	counts    counts
	queries   uint64 // sent before the last beat; only beat touches it

	started time.Time // of the last beat, guarded by Publisher.mu
	running bool      // guarded by Publisher.mu

	last atomic.Pointer[Pulse] // nil before the first
}

func newHeartbeat(p *Publisher) *heartbeat {
	h := &heartbeat{publisher: p}
	h.out = newOutlet(PulseTopic, &h.counts)
	return h
}

// newest is the pulse of now, or the last one known when the answer takes long: an engine that hangs must not make the
// pages believe that the server is gone.
func (h *heartbeat) newest() Pulse {
	p := h.publisher
	asked := p.flights.DoChan(PulseTopic, func() (any, error) { // no panel has this topic
		pulse := p.Pulse(time.Now())
		h.last.Store(&pulse)
		return nil, nil
	})
	enough := time.NewTimer(pulseEvery / 2)
	defer enough.Stop()
	select {
	case <-asked:
	case <-enough.C:
	}
	if last := h.last.Load(); last != nil {
		return *last
	}
	return Pulse{LagMS: map[string]int64{}}
}

// beatData is the frame's data.
type beatData struct {
	DataAt  string           `json:"data_at,omitempty"` // the latest event of any feed
	Doubt   string           `json:"doubt"`
	Feeds   int              `json:"feeds"`
	Of      int              `json:"of"`
	LagMS   map[string]int64 `json:"lag_ms"`
	Viewers int              `json:"viewers"`
	Queries uint64           `json:"queries"` // sent to the engine since the last beat, for all viewers

	Kinds map[string]kindData `json:"kinds,omitempty"`
}

type kindData struct {
	Coverage
	DataAt    string   `json:"data_at,omitempty"`
	CountedTo string   `json:"counted_to,omitempty"`
	Usual     *float64 `json:"usual"`
	Quiet     []string `json:"quiet"`
}

func kindsData(kinds map[string]KindPulse) map[string]kindData {
	data := map[string]kindData{}
	for name, k := range kinds {
		data[name] = kindData{
			Coverage: k.Coverage, DataAt: someTime(k.DataAt), CountedTo: someTime(k.CountedTo), Usual: k.Usual,
			Quiet: append([]string{}, k.Quiet...), // [] and not null
		}
	}
	return data
}

// someTime is a moment as frames have it; empty for the zero time.
func someTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(rfc3339ms)
}

func (h *heartbeat) beat() {
	p := h.newest()
	sent := h.publisher.queries.Load()
	data := beatData{
		Doubt: p.Doubt, Feeds: p.Feeds, Of: p.Of, LagMS: p.LagMS,
		Viewers: h.publisher.Hub.Stats().Viewers, Queries: sent - h.queries, DataAt: someTime(p.DataAt), Kinds: kindsData(p.Kinds),
	}
	h.queries = sent
	encoded, _ := json.Marshal(data) // strings and numbers always encode
	h.out.send(h.publisher.Hub, time.Now(), time.Time{}, "", encoded, nil)
}
