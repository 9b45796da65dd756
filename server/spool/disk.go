package spool

import (
	"errors"
	"os"
	"syscall"
)

// disk is the part of the operating system that can refuse. Tests put one in its place that refuses on purpose, or
// that forgets everything that was not fsynced.
type disk interface {
	create(path string) (file, error) // a new file, 0600; an error if there is one
	open(path string) (file, error)   // an existing file, to read and mend
	rename(from, to string) error
	remove(path string) error
	syncDir(dir string) error // makes names durable: files made, renamed and removed
}

// file is what the spool does with an open file.
type file interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// osDisk is the real one.
type osDisk struct{}

func (osDisk) create(path string) (file, error) {
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}

func (osDisk) open(path string) (file, error) { return os.OpenFile(path, os.O_RDWR, 0) }

func (osDisk) rename(from, to string) error { return os.Rename(from, to) }

func (osDisk) remove(path string) error { return os.Remove(path) }

func (osDisk) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// outOfSpace says whether the error goes away when somebody makes room or raises a limit.
func outOfSpace(err error) bool { return noSpace(err) || errors.Is(err, syscall.EFBIG) }

// noSpace says whether deleting files helps.
func noSpace(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
