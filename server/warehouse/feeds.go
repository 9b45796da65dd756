package warehouse

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"warroom/server/campaign"
)

type feedKey struct {
	node, feed string
	kind       campaign.Kind
}

// SaveFeeds keeps what is known of the feeds. It writes only what has changed since it was last saved or loaded, so
// that a quiet night costs nothing.
func (w *Warehouse) SaveFeeds(ctx context.Context, feeds []campaign.FeedState) error {
	w.feeds.Lock()
	defer w.feeds.Unlock()
	var changed []campaign.FeedState
	for _, f := range feeds {
		if w.saved[keyOf(f)] != kept(f) {
			changed = append(changed, kept(f))
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := w.insertFeeds(ctx, changed); err != nil {
		w.errs.Add(1)
		return err
	}
	for _, f := range changed {
		w.saved[keyOf(f)] = f
	}
	return nil
}

func keyOf(f campaign.FeedState) feedKey { return feedKey{f.Node, f.Feed, f.Kind} }

// kept is a state as the table keeps it: in milliseconds, and comparable.
func kept(f campaign.FeedState) campaign.FeedState {
	f.LastEventAt, f.LastReceivedAt = moment(f.LastEventAt), moment(f.LastReceivedAt)
	f.Lag = max(f.Lag, 0).Truncate(time.Millisecond)
	return f
}

func (w *Warehouse) insertFeeds(ctx context.Context, feeds []campaign.FeedState) error {
	ctx, release := patient(ctx)
	defer release()
	w.inserts.Add(1)
	batch, err := w.write.PrepareBatch(ctx, `INSERT INTO feeds (node, feed, kind, last_event_at, last_received_at,
		accepted, rejected, duplicates, lag_ms, version)`)
	if err != nil {
		return outcome("save the feeds", err)
	}
	defer func() { _ = batch.Close() }()
	version := w.version()
	for _, f := range feeds {
		err := batch.Append(f.Node, f.Feed, f.Kind.String(), f.LastEventAt, f.LastReceivedAt,
			f.Accepted, f.Rejected, f.Duplicates, uint64(f.Lag.Milliseconds()), version)
		if err != nil {
			return outcome("save the feeds", err)
		}
	}
	return outcome("save the feeds", batch.Send())
}

// LoadFeeds returns what was last saved of a node's feeds.
func (w *Warehouse) LoadFeeds(ctx context.Context, node string) ([]campaign.FeedState, error) {
	w.feeds.Lock()
	defer w.feeds.Unlock()
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	w.queries.Add(1)
	rows, err := w.read.Query(clickhouse.Context(ctx, clickhouse.WithParameters(clickhouse.Parameters{"node": node})),
		`SELECT feed, kind, last_event_at, last_received_at, accepted, rejected, duplicates, lag_ms
		FROM feeds FINAL WHERE node = {node:String} ORDER BY feed, kind`)
	if err != nil {
		return nil, outcome("load the feeds", err)
	}
	defer func() { _ = rows.Close() }()
	var feeds []campaign.FeedState
	for rows.Next() {
		f := campaign.FeedState{Node: node}
		var kind string
		var lag uint64
		err := rows.Scan(&f.Feed, &kind, &f.LastEventAt, &f.LastReceivedAt, &f.Accepted, &f.Rejected, &f.Duplicates, &lag)
		if err != nil {
			return nil, outcome("load the feeds", err)
		}
		k, ok := campaign.ParseKind(kind)
		if !ok {
			return nil, fmt.Errorf("load the feeds: %q is no kind of events", kind)
		}
		f.Kind, f.Lag = k, time.Duration(lag)*time.Millisecond
		f.LastEventAt, f.LastReceivedAt = never(f.LastEventAt), never(f.LastReceivedAt)
		w.saved[keyOf(f)] = kept(f)
		feeds = append(feeds, f)
	}
	return feeds, outcome("load the feeds", rows.Err())
}

// never turns the table's word for it, 1970, into Go's.
func never(t time.Time) time.Time {
	if t.Unix() == 0 {
		return time.Time{}
	}
	return t.UTC()
}

// SaveFeedMinutes keeps what the feeds sent by the minute. It writes only minutes that have changed since they were
// last saved or loaded.
func (w *Warehouse) SaveFeedMinutes(ctx context.Context, minutes []campaign.FeedMinute) error {
	w.feeds.Lock()
	defer w.feeds.Unlock()
	var changed []campaign.FeedMinute
	for _, m := range minutes {
		if w.savedMinutes[minuteOf(m)] != m {
			changed = append(changed, m)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	if err := w.insertFeedMinutes(ctx, changed); err != nil {
		w.errs.Add(1)
		return err
	}
	w.noteMinutes(changed)
	return nil
}

type minuteKey struct {
	feedKey
	minute int64 // Unix
}

func minuteOf(m campaign.FeedMinute) minuteKey {
	return minuteKey{feedKey{m.Node, m.Feed, m.Kind}, m.Minute.Unix()}
}

// noteMinutes is called with feeds held. What it forgets is older than anybody saves again.
func (w *Warehouse) noteMinutes(saved []campaign.FeedMinute) {
	var newest int64
	for _, m := range saved {
		w.savedMinutes[minuteOf(m)] = m
		newest = max(newest, m.Minute.Unix())
	}
	const twoDays = 2 * 24 * 60 * 60
	for key := range w.savedMinutes {
		if key.minute < newest-twoDays {
			delete(w.savedMinutes, key)
		}
	}
}

func (w *Warehouse) insertFeedMinutes(ctx context.Context, minutes []campaign.FeedMinute) error {
	ctx, release := patient(ctx)
	defer release()
	w.inserts.Add(1)
	batch, err := w.write.PrepareBatch(ctx, `INSERT INTO feed_minutes (node, feed, kind, minute, accepted, rejected,
		duplicates, version)`)
	if err != nil {
		return outcome("save the feeds' minutes", err)
	}
	defer func() { _ = batch.Close() }()
	version := w.version()
	for _, m := range minutes {
		err := batch.Append(m.Node, m.Feed, m.Kind.String(), m.Minute, m.Accepted, m.Rejected, m.Duplicates, version)
		if err != nil {
			return outcome("save the feeds' minutes", err)
		}
	}
	return outcome("save the feeds' minutes", batch.Send())
}

// LoadFeedMinutes returns what was saved of a node's minutes from since on.
func (w *Warehouse) LoadFeedMinutes(ctx context.Context, node string, since time.Time) ([]campaign.FeedMinute, error) {
	w.feeds.Lock()
	defer w.feeds.Unlock()
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	w.queries.Add(1)
	params := clickhouse.Parameters{"node": node, "since": fmt.Sprint(since.Unix())}
	rows, err := w.read.Query(clickhouse.Context(ctx, clickhouse.WithParameters(params)),
		`SELECT feed, kind, minute, accepted, rejected, duplicates FROM feed_minutes FINAL
		WHERE node = {node:String} AND minute >= toDateTime({since:UInt32}, 'UTC') ORDER BY minute, feed, kind`)
	if err != nil {
		return nil, outcome("load the feeds' minutes", err)
	}
	defer func() { _ = rows.Close() }()
	var minutes []campaign.FeedMinute
	for rows.Next() {
		m := campaign.FeedMinute{Node: node}
		var kind string
		if err := rows.Scan(&m.Feed, &kind, &m.Minute, &m.Accepted, &m.Rejected, &m.Duplicates); err != nil {
			return nil, outcome("load the feeds' minutes", err)
		}
		k, ok := campaign.ParseKind(kind)
		if !ok {
			return nil, fmt.Errorf("load the feeds' minutes: %q is no kind of events", kind)
		}
		m.Kind, m.Minute = k, m.Minute.UTC()
		minutes = append(minutes, m)
	}
	w.noteMinutes(minutes)
	return minutes, outcome("load the feeds' minutes", rows.Err())
}
