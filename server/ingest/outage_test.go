package ingest

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"warroom/server/campaign"
)

// A disk that is full for an hour must not be filled by the log.
func TestAnOutageIsLoggedOnce(t *testing.T) {
	r := newRig(t)
	door := r.Door(campaign.Donations)
	send := func(id string) int {
		q := httptest.NewRequest(http.MethodPost, "/v1/donations", strings.NewReader(gift(id)))
		q.Header.Set("Authorization", "Bearer "+everything)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, q)
		return w.Code
	}
	for range 2 {
		r.log.Reset()
		r.spools[campaign.Donations].fail(errors.New("no space"))
		for range 20 {
			if code := send("a"); code != http.StatusServiceUnavailable {
				t.Fatalf("got %d", code)
			}
		}
		r.spools[campaign.Donations].fail(nil)
		for range 20 {
			if code := send("a"); code != http.StatusAccepted {
				t.Fatalf("got %d", code)
			}
		}
		log := r.log.String()
		if lost, back := strings.Count(log, "level=WARN"), strings.Count(log, "level=INFO"); lost != 1 || back != 1 {
			t.Errorf("%d warnings and %d all-clears, want one of each:\n%s", lost, back, log)
		}
	}
}

// A spool that gave up waiting may still be writing: what it holds must not become another request's.
func TestRecordsOfAFailedAppendStayAsTheyAre(t *testing.T) {
	r := newRig(t)
	var given []byte
	failing := appendFunc(func(records ...[]byte) error {
		given = records[0]
		return errors.New("gave up")
	})
	for n := range 10 {
		door := &door{Doors: r.Doors, kind: campaign.Traffic, spool: failing, form: nativeForm(campaign.Traffic)}
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(hit(`"path":"/first"`)))
		req.Header.Set("Authorization", "Bearer "+everything)
		w := httptest.NewRecorder()
		door.ServeHTTP(w, req)
		before := string(given)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(before, "/first") {
			t.Fatalf("%d, kept %q", w.Code, before)
		}
		r.post(campaign.Traffic, hit(`"path":"/other"`)).is(202, 1, 0, 0)
		if string(given) != before {
			t.Fatalf("round %d: the record became %q", n, given)
		}
	}
}

type appendFunc func(records ...[]byte) error

func (f appendFunc) Append(_ context.Context, records ...[]byte) error { return f(records...) }
