package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"warroom/server/board"
	"warroom/server/live"
	"warroom/server/page"
	"warroom/views"
)

// figures answers from a table; it honours the context as the publisher does.
type figures struct {
	mu      sync.Mutex
	asked   []string // "money.hour", or "money.hour 2012-09-07T02:46:12Z 3h0m0s"
	fail    map[string]error
	past    map[string]error // with At only
	hang    map[string]bool
	series  *board.Series
	unknown string // the topic that is about nothing
}

func (f *figures) Newest(ctx context.Context, topic string) (live.State, error) {
	return f.answer(ctx, topic, topic, time.Date(2012, 9, 7, 2, 46, 12, 0, time.UTC))
}

func (f *figures) At(ctx context.Context, topic string, at time.Time, window time.Duration) (live.State, error) {
	if err := f.past[topic]; err != nil {
		return live.State{}, err
	}
	return f.answer(ctx, topic, topic+" "+at.UTC().Format(time.RFC3339)+" "+window.String(), at)
}

func (f *figures) answer(ctx context.Context, topic, asked string, at time.Time) (live.State, error) {
	f.mu.Lock()
	f.asked = append(f.asked, asked)
	f.mu.Unlock()
	if f.hang[topic] {
		<-ctx.Done()
		return live.State{}, ctx.Err()
	}
	if err := f.fail[topic]; err != nil {
		return live.State{Topic: topic, Doubt: "the engine is starting", Err: err}, err
	}
	window, _ := time.ParseDuration(asked[strings.LastIndex(asked, " ")+1:]) // 0 for the newest
	s := live.State{Topic: topic, At: at, Window: window, Watermark: at, Coverage: &live.Coverage{Feeds: 3, Of: 4}}
	if strings.HasSuffix(topic, "minutes") {
		s.Answer.Series = f.series
		return s, nil
	}
	s.Answer.Value = map[string]int{"minor": 2500}
	s.Answer.Unknown = topic == f.unknown
	s.HTML = `<section id="p-` + strings.ReplaceAll(topic, ".", "-") + `">figures of ` + topic + `</section>`
	return s, nil
}

func newSite(t *testing.T) (*figures, http.Handler, *page.Pages) {
	t.Helper()
	one := 12.5
	f := &figures{fail: map[string]error{}, past: map[string]error{}, hang: map[string]bool{}, series: &board.Series{
		Times: []int64{1346985960}, Step: 60, Columns: []board.Lane{{Name: "once", Label: "One-time", Unit: "usd", Values: []*float64{&one}}},
		Table: [][]string{{"Minute", "One-time"}, {"10:46 PM", "$12.50"}},
	}}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	var panels []board.Panel
	for _, topic := range []string{
		"money.hour", "money.today", "money.minutes", "money.refcodes", "money.states", "money.latest", "traffic.now",
		"traffic.hour", "traffic.visitors", "mail.hour",
	} {
		panel := board.Panel{Topic: topic, Title: "Title of " + topic, Unit: "count"}
		switch topic {
		case "money.minutes":
			panel.Chart, panel.Window = "bars", 3*time.Hour
		case "traffic.hour":
			panel.Chart, panel.Window = "lines", time.Hour
		}
		panels = append(panels, panel)
	}
	var feeds []board.Panel
	for _, topic := range []string{"feeds", "rejects", "paths", "conflicts", "letters", "truth", "spool"} {
		feeds = append(feeds, board.Panel{Topic: "feeds." + topic, Title: "Title of feeds." + topic, Unit: "count"})
	}
	feeds[2].Window = time.Hour
	pages := page.New(page.Options{
		Boards: []board.Board{{Name: "leadership", Title: "Leadership", Path: "/", Panels: panels, Page: views.Leadership}},
		Feeds:  feeds, Live: f, Zone: zone, Version: "v-test", Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	r := chi.NewRouter()
	r.NotFound(pages.NotFound)
	r.Get("/", pages.Leadership)
	r.Get("/boards/{name}", pages.Board)
	r.Get("/feeds", pages.Feeds)
	r.Get("/api/v1/feeds", pages.FeedsValue)
	r.Get("/docs", pages.Docs)
	r.Get("/openapi.json", page.OpenAPI)
	r.Get("/sign-in", pages.SignIn)
	r.Get("/api/v1/boards", pages.ListBoards)
	r.Get("/api/v1/boards/{name}", pages.BoardValues)
	r.Get("/api/v1/panels/{topic}", pages.PanelValue)
	return f, r, pages
}

func get(t *testing.T, site http.Handler, path, accept string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	site.ServeHTTP(w, r)
	return w.Result(), w.Body.String()
}

func wantAll(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %.2000s", part, text)
		}
	}
}

func TestLeadershipShowsTheNewestFiguresAndConnects(t *testing.T) {
	f, site, _ := newSite(t)
	answer, html := get(t, site, "/", "text/html")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /: %s", answer.Status)
	}
	wantAll(t, html, "figures of money.hour", "figures of mail.hour", `data-live="/live?board=leadership"`, `data-state="connecting"`,
		`data-zone="America/New_York"`, `"times":[1346985960]`, "10:46:12 PM EDT", "$12.50", "Sign out")
	if len(f.asked) != 10 {
		t.Errorf("asked %d times for 10 panels: %v", len(f.asked), f.asked)
	}
	if answer, _ := get(t, site, "/boards/leadership", "text/html"); answer.StatusCode != http.StatusOK {
		t.Errorf("GET /boards/leadership: %s", answer.Status)
	}
	if answer, _ := get(t, site, "/boards/money", "text/html"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("GET /boards/money: %s", answer.Status)
	}
}

func TestPageIsThereWhenFiguresAreNot(t *testing.T) {
	f, site, _ := newSite(t)
	f.hang["money.today"] = true
	f.fail["money.hour"] = errors.New("dial tcp 127.0.0.1:9000")
	f.fail["money.minutes"] = f.fail["money.hour"]
	answer, html := get(t, site, "/", "text/html")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /: %s", answer.Status)
	}
	wantAll(t, html, "Title of money.hour", "Title of money.today", "the engine is starting", "figures of mail.hour", "waiting")
	if strings.Contains(html, "127.0.0.1") {
		t.Error("the page tells an address of the inside")
	}
}

func TestBoardOfThePastSaysSoAndDoesNotConnect(t *testing.T) {
	f, site, _ := newSite(t)
	_, html := get(t, site, "/?at=2012-09-06T22:46:12-04:00&window=90m&theme=light", "text/html")
	wantAll(t, html, "As of 10:46:12 PM EDT, Thu 6 Sep 2012", "not live", `data-state="past"`, `data-live=""`, `data-theme="light"`)
	if strings.Contains(html, "hx-ws") {
		t.Error("a page of the past loads the websocket")
	}
	asked := strings.Join(f.asked, "\n")
	wantAll(t, asked, "money.minutes 2012-09-07T02:46:12Z 1h30m0s", "money.hour 2012-09-07T02:46:12Z 0s")
}

func TestWrongMomentsNameTheField(t *testing.T) {
	_, site, _ := newSite(t)
	for _, c := range []struct{ query, field string }{
		{"at=yesterday", "at"}, {"at=2012-09-06", "at"}, {"at=2999-01-01T00:00:00Z", "at"},
		{"window=long", "window"}, {"window=5", "window"}, {"window=-1h", "window"}, {"window=25h", "window"}, {"window=99999999999999", "window"},
	} {
		for _, path := range []string{"/api/v1/panels/money.minutes?", "/api/v1/boards/leadership?"} {
			answer, body := get(t, site, path+c.query, "application/json")
			var p struct{ Field, Detail string }
			if err := json.Unmarshal([]byte(body), &p); err != nil {
				t.Fatalf("%s%s: %v: %s", path, c.query, err, body)
			}
			if answer.StatusCode != http.StatusBadRequest || p.Field != c.field || p.Detail == "" {
				t.Errorf("%s%s: %s %s", path, c.query, answer.Status, body)
			}
			if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("%s%s: Content-Type %s", path, c.query, got)
			}
		}
		if answer, html := get(t, site, "/?"+c.query, "text/html"); answer.StatusCode != http.StatusBadRequest || !strings.Contains(html, c.field) {
			t.Errorf("GET /?%s: %s", c.query, answer.Status)
		}
	}
	answer, body := get(t, site, "/api/v1/panels/money.hour?window=1h", "")
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"field":"window"`) {
		t.Errorf("a window for a panel without one: %s %s", answer.Status, body)
	}
}

func TestPanelValue(t *testing.T) {
	f, site, _ := newSite(t)
	_, body := get(t, site, "/api/v1/panels/money.hour", "")
	wantAll(t, body, `"topic":"money.hour"`, `"title":"Title of money.hour"`, `"unit":"count"`, `"at":"2012-09-07T02:46:12.000Z"`,
		`"watermark":"2012-09-07T02:46:12.000Z"`, `"coverage":{"feeds":3,"of":4,`, `"value":{"minor":2500}`)
	_, body = get(t, site, "/api/v1/panels/money.minutes?at=2012-09-06T22:46:12-04:00&window=600", "")
	wantAll(t, body, `"series":{"times":[1346985960]`, `"at":"2012-09-07T02:46:12.000Z"`)
	if got := f.asked[1]; got != "money.minutes 2012-09-07T02:46:12Z 10m0s" {
		t.Errorf("asked for %q", got)
	}
	if answer, _ := get(t, site, "/api/v1/panels/money.year", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown panel: %s", answer.Status)
	}
	f.fail["money.hour"] = errors.New("dial tcp 127.0.0.1:9000")
	answer, body := get(t, site, "/api/v1/panels/money.hour", "")
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || strings.Contains(body, "127.0.0.1") {
		t.Errorf("without an engine: %s, Retry-After %q: %s", answer.Status, answer.Header.Get("Retry-After"), body)
	}
}

func TestBoardValues(t *testing.T) {
	f, site, _ := newSite(t)
	f.fail["money.hour"] = errors.New("gone")
	answer, body := get(t, site, "/api/v1/boards/leadership", "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("one panel in doubt: %s", answer.Status)
	}
	var values struct {
		Board  string
		Panels []struct {
			Topic, Doubt string
			Value        any
		}
	}
	if err := json.Unmarshal([]byte(body), &values); err != nil {
		t.Fatal(err)
	}
	if len(values.Panels) != 10 || values.Panels[0].Doubt == "" || values.Panels[0].Value != nil || values.Panels[1].Value == nil {
		t.Errorf("values: %s", body)
	}
	for _, topic := range values.Panels {
		f.fail[topic.Topic] = errors.New("gone")
	}
	if answer, _ := get(t, site, "/api/v1/boards/leadership", ""); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("all in doubt: %s", answer.Status)
	}
	if answer, _ := get(t, site, "/api/v1/boards/money", ""); answer.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown board: %s", answer.Status)
	}
	_, body = get(t, site, "/api/v1/boards", "")
	wantAll(t, body, `"name":"leadership"`, `"topic":"mail.hour"`, `"url":"/api/v1/panels/money.hour"`)
}

func TestTopicsOfABoard(t *testing.T) {
	_, _, pages := newSite(t)
	topics, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board=leadership", nil))
	if !ok || len(topics) != 11 || topics[0] != live.PulseTopic {
		t.Errorf("Topics = %v, %v", topics, ok)
	}
	if _, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board=money", nil)); ok {
		t.Error("an unknown board has topics")
	}
}

func TestPeopleGetPagesAndProgramsProblems(t *testing.T) {
	_, site, pages := newSite(t)
	answer, html := get(t, site, "/nowhere<b>", "text/html,*/*")
	if answer.StatusCode != http.StatusNotFound || !strings.Contains(html, "/nowhere&lt;b&gt;") {
		t.Errorf("a person: %s", answer.Status)
	}
	answer, _ = get(t, site, "/nowhere", "application/json")
	if got := answer.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("a program gets %s", got)
	}
	if answer, html := get(t, site, "/sign-in?used=1", "text/html"); answer.StatusCode != http.StatusForbidden || !strings.Contains(html, "no longer works") {
		t.Errorf("a used link: %s", answer.Status)
	}
	for status, does := range map[int]http.HandlerFunc{http.StatusUnauthorized: pages.SignInRequired, http.StatusForbidden: pages.Forbidden} {
		w := httptest.NewRecorder()
		does(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if w.Code != status {
			t.Errorf("got %d, want %d", w.Code, status)
		}
	}
	withToken := httptest.NewRequest(http.MethodGet, "/", nil)
	withToken.Header.Set("Accept", "text/html")
	if !page.WantsHTML(withToken) {
		t.Error("a browser is not recognised")
	}
	withToken.Header.Set("Authorization", "Bearer x")
	if page.WantsHTML(withToken) {
		t.Error("a program with a token is taken for a person")
	}
}

func TestThemeIsTheURLsThenTheCookies(t *testing.T) {
	_, site, _ := newSite(t)
	for _, c := range []struct{ query, cookie, want string }{
		{"", "", "auto"}, {"?theme=dark", "", "dark"}, {"", "light", "light"}, {"?theme=dark", "light", "dark"}, {`?theme="><script>`, "x", "auto"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/sign-in", nil)
		r.URL.RawQuery = strings.TrimPrefix(c.query, "?")
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: "theme", Value: c.cookie})
		}
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		wantAll(t, w.Body.String(), `data-theme="`+c.want+`"`)
	}
}

func TestDocsAreMadeFromTheDescription(t *testing.T) {
	_, site, _ := newSite(t)
	answer, description := get(t, site, "/openapi.json", "")
	if answer.Header.Get("Content-Type") != "application/json" || !json.Valid([]byte(description)) {
		t.Fatal("openapi.json is no JSON")
	}
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(description), &d); err != nil {
		t.Fatal(err)
	}
	_, html := get(t, site, "/docs", "text/html")
	for path := range d.Paths {
		wantAll(t, html, "<code>"+path+"</code>")
	}
	wantAll(t, html, "occurred_at", "required", "Retry-After", "feed token")
}
