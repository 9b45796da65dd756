package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"

	"warroom/server/campaign"
)

// fault says why one event is refused.
type fault struct {
	field, reason string
	syntax        bool // it is no JSON at all
}

// form is the native format of one kind.
type form interface {
	// places are the fields that the form knows.
	places() *places
	// words completes a CloudEvent whose data doesn't say what happened: the field for it, and its words.
	words() (field string, words campaign.Word)
	// record checks what in.native holds and appends its record.
	record(in *reading, dst []byte) (record []byte, occurred time.Time, bad *fault)
}

// member is one name and its value, as they stand in the JSON: the name in quotes.
type member struct {
	name  string
	value value
}

// members is a JSON object taken apart: known values by place, the others in order.
type members struct {
	known   []value
	rest    []member
	wrapped bool // it says specversion: it is a CloudEvent

	places *places // of known
	after  []int   // by place + 1: the place that came next in the object before; a guess, see find
}

func (m *members) begin(p *places) {
	if m.places != p {
		m.places, m.known, m.after = p, make([]value, len(p.names)), make([]int, len(p.names)+1)
	}
	clear(m.known)
	m.rest, m.wrapped = m.rest[:0], false
}

// reading is all that reading the events of a request needs, kept for the next request. It serves one at a time.
type reading struct {
	frames    frames
	source    bytes.Buffer // what decoder reads
	decoder   *jsontext.Decoder
	native    members
	envelope  members
	keys      *pseudonyms
	clean     cleaner
	feed      string
	received  time.Time
	wrapped   bool
	headers   http.Header
	noFlat    bool // every event is for the decoder
	cePlaces  *places
	given     value // the event's own props
	donations campaign.Donation
	emails    campaign.EmailEvent
	requests  campaign.Request
}

func newReading(keys keys) *reading {
	in := &reading{keys: keys.pseudonyms(), cePlaces: cePlaces()}
	in.decoder = jsontext.NewDecoder(&in.source)
	return in
}

func (in *reading) begin(feed string, received time.Time, s shape) {
	in.feed, in.received, in.wrapped, in.headers = feed, received, s.wrapped, s.headers
	in.noFlat = s.wrapped || s.headers != nil
}

// end lets go of the request.
func (in *reading) end() { in.frames.in, in.headers = nil, nil }

// next returns the next event's text, as frames.next does. When it is flat, its values are in in.native already.
func (in *reading) next(f form) (frame []byte, flat bool, err error) {
	if in.noFlat {
		frame, err = in.frames.next()
		return frame, false, err
	}
	if !in.frames.lines { // the object's end is found by the way
		ahead := in.frames.ahead()
		if end := in.native.flat(ahead, sameBytes(ahead), f.places()); end > 0 && end <= maxEvent {
			return in.frames.take(end), true, nil
		}
	}
	if frame, err = in.frames.next(); err != nil {
		return nil, false, err
	}
	return frame, in.native.flat(frame, sameBytes(frame), f.places()) == len(frame), nil
}

// sameBytes is text without a copy. It changes with the bytes: what is to outlive the event must be copied.
func sameBytes(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// event reads one event and appends its record to dst; flat is what next said of it.
func (in *reading) event(f form, frame []byte, flat bool, dst []byte) (record []byte, occurred time.Time, bad *fault) {
	in.given = ""
	in.envelope.rest = in.envelope.rest[:0]
	if !flat {
		if bad := in.unusual(f, frame); bad != nil {
			return nil, time.Time{}, bad
		}
	}
	return f.record(in, dst)
}

// unusual takes an event apart that isn't flat.
func (in *reading) unusual(f form, frame []byte) *fault {
	if deeperThan(maxDepth, frame) {
		return &fault{reason: "is nested too deeply: 32 levels at most"}
	}
	text := sameBytes(frame) // the values are parts of it
	if bad := in.takeApart(frame, text, f.places(), &in.native); bad != nil {
		return bad
	}
	if in.native.wrapped || in.wrapped || in.headers != nil {
		return in.unwrap(f, frame, text)
	}
	return nil
}

// takeApart reads one JSON object. text holds the same bytes as frame.
func (in *reading) takeApart(frame []byte, text string, places *places, m *members) *fault {
	m.begin(places)
	in.source = *bytes.NewBuffer(frame)
	in.decoder.Reset(&in.source)
	if in.decoder.PeekKind() != '{' {
		return in.noObject(frame)
	}
	if _, err := in.decoder.ReadToken(); err != nil {
		return in.syntax(err, frame, places)
	}
	for in.decoder.PeekKind() == '"' {
		name, err := in.raw(text)
		if err != nil {
			return in.syntax(err, frame, places)
		}
		v, err := in.raw(text)
		if err != nil {
			return in.syntax(err, frame, places)
		}
		m.put(name, v, places)
	}
	if _, err := in.decoder.ReadToken(); err != nil { // the closing brace
		return in.syntax(err, frame, places)
	}
	if _, err := in.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return &fault{reason: "has more behind the event: want one JSON object a line, and nothing else", syntax: true}
	}
	return nil
}

// raw is the next value as it stands in the text.
func (in *reading) raw(text string) (string, error) {
	v, err := in.decoder.ReadValue()
	if err != nil {
		return "", err
	}
	end := int(in.decoder.InputOffset())
	return text[end-len(v) : end], nil
}

func (m *members) put(name, v string, places *places) {
	plain, ok := value(name).string()
	if place, known := places.index[plain]; ok && known {
		m.known[place] = value(v)
		return
	}
	m.wrapped = m.wrapped || plain == "specversion"
	m.rest = append(m.rest, member{name, value(v)})
}

// noObject tells JSON of another kind from what is no JSON.
func (in *reading) noObject(frame []byte) *fault {
	if _, err := in.decoder.ReadValue(); err != nil {
		return in.syntax(err, frame, &places{})
	}
	return &fault{reason: "want a JSON object"}
}

// syntax words a decoder's error without quoting from the event.
func (in *reading) syntax(err error, frame []byte, places *places) *fault {
	var at *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		bad := &fault{reason: "a name is there twice in one object"}
		if errors.As(err, &at) {
			place, known := places.index[at.JSONPointer.LastToken()]
			if known && at.JSONPointer.Parent() == "" {
				bad.field, bad.reason = places.names[place], "is there twice"
			}
		}
		return bad
	case !utf8.Valid(frame):
		return &fault{reason: "is not UTF-8", syntax: true}
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &fault{reason: "is not valid JSON: it ends too early", syntax: true}
	}
	return &fault{reason: "is not valid JSON", syntax: true}
}

// deeperThan says whether the brackets in text go deeper than limit. What is no JSON may get any answer.
func deeperThan(limit int, text []byte) bool {
	if bytes.Count(text, []byte{'{'})+bytes.Count(text, []byte{'['}) <= limit {
		return false
	}
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > limit {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
