package server

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

func readTruth(path string) (state truthState, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &state)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if state.Rows == nil {
		state.Rows = map[string]uint64{}
	}
	if state.Incomplete == nil {
		state.Incomplete = map[string]incomplete{}
	}
	if state.Accepted == nil {
		state.Accepted = map[string]int{}
	}
	return state, err
}

// save keeps the state. The caller holds mu.
func (t *truth) save() {
	text, err := json.MarshalIndent(t.state, "", "  ")
	if err == nil {
		err = replaceFile(t.path, append(text, '\n'))
	}
	if err != nil {
		t.logger.Error("what is known of the totals was not kept", "error", err)
	}
}

func replaceFile(path string, text []byte) error {
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close(), os.Rename(draft, path))
}

// acceptPath is the file by which an operator accepts that rows are missing: its appearing is the word.
func acceptPath(data string) string { return filepath.Join(data, "state", "truth.accepted") }
