package ingest

import (
	"errors"
	"hash/maphash"
	"io"
	"net/http"
	"time"

	"warroom/server/campaign"
)

// parcel is what one request brought: the records of its good events, and the verdict on all.
type parcel struct {
	form   form
	limits limits
	room   *room
	held   int64 // bytes taken from the room

	buffers
	seed   maphash.Seed
	latest time.Time // latest occurred_at

	verdict  verdict
	index    int // events so far
	oversize int // events refused for their size
	unparsed int // events that are no JSON
	empty    bool
}

// buffers are what a parcel fills, kept for the next one.
type buffers struct {
	data    []byte // the records, one behind the other
	starts  []int
	records [][]byte
	seen    map[uint64]int // hash of an identity → its record
}

// keptBuffer is the largest buffer, in bytes, that is kept: some ten thousand events.
const keptBuffer = 4 << 20

// reuse gives a parcel's buffers to the next one. Nobody may use its records any more.
func (d *Doors) reuse(b buffers) {
	if cap(b.data) > keptBuffer {
		return
	}
	if len(b.seen) > 1000 { // clearing it would cost a small parcel more than all else
		b.seen = nil
	}
	clear(b.seen)
	d.buffers.Put(&buffers{b.data[:0], b.starts[:0], b.records[:0], b.seen})
}

const (
	retryBusy = time.Second
	freeSize  = 64 << 10 // a parcel up to this size takes no room
	roomStep  = 1 << 20
)

func (p *parcel) close() { p.room.give(p.held) }

// fill reads all events. Its errors are refusals of the whole request.
func (p *parcel) fill(in *reading, body *body, shape shape) error {
	p.seed, p.verdict.Rejected = maphash.MakeSeed(), []rejection{}
	in.frames.begin(body, shape.lines)
	for ; ; p.index++ {
		frame, flat, err := in.next(p.form)
		switch {
		case p.index >= p.limits.events && !errors.Is(err, io.EOF):
			return &refusal{status: http.StatusRequestEntityTooLarge, detail: "a request has a million events at most: split it"}
		case errors.Is(err, errEventSize):
			p.oversize++
			p.reject("", errEventSize.Error())
		case errors.Is(err, errArrayCut):
			p.unparsed++
			p.reject("", errArrayCut.Error())
		case errors.Is(err, io.EOF):
			p.empty = p.index == 0 && !in.frames.arrays
			return nil
		case err != nil:
			return body.why(err)
		default:
			if err := p.add(in, frame, flat); err != nil {
				return err
			}
		}
	}
}

// add takes one event. Its only error is that there is no room.
func (p *parcel) add(in *reading, frame []byte, flat bool) error {
	start := len(p.data)
	if !p.roomFor(start + 2*len(frame)) {
		return unavailable(retryBusy)
	}
	data, occurred, bad := in.event(p.form, frame, flat, p.data)
	if bad != nil {
		if bad.syntax {
			p.unparsed++
		}
		p.reject(bad.field, bad.reason)
		return nil
	}
	if p.repeats(data[start:]) {
		p.verdict.Duplicates++
		return nil
	}
	p.data, p.starts = data, append(p.starts, start)
	p.verdict.Accepted++
	p.latest = later(p.latest, occurred)
	return nil
}

func (p *parcel) reject(field, reason string) {
	if len(p.verdict.Rejected) >= p.limits.listed {
		p.verdict.Unlisted++
		return
	}
	p.verdict.Rejected = append(p.verdict.Rejected, rejection{p.index, field, reason})
}

func (p *parcel) roomFor(size int) bool {
	const perRecord = 64 // slices, hashes
	size += perRecord * len(p.starts)
	for int64(size) > p.held+freeSize {
		if !p.room.take(roomStep) {
			return false
		}
		p.held += roomStep
	}
	return true
}

// repeats says whether the identity was there before in this parcel. When two identities share a hash, the second
// isn't found again; it counts once in the totals all the same.
func (p *parcel) repeats(record []byte) bool {
	identity := campaign.Identity(record)
	if identity == nil {
		return false
	}
	if p.seen == nil {
		p.seen = map[uint64]int{}
	}
	hash := maphash.Bytes(p.seed, identity)
	n, ok := p.seen[hash]
	if !ok {
		p.seen[hash] = len(p.starts)
		return false
	}
	return string(campaign.Identity(p.data[p.starts[n]:])) == string(identity)
}

// list cuts the records apart.
func (p *parcel) list() [][]byte {
	for i, start := range p.starts {
		end := len(p.data)
		if i+1 < len(p.starts) {
			end = p.starts[i+1]
		}
		p.records = append(p.records, p.data[start:end:end])
	}
	return p.records
}

// answer says what became of the parcel. final answers are given again when the same request is repeated.
func (p *parcel) answer() (a answer, final bool) {
	v := &p.verdict
	switch refused := v.rejected(); {
	case v.Accepted > 0:
		return accepted(v), true
	case p.empty:
		return unacceptable(http.StatusUnprocessableEntity,
			"the body is empty: want a JSON object, an array of them, or one a line (NDJSON)", v), false
	case refused == 0:
		return unacceptable(http.StatusUnprocessableEntity, "the array holds no event", v), true
	case p.oversize == refused:
		return unacceptable(http.StatusRequestEntityTooLarge, errEventSize.Error(), v), false
	case p.unparsed == refused:
		return unacceptable(http.StatusUnprocessableEntity,
			"the body is not JSON: want a JSON object, an array of them, or one a line (NDJSON)", v), false
	}
	return unacceptable(http.StatusUnprocessableEntity, "no event could be accepted; rejected says why, for each", v), true
}
