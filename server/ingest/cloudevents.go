package ingest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The attributes of a CloudEvent that are more to us than an unknown field, in the order of cePlaces.
const (
	ceVersion = iota
	ceID
	ceSource
	ceType
	ceTime
	ceData
	ceBase64
	ceContentType
	ceSchema
)

func cePlaces() *places {
	return placesOf("specversion", "id", "source", "type", "time", "data", "data_base64", "datacontenttype", "dataschema")
}

// unwrap opens a CloudEvent 1.0: its data is the native event, its attributes fill what the data leaves out. What else
// it carries (subject, extensions) joins the unknown fields.
func (in *reading) unwrap(f form, frame []byte, text string) *fault {
	e := &in.envelope
	if in.headers != nil {
		in.fromHeaders(in.headers)
	} else if bad := in.takeApart(frame, text, in.cePlaces, e); bad != nil {
		return bad
	}
	if version, _ := e.known[ceVersion].string(); version != "1.0" {
		return &fault{field: "specversion", reason: `want a CloudEvent with specversion "1.0"`}
	}
	if in.headers == nil {
		if bad := in.openData(f); bad != nil {
			return bad
		}
	}
	in.fill(f, "id", e.known[ceID])
	in.fill(f, "source", e.known[ceSource])
	in.fill(f, "occurred_at", e.known[ceTime])
	in.fillWord(f, e.known[ceType])
	return nil
}

// openData takes the native event out of the envelope.
func (in *reading) openData(f form) *fault {
	data := in.envelope.known[ceData]
	if encoded := in.envelope.known[ceBase64]; data.absent() && !encoded.absent() {
		text, _ := encoded.string()
		plain, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return &fault{field: "data_base64", reason: "want a JSON object in base64"}
		}
		if deeperThan(maxDepth, plain) {
			return &fault{field: "data_base64", reason: "is nested too deeply: 32 levels at most"}
		}
		data = value(plain)
	}
	if data.absent() {
		return &fault{field: "data", reason: "is missing: want the event's own fields in it"}
	}
	bad := in.takeApart([]byte(data), string(data), f.places(), &in.native)
	if bad != nil && bad.field == "" {
		return &fault{field: "data", reason: bad.reason}
	}
	return bad
}

// fill sets a field that the data left out.
func (in *reading) fill(f form, name string, v value) {
	if place, ok := f.places().index[name]; ok && in.native.known[place].absent() {
		in.native.known[place] = v
	}
}

// fillWord reads what happened from the last part of the type ("org.example.donation.refund"), when the data doesn't
// say and the part is one of the form's words. A refund must not count as a gift because only the envelope says so.
func (in *reading) fillWord(f form, kind value) {
	name, words := f.words()
	text, ok := kind.string()
	if name == "" || !ok || text == "" {
		return
	}
	known, err := words.Check(text[strings.LastIndexByte(text, '.')+1:])
	if err == nil && known != "" {
		in.fill(f, name, value(`"`+known+`"`))
	}
}

// fromHeaders reads the attributes of binary mode: ce-id, ce-source, …, percent-encoded.
func (in *reading) fromHeaders(h http.Header) {
	e := &in.envelope
	e.begin(in.cePlaces)
	for name, values := range h {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || len(values) != 1 {
			continue
		}
		text, err := url.PathUnescape(values[0])
		if err != nil {
			text = values[0]
		}
		quoted, err := jsontext.AppendQuote(nil, text)
		if err != nil {
			continue // not UTF-8
		}
		e.put(`"`+attribute+`"`, string(quoted), in.cePlaces)
	}
}
