package spool

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkAppend is Append as the doors use it: many senders with one record each, and few with a thousand. The floor is
// what nobody can go below on this disk: one write and one fdatasync for each group that the spool made, of as many
// bytes, without records, checksums, queue or senders. "x-floor" compares the time, "cpu-x-floor" the CPU.
func BenchmarkAppend(b *testing.B) {
	for _, c := range []struct{ appenders, records, bytes int }{{1, 1, 200}, {32, 1, 200}, {8, 1000, 150}} {
		b.Run(fmt.Sprintf("appenders=%d/records=%d", c.appenders, c.records), func(b *testing.B) {
			d := &counting{}
			s, err := open(b.TempDir(), Options{}, d, fullSegment)
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			batch := make([][]byte, c.records)
			for i := range batch {
				batch[i] = bytes.Repeat([]byte("r"), c.bytes)
			}
			b.SetBytes(int64(c.records * c.bytes))
			b.ReportAllocs()
			b.ResetTimer()
			cpu := cpuTime(b)
			ours := share(b, c.appenders, func() error { return s.Append(b.Context(), batch...) })
			cpu = cpuTime(b) - cpu
			b.StopTimer()
			floor, floorCPU := d.floor(b)
			records := float64(b.N * c.records)
			b.ReportMetric(float64(cpu.Nanoseconds())/records, "cpu-ns/record")
			b.ReportMetric(records/float64(d.syncs.Load()), "records/sync")
			b.ReportMetric(ours.Seconds()/floor.Seconds(), "x-floor")
			b.ReportMetric(cpu.Seconds()/floorCPU.Seconds(), "cpu-x-floor")
		})
	}
}

// counting counts what is written and how often it is synced.
type counting struct {
	osDisk
	bytes, syncs atomic.Int64
}

type countingFile struct {
	file
	disk *counting
}

func (d *counting) create(path string) (file, error) {
	f, err := d.osDisk.create(path)
	return countingFile{f, d}, err
}

func (f countingFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.bytes.Add(int64(len(p)))
	return f.file.WriteAt(p, off)
}

func (f countingFile) Sync() error {
	f.disk.syncs.Add(1)
	return f.file.Sync()
}

// floor writes as many bytes with as many syncs, into new files of a segment's size: pages of the cache that were just
// freed are cheaper than new ones.
func (d *counting) floor(b *testing.B) (took, cpu time.Duration) {
	b.Helper()
	dir, syncs := b.TempDir(), d.syncs.Load()
	block := make([]byte, d.bytes.Load()/syncs)
	perFile := max(1, fullSegment.bytes/int64(len(block)))
	started, before := time.Now(), cpuTime(b)
	for first := int64(0); first < syncs; first += perFile {
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(first)))
		if err != nil {
			b.Fatal(err)
		}
		for i := range min(perFile, syncs-first) {
			_, err := f.WriteAt(block, i*int64(len(block)))
			if err == nil {
				err = unix.Fdatasync(int(f.Fd()))
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		_ = f.Close()
	}
	return time.Since(started), cpuTime(b) - before
}

// cpuTime is the CPU that this process has used.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkOpen is Open on a spool of 64 MiB that waits: "s/GiB" is what an outage costs at the next start. The peer only
// reads the same files through a CRC32C: "x-read" is how many times as long Open takes. Cold means that the files are not
// in memory, so that the disk sets the pace of both.
func BenchmarkOpen(b *testing.B) {
	for _, cold := range []bool{false, true} {
		b.Run(map[bool]string{false: "warm", true: "cold"}[cold], func(b *testing.B) {
			dir := b.TempDir()
			size := fillForBench(b, dir, 64<<20)
			var ours, theirs time.Duration
			prepare := func() {
				if cold {
					forget(b, dir)
				}
			}
			for range b.N {
				prepare()
				started := time.Now()
				openForBench(b, dir, Options{})
				ours += time.Since(started)
				prepare()
				started = time.Now()
				checksumAll(b, dir)
				theirs += time.Since(started)
			}
			b.ReportMetric(ours.Seconds()/float64(b.N)*float64(1<<30)/float64(size), "s/GiB")
			b.ReportMetric(float64(ours)/float64(theirs), "x-read")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkOpenKept is Open beside many kept segments of a quiet day, which it only lists.
func BenchmarkOpenKept(b *testing.B) {
	const files = 20_000
	dir := b.TempDir()
	for i := range uint64(files) {
		if err := os.WriteFile(filepath.Join(dir, segmentName(i, i)+keptSuffix), make([]byte, 300), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	var took time.Duration
	for range b.N {
		started := time.Now()
		openForBench(b, dir, Options{Keep: Keep{Age: time.Hour}})
		took += time.Since(started)
	}
	b.ReportMetric(took.Seconds()*1e6/float64(b.N)/files, "us/file")
	b.ReportMetric(0, "ns/op")
}

func openForBench(b *testing.B, dir string, o Options) {
	b.Helper()
	s, err := Open(dir, o)
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
}

// fillForBench leaves so many bytes of waiting records, and returns how many they take.
func fillForBench(b *testing.B, dir string, bytesToFill int) int64 {
	b.Helper()
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	records := make([][]byte, bytesToFill/220)
	for i := range records {
		records[i] = bytes.Repeat([]byte("r"), 200)
	}
	if err := errors.Join(s.Append(b.Context(), records...), s.Close()); err != nil {
		b.Fatal(err)
	}
	return s.Stats().Bytes
}

// checksumAll reads the files of a folder.
func checksumAll(b *testing.B, dir string) {
	b.Helper()
	each(b, dir, func(f *os.File) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{crc32.New(castagnoli)}, struct{ io.Reader }{f}, make([]byte, scanBuffer))
		return err
	})
}

// forget makes the system read the files from the disk next time.
func forget(b *testing.B, dir string) {
	b.Helper()
	each(b, dir, func(f *os.File) error { return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) })
}

func each(b *testing.B, dir string, do func(*os.File) error) {
	b.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		b.Fatal(err)
	}
	for _, e := range entries {
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err == nil {
			err = errors.Join(do(f), f.Close())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
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
