package ingest

import (
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The media types of CloudEvents 1.0 in JSON.
const (
	cloudEvent  = "application/cloudevents+json"
	cloudEvents = "application/cloudevents-batch+json"
)

// shape is how the events of a request are laid out.
type shape struct {
	lines   bool        // one event a line; otherwise JSON values, in an array or back to back
	wrapped bool        // each must be a CloudEvent; otherwise each may be one
	headers http.Header // binary mode: the attributes of the one CloudEvent are in the ce-* headers; nil otherwise
}

// shapeOf reads the Content-Type. None at all counts as JSON.
func shapeOf(h http.Header) (s shape, err error) {
	declared := h.Get("Content-Type")
	if h.Get("Ce-Specversion") != "" {
		s.headers = h
	}
	if strings.TrimSpace(declared) == "" {
		return s, nil
	}
	if s.of(declared) { // as nearly everybody writes it
		return s, nil
	}
	kind, params, err := mime.ParseMediaType(declared)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return s, unknownType()
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset,
		"us-ascii") {
		return s, &refusal{status: http.StatusUnsupportedMediaType, field: "Content-Type",
			detail: "want UTF-8, which JSON always is"}
	}
	if !s.of(kind) {
		return s, unknownType()
	}
	return s, nil
}

// of is the shape of a media type's events; known is false when it is none of ours.
func (s *shape) of(kind string) (known bool) {
	switch kind {
	case "application/json":
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/jsonlines",
		"application/x-jsonlines":
		s.lines = true
	case cloudEvent, cloudEvents:
		s.wrapped, s.headers = true, nil
	default:
		return false
	}
	return true
}

func unknownType() error {
	return &refusal{status: http.StatusUnsupportedMediaType, field: "Content-Type",
		detail: "want application/json (an object, an array, or several values), application/x-ndjson, application/jsonl, " +
			cloudEvent + " or " + cloudEvents + "; curl needs -H 'Content-Type: application/json'"}
}

var errInflated = errors.New("inflated body is too large")

// body is a request's body, inflated, within both limits.
type body struct {
	io.Reader
	wire    *wire
	gives   func()
	encoded string // gzip, zstd or empty
}

// wire remembers how the connection failed, so that it can be told from a body that is damaged.
type wire struct {
	io.Reader
	err error
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// limited ends with an error, not with EOF, when there is more than it may give.
type limited struct {
	io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.Reader.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errInflated
	}
	return n, err
}

// inflaters keeps decompressors for the next request: they are large and slow to make.
type inflaters struct{ gzip, zstd sync.Pool }

// open prepares the body, which may give that many bytes when it is inflated. Its errors are refusals.
func (i *inflaters) open(w http.ResponseWriter, r *http.Request, inflated int64) (*body, error) {
	if r.ContentLength > maxWire {
		w.Header().Set("Connection", "close") // rather than reading all of it to the end
		return nil, tooLargeOnWire()
	}
	b := &body{wire: &wire{Reader: http.MaxBytesReader(w, r.Body, maxWire)}, gives: func() {}}
	encoding := strings.ToLower(strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ",")))
	var in io.Reader
	switch encoding {
	case "", "identity":
		b.Reader = b.wire
		return b, nil
	case "gzip", "x-gzip":
		b.encoded = "gzip"
		in = i.gunzip(b)
	case "zstd":
		b.encoded = "zstd"
		in = i.unzstd(b)
	default:
		return nil, &refusal{status: http.StatusUnsupportedMediaType, field: "Content-Encoding",
			detail: "want gzip, zstd or none"}
	}
	b.Reader = &limited{Reader: in, left: inflated}
	return b, nil
}

// gunzip inflates on the first read: a header that is wrong is an error of the body.
func (i *inflaters) gunzip(b *body) io.Reader {
	z, ok := i.gzip.Get().(*gzip.Reader)
	if !ok {
		z = new(gzip.Reader)
	}
	b.gives = func() { i.gzip.Put(z) }
	return &lazy{start: func() (io.Reader, error) { return z, z.Reset(b.wire) }}
}

// zstdWindow is what RFC 8878 asks every decoder to support.
const zstdWindow = 8 << 20

func (i *inflaters) unzstd(b *body) io.Reader {
	z, ok := i.zstd.Get().(*zstd.Decoder)
	if !ok {
		var err error
		z, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(zstdWindow), zstd.WithDecoderMaxMemory(maxInflated))
		if err != nil {
			panic(err) // the options are constants
		}
	}
	b.gives = func() {
		_ = z.Reset(nil) // lets go of the body
		i.zstd.Put(z)
	}
	return &lazy{start: func() (io.Reader, error) { return z, z.Reset(b.wire) }}
}

type lazy struct {
	start func() (io.Reader, error)
	in    io.Reader
}

func (l *lazy) Read(p []byte) (int, error) {
	if l.in == nil {
		in, err := l.start()
		if err != nil {
			return 0, err
		}
		l.in = in
	}
	return l.in.Read(p)
}

func (b *body) close() { b.gives() }

func tooLargeOnWire() *refusal {
	return &refusal{status: http.StatusRequestEntityTooLarge,
		detail: "a body has 8 MiB at most as it is sent: split it, or compress it with gzip or zstd"}
}

// why turns an error of reading into the answer.
func (b *body) why(err error) error {
	var tooLarge *http.MaxBytesError
	var netError net.Error
	switch {
	case errors.As(b.wire.err, &tooLarge):
		return tooLargeOnWire()
	case errors.As(b.wire.err, &netError) && netError.Timeout():
		return unavailable(retryBusy)
	case b.wire.err != nil:
		return &refusal{status: http.StatusBadRequest,
			detail: "the connection ended before the body did; nothing of it was kept: send all of it again"}
	case errors.Is(err, errInflated), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return &refusal{status: http.StatusRequestEntityTooLarge,
			detail: "a body has 64 MiB at most when it is inflated: split it"}
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &refusal{status: http.StatusRequestEntityTooLarge, field: "Content-Encoding",
			detail: "a zstd window has 8 MiB at most: compress without --long"}
	}
	return &refusal{status: http.StatusBadRequest, field: "Content-Encoding",
		detail: "the body is not complete, undamaged " + b.encoded + "; nothing of it was kept"}
}
