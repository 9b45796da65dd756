package spool

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// writeAtOnce bounds the memory of the committer; larger groups take several writes before their one fsync.
const writeAtOnce = 1 << 20

// writer is the segment being written.
type writer struct {
	segment *Segment
	file    file
	seed    uint32
	size    int64  // written
	next    uint32 // number of the next record
	fresh   bool   // nothing in it is acknowledged yet
}

// commit writes the group and returns when it is on disk. After an error nothing of it is there, or nothing more is
// written until that is true.
func (s *Spool) commit(group []*appending, size int64) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.makeWay()
	err := s.withRoom(size, func() error {
		if err := s.sweep(); err != nil {
			return err
		}
		return s.write(group)
	})
	if err != nil {
		err = s.refusal(err)
	}
	s.mu.Lock()
	s.queued -= size
	s.mu.Unlock()
	s.note(err)
	return err
}

// write makes the group durable as one transaction.
func (s *Spool) write(group []*appending) error {
	t := &transaction{spool: s}
	err := t.write(group)
	if err == nil {
		err = t.sync()
	}
	if err != nil {
		t.undo()
		return err
	}
	t.acknowledge()
	notify(s.arrived)
	return nil
}

// refusal turns the disk's error into one that says what to do.
func (s *Spool) refusal(err error) error {
	if outOfSpace(err) {
		return fmt.Errorf("%w: no space left on the disk of %s: make room: %w", ErrFull, s.dir, err)
	}
	return fmt.Errorf("%w in %s: look at the disk and its permissions: %w", ErrFailed, s.dir, err)
}

// note remembers whether the disk takes records, and logs when that changes.
func (s *Spool) note(err error) {
	s.mu.Lock()
	before := s.trouble
	s.trouble = err
	s.mu.Unlock()
	switch {
	case before == nil && err != nil:
		s.options.Logger.Error("events are refused", "error", err)
	case before != nil && err == nil:
		s.options.Logger.Info("events are taken again", "folder", s.dir)
	}
}

// transaction is the write of one group: the files it touches are acknowledged together or cut back together.
type transaction struct {
	spool *Spool
	files []*writer // in order; the last one is the spool's open one
	made  bool      // a file was made
}

// write puts the group's records into the open segment and as many new ones as it takes.
func (t *transaction) write(group []*appending) error {
	s := t.spool
	s.buf = s.buf[:0]
	if s.open != nil {
		t.files = append(t.files, s.open)
	}
	for _, a := range group {
		for _, record := range a.records {
			if err := t.makeRoom(len(record)); err != nil {
				return err
			}
			s.buf = appendRecord(s.buf, s.open.seed, s.open.next, record)
			s.open.next++
			if len(s.buf) < writeAtOnce {
				continue
			}
			if err := t.flush(); err != nil {
				return err
			}
		}
	}
	return t.flush()
}

// makeRoom begins a new segment if there is none or it is full.
func (t *transaction) makeRoom(record int) error {
	s := t.spool
	if w := s.open; w != nil {
		after := w.size + int64(len(s.buf)) + recordHeaderSize + int64(record)
		if w.next == 0 || after <= s.full.bytes && int(w.next) < s.full.records {
			return nil
		}
		if err := t.flush(); err != nil {
			return err
		}
	}
	w, err := s.begin()
	if err != nil {
		return err
	}
	t.files, t.made, s.open = append(t.files, w), true, w
	return nil
}

// begin makes a new segment; its header goes out with the first records.
func (s *Spool) begin() (*writer, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	id, now := binary.LittleEndian.Uint64(random[:]), time.Now()
	s.sequence = max(s.sequence+1, uint64(now.UnixMilli()))
	g := &Segment{spool: s, name: segmentName(s.sequence, id), id: id, created: now, suffix: openSuffix}
	f, err := s.disk.create(filepath.Join(s.dir, g.name+g.suffix))
	if err != nil {
		return nil, err
	}
	s.buf = fileHeader{version: version, id: id, created: now}.appendTo(s.buf[:0])
	return &writer{segment: g, file: f, seed: seed(id), fresh: true}, nil
}

// flush writes what has gathered at the end of the open segment.
func (t *transaction) flush() error {
	s := t.spool
	if len(s.buf) == 0 {
		return nil
	}
	n, err := s.open.file.WriteAt(s.buf, s.open.size)
	s.open.size += int64(n)
	if err == nil && n < len(s.buf) {
		err = io.ErrShortWrite
	}
	s.buf = s.buf[:0]
	return err
}

// sync makes everything that was written durable, and the names of new files. fdatasync would gain nothing: the length
// of the file is new each time, so both wait for the same journal (measured on ext4).
func (t *transaction) sync() error {
	for _, w := range t.files {
		if err := w.file.Sync(); err != nil {
			return err
		}
	}
	if t.made {
		return t.spool.disk.syncDir(t.spool.dir)
	}
	return nil
}

// acknowledge makes the records visible to the reader and seals the segments that are full.
func (t *transaction) acknowledge() {
	s := t.spool
	now := time.Now()
	s.mu.Lock()
	for _, w := range t.files {
		s.bytes += w.size - w.segment.size
		s.records += int(w.next) - w.segment.records
		w.segment.size, w.segment.records, w.segment.last = w.size, int(w.next), now
		if w.fresh {
			w.fresh = false
			s.segments = append(s.segments, w.segment)
		}
	}
	s.mu.Unlock()
	for _, w := range t.files[:len(t.files)-1] {
		s.seal(w)
	}
	if s.open.size >= s.full.bytes || int(s.open.next) >= s.full.records {
		s.seal(s.open)
		s.open = nil
	}
}

// seal closes the file and gives it its final name. Should that fail, the segment is as good under its old one.
func (s *Spool) seal(w *writer) {
	g := w.segment
	if err := w.file.Close(); err != nil {
		s.options.Logger.Warn("closing a segment failed; its records are on disk", "segment", g.name, "error", err)
	}
	s.finish(g)
}

func (s *Spool) finish(g *Segment) {
	suffix := sealedSuffix
	err := s.disk.rename(filepath.Join(s.dir, g.name+openSuffix), filepath.Join(s.dir, g.name+sealedSuffix))
	if err != nil {
		suffix = openSuffix
	} else {
		err = s.disk.syncDir(s.dir)
	}
	if err != nil {
		s.options.Logger.Warn("sealing a segment failed; its records are on disk", "segment", g.name, "error", err)
	}
	s.mu.Lock()
	g.suffix, g.sealed = suffix, true
	s.mu.Unlock()
}
