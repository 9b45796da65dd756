package auth

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A session ends after this long without use, and after this long whatever is done.
const (
	idleFor  = 14 * 24 * time.Hour
	atMost   = 60 * 24 * time.Hour
	noteUsed = time.Hour // how exactly the last use is written down
)

// The cookie's names: with https browsers hold the stricter one to its host.
const (
	cookieName       = "warroom"
	secureCookieName = "__Host-warroom"
)

// session is one signed-in browser, kept under the hash of its id.
type session struct {
	Role    Role      `json:"role"`
	Name    string    `json:"name"`
	Started time.Time `json:"started"`
	Used    time.Time `json:"used"`
}

func (s session) live(now time.Time) bool {
	return now.Sub(s.Used) < idleFor && now.Sub(s.Started) < atMost
}

// sessions are kept on disk too: a restart must not sign out a room that watches all night.
type sessions struct {
	path string
	now  func() time.Time

	mu   sync.Mutex // guards open and the file
	open map[string]session
}

func openSessions(path string, now func() time.Time) (*sessions, error) {
	s := &sessions{path: path, now: now, open: map[string]session{}}
	if err := read(path, &s.open); err != nil {
		return nil, err
	}
	for key, session := range s.open {
		if !session.live(now()) {
			delete(s.open, key)
		}
	}
	return s, nil
}

func (s *sessions) start(role Role, name string) (id string, err error) {
	id = secretText()
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now().UTC()
	s.open[hash(id)] = session{Role: role, Name: name, Started: now, Used: now}
	if err := write(s.path, s.open); err != nil {
		delete(s.open, hash(id))
		return "", err
	}
	return id, nil
}

// use finds the session of an id and notes that it was used.
func (s *sessions) use(id string) (Grant, bool) {
	key := hash(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[key]
	now := s.now().UTC()
	if !ok || !found.live(now) {
		return Grant{}, false
	}
	if now.Sub(found.Used) > noteUsed {
		found.Used = now
		s.open[key] = found
		_ = write(s.path, s.open) // a full disk must not sign anybody out; Close writes it again
	}
	return Grant{Name: found.Name, Role: found.Role, session: key}, true
}

func (s *sessions) valid(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.open[key]
	return ok && found.live(s.now())
}

func (s *sessions) end(key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, key)
	return write(s.path, s.open)
}

func (s *sessions) save() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open) == 0 {
		return nil
	}
	return write(s.path, s.open)
}

// FromCookie finds the grant of a browser's session.
func (s *Store) FromCookie(r *http.Request) (Grant, bool) {
	for _, name := range []string{secureCookieName, cookieName} {
		if c, err := r.Cookie(name); err == nil {
			if g, ok := s.sessions.use(c.Value); ok {
				return g, true
			}
		}
	}
	return Grant{}, false
}

// Logout ends a session everywhere: its open websockets see it within seconds. A token's grant can't be ended so.
func (s *Store) Logout(g Grant) error {
	if g.session == "" {
		return fmt.Errorf("%s has no session to end", g.Name)
	}
	return s.sessions.end(g.session)
}

// Cookie carries a session's id to the browser; an empty id takes it away.
func Cookie(id string, secure bool) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // Secure follows the scheme: plain http is for this machine only
		Name: cookieName, Value: id, Path: "/", HttpOnly: true, Secure: secure,
		SameSite: http.SameSiteLaxMode, MaxAge: int(atMost.Seconds()),
	}
	if secure {
		c.Name = secureCookieName
	}
	if id == "" {
		c.MaxAge = -1
	}
	return c
}

// Bearer is the token of the Authorization header; ok is false when the request shows none.
func Bearer(r *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}
