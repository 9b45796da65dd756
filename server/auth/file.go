package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// read fills v from a JSON file; a file that isn't there leaves v as it is.
func read(path string, v any) error {
	text, err := os.ReadFile(path) //nolint:gosec // our own data folder
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%s is damaged: %w: put it back from a backup, or remove it and make its tokens or sessions anew", path, err)
	}
	return nil
}

// write replaces a file as a whole: after a crash it holds the old content or the new one.
func write(path string, v any) (err error) {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.Write(append(text, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // our own data folder
	if err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// locked runs change while no other program changes the same file.
func locked(path string, change func() error) (err error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own data folder
	if err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // closing unlocks
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return fmt.Errorf("WARROOM_DATA: lock %s: %w", path, err)
	}
	return change()
}
