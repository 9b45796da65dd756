package server

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"warroom/server/auth"
	"warroom/server/campaign"
)

// opened is a server that listens and whose engine never starts: enough for who may ask what.
func opened(t *testing.T) *Server {
	t.Helper()
	s, err := Open(Options{
		Addr: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data"), Currency: "USD", Zone: time.UTC,
		SpoolLimit: 64 << 20, SelfTraffic: true, Version: "test", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Server) token(t *testing.T, role auth.Role, kinds ...campaign.Kind) string {
	t.Helper()
	text, err := auth.Create(filepath.Join(s.Data, "state"), auth.Spec{Name: string(role), Role: role, Kinds: kinds}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (s *Server) serve(method, path, token string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader("{}"))
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, r)
	return w
}

// each calls do with every route that the router has, its parameters filled in.
func (s *Server) each(t *testing.T, do func(method, path string)) {
	t.Helper()
	err := chi.Walk(s.http.Handler.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		switch method {
		case http.MethodGet, http.MethodPost:
			route = strings.NewReplacer("{name}", "leadership", "{topic}", "money.hour", "*", "x").Replace(route)
			do(method, route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What a stranger may reach is a list; everything else, whatever is added to the router, is closed.
func TestStrangersReachOnlyWhatIsListed(t *testing.T) {
	s := opened(t)
	open := map[string]bool{
		"/-/healthy": true, "/healthz": true, "/-/ready": true, "/readyz": true, "/version": true,
		"/-/csp-report": true, "/static/x": true, "/favicon.ico": true, "/worker.js": true, "/enter": true, "/sign-in": true, "/sign-out": true,
	}
	routes := 0
	s.each(t, func(method, path string) {
		routes++
		code := s.serve(method, path, "").Code
		if open[path] {
			if code == http.StatusUnauthorized {
				t.Errorf("%s %s is closed to strangers", method, path)
			}
		} else if code != http.StatusUnauthorized {
			t.Errorf("%s %s answers a stranger with %d, want 401", method, path, code)
		}
	})
	if routes < 20 {
		t.Errorf("only %d routes were tried", routes)
	}
}

func TestRolesReachTheirRoutes(t *testing.T) {
	s := opened(t)
	tokens := map[auth.Role]string{}
	for _, role := range auth.TokenRoles() {
		tokens[role] = s.token(t, role)
	}
	mail := s.token(t, auth.Feed, campaign.Emails)
	const no = http.StatusForbidden
	for _, c := range []struct {
		method, path, token string
		forbidden           bool
	}{
		{"POST", "/v1/donations", tokens[auth.Feed], false},
		{"POST", "/v1/emails", mail, false},
		{"POST", "/v1/donations", mail, true},
		{"POST", "/v1/donations", tokens[auth.Reader], true},
		{"POST", "/v1/donations", tokens[auth.Operator], true},
		{"GET", "/api/v1/boards", tokens[auth.Feed], true},
		{"GET", "/api/v1/boards", tokens[auth.Reader], false},
		{"GET", "/feeds", tokens[auth.Feed], true},
		{"GET", "/feeds", tokens[auth.Reader], false},
		{"GET", "/api/v1/feeds", tokens[auth.Feed], true},
		{"GET", "/api/v1/feeds", tokens[auth.Reader], false},
		{"POST", "/feeds/dead-letters/send-again", tokens[auth.Feed], true},
		{"POST", "/feeds/dead-letters/send-again", tokens[auth.Reader], true},
		{"POST", "/feeds/dead-letters/send-again", tokens[auth.Analyst], true},
		{"POST", "/feeds/dead-letters/send-again", tokens[auth.Operator], false},
		{"GET", "/metrics", tokens[auth.Feed], true},
		{"GET", "/metrics", tokens[auth.Reader], false},
		{"GET", "/docs", tokens[auth.Feed], false},
		{"POST", "/api/v1/sql", tokens[auth.Reader], true},
		{"POST", "/api/v1/sql", tokens[auth.Analyst], false},
		{"POST", "/api/v1/sql", tokens[auth.Operator], false},
	} {
		if code := s.serve(c.method, c.path, c.token).Code; (code == no) != c.forbidden || code == http.StatusUnauthorized {
			t.Errorf("%s %s: %d, forbidden should be %v", c.method, c.path, code, c.forbidden)
		}
	}
}

// A page of another site can make a browser send its cookie, but not ours to act on it.
func TestOtherSitesCantAct(t *testing.T) {
	s := opened(t)
	key, err := s.auth.NewLink()
	if err != nil {
		t.Fatal(err)
	}
	entered := s.serve(http.MethodGet, "/enter?key="+key, "")
	cookie := entered.Result().Cookies()[0]
	session := cookie.Name + "=" + cookie.Value
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "http://evil.example"}, {"Origin", "null"},
	} {
		for _, path := range []string{"/sign-out", "/feeds/dead-letters/send-again"} {
			if w := s.serve(http.MethodPost, path, "", append(header, "Cookie", session)...); w.Code != http.StatusForbidden {
				t.Errorf("%s %v: %d, want 403", path, header, w.Code)
			}
		}
	}
	if w := s.serve(http.MethodGet, "/api/v1/boards", "", "Cookie", session); w.Code != http.StatusOK {
		t.Errorf("another site ended the session: %d", w.Code)
	}
	if w := s.serve(http.MethodPost, "/sign-out", "", "Sec-Fetch-Site", "same-origin", "Cookie", session); w.Code != http.StatusSeeOther {
		t.Errorf("signing out: %d", w.Code)
	}
	if w := s.serve(http.MethodGet, "/api/v1/boards", "", "Cookie", session); w.Code != http.StatusUnauthorized {
		t.Errorf("the session lives after signing out: %d", w.Code)
	}
}

func TestWrongMethodsNameTheRightOnes(t *testing.T) {
	s := opened(t)
	for path, allow := range map[string]string{"/v1/donations": "POST", "/-/healthy": "GET", "/api/v1/sql": "POST", "/version": "GET"} {
		w := s.serve(http.MethodDelete, path, "")
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != allow || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("DELETE %s: %d, Allow %q, %s", path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

func TestEveryAnswerCarriesTheHeaders(t *testing.T) {
	s := opened(t)
	s.each(t, func(method, path string) {
		h := s.serve(method, path, "").Header()
		if h.Get("Content-Security-Policy") != contentSecurityPolicy || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" {
			t.Errorf("%s %s: %v", method, path, h)
		}
	})
	if strings.Contains(contentSecurityPolicy, "unsafe") {
		t.Error("the policy allows what it should not")
	}
}
