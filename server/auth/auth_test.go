package auth

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"warroom/server/campaign"
)

// clock is a time that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, dir string) (*Store, *clock) {
	t.Helper()
	c := &clock{at: time.Now()}
	s, err := Open(dir, Options{Logger: slog.New(slog.DiscardHandler), Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func create(t *testing.T, dir string, spec Spec, at time.Time) string {
	t.Helper()
	text, err := Create(dir, spec, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRolesAllowWhatTheySay(t *testing.T) {
	for _, c := range []struct {
		role                Role
		read, query, ingest bool
	}{
		{Feed, false, false, true},
		{Reader, true, false, false},
		{Analyst, true, true, false},
		{Operator, true, true, false},
	} {
		dir := t.TempDir()
		text := create(t, dir, Spec{Name: "x", Role: c.role}, time.Now())
		s, _ := open(t, dir)
		g, ok := s.Authenticate(text)
		if !ok || g.Name != "x" || g.MayRead() != c.read || g.MayQuery() != c.query || g.MayIngest(campaign.Traffic) != c.ingest {
			t.Errorf("%s: grant %+v, %v", c.role, g, ok)
		}
	}
	if g := (Grant{}); g.MayRead() || g.MayQuery() || g.MayIngest(campaign.Donations) {
		t.Error("the zero grant allows something")
	}
}

func TestAFeedSendsItsKindsOnly(t *testing.T) {
	dir := t.TempDir()
	text := create(t, dir, Spec{Name: "mail", Role: Feed, Kinds: []campaign.Kind{campaign.Emails}}, time.Now())
	s, _ := open(t, dir)
	g, _ := s.Authenticate(text)
	if !g.MayIngest(campaign.Emails) || g.MayIngest(campaign.Donations) || g.MayIngest(campaign.Traffic) {
		t.Errorf("grant %+v", g)
	}
}

func TestWrongTokensAreRefused(t *testing.T) {
	dir := t.TempDir()
	text := create(t, dir, Spec{Name: "x", Role: Reader}, time.Now())
	s, _ := open(t, dir)
	last := byte('a')
	if text[len(text)-1] == last {
		last = 'b'
	}
	for _, wrong := range []string{"", "wrm_", "wrm_x", "wrm__", text[:len(text)-1], text[:len(text)-1] + string(last), "Bearer " + text, strings.ToUpper(text)} {
		if _, ok := s.Authenticate(wrong); ok {
			t.Errorf("%q was let in", wrong)
		}
	}
}

func TestTheFilesOpenNothing(t *testing.T) {
	dir := t.TempDir()
	text := create(t, dir, Spec{Name: "x", Role: Reader}, time.Now())
	s, _ := open(t, dir)
	key, _ := s.NewLink()
	session, err := s.RedeemLink(key)
	if err != nil {
		t.Fatal(err)
	}
	secret := text[strings.LastIndex(text, "_")+1:]
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, leaked := range []string{secret, session, key} {
			if strings.Contains(string(content), leaked) {
				t.Errorf("%s holds a secret", filepath.Base(path))
			}
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(path), info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestARunningServerSeesNewAndRevokedTokens(t *testing.T) {
	dir := t.TempDir()
	s, c := open(t, dir)
	text := create(t, dir, Spec{Name: "late", Role: Reader}, c.now())
	c.pass(2 * lookEvery)
	g, ok := s.Authenticate(text)
	if !ok || !s.Valid(g) {
		t.Fatal("a token made while the server runs is not known after two seconds")
	}
	if n, err := Revoke(dir, "late", c.now()); n != 1 || err != nil {
		t.Fatalf("revoked %d, %v", n, err)
	}
	c.pass(2 * lookEvery)
	if _, ok := s.Authenticate(text); ok || s.Valid(g) {
		t.Error("a revoked token is still good after two seconds")
	}
	if _, err := Revoke(dir, "late", c.now()); err == nil {
		t.Error("revoking it again says nothing")
	}
}

func TestTokensExpire(t *testing.T) {
	dir := t.TempDir()
	s, c := open(t, dir)
	text := create(t, dir, Spec{Name: "x", Role: Reader, For: time.Hour}, c.now())
	c.pass(59 * time.Minute)
	g, ok := s.Authenticate(text)
	if !ok {
		t.Fatal("refused before its time")
	}
	c.pass(2 * time.Minute)
	if _, ok := s.Authenticate(text); ok || s.Valid(g) {
		t.Error("still good after its time")
	}
}

func TestADamagedFileKeepsTheKnownTokens(t *testing.T) {
	dir := t.TempDir()
	text := create(t, dir, Spec{Name: "x", Role: Reader}, time.Now())
	s, c := open(t, dir)
	if err := os.WriteFile(tokensPath(dir), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.pass(2 * lookEvery)
	if _, ok := s.Authenticate(text); !ok {
		t.Error("a known token is refused because the file can't be read")
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "tokens.json is damaged") {
		t.Errorf("opening a damaged file: %v", err)
	}
}

func TestWrongSpecsAreNamed(t *testing.T) {
	for want, spec := range map[string]Spec{
		"--name":    {Name: "a b", Role: Feed},
		"--role":    {Name: "a", Role: "boss"},
		"--kinds":   {Name: "a", Role: Reader, Kinds: campaign.Kinds()},
		"--expires": {Name: "a", Role: Reader, For: -time.Hour},
	} {
		_, err := Create(t.TempDir(), spec, time.Now())
		var wrong *SpecError
		if !errors.As(err, &wrong) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestManyProgramsMakeTokensAtOnce(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := Create(dir, Spec{Name: "x", Role: Feed}, time.Now()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if list, err := List(dir); len(list) != 20 || err != nil {
		t.Errorf("%d tokens, %v, want 20", len(list), err)
	}
}

func withCookie(c *http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(c)
	return r
}

func TestALinkMakesOneSession(t *testing.T) {
	s, c := open(t, t.TempDir())
	key, _ := s.NewLink()
	session, err := s.RedeemLink(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{key, "", "x"} {
		if _, err := s.RedeemLink(key); !errors.Is(err, ErrLink) {
			t.Errorf("%q: %v", key, err)
		}
	}
	g, ok := s.FromCookie(withCookie(Cookie(session, false)))
	if !ok || !g.MayQuery() || !s.Valid(g) {
		t.Errorf("grant %+v, %v", g, ok)
	}
	late, _ := s.NewLink()
	c.pass(linkFor + time.Second)
	if _, err := s.RedeemLink(late); !errors.Is(err, ErrLink) {
		t.Errorf("a lapsed link: %v", err)
	}
}

func TestSessionsSurviveARestartUntilTheyEnd(t *testing.T) {
	dir := t.TempDir()
	s, _ := open(t, dir)
	key, _ := s.NewLink()
	session, err := s.RedeemLink(key)
	if err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	cookie := Cookie(session, true)
	if cookie.Name != "__Host-warroom" || !cookie.Secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" {
		t.Errorf("cookie %+v", cookie)
	}

	s, c := open(t, dir)
	g, ok := s.FromCookie(withCookie(cookie))
	if !ok {
		t.Fatal("signed out by a restart")
	}
	if err := s.Logout(g); err != nil {
		t.Fatal(err)
	}
	if _, ok := s.FromCookie(withCookie(cookie)); ok || s.Valid(g) {
		t.Error("a stolen cookie is good after signing out")
	}

	key, _ = s.NewLink()
	idle, _ := s.RedeemLink(key)
	c.pass(idleFor + time.Minute)
	if _, ok := s.FromCookie(withCookie(Cookie(idle, false))); ok {
		t.Error("a session is good after two idle weeks")
	}
}

func TestUseKeepsASessionButNotForEver(t *testing.T) {
	s, c := open(t, t.TempDir())
	key, _ := s.NewLink()
	session, _ := s.RedeemLink(key)
	r := withCookie(Cookie(session, false))
	for range int(atMost/(24*time.Hour)) - 1 {
		c.pass(24 * time.Hour)
		if _, ok := s.FromCookie(r); !ok {
			t.Fatal("a session in daily use ended early")
		}
	}
	c.pass(25 * time.Hour)
	if _, ok := s.FromCookie(r); ok {
		t.Error("a session lives for ever")
	}
}

func TestBearer(t *testing.T) {
	for header, want := range map[string]string{"Bearer abc": "abc", "bearer abc": "abc", "Basic abc": "", "abc": "", "": ""} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Authorization", header)
		if got, ok := Bearer(r); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", header, got, ok)
		}
	}
}
