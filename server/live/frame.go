package live

import (
	"bytes"
	"encoding/json"
	"time"

	"warroom/server/hub"
)

// outlet numbers and encodes the frames of one topic. One goroutine at a time uses it.
type outlet struct {
	topic  string
	seq    int64
	counts *counts
}

// newOutlet starts to count at the Unix time in ms: no topic is published a thousand times a second, so a restart
// never goes back.
func newOutlet(topic string, counts *counts) *outlet {
	return &outlet{topic: topic, seq: time.Now().UnixMilli(), counts: counts}
}

// frame is what the browser gets: html or data.
type frame struct {
	Topic string          `json:"topic"`
	Seq   int64           `json:"seq"`
	At    string          `json:"at"`   // data time
	Sent  int64           `json:"sent"` // Unix ms
	HTML  string          `json:"html,omitempty"`
	Data  json.RawMessage `json:"data,omitempty"`
}

const rfc3339ms = "2006-01-02T15:04:05.000Z07:00"

func (o *outlet) send(to *hub.Hub, at time.Time, html string, data []byte) {
	o.seq++
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false) // a third shorter; the frame is JSON for a program and is never placed in a page as it is
	_ = encoder.Encode(frame{    // strings, numbers and JSON that was just made always encode
		Topic: o.topic, Seq: o.seq, At: at.UTC().Format(rfc3339ms), Sent: time.Now().UnixMilli(), HTML: html, Data: data,
	})
	to.Publish(o.topic, bytes.TrimRight(encoded.Bytes(), "\n"))
	o.counts.published.Add(1)
}
