package page_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/go-chi/chi/v5"

	"warroom/server/board"
	"warroom/server/page"
	"warroom/views"
)

const day = 24 * time.Hour

// newWindowed is a site of a board with windows and one about one send.
func newWindowed(t *testing.T) (*figures, http.Handler, *page.Pages) {
	t.Helper()
	f := &figures{fail: map[string]error{}, past: map[string]error{}, hang: map[string]bool{}}
	windows := []time.Duration{time.Hour, day, 7 * day}
	place := func(topics ...string) func(views.Drawn) templ.Component {
		return func(d views.Drawn) templ.Component {
			var list []templ.Component
			for _, topic := range topics {
				list = append(list, d.At(topic))
			}
			return templ.Join(list...)
		}
	}
	curve := board.Panel{Topic: "send.curve", Title: "Curve"}
	curve.Of = func(string) board.Panel { return board.Panel{Title: "Curve"} }
	pages := page.New(page.Options{
		Boards: []board.Board{
			{Name: "money", Title: "Money", Path: "/boards/money", Page: place("money.hour", "money.refcodes"), Panels: []board.Panel{
				{Topic: "money.hour"}, {Topic: "money.refcodes", Window: day, Windows: windows}, {Topic: "money.old", Window: time.Hour},
			}},
			{Name: "send", Title: "Send", Path: "/sends/", Page: place("send.curve"), Panels: []board.Panel{curve}},
		},
		Live: f, Zone: time.UTC, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	r := chi.NewRouter()
	r.NotFound(pages.NotFound)
	r.Get("/boards/{name}", pages.Board)
	r.Get("/sends/{id}", pages.Send)
	r.Get("/api/v1/boards", pages.ListBoards)
	r.Get("/api/v1/boards/{name}", pages.BoardValues)
	r.Get("/api/v1/panels/{topic}", pages.PanelValue)
	return f, r, pages
}

func (f *figures) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.Sort(f.asked)
	slices.Sort(want)
	if !slices.Equal(f.asked, want) {
		t.Errorf("asked %q, want %q", f.asked, want)
	}
	f.asked = nil
}

func TestAWindowOfABoardIsLive(t *testing.T) {
	f, site, pages := newWindowed(t)
	_, html := get(t, site, "/boards/money?window=7d&theme=dark", "text/html")
	wantAll(t, html, "figures of money.refcodes@604800", `data-live="/live?board=money&amp;window=7d"`)
	f.wantAsked(t, "money.hour", "money.refcodes@604800", "money.old")
	topics, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board=money&window=7d", nil))
	if !ok || !slices.Equal(topics, []string{"pulse", "money.hour", "money.refcodes@604800", "money.old"}) {
		t.Errorf("the websocket carries %v, %v", topics, ok)
	}
	_, html = get(t, site, "/boards/money?window=24h", "text/html") // the usual one
	wantAll(t, html, "figures of money.refcodes<")
	f.wantAsked(t, "money.hour", "money.refcodes", "money.old")
	if _, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board=money&window=2h", nil)); ok {
		t.Error("a websocket over a window that nobody offers")
	}
}

func TestAnUnknownWindowIsRefused(t *testing.T) {
	_, site, _ := newWindowed(t)
	for path, says := range map[string]string{
		"/boards/money?window=2h":  "want 1h, 24h or 7d",
		"/boards/money?window=8d":  "between 1m and 7d",
		"/boards/money?window=d":   "no length of time",
		"/boards/money?window=1w":  "no length of time",
		"/boards/money?window=-7d": "between 1m and 7d",
	} {
		answer, html := get(t, site, path, "text/html")
		if answer.StatusCode != http.StatusBadRequest || !strings.Contains(html, says) {
			t.Errorf("%s: %s, without %q", path, answer.Status, says)
		}
	}
}

// In the past any window will do; panels that are not made for days keep their own.
func TestAWindowOfThePast(t *testing.T) {
	f, site, _ := newWindowed(t)
	_, html := get(t, site, "/boards/money?at=2012-09-07T02:46:12Z&window=7d", "text/html")
	wantAll(t, html, "not live")
	at := " 2012-09-07T02:46:12Z "
	f.wantAsked(t, "money.hour"+at+"0s", "money.refcodes"+at+"168h0m0s", "money.old"+at+"0s")
	get(t, site, "/boards/money?at=2012-09-07T02:46:12Z&window=90m", "text/html")
	f.wantAsked(t, "money.hour"+at+"0s", "money.refcodes"+at+"1h30m0s", "money.old"+at+"1h30m0s")
}

func TestThePageOfASend(t *testing.T) {
	f, site, pages := newWindowed(t)
	const name = "send:em%252009%253A06%252Fa" // of "em 09:06/a", written twice
	for _, path := range []string{"/sends/em%2009:06%2Fa", "/boards/" + name} {
		answer, html := get(t, site, path, "text/html")
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, answer.Status)
		}
		wantAll(t, html, "Send em 09:06/a", "figures of send.curve:em%2009%3A06%2Fa", `data-live="/live?board=send%3Aem%252009%253A06%252Fa"`)
		f.wantAsked(t, "send.curve:em%2009%3A06%2Fa")
	}
	topics, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board="+name, nil))
	if !ok || !slices.Equal(topics, []string{"pulse", "send.curve:em%2009%3A06%2Fa"}) {
		t.Errorf("the websocket carries %v, %v", topics, ok)
	}
	for _, path := range []string{"/boards/send", "/boards/send:", "/boards/money:x"} {
		if answer, _ := get(t, site, path, "text/html"); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

func TestValuesOverAWindowAndOfASend(t *testing.T) {
	f, site, _ := newWindowed(t)
	for path, asked := range map[string]string{
		"/api/v1/panels/money.refcodes?window=1h":                         "money.refcodes@3600",
		"/api/v1/panels/money.refcodes@3600":                              "money.refcodes@3600",
		"/api/v1/panels/money.refcodes?window=24h":                        "money.refcodes",
		"/api/v1/panels/send.curve:em%2009:06":                            "send.curve:em%2009%3A06",
		"/api/v1/panels/send.curve%3Aem%252009%253A06":                    "send.curve:em%2009%3A06",
		"/api/v1/boards/send:em0906":                                      "send.curve:em0906",
		"/api/v1/panels/money.old?at=2012-09-07T02:46:12Z":                "money.old 2012-09-07T02:46:12Z 0s",
		"/api/v1/panels/send.curve:x?at=2012-09-07T02:46:12Z":             "send.curve:x 2012-09-07T02:46:12Z 0s",
		"/api/v1/panels/money.refcodes?window=7d&at=2012-09-07T02:46:12Z": "money.refcodes 2012-09-07T02:46:12Z 168h0m0s",
	} {
		if answer, body := get(t, site, path, ""); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", path, answer.Status, body)
		}
		f.wantAsked(t, asked)
	}
	for _, path := range []string{"/api/v1/panels/send.curve", "/api/v1/panels/money.refcodes@60", "/api/v1/boards/send"} {
		if answer, _ := get(t, site, path, ""); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
	_, body := get(t, site, "/api/v1/boards", "")
	wantAll(t, body, `"name":"send:{id}"`, `"url":"/api/v1/panels/send.curve:{id}"`, `"windows":["1h","24h","7d"]`)
}

// Where the panels' own spans differ, no single one is the page's: the first link says so and leads back.
func TestPanelsThatDifferHaveALinkBack(t *testing.T) {
	f := &figures{fail: map[string]error{}, past: map[string]error{}, hang: map[string]bool{}}
	windows := []time.Duration{15 * time.Minute, time.Hour}
	pages := page.New(page.Options{
		Boards: []board.Board{{Name: "traffic", Title: "Traffic", Path: "/boards/traffic",
			Page: func(d views.Drawn) templ.Component { return d.At("traffic.pages") },
			Panels: []board.Panel{
				{Topic: "traffic.pages", Window: time.Hour, Windows: windows}, {Topic: "traffic.errors", Window: 15 * time.Minute, Windows: windows},
			}}},
		Live: f, Zone: time.UTC, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	r := chi.NewRouter()
	r.Get("/boards/{name}", pages.Board)
	_, html := get(t, r, "/boards/traffic?theme=dark", "text/html")
	wantAll(t, html, `<a href="/boards/traffic?theme=dark" aria-current="page">Each its own</a>`, `<a href="/boards/traffic?theme=dark&amp;window=1h">1 hour</a>`)
	_, html = get(t, r, "/boards/traffic?window=1h", "text/html")
	wantAll(t, html, `<a href="/boards/traffic">Each its own</a>`, `<a href="/boards/traffic?window=1h" aria-current="page">1 hour</a>`)
}

func TestASendThatNobodyKnows(t *testing.T) {
	f, site, _ := newWindowed(t)
	f.unknown = "send.curve:nobody"
	for _, path := range []string{"/sends/nobody", "/boards/send:nobody"} {
		answer, html := get(t, site, path, "text/html")
		if answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, answer.Status)
		}
		wantAll(t, html, "No such send", "“nobody”", `href="/sends"`)
	}
	if answer, _ := get(t, site, "/sends/somebody", "text/html"); answer.StatusCode != http.StatusOK {
		t.Errorf("a send that is known: %s", answer.Status)
	}
}
