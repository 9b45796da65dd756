package ingest

import (
	"bytes"
	"errors"
	"io"
)

var (
	errEventSize = errors.New("an event has 64 KiB at most")
	errArrayCut  = errors.New("the array is not closed: a ] is missing at its end")
)

// frames cuts a body into the texts of single events without understanding them, so that what is wrong with one event
// stays with it. It holds one event at a time. What it cuts may be anything: whoever decodes a frame finds out.
//
// Lines are cut at line ends. Values (an array, or objects back to back) are cut where brackets balance; what can't be
// JSON any more ends early, at the place where the next event seems to begin.
type frames struct {
	in              io.Reader
	buf             []byte
	start, pos, end int   // the frame begins at start; pos is looked at next; end of what has been read
	failed          error // of the reader; io.EOF at the end
	lines           bool
	array           bool // inside the body's array
	arrays          bool // there was an array
	over            bool // the frame is too large; its bytes are dropped
}

// The buffer grows with what is sent: a thousand small requests need little, and large ones few reads.
const (
	firstBuffer = 8 << 10
	fullBuffer  = 64 << 10
)

func (f *frames) begin(in io.Reader, lines bool) {
	buf := f.buf
	if cap(buf) == 0 {
		buf = make([]byte, firstBuffer)
	}
	*f = frames{in: in, buf: buf, lines: lines}
	f.skipMark()
}

// skipMark drops a byte order mark, which some editors put in front of UTF-8.
func (f *frames) skipMark() {
	for f.end < 3 && f.fill() {
	}
	if bytes.HasPrefix(f.buf[:f.end], []byte("\xef\xbb\xbf")) {
		f.pos = 3
	}
}

// next returns the next event's text, valid until the next call. Its errors are io.EOF, errEventSize and errArrayCut
// for this event alone, and those of the body, which end everything.
func (f *frames) next() ([]byte, error) {
	if f.lines {
		return f.line()
	}
	return f.value()
}

// ahead is what has been read of the next value and behind it; nothing when the next value isn't there yet.
func (f *frames) ahead() []byte {
	for f.pos < f.end && (isSpace(f.buf[f.pos]) || f.array && f.buf[f.pos] == ',') {
		f.pos++
	}
	return f.buf[f.pos:f.end]
}

// take is the next frame, of so many bytes of what ahead returned.
func (f *frames) take(size int) []byte {
	f.start = f.pos
	f.pos += size
	return f.buf[f.start:f.pos]
}

// fill reads more behind end. All that was read before has been looked at, up to start at least.
func (f *frames) fill() bool {
	if f.failed != nil {
		return false
	}
	if f.end-f.start > maxEvent {
		f.over, f.start = true, f.end
	}
	if f.end == len(f.buf) {
		f.makeRoom()
	}
	for range 100 {
		n, err := f.in.Read(f.buf[f.end:])
		f.end += n
		f.failed = err
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	f.failed = io.ErrNoProgress
	return false
}

func (f *frames) makeRoom() {
	to := f.buf
	if f.start == 0 || len(f.buf) < fullBuffer {
		to = make([]byte, 2*len(f.buf))
	}
	copy(to, f.buf[f.start:f.end])
	f.buf = to
	f.pos -= f.start
	f.end -= f.start
	f.start = 0
}

// frame is what lies between start and pos.
func (f *frames) frame() ([]byte, error) {
	if f.failed != nil && !errors.Is(f.failed, io.EOF) && f.pos == f.end {
		return nil, f.failed
	}
	if f.over || f.pos-f.start > maxEvent {
		return nil, errEventSize
	}
	return f.buf[f.start:f.pos], nil
}

// peek is the byte at pos; ok is false at the end.
func (f *frames) peek() (c byte, ok bool) {
	if f.pos == f.end && !f.fill() {
		return 0, false
	}
	return f.buf[f.pos], true
}

func (f *frames) line() ([]byte, error) {
	for {
		f.start, f.over = f.pos, false
		f.toLineEnd()
		frame, err := f.frame()
		if err != nil {
			return nil, err
		}
		more := f.pos < f.end
		if more {
			f.pos++
		}
		if frame = bytes.TrimSpace(frame); len(frame) > 0 {
			return frame, nil
		}
		if !more {
			return nil, f.failed
		}
	}
}

func (f *frames) toLineEnd() {
	for {
		if i := bytes.IndexByte(f.buf[f.pos:f.end], '\n'); i >= 0 {
			f.pos += i
			return
		}
		f.pos = f.end
		if !f.fill() {
			return
		}
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// value finds where the next event begins.
func (f *frames) value() ([]byte, error) {
	for {
		f.start, f.over = f.pos, false
		c, ok := f.peek()
		switch {
		case !ok && !errors.Is(f.failed, io.EOF):
			return nil, f.failed
		case !ok && f.array:
			f.array = false
			return nil, errArrayCut
		case !ok:
			return nil, io.EOF
		case isSpace(c), f.array && (c == ',' || c == '}'):
			f.pos++
		case c == '[' && !f.array:
			f.array, f.arrays = true, true
			f.pos++
		case c == ']' && f.array:
			f.array = false
			f.pos++
		case c == '{' || c == '[':
			if !f.brackets() && !f.array {
				f.toLineEnd()
			}
			return f.frame()
		default:
			f.scalar()
			return f.frame()
		}
	}
}

// scalar goes behind something that is no object: to the end of its line, or of its place in the array.
func (f *frames) scalar() {
	for c, ok := f.peek(); ok; c, ok = f.peek() {
		switch {
		case c == '\n', f.array && (c == ',' || c == ']'):
			return
		case c == '"':
			f.pos++
			if f.text() {
				return // the next event begins here
			}
		default:
			f.pos++
		}
	}
}

// nest remembers which brackets are open. Deeper than it can remember nothing is refused any more: such an event is
// refused by its depth.
type nest struct {
	depth int
	open  [2 * maxDepth]byte
}

func (n *nest) push(c byte) {
	if n.depth < len(n.open) {
		n.open[n.depth] = c
	}
	n.depth++
}

func (n *nest) known() bool { return n.depth <= len(n.open) }

func (n *nest) top() byte { return n.open[n.depth-1] }

// pop closes what c closes. Brackets that were left open inside of that are closed with it, and are a mistake; nothing
// open that fits is one too.
func (n *nest) pop(c byte) (fits, mistake bool) {
	if !n.known() {
		n.depth--
		return true, false
	}
	for depth := n.depth; depth > 0; depth-- {
		if n.open[depth-1] == c-2 { // in ASCII, '{' and '[' are two before '}' and ']'
			mistake = depth < n.depth
			n.depth = depth - 1
			return true, mistake
		}
	}
	return false, true
}

// brackets goes behind the bracket that closes the one at pos. It returns false when the event can't be JSON any more;
// pos is then where looking for the next one may begin.
func (f *frames) brackets() (whole bool) {
	var n nest
	mistakes := false
	last, fresh := byte(0), false // last byte that isn't white space; nothing but white space in this line so far
	for c, ok := f.peek(); ok; c, ok = f.peek() {
		switch {
		case isSpace(c):
			fresh = fresh || c == '\n'
			f.pos++
			continue
		case c == '"':
			f.pos++
			if f.text() {
				return true // the next event begins here
			}
		case c == '{' && n.depth > 0 && n.known() && strays(n.top(), last):
			return fresh
		case c == '{' || c == '[':
			n.push(c)
			f.pos++
		case c == '}' || c == ']':
			fits, mistake := n.pop(c)
			if !fits && c == ']' && f.array {
				return false // it closes the body's array
			}
			f.pos++
			mistakes = mistakes || mistake
			if !fits || n.depth == 0 {
				return !mistakes
			}
		default:
			f.pos++
		}
		last, fresh = c, false
	}
	return false
}

// strays says whether an object can't begin here: in an object it needs a colon before it, in an array a comma or
// nothing.
func strays(inside, last byte) bool {
	if inside == '{' {
		return last != ':'
	}
	return last != ',' && last != '['
}

// text goes behind the quote that ends a string. A string has no line end in it; when the line after one begins with
// an object, that is the next event, and text returns true and stops there.
func (f *frames) text() (cut bool) {
	for c, ok := f.peek(); ok; c, ok = f.peek() {
		f.pos++
		switch c {
		case '"':
			return false
		case '\\':
			if _, ok := f.peek(); ok {
				f.pos++
			}
		case '\n':
			for c, ok = f.peek(); ok && isSpace(c); c, ok = f.peek() {
				f.pos++
			}
			if ok && c == '{' {
				return true
			}
		}
	}
	return false
}
