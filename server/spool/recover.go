package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// leftover is a segment's file as an earlier process left it.
type leftover struct {
	segment *Segment
	header  fileHeader
	sound   bool // header can be trusted
}

// recover takes over what an earlier process left: sealed segments as they are, open ones up to their last valid
// record. It touches nothing before it knows that no newer version wrote here.
func (s *Spool) recover() error {
	files, err := s.list()
	if err != nil {
		return err
	}
	sealed, waits := map[string]bool{}, map[string]bool{}
	for _, l := range files {
		if l.sound && l.header.version > version {
			return fmt.Errorf("%w: %s has format %d, this program knows %d: run the newer warroom on this data folder "+
				"until it is empty; nothing was changed", ErrNewer, l.segment.path(), l.header.version, version)
		}
		sealed[l.segment.name] = sealed[l.segment.name] || l.segment.suffix == sealedSuffix
		waits[l.segment.name] = true
	}
	s.unkeep(waits)
	for _, l := range files {
		if l.segment.suffix == openSuffix && sealed[l.segment.name] {
			s.setAside(l.segment) // two names of one file, of which a power cut has kept both
			continue
		}
		if err := s.adopt(l); err != nil {
			return err
		}
	}
	return nil
}

// unkeep forgets kept segments whose other name a power cut has brought back: they are given out again.
func (s *Spool) unkeep(waits map[string]bool) {
	all := s.kept
	s.kept, s.keptBytes = nil, 0
	for _, k := range all {
		if waits[k.name()] {
			s.deleteKept(k)
		} else {
			s.keepLocked(k)
		}
	}
}

// list returns the segments in the folder that wait, by name, lists the kept ones, and remembers the newest name. Other
// files are none of our business.
func (s *Spool) list() ([]leftover, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	var files []leftover
	for _, e := range entries {
		name, suffix, id, ok := parseFileName(e.Name())
		if !ok || !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // somebody tidies up
		}
		if err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
		s.sequence = max(s.sequence, sequenceOf(name))
		if suffix == keptSuffix {
			s.kept = append(s.kept, kept{
				sequence: sequenceOf(name), id: id, size: info.Size(), last: info.ModTime().UnixMilli(), done: changed(info),
			})
			continue
		}
		l := leftover{segment: &Segment{
			spool: s, name: name, id: id, suffix: suffix, size: info.Size(), last: info.ModTime(), inherited: true,
		}}
		if err := l.identify(); err != nil {
			return nil, err
		}
		files = append(files, l)
	}
	return files, nil
}

// changed is when the file was renamed, in Unix ms: what Done leaves of the time.
func changed(info fs.FileInfo) int64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Ctim.Nano() / int64(time.Millisecond)
	}
	return info.ModTime().UnixMilli()
}

// identify reads the file's header.
func (l *leftover) identify() error {
	g := l.segment
	f, err := g.spool.disk.open(g.path())
	if err != nil {
		return fmt.Errorf("spool: can't open a segment: %w: mend its permissions, or the disk", err)
	}
	head := make([]byte, fileHeaderSize)
	n, _ := f.ReadAt(head, 0) // what can't be read is damage, and the scan's business
	l.header, l.sound = parseFileHeader(head[:n])
	g.created = l.header.created
	if !l.sound {
		g.created = time.UnixMilli(int64(sequenceOf(g.name)))
	}
	return f.Close()
}

// adopt scans a file and puts it on the list, sealed.
func (s *Spool) adopt(l leftover) error {
	g := l.segment
	f, err := s.disk.open(g.path())
	if err != nil {
		return fmt.Errorf("spool: %w", err)
	}
	var damages []damage
	scan := newScanner(f, g.size, g.id, false, func(d damage) { damages = append(damages, d) })
	for _, _, ok := scan.record(); ok; _, _, ok = scan.record() {
		g.records++
	}
	wasOpen := g.suffix == openSuffix
	if n := len(damages); wasOpen && n > 0 && damages[n-1].torn {
		s.cutTorn(g, f, damages[n-1])
		damages = damages[:n-1]
	}
	if wasOpen && scan.err == nil {
		err = f.Sync() // what a killed process has written but not synced becomes part of the batch
	}
	if err := errors.Join(err, f.Close()); err != nil {
		s.options.Logger.Warn("a segment of an earlier process could not be synced", "segment", g.name, "error", err)
	}
	if scan.err != nil {
		s.options.Logger.Error("the disk can't read a segment; it is tried again later", "file", g.path(), "error", scan.err)
	} else if !l.sound && g.records > 0 {
		s.options.Logger.Warn("a segment's header is damaged; its records are not affected", "file", g.path())
	}
	s.countDamage(g, damages)
	return s.enlist(g, wasOpen, scan.err == nil)
}

// cutTorn removes the rest of a write that was interrupted before anybody was told that it had worked.
func (s *Spool) cutTorn(g *Segment, f file, d damage) {
	s.options.Logger.Info("cut off the end of an interrupted write", "segment", g.name, "bytes", d.length)
	g.size = d.offset
	if err := f.Truncate(d.offset); err != nil {
		g.uncut = true
		s.options.Logger.Warn("the end of an interrupted write could not be cut off", "segment", g.name, "error", err)
	}
}

func (s *Spool) countDamage(g *Segment, damages []damage) {
	if len(damages) == 0 {
		return
	}
	g.damaged = true
	for _, d := range damages {
		g.lost += int(d.lost)
	}
	s.damaged += uint64(g.lost)
	s.logDamage(g.path(), damages)
}

// enlist puts g on the list if it can give anything; read says whether all of it could be read.
func (s *Spool) enlist(g *Segment, wasOpen, read bool) error {
	if g.records == 0 && read {
		if wasOpen && !g.damaged { // a crash before the first record
			if err := s.disk.remove(g.path()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("spool: remove an empty segment: %w", err)
			}
			return nil
		}
		s.setAside(g)
		return nil
	}
	g.sealed = true
	if wasOpen {
		s.finish(g)
	}
	s.segments = append(s.segments, g)
	s.records += g.records
	s.bytes += g.size
	return nil
}

// setAside keeps a file that holds nothing to give out.
func (s *Spool) setAside(g *Segment) {
	kept := filepath.Join(s.dir, g.name+damagedSuffix)
	if err := s.disk.rename(g.path(), kept); err != nil {
		s.options.Logger.Warn("a segment that holds no readable record could not be set aside",
			"file", g.path(), "error", err)
		return
	}
	s.options.Logger.Warn("a segment that holds no readable record is kept for you to look at; delete it when you have",
		"file", kept)
}
