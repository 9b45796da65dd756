package ws

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"sync"

	"warroom/server/hub"
)

// wire is a message as it goes over the line (RFC 6455 5.2), made once for all browsers.
type wire struct {
	plain    []byte
	once     sync.Once // guards deflated
	deflated []byte    // plain when that is no longer
}

const (
	finalText   = 0x81
	finalPing   = 0x89
	compressed  = 0x40 // RSV1: the message is deflated (RFC 7692)
	sixteenBits = 126  // the length follows in two bytes
	more        = 127  // it follows in eight
)

// prepare makes the wire form of a frame; its deflated form is made when the first browser needs it.
func prepare(message []byte) (any, error) { return &wire{plain: framed(finalText, message)}, nil }

// framed puts the head before a message. A server masks nothing.
func framed(first byte, message []byte) []byte {
	head := make([]byte, 0, 10+len(message))
	switch n := len(message); {
	case n < sixteenBits:
		head = append(head, first, byte(n))
	case n <= 0xffff:
		head = binary.BigEndian.AppendUint16(append(head, first, sixteenBits), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, first, more), uint64(n))
	}
	return append(head, message...)
}

// worthDeflating is the size below which a message is sent as it is: it would hardly become shorter.
const worthDeflating = 128

func (w *wire) deflate(message []byte) []byte {
	w.once.Do(func() {
		w.deflated = w.plain
		if len(message) < worthDeflating {
			return
		}
		var short bytes.Buffer
		to, _ := flate.NewWriter(&short, flate.DefaultCompression) // this level exists
		_, _ = to.Write(message)                                   // a buffer takes everything
		_ = to.Flush()
		// The empty block at the end is left out, and the browser adds it again.
		if body := bytes.TrimSuffix(short.Bytes(), []byte{0, 0, 0xff, 0xff}); len(body) < len(message) {
			w.deflated = framed(finalText|compressed, body)
		}
	})
	return w.deflated
}

// bytesOf is what goes over the line for a frame.
func bytesOf(f *hub.Frame, deflate bool) ([]byte, error) {
	prepared, err := f.Prepared(prepare)
	if err != nil {
		return nil, err
	}
	w := prepared.(*wire) //nolint:errcheck,forcetypeassert // prepare makes nothing else
	if deflate {
		return w.deflate(f.Bytes), nil
	}
	return w.plain, nil
}

// offer is what the header Sec-WebSocket-Extensions looks like that is taken for an offer to deflate: as browsers write
// it, so that the upgrader can't understand it in another way.
const offer = `^permessage-deflate *(; *[a-z_]+(=[0-9]+)? *)*(, *permessage-deflate *(; *[a-z_]+(=[0-9]+)? *)*)*$`

// offersDeflate reads the header.
func (h *handler) offersDeflate(header []string) bool {
	return len(header) == 1 && h.offer.MatchString(header[0])
}
