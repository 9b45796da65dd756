package spool

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
)

const (
	scanBuffer = 256 << 10
	// block is the least that a disk reads or fails to read.
	block = 4096
)

// damage is a stretch of a segment that is not what was written.
type damage struct {
	offset, length int64
	first, lost    uint32 // the number of the first lost record, and of how many
	// torn: at the end, as an interrupted write leaves it. No acknowledged record looks like that.
	torn bool
}

// scanner reads the valid records of a segment in order, with a bounded buffer, past whatever is damaged. It takes
// time proportional to the file whatever the bytes are.
type scanner struct {
	file   io.ReaderAt
	size   int64 // where the segment ends
	seed   uint32
	off    int64        // of the next record
	next   uint32       // least number of the next record
	report func(damage) // told of each damaged stretch
	blind  bool         // take blocks that the disk can't read for zeros instead of giving up
	err    error        // why the disk could not be read; ends the scan
	header fileHeader   // of the file, if sound
	sound  bool         // the file's header is valid
	buf    []byte       // bytes of the file from at
	at     int64        // offset of buf
	spare  []byte       // buf's memory
}

// newScanner begins behind the file's header. Without a sound one it goes by the id in the file's name.
func newScanner(f io.ReaderAt, size int64, id uint64, blind bool, report func(damage)) *scanner {
	s := &scanner{file: f, size: size, blind: blind, report: report}
	s.spare = make([]byte, min(scanBuffer, max(size, fileHeaderSize)))
	s.header, s.sound = parseFileHeader(s.peek(0, fileHeaderSize))
	if s.sound {
		id = s.header.id
	}
	s.seed, s.off = seed(id), fileHeaderSize
	return s
}

// record returns the next valid record; ok is false at the end, or when the disk can't be read (err). The payload is
// good until the next call.
func (s *scanner) record() (n uint32, payload []byte, ok bool) {
	bad, seen := int64(-1), s.next // where a damaged stretch began, and what follows the last number seen in it
	for s.err == nil && s.off < s.size {
		h, sound := s.headerAt(s.off)
		if sound {
			if payload, ok := s.payload(h); ok {
				if bad >= 0 {
					s.report(damage{offset: bad, length: s.off - bad, first: s.next, lost: h.n - s.next})
				}
				s.off, s.next = s.off+h.size(), h.n+1
				return h.n, payload, true
			}
			seen = h.n + 1
		}
		if bad < 0 {
			bad = s.off
		}
		if sound {
			s.off += h.size()
		} else {
			s.off = s.find(s.off + 1)
		}
	}
	if s.err == nil && bad >= 0 && bad < s.size {
		s.report(damage{offset: bad, length: s.size - bad, first: s.next, lost: max(1, seen-s.next), torn: s.torn(bad)})
	}
	return 0, nil, false
}

// payload reads what the header at s.off promises.
func (s *scanner) payload(h recordHeader) ([]byte, bool) {
	whole := s.peek(s.off, int(h.size()))
	if int64(len(whole)) < h.size() {
		return nil, false
	}
	payload := whole[recordHeaderSize:h.size()]
	return payload, crc32.Checksum(payload, castagnoli) == h.checksum
}

// headerAt reads a record's header. Numbers only grow: a stretch of this file that shows up twice is not read twice.
func (s *scanner) headerAt(off int64) (recordHeader, bool) {
	h, ok := parseRecordHeader(s.peek(off, recordHeaderSize), s.seed)
	return h, ok && h.n >= s.next && s.err == nil
}

// find returns the offset of the next sound header at or behind off, or the end.
func (s *scanner) find(off int64) int64 {
	for s.err == nil && off < s.size {
		ahead := s.peek(off, recordHeaderSize)
		i := bytes.Index(ahead, []byte(recordMagic))
		if i < 0 {
			off += int64(max(1, len(ahead)-len(recordMagic)+1))
			continue
		}
		off += int64(i)
		if _, ok := s.headerAt(off); ok {
			return off
		}
		off++
	}
	return s.size
}

// torn says whether the rest of the file from off is what an interrupted write leaves: a record that the file's end
// cuts, or nothing but zeros.
func (s *scanner) torn(off int64) bool {
	if s.size-off < recordHeaderSize {
		return true
	}
	if h, ok := s.headerAt(off); ok {
		return off+h.size() > s.size
	}
	for off < s.size {
		ahead := s.peek(off, 1)
		if len(ahead) == 0 || len(bytes.Trim(ahead, "\x00")) > 0 {
			return false
		}
		off += int64(len(ahead))
	}
	return true
}

// peek returns what the buffer holds from off: at least n bytes, fewer only at the end of the file.
func (s *scanner) peek(off int64, n int) []byte {
	if off < s.at || off+int64(n) > s.at+int64(len(s.buf)) {
		s.fill(off, n)
	}
	return s.buf[off-s.at:]
}

// fill reads the file from off into the buffer, n bytes at least.
func (s *scanner) fill(off int64, n int) {
	if n > len(s.spare) {
		s.spare = make([]byte, n)
	}
	want := s.spare[:min(int64(len(s.spare)), max(0, s.size-off))]
	got, err := s.file.ReadAt(want, off)
	for err != nil && !errors.Is(err, io.EOF) && s.blind {
		next := min(len(want), got+block-int((off+int64(got))%block))
		clear(want[got:next])
		if got = next; got == len(want) {
			err = nil
			break
		}
		var more int
		more, err = s.file.ReadAt(want[got:], off+int64(got))
		got += more
	}
	s.buf, s.at = want[:got], off
	switch {
	case got == len(want):
	case errors.Is(err, io.EOF):
		s.size = off + int64(got) // somebody cut the file
	default:
		s.err = err
	}
}
