package server

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestTheSecretIsMadeOnceAndKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	first, err := installSecret("", path)
	if err != nil || len(first) < 32 {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	again, err := installSecret("", path)
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("another secret at the second start, %v", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	given, err := installSecret(strings.Repeat("x", 40), path)
	if err != nil || string(given) != strings.Repeat("x", 40) {
		t.Errorf("the given secret is not used: %v", err)
	}
}

// Whoever sees the file sees all of it: a start that is killed while it makes the secret leaves no damaged one, and of
// two starts at once both use the same.
func TestStartsAtOnceMakeOneSecret(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "secret")
		var starts sync.WaitGroup
		secrets := make([][]byte, 8)
		for i := range secrets {
			starts.Go(func() {
				var err error
				if secrets[i], err = installSecret("", path); err != nil {
					t.Error(err)
				}
			})
		}
		starts.Wait()
		for _, secret := range secrets {
			if !bytes.Equal(secret, secrets[0]) {
				t.Fatal("two starts use two secrets")
			}
		}
		if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
			t.Errorf("%d files, %v, want the secret alone", len(files), err)
		}
	}
}

func TestADamagedSecretIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := installSecret("", path); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("want an error that says so, got %v", err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "short\n" {
		t.Errorf("the file was changed: %q, %v", text, err)
	}
}

func TestVisitorsAreKnownForADay(t *testing.T) {
	key := visitorKey([]byte(strings.Repeat("k", 32)))
	day := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	if key("10.0.0.1", "browser", day) != key("10.0.0.1", "browser", day.Add(time.Hour)) {
		t.Error("one visitor counts twice on a day")
	}
	for name, other := range map[string]string{
		"the next day":    key("10.0.0.1", "browser", day.Add(24*time.Hour)),
		"another address": key("10.0.0.2", "browser", day),
		"another browser": key("10.0.0.1", "other", day),
		"another install": visitorKey([]byte(strings.Repeat("l", 32)))("10.0.0.1", "browser", day),
	} {
		if other == key("10.0.0.1", "browser", day) {
			t.Errorf("%s has the same key", name)
		}
	}
}
