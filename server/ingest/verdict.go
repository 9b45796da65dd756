package ingest

import (
	"encoding/json"
	"net/http"
	"strconv"

	"warroom/server/problem"
)

// rejection says why one event was refused. Reason never quotes the value.
type rejection struct {
	Index  int    `json:"index"` // place in the request, from 0; blank lines don't count
	Field  string `json:"field"` // empty when the event as a whole is wrong
	Reason string `json:"reason"`
}

// verdict is what became of the events of one request.
type verdict struct {
	Accepted   int         `json:"accepted"`
	Duplicates int         `json:"duplicates"` // ids repeated inside the request; the first of each counts
	Rejected   []rejection `json:"rejected"`
	// Unlisted is how many more were refused than Rejected lists.
	Unlisted int `json:"rejected_unlisted,omitempty"`
}

// rejected is how many events were refused.
func (v *verdict) rejected() int { return len(v.Rejected) + v.Unlisted }

// answer is an answer with a verdict, ready to be written, kept and written again.
type answer struct {
	status   int
	body     []byte
	replayed bool // it was given before, to the same Idempotency-Key
}

// accepted is the answer when something was.
func accepted(v *verdict) answer {
	if v.rejected() == 0 { // as nearly always: what json would write
		body := append(make([]byte, 0, 96), `{"accepted":`...)
		body = strconv.AppendInt(body, int64(v.Accepted), 10)
		body = strconv.AppendInt(append(body, `,"duplicates":`...), int64(v.Duplicates), 10)
		return answer{status: http.StatusAccepted, body: append(body, `,"rejected":[]}`+"\n"...)}
	}
	body, _ := json.Marshal(v) // numbers and strings always encode
	return answer{status: http.StatusAccepted, body: append(body, '\n')}
}

// unacceptable is a problem with the verdict's lists.
func unacceptable(status int, detail string, v *verdict) answer {
	body, _ := json.Marshal(struct {
		problem.Problem
		*verdict
	}{problem.Problem{Status: status, Title: http.StatusText(status), Detail: detail}, v})
	return answer{status: status, body: append(body, '\n')}
}

func (a answer) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if a.status != http.StatusAccepted {
		h.Set("Content-Type", "application/problem+json")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if a.replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the sender has gone when this fails; a repeat is harmless
}
