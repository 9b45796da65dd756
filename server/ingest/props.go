package ingest

import (
	"github.com/go-json-experiment/json/jsontext"
)

// props is the JSON object of what the format doesn't know: the event's own props, its unknown fields, and those of
// the envelope; empty when there is nothing. When a name is in several of them, the first of these counts.
func (in *reading) props() string {
	if in.given == "" && len(in.native.rest) == 0 && len(in.envelope.rest) == 0 {
		return ""
	}
	c := &in.clean
	c.out, c.seen = append(c.out[:0], '{'), map[string]bool{}
	if in.given != "" {
		c.in, c.at = string(in.given), 0
		c.members()
	}
	for _, more := range [...][]member{in.native.rest, in.envelope.rest} {
		for _, m := range more {
			c.in, c.at = string(m.value), 0
			c.member(m.name)
		}
	}
	c.out = append(c.out, '}')
	if len(c.out) == len("{}") {
		return ""
	}
	return string(c.out)
}

// cleaner copies valid JSON without white space and without what is personal.
type cleaner struct {
	out  []byte
	in   string
	at   int
	seen map[string]bool // names so far in the object that props makes; nil inside of its values
}

func (c *cleaner) space() {
	for c.at < len(c.in) && isSpace(c.in[c.at]) {
		c.at++
	}
}

// value copies the value at at.
func (c *cleaner) value() {
	c.space()
	switch c.in[c.at] {
	case '{':
		c.object()
	case '[':
		c.array()
	case '"':
		c.out = appendText(c.out, c.quoted())
	default:
		from := c.at
		for c.at < len(c.in) && c.in[c.at] != ',' && c.in[c.at] != '}' && c.in[c.at] != ']' && !isSpace(c.in[c.at]) {
			c.at++
		}
		c.out = append(c.out, c.in[from:c.at]...)
	}
}

// quoted goes behind the string at at and returns it with its quotes.
func (c *cleaner) quoted() string {
	from := c.at
	for c.at++; c.in[c.at] != '"'; c.at++ {
		if c.in[c.at] == '\\' {
			c.at++
		}
	}
	c.at++
	return c.in[from:c.at]
}

// appendText appends a JSON string without mail addresses.
func appendText(dst []byte, quoted string) []byte {
	plain, _ := value(quoted).string()
	dst, _ = jsontext.AppendQuote(dst, withoutAddresses(plain)) // it was valid, so it is again
	return dst
}

func (c *cleaner) array() {
	c.out = append(c.out, '[')
	c.at++
	for first := true; ; first = false {
		c.space()
		switch c.in[c.at] {
		case ']':
			c.at++
			c.out = append(c.out, ']')
			return
		case ',':
			c.at++
		}
		if !first {
			c.out = append(c.out, ',')
		}
		c.value()
	}
}

func (c *cleaner) object() {
	outer := c.seen
	c.seen = nil // the decoder has refused objects that have a name twice
	c.out = append(c.out, '{')
	c.members()
	c.out = append(c.out, '}')
	c.seen = outer
}

// members copies what is between the braces of the object at at.
func (c *cleaner) members() {
	c.space()
	c.at++ // {
	for {
		c.space()
		switch c.in[c.at] {
		case '}':
			c.at++
			return
		case ',':
			c.at++
			c.space()
		}
		name := c.quoted()
		c.space()
		c.at++ // :
		c.member(name)
	}
}

// member copies one member; its value is at at. A name that is a mail address itself goes away with its value.
func (c *cleaner) member(name string) {
	before := len(c.out)
	plain, _ := value(name).string()
	drop := c.seen[plain] || withoutAddresses(plain) != plain
	if c.seen != nil {
		c.seen[plain] = true
	}
	if c.out[before-1] != '{' {
		c.out = append(c.out, ',')
	}
	c.out, _ = jsontext.AppendQuote(c.out, plain)
	c.out = append(c.out, ':')
	from := len(c.out)
	c.value()
	switch is := string(c.out[from:]); {
	case drop:
		c.out = c.out[:before]
	case personal(plain) && is != "true" && is != "false" && is != "null":
		c.out, _ = jsontext.AppendQuote(c.out[:from], removed)
	}
}
