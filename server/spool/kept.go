package spool

import (
	"cmp"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"time"
)

// Keep says how long finished segments stay for a replay: as <name>.kept, the same bytes under another name. They go
// when they are older than Age (since Done) or when all of them take more than Bytes of disk, oldest first; 0 = no such
// bound. The zero Keep keeps none.
type Keep struct {
	Age   time.Duration
	Bytes int64
}

func (k Keep) on() bool { return k.Age > 0 || k.Bytes > 0 }

const (
	// pruneEvery is how often an idle spool looks for segments that are past their age.
	pruneEvery = time.Minute
	// keptSlack covers the clock of a file system, which is some milliseconds behind the clock that stamps events.
	keptSlack = time.Second
)

// kept is a finished segment whose file is still there. A day of quiet streams leaves a hundred thousand of them, so it
// is small and Open does not open their files.
type kept struct {
	sequence, id uint64 // its name
	size         int64
	records      int   // as far as known; 0 after a restart
	last         int64 // Unix ms, not before its last record was written
	done         int64 // Unix ms
}

func (k kept) name() string { return segmentName(k.sequence, k.id) }

func (k kept) created() time.Time { return time.UnixMilli(int64(k.sequence)) }

func (k kept) segment(s *Spool) *Segment {
	return &Segment{
		spool: s, name: k.name(), id: k.id, created: k.created(), kept: true, inherited: true,
		suffix: keptSuffix, size: k.size, records: k.records, sealed: true, done: true,
	}
}

// room is what the file takes on disk, which gives out whole blocks.
func (k kept) room() int64 { return (k.size + block - 1) / block * block }

// Kept returns the kept segments whose last record was written at since or later, oldest first. Records, Err and the
// figures work on them as on others; Done does nothing. One that has been given up meanwhile has no records, and
// neither has one of a newer format, which is logged. Damage is logged but not counted: its records are safe elsewhere.
func (s *Spool) Kept(since time.Time) []*Segment {
	from := since.Add(-keptSlack).UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []*Segment
	for _, k := range s.kept {
		if k.last >= from {
			out = append(out, k.segment(s))
		}
	}
	return out
}

// GiveUp deletes kept segments, oldest first, until they have freed so many bytes or none is left, and returns how many
// they freed. It is for others that need the disk, and may be called at any time, also from another spool's Room.
func (s *Spool) GiveUp(bytes int64) (freed int64) {
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed { // the folder may be another process's
		return 0
	}
	return s.giveUp(bytes)
}

func (s *Spool) giveUp(bytes int64) (freed int64) {
	count := 0
	for freed < bytes {
		k, ok := s.takeKept(func(kept) bool { return true })
		if !ok || !s.deleteKept(k) {
			break
		}
		freed, count = freed+k.room(), count+1
	}
	s.tellGivenUp(count, freed)
	return freed
}

// givenUp counts what was given up since that was last logged.
type givenUp struct {
	segments int
	bytes    int64
	told     time.Time
}

// tellEvery bounds how often giving up is logged: under a flood it happens with every segment.
const tellEvery = time.Minute

func (s *Spool) tellGivenUp(segments int, bytes int64) {
	s.mu.Lock()
	s.givenUp.segments += segments
	s.givenUp.bytes += bytes
	sum := s.givenUp
	due := sum.segments > 0 && time.Since(sum.told) >= tellEvery
	if due {
		s.givenUp = givenUp{told: time.Now()}
	}
	s.mu.Unlock()
	if due {
		s.options.Logger.Warn("gave up segments that were kept for a replay: the disk space is needed",
			"folder", s.dir, "segments", sum.segments, "bytes", sum.bytes)
	}
}

// prune gives up what is past its age, or more than the bound.
func (s *Spool) prune() {
	for {
		k, ok := s.takeKept(s.overdueLocked)
		if !ok || !s.deleteKept(k) {
			return
		}
	}
}

func (s *Spool) overdueLocked(oldest kept) bool {
	keep := s.options.Keep
	return !keep.on() ||
		keep.Age > 0 && time.Since(time.UnixMilli(oldest.done)) > keep.Age ||
		keep.Bytes > 0 && s.keptBytes > keep.Bytes
}

// takeKept takes the oldest off the list if it is to go.
func (s *Spool) takeKept(goes func(kept) bool) (k kept, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.kept) == 0 || !goes(s.kept[0]) {
		return kept{}, false
	}
	k = s.kept[0]
	s.kept = s.kept[1:]
	s.keptBytes -= k.room()
	return k, true
}

// deleteKept deletes the file. If it can't, k is back on the list for a later attempt. The deletion need not be
// durable: a name that a power cut brings back is found at Open and pruned again.
func (s *Spool) deleteKept(k kept) bool {
	err := s.disk.remove(filepath.Join(s.dir, k.name()+keptSuffix))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return true
	}
	s.options.Logger.Warn("a segment that was kept long enough can't be deleted", "segment", k.name(), "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepLocked(k)
	return false
}

// keepLocked puts k on the list in its order, which is nearly always the end.
func (s *Spool) keepLocked(k kept) {
	i, found := slices.BinarySearchFunc(s.kept, k, func(a, b kept) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.id, b.id))
	})
	if found {
		s.keptBytes -= s.kept[i].room()
		s.kept[i] = k
	} else {
		s.kept = slices.Insert(s.kept, i, k)
	}
	s.keptBytes += k.room()
}

// makeWay gives up kept segments until what waits and what comes fit into the limit with them.
func (s *Spool) makeWay() {
	if s.options.Limit == 0 {
		return
	}
	s.mu.Lock()
	over := s.bytes + s.queued + s.keptBytes - s.options.Limit
	if len(s.kept) == 0 {
		over = 0
	}
	s.mu.Unlock()
	if over > 0 {
		s.giveUp(max(over, s.full.bytes)) // so that a limit that stays reached is not logged with every group
	}
}

// withRoom tries again as long as the disk is full and kept segments can be given up, more of them each time: a file
// that somebody reads takes its room until it is closed. What was tried before is cut off or removed by then.
func (s *Spool) withRoom(bytes int64, try func() error) error {
	err := try()
	for need := max(2*bytes, s.full.bytes); noSpace(err) && s.free(need); need *= 2 {
		err = try()
	}
	return err
}

func (s *Spool) free(need int64) bool {
	freed := s.giveUp(need)
	if freed < need && s.options.Room != nil {
		freed += s.options.Room(need - freed)
	}
	return freed > 0
}
