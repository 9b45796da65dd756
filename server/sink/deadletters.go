package sink

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// bury appends the letters to the file as JSON lines and returns when they are on disk, the file's name included.
// After a crash a letter may be there twice, or cut, which leaves a line that is no JSON; (segment, n) tells.
func bury(path string, letters []deadLetter) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("dead letters: %w", err)
		}
	}()
	lines, err := encodeLetters(letters)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if cut, err := endsInsideLine(f); err != nil {
		return err
	} else if cut {
		lines = append([]byte{'\n'}, lines...)
	}
	if _, err := f.Write(lines); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return errors.Join(syncFolder(filepath.Dir(path)), syncFolder(filepath.Dir(filepath.Dir(path))))
}

func encodeLetters(letters []deadLetter) ([]byte, error) {
	var lines bytes.Buffer
	out := json.NewEncoder(&lines)
	for _, letter := range letters {
		if err := out.Encode(letter); err != nil {
			return nil, err
		}
	}
	return lines.Bytes(), nil
}

// endsInsideLine says whether a crash has cut the last line.
func endsInsideLine(f *os.File) (bool, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return false, err
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return last[0] != '\n', err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
