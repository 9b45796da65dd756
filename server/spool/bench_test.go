package spool

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// BenchmarkAppend compares Append with what one would write without a spool: every record a write and an fsync of one
// file behind a lock. "x-plain" is how many times as many records a second the spool keeps, on the same disk.
func BenchmarkAppend(b *testing.B) {
	record := bytes.Repeat([]byte("r"), 200)
	for _, appenders := range []int{1, 64} {
		b.Run(fmt.Sprintf("appenders=%d", appenders), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			plain := newPlain(b)
			b.SetBytes(int64(len(record)))
			b.ResetTimer()
			ours := share(b, appenders, func() error { return s.Append(b.Context(), record) })
			b.StopTimer()
			theirs := share(b, appenders, func() error { return plain.append(record) })
			b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-plain")
		})
	}
}

// BenchmarkAppendMany is one sender with a thousand records a request; its peer writes and syncs the same bytes at once.
func BenchmarkAppendMany(b *testing.B) {
	records := make([][]byte, 1000)
	for i := range records {
		records[i] = bytes.Repeat([]byte("r"), 200)
	}
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	plain, all := newPlain(b), bytes.Join(records, nil)
	b.SetBytes(int64(len(all)))
	b.ReportAllocs()
	b.ResetTimer()
	ours := share(b, 1, func() error { return s.Append(b.Context(), records...) })
	b.StopTimer()
	theirs := share(b, 1, func() error { return plain.append(all) })
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "x-plain")
}

// BenchmarkRecover is Open on a spool of 64 MiB: "s/GiB" is what an outage costs at the next start. The peer only reads
// the files: "x-read" is how many times as long Open takes.
func BenchmarkRecover(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	records := make([][]byte, 64<<20/220)
	for i := range records {
		records[i] = bytes.Repeat([]byte("r"), 200)
	}
	if err := s.Append(b.Context(), records...); err != nil {
		b.Fatal(err)
	}
	size := s.Stats().Bytes
	b.SetBytes(size)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		started := time.Now()
		s, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		ours += time.Since(started)
		b.StopTimer()
		theirs += readAll(b, dir)
		b.StartTimer()
	}
	b.ReportMetric(ours.Seconds()/float64(b.N)*float64(1<<30)/float64(size), "s/GiB")
	b.ReportMetric(float64(ours)/float64(theirs), "x-read")
}

// readAll reads the files of a folder and returns how long that took.
func readAll(b *testing.B, dir string) time.Duration {
	b.Helper()
	started := time.Now()
	files, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range files {
		if _, err := os.ReadFile(filepath.Join(dir, f.Name())); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(started)
}

// share divides b.N calls among the appenders.
func share(b *testing.B, appenders int, call func() error) time.Duration {
	started := time.Now()
	var working sync.WaitGroup
	for a := range appenders {
		working.Go(func() {
			for range (b.N + appenders - 1 - a) / appenders {
				if err := call(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	working.Wait()
	return time.Since(started)
}

type plain struct {
	mu   sync.Mutex
	file *os.File
}

func newPlain(b *testing.B) *plain {
	f, err := os.Create(filepath.Join(b.TempDir(), "plain"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	return &plain{file: f}
}

func (p *plain) append(record []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := p.file.Write(record); err != nil {
		return err
	}
	return p.file.Sync()
}
