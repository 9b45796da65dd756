// Package spool keeps records on disk between the moment they are acknowledged and the moment they are safe elsewhere.
//
// A record is opaque bytes. Append returns when its records are fsynced, many Appends sharing one write and one fsync.
// Next hands them out in segments: files that never change any more, oldest first, again and again until Done, also
// after a restart. A segment's name is unique for ever, so it can be the identity of a batch.
//
// It promises: what Append acknowledged is given out, whatever is killed or cut off in between; a damaged place costs
// the records it touches and no others, and is logged and counted; damaged content never stops Open; what Append
// refused does not appear later by itself. It never overwrites, never drops records that are not done to make room, and
// knows nothing of events. What is done may stay for a while to be read again (Keep).
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Reasons why records are not taken. Nothing of a refused Append is kept.
var (
	// ErrFull means that the limit is reached or the disk has no space. It passes when segments are done or space is made.
	ErrFull = errors.New("the spool is full")
	// ErrFailed means that the disk refused to write. It passes when the disk works again.
	ErrFailed = errors.New("the spool can't write")
	// ErrClosed means that the spool was closed.
	ErrClosed = errors.New("the spool is closed")
	// ErrTooLarge means that a record is larger than 1 MiB. It never passes.
	ErrTooLarge = errors.New("a record is larger than the spool's 1 MiB")
)

// Reasons why a folder can't be opened.
var (
	// ErrInUse means that another process, or another Spool of this one, has the folder.
	ErrInUse = errors.New("the spool is in use")
	// ErrNewer means that a newer version wrote a file in the folder. No file was touched.
	ErrNewer = errors.New("the spool was written by a newer warroom")
)

// Options of a Spool.
type Options struct {
	// Limit is the disk space in bytes for records that wait; 0 = whatever the disk has. Kept segments fill only what
	// those leave of it, and give way.
	Limit int64
	Keep  Keep
	// Room is asked for disk space in bytes when the disk is full and no kept segment is left to give up here. It
	// returns what it freed; 0 = nothing. nil = nobody has any.
	Room   func(bytes int64) (freed int64)
	Logger *slog.Logger // nil = nothing is logged
}

// sizes say when a segment is full.
type sizes struct {
	bytes   int64
	records int
}

// A segment is one insert later: more than 100,000 rows make an insert slow, and 16 MiB bound its memory.
var fullSegment = sizes{bytes: 16 << 20, records: 100_000}

// Stats are the figures of a spool now.
type Stats struct {
	Bytes     int64         // on disk, kept and set-aside segments excepted
	Records   int           // acknowledged and not done
	Segments  int           // with such records, the open one included
	Damaged   uint64        // records that the disk gave back damaged, since Open
	OldestAge time.Duration // since the oldest segment with such records was begun; 0 = nothing waits

	KeptSegments int           // finished, and kept for a replay
	KeptBytes    int64         // that those take on disk, in whole blocks
	KeptOldest   time.Duration // since the oldest of them was begun; 0 = there is none
}

// Spool is a folder of segments with one owner. Append may be called by many goroutines, Next and Done by one.
type Spool struct {
	dir     string
	options Options
	full    sizes
	disk    disk
	lock    *os.File

	// reading is held while a segment is taken from the writer or deleted, so that Close waits for that. Before writing.
	reading sync.Mutex
	// writing is held while a group is written, or the open segment taken away. It guards open, sequence, buf and stray.
	// Before mu.
	writing  sync.Mutex
	open     *writer // nil between segments
	sequence uint64  // of the newest name
	buf      []byte  // what the next write will write
	stray    []stray // what could not be cut off yet

	mu        sync.Mutex // guards what follows, and is never held while the disk works
	queue     []*appending
	queued    int64      // bytes of queue and of the group being written
	segments  []*Segment // with records that are not done, oldest first; the last may be open
	leftovers []*Segment // done, but their files are still there
	bytes     int64
	kept      []kept // oldest first
	keptBytes int64
	records   int
	damaged   uint64
	givenUp   givenUp
	trouble   error // why the last write failed; nil when it worked
	probed    time.Time
	closed    bool

	spare   sync.Pool     // of *appending
	wake    chan struct{} // holds a token when queue has got something
	arrived chan struct{} // holds a token when a group was acknowledged
	closing chan struct{} // closed by Close
	ended   chan struct{} // closed when the committer has ended
}

// Open opens or makes the folder, takes it for this process alone, and seals what an earlier process left open. It
// reads every segment that is not done once; of the kept ones it reads the names only. Damaged content never makes it fail; ErrInUse and ErrNewer do, and a disk that refuses.
func Open(dir string, o Options) (*Spool, error) { return open(dir, o, osDisk{}, fullSegment) }

func open(dir string, o Options, d disk, full sizes) (*Spool, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := makeFolder(d, dir); err != nil {
		return nil, err
	}
	lock, err := own(dir)
	if err != nil {
		return nil, err
	}
	s := &Spool{
		dir: dir, options: o, full: full, disk: d, lock: lock,
		wake: make(chan struct{}, 1), arrived: make(chan struct{}, 1),
		closing: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := s.recover(); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.prune()
	go s.run() // until Close
	return s, nil
}

// Append keeps the records and returns when they are on disk, all of them; after an error none of them is kept. The
// records of one Append follow each other in order. It gives up when ctx ends only while its turn has not come; then
// it waits for the disk, because its records may already be there.
func (s *Spool) Append(ctx context.Context, records ...[]byte) error {
	size := int64(len(records) * recordHeaderSize)
	for _, r := range records {
		if len(r) > maxRecord {
			return ErrTooLarge
		}
		size += int64(len(r))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	a := s.borrow(records, size)
	defer s.giveBack(a)
	if err := s.enqueue(a); err != nil {
		return err
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		if s.withdraw(a) {
			return ctx.Err()
		}
		return <-a.done
	}
}

// Next returns the oldest segment that is not done, and waits for one until ctx ends. The open segment is sealed and
// returned when it has records and no older one is there. It returns the same segment until Done. Its only errors are
// ctx's and ErrClosed.
func (s *Spool) Next(ctx context.Context) (*Segment, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g, sealed, err := s.oldest()
		switch {
		case err != nil:
			return nil, err
		case sealed:
			return g, nil
		case g != nil:
			s.take(g)
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.closing:
		case <-s.arrived:
		}
	}
}

// oldest returns the first segment, nil if there is none.
func (s *Spool) oldest() (g *Segment, sealed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, false, ErrClosed
	case len(s.segments) == 0:
		return nil, false, nil
	}
	return s.segments[0], s.segments[0].sealed, nil
}

// take seals g if it is still open. While the disk renames the file, Appends go on in a new one.
func (s *Spool) take(g *Segment) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	w := s.open
	if w != nil && w.segment == g {
		s.open = nil
	} else {
		w = nil // the writer has just sealed it
	}
	s.writing.Unlock()
	if w != nil {
		s.seal(w)
	}
}

// Stats returns the figures.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stats{Bytes: s.bytes, Records: s.records, Segments: len(s.segments), Damaged: s.damaged}
	if len(s.segments) > 0 {
		st.OldestAge = max(0, time.Since(s.segments[0].created))
	}
	st.KeptSegments, st.KeptBytes = len(s.kept), s.keptBytes
	if len(s.kept) > 0 {
		st.KeptOldest = max(0, time.Since(s.kept[0].created()))
	}
	return st
}

// probeEvery bounds how often Ready writes to a disk that refuses.
const probeEvery = 500 * time.Millisecond

// Ready says whether an Append would be taken now, as far as can be told without one; the error says what to do. After
// a failed write it asks the disk again, so that a spool without traffic gets well, too.
func (s *Spool) Ready() error {
	s.mu.Lock()
	closed, trouble, full := s.closed, s.trouble, s.fullLocked(s.usualRoom())
	probe := trouble != nil && time.Since(s.probed) >= probeEvery
	if probe {
		s.probed = time.Now()
	}
	s.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case full:
		return s.errFull()
	case probe:
		return s.probe(trouble)
	case trouble != nil:
		return trouble
	}
	if err := unix.Access(s.dir, unix.W_OK); err != nil {
		return fmt.Errorf("%w in %s: %w: mend its permissions or mount it writable", ErrFailed, s.dir, err)
	}
	return nil
}

// usualRoom is what an Append may well need: with less than that the spool refuses some and is not ready.
func (s *Spool) usualRoom() int64 { return min(maxRecord, s.options.Limit/64) }

// Close takes no more records, waits for those being written, seals what is open, and gives the folder back. What is
// not done is given out after the next Open.
func (s *Spool) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.closing)
	s.mu.Unlock()
	<-s.ended
	s.reading.Lock()
	defer s.reading.Unlock()
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.open != nil {
		s.seal(s.open)
		s.open = nil
	}
	return errors.Join(s.sweep(), s.lock.Close())
}
