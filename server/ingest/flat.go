package ingest

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// The usual event is one flat object: fields that the form knows, each there once, with plain texts and numbers. flat
// takes such an object apart in one walk over the bytes that were read, without copies.
//
// Whatever is unusual (escapes, unknown fields, values inside of values, names that are there twice, what is no UTF-8
// or no JSON) it leaves to takeApart, which then decides as if flat had never looked. So flat may say no to anything,
// and may say yes only where takeApart finds the same values; FuzzFlat holds them against each other.

// places are the fields that a form knows.
type places struct {
	names []string       // by place
	index map[string]int // by name
}

func placesOf(names ...string) *places {
	p := &places{names: names, index: make(map[string]int, len(names))}
	for i, name := range names {
		p.index[name] = i
	}
	return p
}

// flat takes the object at the beginning of frame apart and returns where it ends; 0 when it is none that flat knows, m
// is to be begun again then. text is the same bytes.
func (m *members) flat(frame []byte, text string, p *places) (end int) {
	m.begin(p)
	if len(frame) < 2 || frame[0] != '{' {
		return 0
	}
	at := behindSpace(frame, 1)
	if at < len(frame) && frame[at] == '}' {
		return at + 1
	}
	for before := -1; ; {
		if at == len(frame) || frame[at] != '"' {
			return 0
		}
		if end = behindText(frame, at); end == 0 {
			return 0
		}
		place, ok := m.find(text[at+1:end-1], before, p)
		if !ok || m.known[place] != "" {
			return 0
		}
		at = behindSpace(frame, end)
		if at == len(frame) || frame[at] != ':' {
			return 0
		}
		at = behindSpace(frame, at+1)
		if end = behindValue(frame, at); end == 0 {
			return 0
		}
		m.known[place], before = value(text[at:end]), place
		at = behindSpace(frame, end)
		switch {
		case at == len(frame):
			return 0
		case frame[at] == '}':
			return at + 1
		case frame[at] != ',':
			return 0
		}
		at = behindSpace(frame, at+1)
	}
}

// find is the place of a field. Senders write the fields in the same order again and again, so the one that followed
// before is tried first.
func (m *members) find(name string, before int, p *places) (place int, ok bool) {
	if guess := m.after[before+1]; p.names[guess] == name {
		return guess, true
	}
	if place, ok = p.index[name]; ok {
		m.after[before+1] = place
	}
	return place, ok
}

func behindSpace(b []byte, at int) int {
	for at < len(b) && isSpace(b[at]) {
		at++
	}
	return at
}

// behindValue goes behind the plain value at at; 0 when there is none.
func behindValue(b []byte, at int) int {
	if at == len(b) {
		return 0
	}
	switch c := b[at]; {
	case c == '"':
		return behindText(b, at)
	case c == '-' || isDigit(c):
		return behindNumber(b, at)
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if len(b)-at >= len(word) && string(b[at:at+len(word)]) == word {
			return at + len(word)
		}
	}
	return 0
}

// behindText goes behind the string whose quote is at at, eight bytes at a time; 0 when it isn't plain.
func behindText(b []byte, at int) int {
	from := at + 1
	for at = from; at+8 <= len(b); at += 8 {
		if found := noPlainText(binary.LittleEndian.Uint64(b[at:])); found != 0 {
			at += bits.TrailingZeros64(found) / 8
			break
		}
	}
	ascii := true
	for ; at < len(b); at++ {
		switch c := b[at]; {
		case c == '"' && (ascii || utf8.Valid(b[from:at])):
			return at + 1
		case c == '"' || c == '\\' || c < ' ':
			return 0
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return 0
}

// noPlainText marks the bytes that are quotes, backslashes, control characters or not ASCII by their highest bit. Only
// the first mark counts: those behind it may be wrong.
func noPlainText(eight uint64) uint64 {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	quote, slash := eight^('"'*ones), eight^('\\'*ones)
	return ((quote-ones)&^quote | (slash-ones)&^slash | (eight-' '*ones)&^eight | eight) & high
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// behindNumber goes behind the number at at, as RFC 8259 §6 has it; 0 when there is none.
func behindNumber(b []byte, at int) int {
	if b[at] == '-' {
		at++
	}
	if at < len(b) && b[at] == '0' {
		at++
	} else if at = behindDigits(b, at); at == 0 {
		return 0
	}
	if at < len(b) && b[at] == '.' {
		if at = behindDigits(b, at+1); at == 0 {
			return 0
		}
	}
	if at < len(b) && b[at]|0x20 == 'e' {
		at++
		if at < len(b) && (b[at] == '+' || b[at] == '-') {
			at++
		}
		return behindDigits(b, at)
	}
	return at
}

// behindDigits goes behind one digit at least; 0 when there is none.
func behindDigits(b []byte, at int) int {
	from := at
	for at < len(b) && isDigit(b[at]) {
		at++
	}
	if at == from {
		return 0
	}
	return at
}
