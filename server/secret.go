package server

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// installSecret is the one given, or the one that this data folder was given at its first start. Losing it makes
// every donor a new donor, so it is on disk before it is used.
func installSecret(given, path string) ([]byte, error) {
	if given != "" {
		return []byte(given), nil
	}
	secret, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	return secret, err
}

func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // our own data folder
	if err != nil {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	secret := strings.TrimSpace(string(text))
	if len(secret) < 32 {
		return nil, fmt.Errorf("%s is damaged: want at least 32 characters; put it back from a backup, or donors will be counted anew", path)
	}
	return []byte(secret), nil
}

// makeSecret puts a new secret on disk. The file appears with its content or not at all: a start that is killed here
// must not leave a damaged one. When another start was faster, its secret is the one.
func makeSecret(path string) (_ []byte, err error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)                                     // never fails
	draft, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.WriteString(hex.EncodeToString(raw) + "\n")
	if err = errors.Join(err, draft.Sync(), draft.Close()); err != nil {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	if err := os.Link(draft.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return readSecret(path)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // our own data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// visitorKey names a visitor of warroom's own pages for one day: from address and browser, so that nothing personal is
// stored and nobody can be followed from one day to the next.
func visitorKey(secret []byte) func(address, agent string, day time.Time) string {
	key, err := hkdf.Key(sha256.New, secret, nil, "own visitors", 32)
	if err != nil {
		panic(err) // only for a key longer than 255 hashes
	}
	return func(address, agent string, day time.Time) string {
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s\n%s\n%s", day.UTC().Format(time.DateOnly), address, agent)
		return hex.EncodeToString(mac.Sum(nil)[:16])
	}
}
