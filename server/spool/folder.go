package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// makeFolder makes the folder and its name durable, and the names of the folders above, which may be as new.
func makeFolder(d disk, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("spool: can't make %s: %w", dir, err)
	}
	for range 3 { // data/spool/kind
		dir = filepath.Dir(dir)
		err := d.syncDir(dir)
		// A folder that we may not open was not made by us, and one that can't be synced has nothing to make durable.
		if err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("spool: can't make the folder durable in %s: %w: look at the disk", dir, err)
		}
	}
	return nil
}

// own locks the folder. The lock ends with the process, however it ends.
func own(dir string) (*os.File, error) {
	path := filepath.Join(dir, "lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool: can't write in %s: %w", dir, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		if err = f.Truncate(0); err == nil {
			_, err = fmt.Fprintf(f, "%d\n", os.Getpid()) // for the message below only
		}
		if err == nil || outOfSpace(err) {
			return f, nil
		}
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		owner := make([]byte, 20)
		n, _ := f.Read(owner)
		err = fmt.Errorf("%w: another warroom uses %s (process %s): stop it, or give this one a data folder of its own",
			ErrInUse, dir, bytes.TrimSpace(owner[:n]))
	} else {
		err = fmt.Errorf("spool: can't lock %s: %w", path, err)
	}
	return nil, errors.Join(err, f.Close())
}
