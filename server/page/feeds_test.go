package page_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"warroom/server/live"
)

// noPast are the sections that only know the present.
func noPast(f *figures) {
	for _, topic := range []string{"feeds.feeds", "feeds.rejects", "feeds.letters", "feeds.truth", "feeds.spool"} {
		f.past[topic] = live.ErrNoPast
	}
}

func TestFeedsPageShowsItsSectionsAndConnects(t *testing.T) {
	f, site, pages := newSite(t)
	answer, html := get(t, site, "/feeds", "text/html")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /feeds: %s", answer.Status)
	}
	wantAll(t, html, "figures of feeds.feeds", "figures of feeds.paths", "figures of feeds.rejects", "figures of feeds.conflicts",
		"figures of feeds.letters", "figures of feeds.truth", "figures of feeds.spool", `data-live="/live?board=feeds"`,
		`<a href="/feeds" data-key="d" aria-current="page">Feeds</a>`)
	if len(f.asked) != 7 {
		t.Errorf("asked %d times for 7 sections: %v", len(f.asked), f.asked)
	}
	topics, ok := pages.Topics(httptest.NewRequest(http.MethodGet, "/live?board=feeds", nil))
	if !ok || len(topics) != 8 || topics[0] != live.PulseTopic {
		t.Errorf("Topics = %v, %v", topics, ok)
	}
	if _, other := get(t, site, "/boards/feeds", "text/html"); !strings.Contains(other, "figures of feeds.spool") {
		t.Error("/boards/feeds is another page")
	}
}

func TestOnlyOperatorsGetTheButton(t *testing.T) {
	_, site, pages := newSite(t)
	if _, html := get(t, site, "/feeds", "text/html"); strings.Contains(html, "data-operate") {
		t.Error("everybody may send letters again")
	}
	pages.MayOperate = func(*http.Request) bool { return true }
	if _, html := get(t, site, "/feeds", "text/html"); !strings.Contains(html, "data-operate") {
		t.Error("an operator may not")
	}
}

// While the engine is away, what the process knows is there all the same.
func TestFeedsWithoutAnEngine(t *testing.T) {
	f, site, _ := newSite(t)
	f.fail["feeds.paths"], f.fail["feeds.conflicts"] = errors.New("dial tcp 127.0.0.1:9000"), errors.New("dial tcp 127.0.0.1:9000")
	answer, html := get(t, site, "/feeds", "text/html")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /feeds: %s", answer.Status)
	}
	wantAll(t, html, "figures of feeds.feeds", "the engine is starting", "Title of feeds.paths")
	answer, body := get(t, site, "/api/v1/feeds", "")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /api/v1/feeds: %s", answer.Status)
	}
	sections := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(body), &sections); err != nil {
		t.Fatal(err)
	}
	wantAll(t, string(sections["paths"]), `"at":null`, `"doubt":"the engine is starting"`, `"value":null`)
	wantAll(t, string(sections["dead_letters"]), `"value":{"minor":2500}`, `"at":"2012-09-07T02:46:12.000Z"`)
	for _, name := range []string{"at", "feeds", "rejects", "paths", "conflicts", "dead_letters", "truth", "spool"} {
		if sections[name] == nil {
			t.Errorf("there is no %s: %s", name, body)
		}
	}
	if strings.Contains(body+html, "127.0.0.1") {
		t.Error("an address of the inside is told")
	}
}

func TestFeedsOfAnotherWindowAreOfNow(t *testing.T) {
	f, site, _ := newSite(t)
	noPast(f)
	_, html := get(t, site, "/feeds?window=6h&theme=dark", "text/html")
	wantAll(t, html, `data-state="past"`, "figures of feeds.feeds", `<a href="/feeds?theme=dark&amp;window=6h" aria-current="true">6 hours</a>`)
	asked := strings.Join(f.asked, "\n")
	wantAll(t, asked, "feeds.feeds", "feeds.conflicts", "6h0m0s")
	if strings.Contains(asked, "feeds.conflicts 2") {
		t.Errorf("conflicts have no window: %s", asked)
	}
	_, body := get(t, site, "/api/v1/feeds?window=6h", "")
	wantAll(t, body, `"window":21600`, `"feeds":{"at":"2012`)
}

func TestFeedsOfThePastSayWhatIsNotKnown(t *testing.T) {
	f, site, _ := newSite(t)
	noPast(f)
	const at = "?at=2012-09-06T22:46:12-04:00"
	answer, html := get(t, site, "/feeds"+at, "text/html")
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /feeds: %s", answer.Status)
	}
	wantAll(t, html, "As of 10:46:12 PM EDT, Thu 6 Sep 2012", "figures of feeds.paths", "figures of feeds.conflicts", "Only the present is known of this")
	if strings.Contains(html, "figures of feeds.spool") {
		t.Error("the present is shown as the past")
	}
	_, body := get(t, site, "/api/v1/feeds"+at, "")
	wantAll(t, body, `"spool":{"at":null,"doubt":"only the present is known of this","value":null}`, `"conflicts":{"at":"2012-09-07T02:46:12.000Z"`)
	answer, body = get(t, site, "/api/v1/panels/feeds.spool"+at, "")
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("the spool of the past: %s %s", answer.Status, body)
	}
	for _, path := range []string{"/feeds", "/api/v1/feeds"} {
		if answer, _ := get(t, site, path+"?at=yesterday", "text/html"); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s of yesterday: %s", path, answer.Status)
		}
	}
}
