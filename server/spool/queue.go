package spool

import (
	"fmt"
	"slices"
	"time"
)

// groupBytes bounds how much waits for one fsync. One Append is never divided.
const groupBytes = 8 << 20

// appending is an Append that waits for the disk.
type appending struct {
	records [][]byte
	size    int64
	done    chan error // capacity 1, and empty when nobody waits
}

// borrow takes an appending that an earlier Append has given back, with its channel.
func (s *Spool) borrow(records [][]byte, size int64) *appending {
	a, ok := s.spare.Get().(*appending)
	if !ok {
		a = &appending{done: make(chan error, 1)}
	}
	a.records, a.size = records, size
	return a
}

// giveBack is for an appending that neither the queue nor the committer has any more.
func (s *Spool) giveBack(a *appending) {
	a.records = nil // they are the sender's
	s.spare.Put(a)
}

func (s *Spool) enqueue(a *appending) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case len(a.records) == 0:
		a.done <- nil
		return nil
	case s.fullLocked(a.size):
		return s.errFull()
	}
	s.queue = append(s.queue, a)
	s.queued += a.size
	notify(s.wake)
	return nil
}

func (s *Spool) fullLocked(more int64) bool {
	return s.options.Limit > 0 && s.bytes+s.queued+more+fileHeaderSize > s.options.Limit
}

func (s *Spool) errFull() error {
	return fmt.Errorf("%w: %s has reached its limit of %d MiB: bring the engine back, or raise the limit",
		ErrFull, s.dir, s.options.Limit>>20)
}

// withdraw takes a back if its turn has not come.
func (s *Spool) withdraw(a *appending) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.queue, a)
	if i < 0 {
		return false
	}
	s.queue = slices.Delete(s.queue, i, i+1)
	s.queued -= a.size
	return true
}

// notify leaves a token unless there is one.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run is the committer: it writes group after group until Close, and then what is still queued.
func (s *Spool) run() {
	defer close(s.ended)
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	var group []*appending
	var size int64
	for {
		group, size = s.group(group[:0])
		if len(group) > 0 {
			err := s.commit(group, size)
			for _, a := range group {
				a.done <- err
			}
			clear(group)
			continue
		}
		select {
		case <-s.wake:
		case <-prune.C:
			s.prune()
		case <-s.closing:
			if s.waiting() == 0 {
				return
			}
		}
	}
}

func (s *Spool) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue)
}

// group moves what waits into group, one Append at least.
func (s *Spool) group(group []*appending) (_ []*appending, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(group) < len(s.queue) {
		a := s.queue[len(group)]
		if len(group) > 0 && size+a.size > groupBytes {
			break
		}
		group, size = append(group, a), size+a.size
	}
	s.queue = slices.Delete(s.queue, 0, len(group))
	return group, size
}
