package sink

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// deadLetter is a record that can't be read, kept so that nothing acknowledged is ever lost. Record is free of
// personal data as every record is; Reason quotes none of it.
type deadLetter struct {
	Segment string    `json:"segment"`
	N       int       `json:"n"`
	At      time.Time `json:"at"`
	Reason  string    `json:"reason"`
	Record  []byte    `json:"record"`
}

// bury appends the letters to the file as JSON lines and returns when they are on disk. After a crash a letter may be
// there twice; (segment, n) tells.
func bury(path string, letters []deadLetter) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) //nolint:gosec // our own data folder
	if err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	out := json.NewEncoder(f)
	for _, letter := range letters {
		if err := out.Encode(letter); err != nil {
			return fmt.Errorf("dead letters: %w", err)
		}
	}
	return f.Sync()
}
