package auth

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"warroom/server/campaign"
)

// tokenPrefix lets a secret scanner recognise a token: wrm_<id>_<secret>.
const tokenPrefix = "wrm_"

// lookEvery is how often a changed token file is looked for.
const lookEvery = time.Second

// Token is one token as it is stored: without its secret.
type Token struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    Role      `json:"role"`
	Kinds   []string  `json:"kinds,omitempty"` // feeds only
	Hash    string    `json:"hash"`            // SHA-256 of the secret, hex
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

func (t Token) live(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// State is "live", "expired" or "revoked".
func (t Token) State(now time.Time) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked"
	case !t.live(now):
		return "expired"
	}
	return "live"
}

func (t Token) grant() Grant {
	g := Grant{Name: t.Name, Role: t.Role, token: t.ID}
	for _, word := range t.Kinds {
		if kind, ok := campaign.ParseKind(word); ok {
			g.kinds = append(g.kinds, kind)
		}
	}
	return g
}

// Spec is a token to be made.
type Spec struct {
	Name  string
	Role  Role
	Kinds []campaign.Kind // feeds only; none = all
	For   time.Duration   // 0 = until it is revoked
}

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// SpecError says what is wrong with a Spec, in the words of the command line.
type SpecError struct{ Says string }

func (e *SpecError) Error() string { return e.Says }

func (spec *Spec) check() error {
	wrong := func(format string, args ...any) error { return &SpecError{fmt.Sprintf(format, args...)} }
	switch {
	case !goodName.MatchString(spec.Name):
		return wrong("--name %q: want 1 to 64 letters, digits, dots, dashes or underscores, such as actblue", spec.Name)
	case !slices.Contains(TokenRoles(), spec.Role):
		return wrong("--role %q: want feed, reader, analyst or operator", spec.Role)
	case spec.Role != Feed && len(spec.Kinds) > 0:
		return wrong("--kinds: only a feed has kinds, %s sends nothing", spec.Role)
	case spec.For < 0:
		return wrong("--expires %s: want a duration from now, such as 720h", spec.For)
	}
	if spec.Role == Feed && len(spec.Kinds) == 0 {
		spec.Kinds = campaign.Kinds()
	}
	return nil
}

// Create makes a token in the folder and returns its text, which is stored nowhere. Two tokens may have one name: a
// new one is made before the old one is revoked.
func Create(dir string, spec Spec, now time.Time) (text string, err error) {
	if err := spec.check(); err != nil {
		return "", err
	}
	secret := secretText()
	t := Token{ID: secretText()[:10], Name: spec.Name, Role: spec.Role, Hash: hash(secret), Created: now.UTC()}
	for _, kind := range spec.Kinds {
		t.Kinds = append(t.Kinds, kind.String())
	}
	if spec.For > 0 {
		t.Expires = now.Add(spec.For).UTC()
	}
	err = changeTokens(dir, func(list []Token) ([]Token, error) { return append(list, t), nil })
	return tokenPrefix + t.ID + "_" + secret, err
}

// List returns the folder's tokens, oldest first.
func List(dir string) ([]Token, error) {
	f := tokenFile{path: tokensPath(dir)}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f.list, nil
}

// Revoke ends the live tokens with this id or name and returns how many there were.
func Revoke(dir, which string, now time.Time) (n int, err error) {
	err = changeTokens(dir, func(list []Token) ([]Token, error) {
		for i := range list {
			if (list[i].ID == which || list[i].Name == which) && list[i].live(now) {
				list[i].Revoked = now.UTC()
				n++
			}
		}
		if n == 0 {
			return nil, fmt.Errorf("no live token has the id or name %q: `warroom token list` shows them", which)
		}
		return list, nil
	})
	return n, err
}

func tokensPath(dir string) string { return filepath.Join(dir, "tokens.json") }

// changeTokens replaces the file under a lock that all programs share.
func changeTokens(dir string, change func([]Token) ([]Token, error)) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	path := tokensPath(dir)
	return locked(path, func() error {
		var list []Token
		if err := read(path, &list); err != nil {
			return err
		}
		list, err := change(list)
		if err != nil {
			return err
		}
		return write(path, list)
	})
}

// tokenFile is the file as it was last read.
type tokenFile struct {
	path string

	mu     sync.RWMutex // guards what follows
	list   []Token
	byID   map[string]known
	stamp  os.FileInfo // of the file that was read; nil when there was none
	looked time.Time
}

// known is a token and what it allows: feeds ask for it with every request.
type known struct {
	Token
	sum   []byte // its Hash
	grant Grant
}

func (f *tokenFile) find(id string) (known, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	t, ok := f.byID[id]
	return t, ok
}

// lookAgain reads the file when it has changed since, and looks at most once a second.
func (f *tokenFile) lookAgain(now time.Time) error {
	f.mu.RLock()
	fresh := now.Sub(f.looked) < lookEvery && !now.Before(f.looked)
	f.mu.RUnlock()
	if fresh {
		return nil
	}
	f.mu.Lock()
	f.looked = now
	before := f.stamp
	f.mu.Unlock()
	stamp, err := os.Stat(f.path)
	if errors.Is(err, os.ErrNotExist) && before == nil {
		return nil
	}
	// The file is replaced, never written in place: another inode is another content.
	if err == nil && before != nil && os.SameFile(stamp, before) && stamp.ModTime().Equal(before.ModTime()) {
		return nil
	}
	return f.refresh()
}

func (f *tokenFile) refresh() error {
	stamp, err := os.Stat(f.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	var list []Token
	if err := read(f.path, &list); err != nil {
		return err
	}
	byID := make(map[string]known, len(list))
	for _, t := range list {
		sum, _ := hex.DecodeString(t.Hash) // one that is damaged fits no secret
		byID[t.ID] = known{t, sum, t.grant()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list, f.byID, f.stamp = list, byID, stamp
	return nil
}
