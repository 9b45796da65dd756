package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// discard takes g off the list, deletes its file, and tries again what an earlier call could not delete.
func (s *Spool) discard(g *Segment) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	if !g.done {
		g.done = true
		s.forgetLocked(g)
		s.leftovers = append(s.leftovers, g)
	}
	leftovers := s.leftovers
	s.leftovers = nil
	s.mu.Unlock()
	if len(leftovers) == 0 {
		return nil
	}
	return s.deleteAll(leftovers)
}

func (s *Spool) deleteAll(segments []*Segment) error {
	var errs []error
	var freed int64
	var failed []*Segment
	for _, g := range segments {
		if err := s.putAway(g); err != nil {
			errs, failed = append(errs, err), append(failed, g)
			continue
		}
		freed += g.extent()
	}
	s.mu.Lock()
	s.bytes -= freed
	s.leftovers = append(s.leftovers, failed...)
	s.mu.Unlock()
	// If names come back after a power cut, their records are delivered again. That is allowed.
	if err := s.disk.syncDir(s.dir); err != nil {
		errs = append(errs, fmt.Errorf("make a deletion durable in %s: %w", s.dir, err))
	}
	return errors.Join(errs...)
}

func (s *Spool) putAway(g *Segment) error {
	path := g.path()
	s.mu.Lock()
	damaged := g.damaged
	s.mu.Unlock()
	var err error
	if damaged {
		kept := filepath.Join(s.dir, g.name+damagedSuffix)
		s.options.Logger.Warn("a segment with damaged records is kept for you to look at; delete it when you have",
			"file", kept)
		err = s.disk.rename(path, kept)
	} else {
		err = s.disk.remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete a finished segment: %w", err)
	}
	return nil
}

// forgetLocked takes g off the list.
func (s *Spool) forgetLocked(g *Segment) {
	for i, other := range s.segments {
		if other == g {
			s.segments = append(s.segments[:i:i], s.segments[i+1:]...)
			s.records -= g.records
			return
		}
	}
}
