package simulate

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"warroom/server/campaign"
	"warroom/simulate/story"
)

const (
	// longestAfter bounds how long a Retry-After is believed.
	longestAfter = time.Minute
	// tokenPatience is how long a refused token is tried again: a new one takes effect within 5 s.
	tokenPatience = 15 * time.Second
	// answerLimit bounds what is read of an answer: the reasons of a whole batch have room in it.
	answerLimit = 8 << 20
)

// packing is how a sender compresses its bodies. pack keeps nothing of its argument.
type packing struct {
	encoding string // for Content-Encoding
	pack     func(ndjson []byte) []byte
}

// packingFor chooses as senders do: gzip where gifts come from, zstd where much comes from.
func packingFor(f *story.Feed) packing {
	if f.Kind == campaign.Donations {
		return packing{"gzip", packGzip}
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(256<<10))
	if err != nil {
		panic(err) // only wrong options fail, and these are constants
	}
	return packing{"zstd", func(ndjson []byte) []byte { return w.EncodeAll(ndjson, nil) }}
}

func packGzip(ndjson []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestSpeed) // the level is right
	_, _ = w.Write(ndjson)                            // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

func (c *courier) request(ctx context.Context, body []byte, key string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.door, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", c.packing.encoding)
	req.Header.Set("Authorization", "Bearer "+c.token)
	req.Header.Set("Idempotency-Key", strconv.Quote(key)) // a structured-field string has its quotes
	req.Header.Set("User-Agent", "warroom-simulate ("+c.feed.Name+")")
	return req, nil
}

// answer is the server's verdict on a batch.
type answer struct {
	Accepted   int        `json:"accepted"`
	Duplicates int        `json:"duplicates"`
	Rejected   []rejected `json:"rejected"`
}

type rejected struct {
	Index  int    `json:"index"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// covers says for each of n events whether the answer acknowledges it.
func (a answer) covers(n int) []bool {
	covered := make([]bool, n)
	if a.Accepted+a.Duplicates == 0 {
		return covered
	}
	for i := range covered {
		covered[i] = true
	}
	for _, r := range a.Rejected {
		if 0 <= r.Index && r.Index < n {
			covered[r.Index] = false
		}
	}
	return covered
}

// refusal is an answer other than 202.
type refusal struct {
	status int
	after  time.Duration // what Retry-After asks for
	says   string
}

func (r refusal) Error() string {
	return strings.TrimSpace(fmt.Sprintf("the server answered %d %s: %s", r.status, http.StatusText(r.status), r.says))
}

// final tells whether trying again can't help, after trying for so long.
func (r refusal) final(tried time.Duration) bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return tried > tokenPatience
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return false
	}
	return r.status < 500
}

// readAnswer returns the verdict on n events, or why there is none: a refusal, or an answer that was cut on its way.
func readAnswer(resp *http.Response, n int) (answer, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	if err != nil {
		return answer{}, fmt.Errorf("read the answer: %w", err)
	}
	var a answer
	err = json.Unmarshal(body, &a)
	switch {
	case resp.StatusCode == http.StatusUnprocessableEntity && err == nil && len(a.Rejected) == n:
		return a, nil // a verdict: nothing in the batch was acceptable
	case resp.StatusCode != http.StatusAccepted:
		return answer{}, refusal{status: resp.StatusCode, after: retryAfter(resp.Header), says: detail(body)}
	case err != nil:
		return answer{}, fmt.Errorf("read the answer: %w", err)
	case a.Accepted+a.Duplicates+len(a.Rejected) != n:
		return answer{}, errors.New("the server's answer doesn't account for every event of the batch")
	}
	return a, nil
}

// detail is what a problem document says, or the beginning of whatever came instead.
func detail(body []byte) string {
	var problem struct{ Title, Detail string }
	if json.Unmarshal(body, &problem) == nil && problem.Title+problem.Detail != "" {
		if problem.Detail != "" {
			return problem.Detail
		}
		return problem.Title
	}
	return string(body[:min(len(body), 200)])
}

// retryAfter reads seconds or an HTTP date; 0 when there is neither.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.Atoi(text); err == nil {
		wait = time.Duration(min(seconds, int(longestAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		wait = time.Until(at)
	}
	return min(max(wait, 0), longestAfter)
}
