package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"path/filepath"
	"time"
)

// Segment is a stretch of the spool that never changes any more. One reader at a time.
type Segment struct {
	spool   *Spool
	name    string
	id      uint64
	created time.Time
	// inherited: an earlier process, or this one before Done, may have given it out.
	inherited bool
	kept      bool // from Kept

	// Guarded by spool.mu.
	suffix  string    // the end of its file's name now
	size    int64     // bytes that count; what is behind them was never acknowledged
	records int       // valid ones, as far as known
	lost    int       // damaged ones, as far as known
	damaged bool      // not everything could be read
	sealed  bool      // can be given out
	last    time.Time // not before its last record was written
	uncut   bool      // behind size the file has something that must never come out
	done    bool

	// Of the reader.
	failures int // reads in a row that the disk ended early
	err      error
}

// readAttempts is how often a disk that can't read a segment is asked before its unreadable blocks are given up: an
// error may pass, a broken block doesn't.
const readAttempts = 8

// Name is unique for ever, and the same whenever the segment is read again. Names grow with time.
func (g *Segment) Name() string { return g.name }

// Created is when the segment was begun.
func (g *Segment) Created() time.Time { return g.created }

// Inherited says that something of it may have been sent before: an earlier process left it, or it is a kept one.
func (g *Segment) Inherited() bool { return g.inherited }

// Size is the bytes of its records and headers.
func (g *Segment) Size() int64 { return g.extent() }

// Count is the number of its valid records as far as known; 0 for a segment kept by an earlier process.
func (g *Segment) Count() int {
	g.spool.mu.Lock()
	defer g.spool.mu.Unlock()
	return g.records
}

// Records reads the records in the order of their numbers. A number stays with its record whatever happens to its
// neighbours. A record is good until the next one is read. Records that the disk gives back damaged are left out,
// logged and counted. Ask Err afterwards whether the disk could be read at all.
func (g *Segment) Records() iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		g.err = nil
		size := g.extent()
		f, err := g.spool.disk.open(g.path())
		if errors.Is(err, fs.ErrNotExist) && g.kept {
			g.spool.options.Logger.Info("a kept segment has been given up meanwhile", "segment", g.name)
			return
		}
		if errors.Is(err, fs.ErrNotExist) && g.failures >= readAttempts { // somebody has deleted it
			g.spool.compare(g, 0, []damage{{length: size, lost: uint32(g.records)}})
			return
		}
		if err != nil {
			g.fail(err)
			return
		}
		defer func() { _ = f.Close() }() // only read
		var damages []damage
		scan := newScanner(f, size, g.id, g.failures >= readAttempts, func(d damage) { damages = append(damages, d) })
		if g.kept && scan.sound && scan.header.version > version {
			g.spool.options.Logger.Warn("a kept segment is left out: only a newer warroom can read it", "file", g.path())
			return
		}
		read := 0
		for {
			n, record, ok := scan.record()
			if !ok {
				break
			}
			read++
			if !yield(int(n), record) {
				return
			}
		}
		if scan.err != nil {
			g.fail(scan.err)
			return
		}
		g.failures = 0
		g.spool.compare(g, read, damages)
	}
}

func (g *Segment) fail(err error) {
	g.failures++
	g.err = fmt.Errorf("read %s: %w", g.path(), err)
}

// Err is why the last reading ended before the last record; nil if it didn't. A segment with an error must be read
// again, and Done refuses it. A block that the disk refuses for good, and a file that somebody has deleted, count as
// damaged after a few attempts.
func (g *Segment) Err() error { return g.err }

// Done deletes the segment or keeps it for a replay: what it holds is safe elsewhere. Next goes on with the following one, even when the file
// could not be deleted; it is then deleted by a later Done, or comes back after a restart. A segment with damaged
// records is not deleted but set aside under another name, for a person to look at. Calling it again does no harm.
func (g *Segment) Done() error {
	if g.kept {
		return nil
	}
	if g.err != nil {
		return fmt.Errorf("segment %s was not read to its end: %w", g.name, g.err)
	}
	return g.spool.discard(g)
}

func (g *Segment) path() string {
	g.spool.mu.Lock()
	defer g.spool.mu.Unlock()
	return g.pathLocked()
}

func (g *Segment) pathLocked() string { return filepath.Join(g.spool.dir, g.name+g.suffix) }

func (g *Segment) extent() int64 {
	g.spool.mu.Lock()
	defer g.spool.mu.Unlock()
	return g.size
}

// compare holds what a reading gave against what is known, and names and counts what is newly missing.
func (s *Spool) compare(g *Segment, read int, damages []damage) {
	lost := 0
	for _, d := range damages {
		lost += int(d.lost)
	}
	s.mu.Lock()
	lost = max(0, lost-g.lost, g.records-read)
	if !g.done {
		s.records += read - g.records
		s.damaged += uint64(lost)
	}
	g.records = read
	g.lost += lost
	g.damaged = g.damaged || lost > 0
	path := g.pathLocked()
	s.mu.Unlock()
	if lost > 0 {
		s.logDamage(path, damages)
	}
}

func (s *Spool) logDamage(path string, damages []damage) {
	for _, d := range damages {
		s.options.Logger.Error("the disk gave back a damaged stretch of the spool; the records around it are not affected",
			"file", path, "offset", d.offset, "bytes", d.length, "first record", d.first, "records", d.lost)
	}
}
