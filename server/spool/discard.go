package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// discard takes g off the list, puts its file away, and tries again what an earlier call could not.
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
	defer s.prune()
	return s.putAllAway(leftovers)
}

func (s *Spool) putAllAway(segments []*Segment) error {
	var errs []error
	for _, g := range segments {
		suffix, err := s.putAway(g)
		s.mu.Lock()
		switch {
		case err != nil:
			errs = append(errs, err)
			s.leftovers = append(s.leftovers, g)
		case suffix == keptSuffix:
			s.keepLocked(kept{
				sequence: sequenceOf(g.name), id: g.id, size: g.size, records: g.records,
				last: g.last.UnixMilli(), done: time.Now().UnixMilli(),
			})
			fallthrough
		default:
			s.bytes -= g.size
			g.suffix = suffix
		}
		s.mu.Unlock()
	}
	// If names come back after a power cut, their records are delivered again. That is allowed.
	if err := s.disk.syncDir(s.dir); err != nil {
		errs = append(errs, fmt.Errorf("make a deletion durable in %s: %w", s.dir, err))
	}
	return errors.Join(errs...)
}

// putAway gets the file of a finished segment out of the way and returns its new suffix; empty = it is deleted.
func (s *Spool) putAway(g *Segment) (suffix string, err error) {
	path := g.path()
	s.mu.Lock()
	damaged, keep := g.damaged, s.options.Keep.on() && !g.uncut
	s.mu.Unlock()
	switch {
	case damaged:
		suffix = damagedSuffix
		s.options.Logger.Warn("a segment with damaged records is kept for you to look at; delete it when you have",
			"file", filepath.Join(s.dir, g.name+suffix))
		err = s.disk.rename(path, filepath.Join(s.dir, g.name+suffix))
	case keep && s.disk.rename(path, filepath.Join(s.dir, g.name+keptSuffix)) == nil:
		return keptSuffix, nil
	default: // also when it can't be kept: nobody needs it
		err = s.disk.remove(path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("delete a finished segment: %w", err)
	}
	return suffix, nil
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
