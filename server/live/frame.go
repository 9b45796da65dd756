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
	Topic string `json:"topic"`
	Seq   int64  `json:"seq"`
	At    string `json:"at"`   // data time
	Sent  int64  `json:"sent"` // Unix ms
	// Confirmed is when the batch was confirmed that this state was asked for, Unix ms; 0: it was time.
	Confirmed int64           `json:"confirmed,omitempty"`
	HTML      string          `json:"html,omitempty"`
	Data      json.RawMessage `json:"data,omitempty"`
}

const rfc3339ms = "2006-01-02T15:04:05.000Z07:00"

// send publishes the state of a moment, asked for after a batch or not: html or data. change, if there is one, is the data for those who have the
// state before.
func (o *outlet) send(to *hub.Hub, at, confirmed time.Time, html string, data, change []byte) {
	o.seq++
	f := frame{
		Topic: o.topic, Seq: o.seq, At: at.UTC().Format(rfc3339ms), Sent: time.Now().UnixMilli(), HTML: html, Data: data,
	}
	if !confirmed.IsZero() {
		f.Confirmed = confirmed.UnixMilli()
	}
	whole := f.encode()
	if change != nil {
		f.Data = change
		change = f.encode()
	}
	to.PublishChange(o.topic, whole, change)
	o.counts.published.Add(1)
}

func (f frame) encode() []byte {
	var encoded bytes.Buffer
	encoder := json.NewEncoder(&encoded)
	encoder.SetEscapeHTML(false) // a third shorter; the frame is JSON for a program and is never placed in a page as it is
	_ = encoder.Encode(f)        // strings, numbers and JSON that was just made always encode
	return bytes.TrimRight(encoded.Bytes(), "\n")
}
