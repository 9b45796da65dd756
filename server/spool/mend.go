package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
)

// probeBytes is the room that a disk must have before the spool calls itself ready again.
const probeBytes = 64 << 10

// stray is a segment whose file may hold refused records: to be cut to size, or removed if size is 0.
type stray struct {
	segment *Segment
	size    int64
}

// undo cuts off what the group wrote. No file that refused a write or an fsync is written to again: after a failed
// fsync the kernel takes its pages for written, and asking again would be a false yes.
func (t *transaction) undo() {
	s := t.spool
	s.open = nil
	for _, w := range t.files {
		if w.fresh {
			_ = w.file.Close() // what it holds is thrown away
		}
		s.stray = append(s.stray, stray{segment: w.segment, size: s.spoil(w.segment)})
	}
	if err := s.sweep(); err != nil {
		s.options.Logger.Error("refused events could not be cut off the spool; none are taken until they are", "error", err)
	}
	for _, w := range t.files {
		if !w.fresh {
			s.seal(w)
		}
	}
}

// spoil notes that the file has more than counts, and returns what counts.
func (s *Spool) spoil(g *Segment) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	g.uncut = true
	return g.size
}

// sweep cuts off and removes what was refused. Until that has worked nothing else is written.
func (s *Spool) sweep() error {
	for len(s.stray) > 0 {
		if err := s.cut(s.stray[0]); err != nil {
			return err
		}
		s.stray = s.stray[1:]
	}
	return nil
}

// cut works on a handle of its own: the fsync is for the new length, and for the page in which the acknowledged
// records end, which cutting has made dirty again.
func (s *Spool) cut(c stray) error {
	path := c.segment.path()
	if c.size == 0 {
		if err := s.disk.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return s.disk.syncDir(s.dir)
	}
	f, err := s.disk.open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // done and deleted meanwhile
	}
	if err != nil {
		return err
	}
	err = f.Truncate(c.size)
	if err == nil {
		err = f.Sync()
	}
	if err = cmp.Or(err, f.Close()); err == nil {
		s.mu.Lock()
		c.segment.uncut = false
		s.mu.Unlock()
	}
	return err
}

// probe asks the disk whether it takes records again. It doesn't wait for a write that is on its way.
func (s *Spool) probe(trouble error) error {
	if !s.writing.TryLock() {
		return trouble
	}
	defer s.writing.Unlock()
	err := s.withRoom(probeBytes, func() error {
		if err := s.sweep(); err != nil {
			return err
		}
		return s.tryWrite()
	})
	if err != nil {
		err = s.refusal(err)
	}
	s.note(err)
	return err
}

func (s *Spool) tryWrite() error {
	path := filepath.Join(s.dir, "probe")
	_ = s.disk.remove(path) // of a process that was killed here
	f, err := s.disk.create(path)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, probeBytes), 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close(), s.disk.remove(path))
}
