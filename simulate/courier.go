package simulate

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"warroom/simulate/story"
)

// A batch is sent when it has this much, or when it holds all that is due. One tick is never cut: a batch can be
// larger by the events of a tenth of a second.
const (
	batchEvents = 4000
	batchBytes  = 1 << 20
)

// errStopped is the end of a courier whose context has ended.
var errStopped = errors.New("told to stop")

// courier brings one feed's events to its door, one batch after the other.
type courier struct {
	feed      *story.Feed
	door      string // URL
	token     string
	key       string // what its idempotency keys begin with
	until     time.Time
	firstWait time.Duration
	packing   packing
	client    *http.Client
	tally     *tally
	journal   *journal
	log       *slog.Logger

	batches int
	ndjson  []byte // of the batch in flight
}

// run sends until the story's end (nil), the end of ctx (errStopped) or a refusal for good.
func (c *courier) run(ctx context.Context) error {
	for {
		more, err := c.await(ctx)
		if err != nil {
			return err
		}
		if !more {
			c.tally.finished(c.feed.Name)
			return nil
		}
		events, next := c.collect(ctx)
		if len(events) > 0 {
			if err := c.send(ctx, events); err != nil {
				return err
			}
		}
		c.tally.reached(c.feed.Name, next)
	}
}

// await waits until the feed has enough to send. It reports false when the story is over.
func (c *courier) await(ctx context.Context) (bool, error) {
	if !c.until.IsZero() && c.feed.Due().After(c.until) {
		return false, nil
	}
	// As much as the feed usually sends at once, but not beyond the story's end.
	full := c.feed.Due().Add(c.feed.Every - story.Tick)
	if !c.until.IsZero() && full.After(c.until) {
		full = c.until
	}
	return true, sleep(ctx, time.Until(full))
}

// collect tells the story as far as it is due, at most a batch of it, and returns where it stands then.
func (c *courier) collect(ctx context.Context) ([]story.Event, time.Time) {
	limit := time.Now()
	if !c.until.IsZero() && limit.After(c.until) {
		limit = c.until
	}
	var events []story.Event
	c.ndjson = c.ndjson[:0]
	for !c.feed.Due().After(limit) && len(events) < batchEvents && len(c.ndjson) < batchBytes && ctx.Err() == nil {
		told := c.feed.Next()
		for i := range told {
			c.ndjson = append(append(c.ndjson, told[i].Body...), '\n')
			if !c.journal.keeps(c.feed.Kind) {
				told[i].Body = nil // nobody needs it again
			}
		}
		events = append(events, told...)
	}
	return events, c.feed.Due()
}

// send delivers one batch, however long it takes, and writes down what came of it.
func (c *courier) send(ctx context.Context, events []story.Event) error {
	c.batches++
	c.tally.told(c.feed.Name, len(events))
	answer, err := c.deliver(ctx, c.packing.pack(c.ndjson), c.key+strconv.Itoa(c.batches), len(events))
	acknowledged := answer.covers(len(events))
	c.tally.answered(c.feed, events, acknowledged)
	if len(answer.Rejected) > 0 {
		c.tally.rejected(c.feed.Name, len(answer.Rejected))
		r := answer.Rejected[0]
		c.log.Error("the server rejected events", "count", len(answer.Rejected), "field", r.Field, "reason", r.Reason)
	}
	return errors.Join(err, c.journal.write(c.feed, events, acknowledged))
}

// deliver posts the body until the server has judged it: always the same bytes under the same key.
func (c *courier) deliver(ctx context.Context, body []byte, key string, n int) (answer, error) {
	began := time.Now()
	for try := 1; ; try++ {
		if ctx.Err() != nil {
			return answer{}, errStopped
		}
		a, err := c.post(ctx, body, key, n)
		var no refusal
		switch {
		case err == nil:
			if try > 1 {
				c.log.Info("the server takes events again", "tries", try, "after", time.Since(began).Round(time.Millisecond))
			}
			c.tally.calm(c.feed.Name)
			return a, nil
		case errors.As(err, &no) && no.final(time.Since(began)):
			return a, err
		}
		if try == 1 {
			c.log.Warn("the server did not take a batch: trying until it does", "error", err)
		}
		c.tally.retried(c.feed.Name, err)
		if err := sleep(ctx, max(c.pause(try), no.after)); err != nil {
			return answer{}, err
		}
	}
}

// pause grows with the failures, and is never the same for two feeds.
func (c *courier) pause(try int) time.Duration {
	const most = 5 * time.Second
	wait := min(c.firstWait<<min(try-1, 16), most)
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // a pause is no secret
}

// post makes one attempt. Its error is a refusal when the server answered.
func (c *courier) post(ctx context.Context, body []byte, key string, n int) (answer, error) {
	ctx, cancel := lingering(ctx)
	defer cancel()
	req, err := c.request(ctx, body, key)
	if err != nil {
		return answer{}, refusal{status: http.StatusBadRequest, says: err.Error()}
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close() //nolint:errcheck // all of the answer has been read, or it counts as lost
	return readAnswer(resp, n)
}

// lingering is ctx, but it ends a while later.
func lingering(ctx context.Context) (context.Context, context.CancelFunc) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(linger, cancel) })
	return later, func() { stop(); cancel() }
}

// sleep waits, and fails with errStopped when ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		if ctx.Err() != nil {
			return errStopped
		}
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errStopped
	}
}
