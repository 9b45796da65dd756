package ingest

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"warroom/server/campaign"
)

// fault says why one event is refused.
type fault struct {
	field, reason string
	syntax        bool // it is no JSON at all
}

func (f *fault) Error() string { return f.field + ": " + f.reason }

// form is the native format of one kind.
type form interface {
	// places are the fields that the form knows, by name.
	places() map[string]int
	// words completes a CloudEvent whose data doesn't say what happened: the field for it, and its words.
	words() (field string, words campaign.Word)
	// record checks what in.native holds and appends its record.
	record(in *reading, dst []byte) (record []byte, occurred time.Time, err error)
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
}

func (m *members) begin(places int) {
	if cap(m.known) < places {
		m.known = make([]value, places)
	}
	m.known = m.known[:places]
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
	cePlaces  map[string]int
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
}

// end lets go of the request.
func (in *reading) end() { in.frames.in, in.headers = nil, nil }

// event reads one event and appends its record to dst. The error is a *fault.
func (in *reading) event(f form, frame, dst []byte) (record []byte, occurred time.Time, err error) {
	if deeperThan(maxDepth, frame) {
		return nil, time.Time{}, &fault{reason: "is nested too deeply: 32 levels at most"}
	}
	in.given = ""
	in.envelope.begin(0)
	text := string(frame) // the values are parts of it
	if err := in.takeApart(frame, text, f.places(), &in.native); err != nil {
		return nil, time.Time{}, err
	}
	if in.native.wrapped || in.wrapped || in.headers != nil {
		if err := in.unwrap(f, frame, text); err != nil {
			return nil, time.Time{}, err
		}
	}
	return f.record(in, dst)
}

// takeApart reads one JSON object. text holds the same bytes as frame.
func (in *reading) takeApart(frame []byte, text string, places map[string]int, m *members) error {
	m.begin(len(places))
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

func (m *members) put(name, v string, places map[string]int) {
	plain, ok := value(name).string()
	if place, known := places[plain]; ok && known {
		m.known[place] = value(v)
		return
	}
	m.wrapped = m.wrapped || plain == "specversion"
	m.rest = append(m.rest, member{name, value(v)})
}

// noObject tells JSON of another kind from what is no JSON.
func (in *reading) noObject(frame []byte) error {
	if _, err := in.decoder.ReadValue(); err != nil {
		return in.syntax(err, frame, nil)
	}
	return &fault{reason: "want a JSON object"}
}

// syntax words a decoder's error without quoting from the event.
func (in *reading) syntax(err error, frame []byte, places map[string]int) error {
	var at *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		bad := &fault{reason: "a name is there twice in one object"}
		if errors.As(err, &at) {
			name := at.JSONPointer.LastToken()
			if _, known := places[name]; known && at.JSONPointer.Parent() == "" {
				bad.field, bad.reason = name, "is there twice"
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
