package simulate

import (
	"fmt"
	"io"
	"strconv"
	"sync"

	"warroom/server/campaign"
	"warroom/simulate/story"
)

// journal writes down what became of every event: one JSON line each, whole batches at once.
type journal struct {
	out     io.Writer
	traffic bool

	mu  sync.Mutex // guards out and buf
	buf []byte
}

// keeps tells whether events of this kind are written down at all.
func (j *journal) keeps(kind campaign.Kind) bool {
	return j.out != nil && (kind != campaign.Traffic || j.traffic)
}

// write adds a batch. It is called after the server's answer, so a line that says acknowledged is true.
func (j *journal) write(f *story.Feed, events []story.Event, acknowledged []bool) error {
	if !j.keeps(f.Kind) {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf = j.buf[:0]
	for i := range events {
		j.buf = appendLine(j.buf, f.Kind, &events[i], acknowledged[i])
	}
	if _, err := j.out.Write(j.buf); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return nil
}

// appendLine writes one event: what an auditor of totals needs, then the event as it was sent. The story's words need no
// escaping.
func appendLine(dst []byte, kind campaign.Kind, e *story.Event, acknowledged bool) []byte {
	dst = append(append(dst, `{"kind":"`...), kind.String()...)
	if kind == campaign.Traffic {
		dst = append(append(dst, `","app":"`...), e.App...)
		dst = strconv.AppendFloat(append(dst, `","weight":`...), e.Weight, 'f', -1, 64)
		dst = append(dst, `,"source":"","id":"`...)
	} else {
		dst = append(append(dst, `","type":"`...), e.Type...)
		dst = append(append(dst, `","source":"`...), e.Source...)
		dst = append(append(dst, `","id":"`...), e.ID...)
	}
	dst = strconv.AppendInt(append(dst, `","amount_minor":`...), e.AmountMinor, 10)
	dst = append(append(dst, `,"currency":"`...), e.Currency...)
	dst = e.At.AppendFormat(append(dst, `","occurred_at":"`...), "2006-01-02T15:04:05.000Z07:00")
	dst = strconv.AppendBool(append(dst, `","acknowledged":`...), acknowledged)
	dst = append(append(dst, `,"event":`...), e.Body...)
	return append(dst, '}', '\n')
}
