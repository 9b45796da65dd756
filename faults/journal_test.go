package faults

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// gift is one movement of money as a sender knows it.
type gift struct {
	id, kind, of, currency, refcode, path string
	minor                                 int64 // as it counts: refunds are negative
	at                                    time.Time
}

// entry is a gift and what became of it.
type entry struct {
	gift
	acked bool
	// refused: every answer to it was 503, so nothing of it may ever be counted.
	refused bool
}

// journal is the sender's memory. It lies in this process, which no fault touches: an event is written down before it
// is sent.
type journal struct {
	name string

	mu      sync.Mutex // guards what follows
	entries map[string]*entry
	gifts   []string // ids that refunds can name
	next    int
}

func newJournal(name string) *journal { return &journal{name: name, entries: map[string]*entry{}} }

// draw makes n new events and writes them down.
func (j *journal) draw(d *rand.Rand, n int) []*entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	batch := make([]*entry, n)
	for i := range batch {
		j.next++
		e := &entry{gift: j.random(d)}
		e.id = j.name + "-" + strconv.Itoa(j.next)
		j.entries[e.id] = e
		if e.kind == "gift" && len(j.gifts) < 1000 {
			j.gifts = append(j.gifts, e.id)
		}
		batch[i] = e
	}
	return batch
}

func (j *journal) random(d *rand.Rand) gift {
	g := gift{kind: "gift", currency: "USD", path: "vendor", minor: 1 + d.Int64N(350_000), at: time.Now()}
	g.refcode = "em" + strconv.Itoa(d.IntN(8))
	switch r := d.IntN(100); {
	case r < 12:
		g.currency = "EUR"
	case r < 20:
		g.currency = "JPY"
	}
	if d.IntN(100) < 15 { // late: of the last three days
		g.at = g.at.Add(-time.Duration(d.Int64N(int64(72 * time.Hour))))
	}
	if d.IntN(100) < 7 && len(j.gifts) > 0 {
		g.kind, g.of, g.minor = "refund", j.gifts[d.IntN(len(j.gifts))], -g.minor
	}
	g.at = g.at.UTC().Truncate(time.Millisecond)
	return g
}

// mark notes what was answered to a batch.
func (j *journal) mark(batch []*entry, change func(*entry)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range batch {
		change(e)
	}
}

func acknowledged(e *entry) { e.acked, e.refused = true, false }
func refused(e *entry)      { e.refused = true }

// count says how many events there are that pass.
func (j *journal) count(passes func(*entry) bool) (n int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if passes(e) {
			n++
		}
	}
	return n
}

func isAcked(e *entry) bool { return e.acked }

// appendJSON writes a gift as a sender does.
func (g gift) appendJSON(dst []byte) []byte {
	minor := max(g.minor, -g.minor)
	amount := fmt.Sprintf("%d.%02d", minor/100, minor%100)
	if g.currency == "JPY" {
		amount = strconv.FormatInt(minor, 10)
	}
	dst = fmt.Appendf(dst, `{"source":"ledger","id":%q,"occurred_at":%q,"amount":%q,"currency":%q,"kind":%q,"path":%q,"refcode":%q`,
		g.id, g.at.Format("2006-01-02T15:04:05.000Z"), amount, g.currency, g.kind, g.path, g.refcode)
	if g.of != "" {
		dst = fmt.Appendf(dst, `,"of":%q`, g.of)
	}
	return append(dst, '}', '\n')
}

// body is a request's.
func body(batch []*entry) []byte {
	var out []byte
	for _, e := range batch {
		out = e.appendJSON(out)
	}
	return out
}
