// Package auth says who may do what: tokens of programs, sessions of people, and the one-time link that makes the first
// session. It stores hashes only, so a copy of its files opens nothing. It never talks HTTP beyond reading and making
// a cookie, and it decides nothing about single pages: whoever asks names the right that is needed.
//
// Its files are small JSON documents that are replaced as a whole, under a lock, so `warroom token` may change them
// while the server runs; the server sees it within a second.
package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"warroom/server/campaign"
)

// Role is what a token or a person may do.
type Role string

// The roles. A feed sends and reads nothing; the others read and send nothing.
const (
	Feed     Role = "feed"     // sends events of its kinds
	Reader   Role = "reader"   // boards and their figures
	Analyst  Role = "analyst"  // boards and SQL
	Operator Role = "operator" // boards, SQL, and the running of warroom
	Admin    Role = "admin"    // a person who came by the server's own link
)

// TokenRoles are the roles that a token can have.
func TokenRoles() []Role { return []Role{Feed, Reader, Analyst, Operator} }

// Grant is what one token or session allows. The zero Grant allows nothing.
type Grant struct {
	Name string // of the token; a feed's name
	Role Role

	kinds   []campaign.Kind
	token   string // id of the token, or
	session string // hash of the session's id
}

// MayRead says whether boards and their figures may be read.
func (g Grant) MayRead() bool { return g.MayQuery() || g.Role == Reader }

// MayQuery says whether SQL may be run on the analysts' views.
func (g Grant) MayQuery() bool { return g.Role == Analyst || g.Role == Operator || g.Role == Admin }

// MayOperate says whether warroom may be run: dead letters sent again.
func (g Grant) MayOperate() bool { return g.Role == Operator || g.Role == Admin }

// MayIngest says whether events of the kind may be sent.
func (g Grant) MayIngest(kind campaign.Kind) bool {
	if g.Role != Feed {
		return false
	}
	for _, k := range g.kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// Options of a Store.
type Options struct {
	Logger *slog.Logger
	Now    func() time.Time // nil = time.Now
}

// Store keeps tokens and sessions in a folder.
type Store struct {
	logger   *slog.Logger
	now      func() time.Time
	tokens   tokenFile
	sessions *sessions

	mu    sync.Mutex           // guards links
	links map[string]time.Time // hash of a one-time key → when it lapses
}

// Open reads the folder's files; the folder must exist.
func Open(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{logger: o.Logger, now: o.Now, links: map[string]time.Time{}, tokens: tokenFile{path: tokensPath(dir)}}
	if err := s.tokens.refresh(); err != nil {
		return nil, err
	}
	var err error
	if s.sessions, err = openSessions(filepath.Join(dir, "sessions.json"), o.Now); err != nil {
		return nil, err
	}
	return s, nil
}

// Check says why Open would refuse the folder's files, and changes nothing.
func Check(dir string) error {
	_, err := Open(dir, Options{})
	return err
}

// Close writes down when sessions were last used.
func (s *Store) Close() error { return s.sessions.save() }

// Authenticate finds the grant of a token; ok is false when it is unknown, revoked or expired.
func (s *Store) Authenticate(token string) (g Grant, ok bool) {
	rest, ok := strings.CutPrefix(token, tokenPrefix)
	if !ok {
		return Grant{}, false
	}
	id, secret, ok := strings.Cut(rest, "_")
	if !ok {
		return Grant{}, false
	}
	now, sum := s.now(), sha256.Sum256([]byte(secret))
	s.look(now)
	t, ok := s.tokens.find(id)
	if !ok || subtle.ConstantTimeCompare(t.sum, sum[:]) != 1 || !t.live(now) {
		return Grant{}, false
	}
	return t.grant, true
}

// look reads the tokens again when their file has changed. The old ones stay when it can't be read.
func (s *Store) look(now time.Time) {
	if err := s.tokens.lookAgain(now); err != nil {
		s.logger.Error("the tokens could not be read again; the known ones stay valid", "error", err)
	}
}

// Valid says whether what was granted is still granted: open websockets ask it again and again.
func (s *Store) Valid(g Grant) bool {
	switch {
	case g.token != "":
		now := s.now()
		s.look(now)
		t, ok := s.tokens.find(g.token)
		return ok && t.live(now)
	case g.session != "":
		return s.sessions.valid(g.session)
	}
	return false
}

// linkFor is how long a one-time link can be used.
const linkFor = time.Hour

// ErrLink says that a one-time link was used, has lapsed or never was one.
var ErrLink = errors.New("this link was used already or has lapsed: the server prints a new one when it starts")

// NewLink makes the key of a one-time link. It lives in memory only: a restart forgets it.
func (s *Store) NewLink() (key string, err error) {
	key = secretText()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.links[hash(key)] = s.now().Add(linkFor)
	return key, nil
}

// RedeemLink turns a key into the id of a new admin session, once. ErrLink when it can't.
func (s *Store) RedeemLink(key string) (session string, err error) {
	s.mu.Lock()
	until, ok := s.links[hash(key)]
	delete(s.links, hash(key))
	s.mu.Unlock()
	if !ok || s.now().After(until) {
		return "", ErrLink
	}
	return s.sessions.start(Admin, "admin")
}

// secretText is 256 bits of chance as lower-case letters and digits.
func secretText() string {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw))
}

// hash is how a secret is stored. The secrets are 256 random bits: a slow hash would add nothing.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
