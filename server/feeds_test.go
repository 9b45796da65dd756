package server

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"warroom/server/auth"
)

// post sends a form, as a browser or as a program.
func (s *Server) post(path, token, accept string, form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Accept", accept)
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

const sendAgain = "/feeds/dead-letters/send-again"

func TestSendingAgainSaysWhatBecameOfIt(t *testing.T) {
	s := opened(t)
	operator, reader := s.token(t, auth.Operator), s.token(t, auth.Reader)
	if w := s.post(sendAgain, operator, "", url.Values{"kind": {"gifts"}}); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `"field":"kind"`) {
		t.Errorf("an unknown kind: %d %s", w.Code, w.Body)
	}
	// There is no engine yet: nothing can be counted, and that is said.
	letters := url.Values{"kind": {"donations"}, "reason": {"record is cut"}}
	w := s.post(sendAgain, operator, "application/json", letters)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"failed":0,"sent":0,"trouble":"the engine is starting"`) {
		t.Errorf("a program: %d %s", w.Code, w.Body)
	}
	w = s.post(sendAgain, operator, "text/html,*/*", letters)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/feeds#p-feeds-letters" {
		t.Errorf("a browser: %d, Location %q", w.Code, w.Header().Get("Location"))
	}
	var feeds struct {
		DeadLetters struct {
			Value struct {
				Last struct{ Kind, Reason, Trouble string } `json:"last_sent_again"`
			}
		} `json:"dead_letters"`
	}
	w = s.serve(http.MethodGet, "/api/v1/feeds", reader)
	if err := json.Unmarshal(w.Body.Bytes(), &feeds); err != nil || feeds.DeadLetters.Value.Last.Reason != "record is cut" ||
		feeds.DeadLetters.Value.Last.Trouble != "the engine is starting" {
		t.Errorf("the report: %v %s", err, w.Body)
	}
}

// Without an engine the page has what the process knows, and says why the rest is missing.
func TestFeedsBeforeTheEngineIsUp(t *testing.T) {
	s := opened(t)
	feed, reader, operator := s.token(t, auth.Feed), s.token(t, auth.Reader), s.token(t, auth.Operator)
	s.serve(http.MethodPost, "/v1/donations", feed, "Content-Type", "application/json") // refused: {} has no id
	w := s.serve(http.MethodGet, "/api/v1/feeds", reader)
	for _, part := range []string{`"feed":"feed"`, `"rejected":1`, `"reason":"is missing"`, `"doubt":"the engine is starting"`, `"waiting":0`} {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("no %s in %s", part, w.Body)
		}
	}
	w = s.serve(http.MethodGet, "/feeds", reader)
	if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "data-operate") {
		t.Errorf("a reader's page: %d, %s", w.Code, w.Body)
	}
	if w = s.serve(http.MethodGet, "/feeds", operator); !strings.Contains(w.Body.String(), "data-operate") {
		t.Error("an operator's page has no button")
	}
}
