package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// locks keep a folder to one process. The child inherits its lock: while a killed warroom's child still lives, the
// folder is not free.
type locks struct{ own, child *os.File }

// errHeld says that another process has the lock.
var errHeld = errors.New("held by another process")

// takeLocks makes dir and locks it. It fails at once when another warroom lives there, and waits for an orphaned child.
func takeLocks(ctx context.Context, dir string, orphan time.Duration) (_ *locks, err error) {
	if err := private(dir); err != nil {
		return nil, err
	}
	l := &locks{}
	if l.own, err = lockFile(filepath.Join(dir, "lock")); err != nil {
		if errors.Is(err, errHeld) {
			return nil, fmt.Errorf("another warroom uses %s: stop it, or give this one another folder (WARROOM_DATA)", dir)
		}
		return nil, err
	}
	until := time.Now().Add(orphan)
	for {
		if l.child, err = lockFile(filepath.Join(dir, "child.lock")); err == nil {
			return l, nil
		}
		if !errors.Is(err, errHeld) {
			return nil, errors.Join(err, l.release())
		}
		if time.Now().After(until) {
			err := fmt.Errorf("the engine of an earlier warroom still uses %s and does not end: "+
				"find it with `pgrep -af ^%s` and stop it", dir, childName)
			return nil, errors.Join(err, l.release())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), l.release())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lockFile returns errHeld when another process has path locked.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the engine's folder: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errHeld
	}
	return nil, fmt.Errorf("lock %s: %w", path, err)
}

// release gives the folder back. It may be called again.
func (l *locks) release() error {
	var errs []error
	for _, f := range []*os.File{l.child, l.own} {
		if f == nil {
			continue
		}
		if err := f.Close(); !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
