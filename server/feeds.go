package server

import (
	"context"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"warroom/server/auth"
	"warroom/server/board"
	"warroom/server/campaign"
	"warroom/server/problem"
)

const (
	keepFeedsEvery = 10 * time.Second
	saveLastWithin = time.Second // of a regular stop
	// restoreMinutes is how much of the last process's minutes the small pictures and the comparison need.
	restoreMinutes = 3 * time.Hour

	// usualEvery is how often the engine is asked what is usual, and usualRetry how soon when it did not answer.
	usualEvery, usualRetry = 15 * time.Second, 5 * time.Second
	// usualWithin bounds the wait for it: the page has more to show.
	usualWithin = time.Second

	// sendAgainWithin bounds one try: letters are sent between two batches, and a browser waits for it.
	sendAgainWithin = time.Minute
	sendAgainBody   = 64 << 10 // bytes
)

// feedReporter gathers what the parts of the server know of the feeds, for the Feeds page.
type feedReporter struct {
	server *Server
	panels []board.Panel

	asking sync.Mutex // guards usual and tried, and lets one question at a time through
	usual  board.Usual
	tried  time.Time

	mu    sync.Mutex // guards again
	again board.SentAgain
}

func newFeedReporter(s *Server) *feedReporter { return &feedReporter{server: s} }

func (f *feedReporter) source() board.FeedSource {
	s := f.server
	return board.FeedSource{
		States: s.feeds, Minutes: s.doors.FeedMinutes, Rejects: s.doors.Rejects,
		Usual: f.newestUsual, Letters: f.letters, Truth: s.truthChecks, Spools: s.spoolReport,
	}
}

// newestUsual is what the engine last said of the feeds. It is asked again when that has grown old; when it doesn't
// answer, the last answer stays, with the reason.
func (f *feedReporter) newestUsual() board.Usual {
	f.asking.Lock()
	defer f.asking.Unlock()
	every := usualEvery
	if f.usual.Doubt != "" {
		every = usualRetry
	}
	if time.Since(f.tried) < every {
		return f.usual
	}
	f.tried = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), usualWithin)
	defer cancel()
	usual, err := board.AskUsual(ctx, f.server.store.Query, f.tried, f.server.Zone)
	if err != nil {
		if f.usual.Doubt == "" {
			f.server.Logger.Warn("what is usual of the feeds could not be asked for, trying again", "error", err)
		}
		f.usual.Doubt = f.server.doubt()
		if f.usual.Doubt == "" {
			f.usual.Doubt = "the engine did not answer in time"
		}
		return f.usual
	}
	f.usual = usual
	return usual
}

func (f *feedReporter) letters() board.Letters {
	var l board.Letters
	for _, kind := range campaign.Kinds() {
		for _, c := range f.server.streams.dead[kind].Counts() {
			l.Counts = append(l.Counts, board.LetterCount{
				Kind: kind, Feed: c.Feed, Reason: c.Reason, Open: c.Open, Settled: c.Settled,
			})
		}
		l.Newest = append(l.Newest, f.server.streams.letters(kind)...)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	l.Last = f.again
	return l
}

// sendAgain tries to count dead letters after all: those of a kind with a reason, or all of a kind. Its outcome stands
// on the page for everybody; a program gets it as JSON.
func (f *feedReporter) sendAgain(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, sendAgainBody)
	if err := r.ParseForm(); err != nil {
		problem.Write(w, http.StatusBadRequest, "want a form with the fields kind and reason")
		return
	}
	kind, ok := campaign.ParseKind(r.PostForm.Get("kind"))
	if !ok {
		problem.WriteField(w, http.StatusBadRequest, "kind", "is no kind of events: want donations, emails or traffic")
		return
	}
	g, _ := r.Context().Value(grantKey{}).(auth.Grant)
	// A browser that goes away in the middle must not leave half of it without an outcome.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), sendAgainWithin)
	defer cancel()
	outcome := f.server.sendLettersAgain(ctx, kind, r.PostForm.Get("reason"))
	outcome.By = g.Name
	f.mu.Lock()
	f.again = outcome
	f.mu.Unlock()
	f.server.Logger.Info("dead letters were sent again", "by", outcome.By, "kind", outcome.Kind, "reason", outcome.Reason,
		"counted", outcome.Sent, "refused", outcome.Failed, "trouble", outcome.Trouble)
	f.server.live.Confirmed(kind) // the page shows the outcome at once
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, "/feeds#p-feeds-letters", http.StatusSeeOther)
		return
	}
	answer := map[string]any{"sent": outcome.Sent, "failed": outcome.Failed}
	if outcome.Trouble != "" {
		answer["trouble"] = outcome.Trouble
	}
	writeJSON(w, http.StatusOK, answer)
}

func (s *Server) sendLettersAgain(ctx context.Context, kind campaign.Kind, reason string) board.SentAgain {
	again := board.SentAgain{At: time.Now(), Kind: kind.String(), Reason: reason}
	err := s.store.ready(ctx)
	if err == nil {
		again.Sent, again.Failed, err = s.streams.sendAgain(ctx, kind, reason)
	}
	if err != nil {
		s.Logger.Warn("dead letters could not be sent again", "kind", kind.String(), "error", err)
		if again.Trouble = s.doubt(); again.Trouble == "" {
			again.Trouble = "the server's log says why"
		}
	}
	return again
}

// spoolReport is the way from the disk into the engine.
func (s *Server) spoolReport() []board.Spool {
	away := s.store.ready(context.Background())
	var list []board.Spool
	for _, kind := range campaign.Kinds() {
		disk, way := s.streams.spools[kind].Stats(), s.streams.sinks[kind].Stats()
		row := board.Spool{
			Kind: kind, Events: disk.Records, Bytes: disk.Bytes, Oldest: disk.OldestAge, Trouble: way.Trouble,
			KeptSegments: disk.KeptSegments, KeptBytes: disk.KeptBytes, KeptFor: disk.KeptOldest,
		}
		if away != nil {
			row.Trouble = plain(away) + reason(away)
		}
		list = append(list, row)
	}
	return list
}

// node names this process in the feeds table.
func node() string {
	name, err := os.Hostname()
	if err != nil {
		return "warroom"
	}
	return name
}

// keepFeeds goes on counting the feeds where the last process stopped, and writes what is known of them to the
// warehouse, so that a restart and the analysts know it too. It writes nothing before it has read: counts that begin
// at zero must not replace the old ones.
func (s *Server) keepFeeds(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.streams.started: // from here on there is a warehouse
	}
	restored := s.restoreFeeds(ctx)
	tick := time.NewTicker(keepFeedsEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if restored {
				s.saveLastFeeds(ctx)
			}
			return
		case <-tick.C:
		}
		if !restored {
			restored = s.restoreFeeds(ctx)
			continue
		}
		if err := s.saveFeeds(ctx); err != nil && ctx.Err() == nil {
			s.Logger.Warn("the state of the feeds was not kept, trying again", "error", err)
		}
	}
}

// saveLastFeeds keeps the counts of the last seconds at a regular stop.
func (s *Server) saveLastFeeds(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLastWithin)
	defer cancel()
	if err := s.saveFeeds(ctx); err != nil {
		s.Logger.Warn("the last seconds of the feeds' counts were not kept", "error", err)
	}
}

// saveFeeds writes what has changed.
func (s *Server) saveFeeds(ctx context.Context) error {
	wh, err := s.store.warehouse()
	if err != nil {
		return nil //nolint:nilerr // the engine is away; what was counted stays in memory
	}
	if err := wh.SaveFeeds(ctx, s.feeds()); err != nil {
		return err
	}
	minutes, here := s.doors.FeedMinutes(time.Time{}), node()
	for i := range minutes {
		minutes[i].Node = here
	}
	return wh.SaveFeedMinutes(ctx, minutes)
}

func (s *Server) feeds() []campaign.FeedState {
	feeds, here := s.doors.Feeds(), node()
	for i := range feeds {
		feeds[i].Node = here
		feeds[i].Lag = s.streams.lag(feeds[i].Kind)
	}
	return feeds
}

func (s *Server) restoreFeeds(ctx context.Context) bool {
	wh, err := s.store.warehouse()
	if err != nil {
		return false
	}
	feeds, err := wh.LoadFeeds(ctx, node())
	if err != nil {
		s.Logger.Warn("what was known of the feeds could not be read, trying again", "error", err)
		return false
	}
	minutes, err := wh.LoadFeedMinutes(ctx, node(), time.Now().Add(-restoreMinutes))
	if err != nil {
		s.Logger.Warn("what the feeds sent lately could not be read, trying again", "error", err)
		return false
	}
	s.doors.Restore(feeds)
	s.doors.RestoreMinutes(minutes)
	return true
}
