package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"warroom/server/campaign"
	"warroom/server/problem"
)

// appendWithin bounds the wait for the disk. It counts from the end of the body and goes on when the sender hangs up,
// so that what was begun has a known end.
const appendWithin = 30 * time.Second

// door is the native door of one kind.
type door struct {
	*Doors
	kind  campaign.Kind
	spool Appender
	form  form
	// refusing is set while events can't be kept: an outage is two lines in the log, not one for each request.
	refusing atomic.Bool
}

// refusal is an answer to a request as a whole: nothing of it was kept.
type refusal struct {
	status int
	field  string // the header at fault, if one is
	detail string
	wait   time.Duration // Retry-After, with 409 and 503
}

func (e *refusal) Error() string { return e.detail }

// ServeHTTP takes one request: who sends, what is it, has it been answered before, read, keep, answer.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a, err := d.take(w, r)
	if err == nil {
		a.write(w)
		return
	}
	no := unavailable(retryBusy)
	errors.As(err, &no) // every error of take is one
	d.refuse(w, no)
	linger(w, r)
}

const (
	lingerFor  = 5 * time.Second
	lingerMost = maxInflated // bytes
)

// linger takes in what the sender of a refused request is still sending, for a while. A connection that is closed
// before is reset: many clients then report a broken pipe, never see the status, and send the same again for ever.
func linger(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(lingerFor)) != nil {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, lingerMost) // whatever ends it, the answer has been sent
}

func (d *door) take(w http.ResponseWriter, r *http.Request) (answer, error) {
	grant, err := d.admit(w, r)
	if err != nil {
		return answer{}, err
	}
	shape, err := shapeOf(r.Header)
	if err != nil {
		return answer{}, err
	}
	key, err := idempotencyKey(r.Header)
	if err != nil {
		return answer{}, err
	}
	body, err := d.inflate.open(w, r, d.limits.inflated)
	if err != nil {
		return answer{}, err
	}
	defer body.close()
	if key == "" {
		a, _, err := d.keep(r, grant, shape, body)
		return a, err
	}
	return d.once(r, grant, shape, body, d.answers.id(grant.Feed, d.kind, key))
}

// admit asks for the token. Its answers come before a byte of the body is read.
func (d *door) admit(w http.ResponseWriter, r *http.Request) (Grant, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return Grant{}, &refusal{status: http.StatusMethodNotAllowed, detail: "events are sent with POST"}
	}
	token, ok := bearer(r.Header)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="warroom"`)
		return Grant{}, &refusal{status: http.StatusUnauthorized, field: "Authorization",
			detail: "want the header Authorization: Bearer <feed token>; `warroom token create --name … --role feed` makes one"}
	}
	grant, ok := d.Authenticate(token)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="warroom", error="invalid_token"`)
		return Grant{}, &refusal{status: http.StatusUnauthorized, field: "Authorization",
			detail: "this token is unknown, expired or revoked; `warroom token create --name … --role feed` makes one"}
	}
	if grant.May == nil || !grant.May(d.kind) {
		return Grant{}, &refusal{status: http.StatusForbidden, field: "Authorization",
			detail: "this token may not send " + d.kind.String() + "; `warroom token create --role feed --kinds " +
				d.kind.String() + "` makes one that may"}
	}
	return grant, nil
}

// bearer is the token of an Authorization header.
func bearer(h http.Header) (token string, ok bool) {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// once answers a request with an Idempotency-Key: from memory if it was answered before. The answer is on disk before
// it is sent. A crash between keeping the events and keeping the answer makes a repeat append them again: donations and
// email events count once by their identity all the same, requests would count twice.
func (d *door) once(r *http.Request, grant Grant, shape shape, body *body, id answerID) (answer, error) {
	known, found, free := d.answers.claim(id)
	if !free {
		return answer{}, &refusal{status: http.StatusConflict, field: keyHeader, wait: time.Second,
			detail: "a request with this key is being answered just now: send it again in a second"}
	}
	defer d.answers.release(id)
	seen := sha256.New()
	body.Reader = io.TeeReader(body.Reader, seen)
	if found {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return answer{}, body.why(err)
		}
		if !bytes.Equal(seen.Sum(nil), known.body[:]) {
			return answer{}, &refusal{status: http.StatusUnprocessableEntity, field: keyHeader,
				detail: "this key was used with another body in the last 24 h: a new body needs a new key"}
		}
		a, err := d.answers.load(known)
		if err == nil {
			a.replayed = true
			return a, nil
		}
		d.Logger.Error("a stored answer can't be read", "error", err)
		return answer{}, unavailable(time.Second)
	}
	a, final, err := d.keep(r, grant, shape, body)
	if err != nil || !final {
		return a, err
	}
	if err := d.answers.store(id, [sha256.Size]byte(seen.Sum(nil)), a); err != nil {
		d.Logger.Error("an answer can't be kept, its sender is told to try again", "error", err)
		return answer{}, unavailable(time.Second)
	}
	return a, nil
}

// keep reads the body, puts its good events on disk and says what became of each. final is false when the same body
// may get another answer later, or was no events at all.
func (d *door) keep(r *http.Request, grant Grant, shape shape, body *body) (a answer, final bool, err error) {
	in := d.readings.Get().(*reading)
	in.begin(grant.Feed, d.now().UTC().Truncate(time.Millisecond), shape)
	p := &parcel{form: d.form, limits: d.limits, room: d.room, buffers: *d.buffers.Get().(*buffers)}
	defer p.close()
	if err := p.fill(in, body, shape); err != nil {
		return answer{}, false, err
	}
	in.end()
	d.readings.Put(in)
	if p.verdict.Accepted > 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), appendWithin)
		defer cancel()
		err := d.spool.Append(ctx, p.list()...)
		d.note(err)
		if err != nil {
			return answer{}, false, unavailable(waitFor(err))
		}
	}
	d.reuse(p.buffers) // after an error the spool may still use them
	a, final = p.answer()
	if !p.empty {
		d.feeds.count(grant.Feed, d.kind, &p.verdict, p.latest, d.now())
	}
	return a, final, nil
}

// note logs that events can't be kept any more, and that they can again.
func (d *door) note(err error) {
	switch {
	case err != nil && !d.refusing.Swap(true):
		d.Logger.Warn("events can't be kept, their senders are told to try again", "kind", d.kind.String(), "error", err)
	case err == nil && d.refusing.Load() && d.refusing.Swap(false):
		d.Logger.Info("events are kept again", "kind", d.kind.String())
	}
}

// unavailable asks the sender to come back. Nothing of the request is acknowledged.
func unavailable(wait time.Duration) *refusal {
	return &refusal{status: http.StatusServiceUnavailable, wait: wait,
		detail: "events can't be kept right now; nothing of this request was acknowledged: send all of it again"}
}

// waitFor is what the error asks for, or a few seconds.
func waitFor(err error) time.Duration {
	var told interface{ RetryAfter() time.Duration }
	if errors.As(err, &told) {
		return told.RetryAfter()
	}
	return 5 * time.Second
}

func (d *door) refuse(w http.ResponseWriter, no *refusal) {
	switch no.status {
	case http.StatusUnsupportedMediaType:
		w.Header().Set("Accept", "application/json, application/x-ndjson, application/jsonl, "+cloudEvent+", "+cloudEvents)
		w.Header().Set("Accept-Encoding", "gzip, zstd")
	case http.StatusServiceUnavailable, http.StatusConflict, http.StatusTooManyRequests:
		seconds := max(1, int64((no.wait+time.Second-1)/time.Second))
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	}
	d.Logger.Debug("a request was refused", "kind", d.kind.String(), "status", no.status, "why", no.detail)
	problem.WriteField(w, no.status, no.field, no.detail)
}
