package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/simulate"
	"warroom/simulate/story"
)

// truthEnv keeps everything for long: the story lies on a fixed date, and its figures must not depend on today's.
var truthEnv = []string{
	"WARROOM_SELF_TRAFFIC=false", "WARROOM_RETAIN_REQUESTS=175200h", "WARROOM_RETAIN_SECONDS=175200h",
	"WARROOM_RETAIN_MINUTES=175200h", "WARROOM_MAIL_PER_SECOND=2", "WARROOM_MAIL_PER_DAY=100000",
	"WARROOM_TIERS=donate=1,site=2,events=3",
}

// night is when the simulated convention begins. Its day has 25 hours: New York's clocks went back at two.
func night() time.Time { return time.Date(2024, 11, 4, 1, 30, 0, 0, time.UTC) }

// nightMail is the large mail of the night.
const nightMail = "speech-241103-2030"

// truthMoments are the fixed moments at which every number of every board is checked.
func truthMoments() map[string]time.Time {
	return map[string]time.Time{
		"in the hour that comes twice": time.Date(2024, 11, 3, 6, 47, 12, 345e6, time.UTC), // 1:47 EST
		"on a quiet afternoon":         time.Date(2024, 11, 3, 19, 20, 0, 0, time.UTC),
		"when things go wrong":         night().Add(17*time.Minute + 31*time.Second + 417*time.Millisecond),
		"at the top of the night":      night().Add(58*time.Minute + 3*time.Second + 200*time.Millisecond),
	}
}

// truthBoards are the boards whose numbers are computed again here, and by whom. Those of the feeds have no past.
func truthBoards() map[string]map[string]computation {
	return map[string]map[string]computation{
		"leadership": leadershipTruth(), "money": moneyTruth(), "traffic": trafficTruth(), "mail": mailTruth(), "fleet": fleetTruth(),
		"sends": sendsTruth(), "send:" + nightMail: sendTruth(nightMail),
	}
}

// truthWindows are the spans over which a board is asked for; empty is each panel's own.
func truthWindows(board string) []string {
	windows := map[string][]string{"money": {"", "1h", "24h", "7d", "30d"}, "traffic": {"", "15m", "6h"}}
	if list := windows[board]; list != nil {
		return list
	}
	return []string{""}
}

// computation says from the ledger alone what a panel must answer at a moment. The window is 0 where it is fixed.
type computation func(l *ledger, at time.Time, window time.Duration) expected

// expected is one of the three forms that a panel's answer has.
type expected struct {
	value, series, rows any
}

// Every number on every board equals an independent computation from the simulator's journal.
func TestEveryNumberIsTheJournals(t *testing.T) {
	data := dataFolder(t)
	feed, reader := token4test(t, data, "vendor", "feed"), token4test(t, data, "wall", "reader")
	p := serve4test(t, data, truthEnv...)
	l := p.tellStory(feed)
	p.until("all is stored", func() bool {
		figures := p.get("/metrics", reader).body
		return !slices.ContainsFunc([]string{"donations", "emails", "traffic"}, func(kind string) bool {
			return !strings.Contains(figures, `warroom_spool_records{kind="`+kind+`"} 0`)
		})
	})
	l.settle()
	for when, at := range truthMoments() {
		for board, panels := range truthBoards() {
			for _, window := range truthWindows(board) {
				t.Run(board+" "+when+" "+window, func(t *testing.T) { p.compare(t, reader, board, window, panels, l, at) })
			}
		}
	}
}

// tellStory sends the story's parts and returns what its journals say. The quiet campaign is the same in all parts, so
// that days between them need not be told.
func (p *process) tellStory(feed string) *ledger {
	l := newLedger()
	for _, part := range []struct {
		scenario       string
		start          time.Time
		backfill, live time.Duration
	}{
		{"quiet", night().Add(-168*time.Hour + 90*time.Minute), 4 * time.Hour, time.Second},   // this hour last week
		{"quiet", time.Date(2024, 10, 31, 4, 0, 0, 0, time.UTC), 19 * time.Hour, time.Second}, // a day of mails
		{"convention", night(), 51 * time.Hour, 60 * time.Minute},
	} {
		plan, err := story.New(story.Options{
			Scenario: part.scenario, Seed: 2012, Start: part.start, Backfill: part.backfill, Rate: 12, MailRate: 1.5,
		})
		if err != nil {
			p.t.Fatal(err)
		}
		summary, err := simulate.Run(p.t.Context(), simulate.Options{
			URL: p.url, Plan: plan, Token: func(string) string { return feed }, Duration: part.live, Journal: l,
			JournalTraffic: true, Logger: slog.New(slog.NewTextHandler(p.t.Output(), nil)),
		})
		if err != nil {
			p.t.Fatal(err)
		}
		for name, f := range summary.Feeds {
			if f.Acknowledged != f.Told {
				p.t.Fatalf("%s: %+v", name, f)
			}
		}
	}
	p.tellOddities(feed, l)
	return l
}

// tellOddities sends what the simulator has not: other currencies, odd spellings of places, a second without a name.
func (p *process) tellOddities(feed string, l *ledger) {
	var body strings.Builder
	for i, e := range []string{
		`"amount":"80.00","currency":"EUR","donor":"e1@example.org","refcode":"tv-code"`,
		`"amount":"7","currency":"JPY"`,
		`"amount":"12.34","state":"oh","country":"USA","form":"tonight"`,
		`"amount":"0.99","state":"PR"`,
		`"amount":"3.00","state":"ON","country":"CA","channel":"mail"`,
		`"amount":"20.00","kind":"refund","of":"elsewhere","currency":"EUR"`,
		`"amount":"45.00","kind":"dispute_won","of":"elsewhere"`,
		`"amount":"1.00","recurring":"weekly","refcode":"tv-code","channel":"web"`,
	} {
		at := night().Add(50*time.Minute + time.Duration(i)*time.Second)
		fmt.Fprintf(&body, `{"id":"odd-%d","source":"odd","occurred_at":%q,%s}`+"\n", i, at.Format(time.RFC3339), e)
	}
	if a := p.post("/v1/donations", feed, ndjson, body.String()); a.status != http.StatusAccepted {
		p.t.Fatalf("%d %s", a.status, a.body)
	}
	for line := range strings.Lines(body.String()) {
		l.note("donations", []byte(line))
	}
}

// compare asks for a board at a moment and computes all its panels again.
func (p *process) compare(
	t *testing.T, token, board, window string, panels map[string]computation, l *ledger, at time.Time,
) {
	query := url.Values{"at": {at.Format(time.RFC3339Nano)}}
	if window != "" {
		query.Set("window", window)
	}
	a := p.get("/api/v1/boards/"+board+"?"+query.Encode(), token)
	var answer struct {
		Panels []struct {
			Topic, Doubt, At    string
			Window              int // seconds
			Value, Series, Rows json.RawMessage
		}
	}
	if err := json.Unmarshal([]byte(a.body), &answer); err != nil || a.status != http.StatusOK || len(answer.Panels) == 0 {
		t.Fatalf("%d %v: %s", a.status, err, a.body)
	}
	for _, panel := range answer.Panels {
		topic, _, _ := strings.Cut(panel.Topic, ":") // what it is about
		compute := panels[topic]
		if compute == nil {
			t.Errorf("%s: nobody computes it independently", panel.Topic)
			continue
		}
		if panel.Doubt != "" || panel.At != at.Format("2006-01-02T15:04:05.000Z07:00") {
			t.Errorf("%s: at %s, doubt %q", panel.Topic, panel.At, panel.Doubt)
		}
		want := compute(l, at, time.Duration(panel.Window)*time.Second)
		c := comparison{t: t}
		c.document(panel.Topic+" value", panel.Value, want.value)
		c.document(panel.Topic+" series", panel.Series, want.series)
		c.document(panel.Topic+" rows", panel.Rows, want.rows)
		t.Logf("%s: %d numbers", panel.Topic, c.numbers)
	}
}
