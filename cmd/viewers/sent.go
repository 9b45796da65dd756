//go:build linux

package main

import (
	"bytes"
	"compress/flate"
	"io"
	"strconv"
	"time"
)

// sent knows when messages were published. All viewers get the same ones: each is read once.
type sent struct {
	known    map[string]time.Time // by message, of the last ones
	inflater io.ReadCloser
}

const (
	// mostKnown is how many messages are remembered.
	mostKnown = 512
	// before is how many bytes of a message are read to find its time.
	before = 512
)

// of is when the server says that it published the message: "sent" in Unix ms. Zero: it doesn't say.
func (s *sent) of(message []byte, deflated bool) time.Time {
	at, ok := s.known[string(message)]
	if ok {
		return at
	}
	text := message
	if deflated {
		text = s.inflate(message)
	}
	if len(s.known) >= mostKnown || s.known == nil {
		s.known = map[string]time.Time{}
	}
	at = timeIn(text)
	s.known[string(message)] = at
	return at
}

// inflate is the beginning of a deflated message.
func (s *sent) inflate(message []byte) []byte {
	all := io.MultiReader(bytes.NewReader(message), bytes.NewReader([]byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}))
	if s.inflater == nil {
		s.inflater = flate.NewReader(all)
	} else {
		_ = s.inflater.(flate.Resetter).Reset(all, nil) //nolint:errcheck,forcetypeassert // NewReader says so
	}
	text, _ := io.ReadAll(io.LimitReader(s.inflater, before))
	return text
}

func timeIn(text []byte) time.Time {
	_, after, found := bytes.Cut(text, []byte(`"sent":`))
	end := bytes.IndexAny(after, ",}")
	if !found || end < 0 {
		return time.Time{}
	}
	ms, err := strconv.ParseFloat(string(after[:end]), 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMicro(int64(ms * 1000))
}
