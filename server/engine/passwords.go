package engine

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// passwords of the two accounts. They are made once per install and kept on disk, readable by their owner only.
type passwords struct {
	App     string `json:"app"`
	Analyst string `json:"analyst"`
}

func loadPasswords(path string) (passwords, error) {
	var p passwords
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
	case err != nil:
		return p, fmt.Errorf("the engine's passwords: %w", err)
	case json.Unmarshal(text, &p) == nil && p.App != "" && p.Analyst != "":
		return p, os.Chmod(path, 0o600)
	}
	// Missing or cut: nothing else knows the old ones, so new ones do as well.
	p = passwords{App: rand.Text() + rand.Text(), Analyst: rand.Text() + rand.Text()}
	text, err = json.Marshal(p) //nolint:gosec // this file is where the passwords are kept
	if err != nil {
		return p, err
	}
	return p, writePrivate(path, text)
}

// writePrivate replaces path, readable by its owner only, in one step.
func writePrivate(path string, text []byte) error {
	draft := path + ".new"
	if err := os.WriteFile(draft, text, 0o600); err != nil {
		return fmt.Errorf("the engine's folder: %w", err)
	}
	if err := os.Chmod(draft, 0o600); err != nil {
		return fmt.Errorf("the engine's folder: %w", err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("the engine's folder: %w", err)
	}
	return nil
}
