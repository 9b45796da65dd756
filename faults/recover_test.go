package faults

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"warroom/server/spool"
)

// A large spool is open again quickly, from a cold disk.
func TestRecoveryOfALargeSpool(t *testing.T) {
	f := newFault(t, "start with a large spool")
	dir, size := t.TempDir(), int64(pick(32, 1024))<<20
	s, err := spool.Open(dir, spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	records := make([][]byte, 2000)
	for i := range records {
		records[i] = bytes.Repeat([]byte("e"), 50+f.IntN(500))
	}
	for s.Stats().Bytes < size {
		if err := s.Append(t.Context(), records...); err != nil {
			t.Fatal(err)
		}
		f.acked += len(records)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	forget(t, dir)
	since := time.Now()
	if s, err = spool.Open(dir, spool.Options{}); err != nil {
		t.Fatal(err)
	}
	took := time.Since(since)
	f.runs = 1
	f.recovered(took)
	f.note = fmt.Sprintf("%d MiB of events, cold", size>>20)
	within(t, "opening the spool", took, 2*time.Second)
	if n := s.Stats().Records; n != f.acked {
		f.lost = f.acked - n
		t.Errorf("%d records are there, want %d", n, f.acked)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// forget takes a folder's files out of the page cache.
func forget(t *testing.T, dir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		f, err := os.Open(path)
		if err == nil {
			err = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		}
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
