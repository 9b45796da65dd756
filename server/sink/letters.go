package sink

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"warroom/server/campaign"
)

// line is what the file says of one letter, a line of JSON for each thing that happened to it. A later line with the
// same receipt counts instead of an earlier one: with another reason, or settled. Record is free of personal data as
// every record is; Reason quotes none of it.
type line struct {
	Segment string    `json:"segment"` // Segment and N are the receipt
	N       uint32    `json:"n"`
	At      time.Time `json:"at,omitzero"`
	Feed    string    `json:"feed,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Record  []byte    `json:"record,omitempty"`
	Settled time.Time `json:"settled,omitzero"` // then the rest is empty
}

// receipt names a record of the spool for ever.
type receipt struct {
	segment string
	n       uint32
}

// place is where an open letter's newest line is in the file, and what kind of letter it is.
type place struct {
	offset int64
	size   int
	group  group
}

type group struct{ feed, reason string }

// How many letters All gives at least, the newest, and so the memory for it. Counts know of all letters.
const (
	newestOpen    = 10_000
	newestSettled = 1_000
)

// Letters are the dead letters of one kind: records that can't be read and events that the engine refuses, kept in a
// file so that nothing acknowledged is ever lost, and so that they can be sent again. A letter is in the file, fsynced,
// before its segment is done. One process writes; its methods may be called from any goroutine.
type Letters struct {
	path string
	kind campaign.Kind

	mu      sync.Mutex // guards what follows, and the writing of the file
	open    map[string]map[uint32]place
	counts  map[group]*Count
	all     []*campaign.DeadLetter // the newest, oldest first
	of      map[receipt]*campaign.DeadLetter
	damaged int
	torn    bool // the last write failed: what it left must not become a part of the next line
}

// Count says how many letters of a feed have one reason.
type Count struct {
	Feed, Reason  string
	Open, Settled int
	Newest        time.Time // when the newest of them was put aside
}

// OpenLetters reads the file if there is one. Lines that a crash has cut are skipped and counted. It holds nothing open.
func OpenLetters(path string, kind campaign.Kind) (*Letters, error) {
	l := &Letters{
		path: path, kind: kind, open: map[string]map[uint32]place{},
		counts: map[group]*Count{}, of: map[receipt]*campaign.DeadLetter{},
	}
	f, err := os.Open(path) //nolint:gosec // the operator's data folder
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, l.wrong(err)
	}
	defer func() { _ = f.Close() }() // only read
	in := bufio.NewReaderSize(f, 64<<10)
	for offset := int64(0); ; {
		text, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, l.wrong(err)
		}
		l.take(text, offset)
		offset += int64(len(text))
		if err != nil {
			return l, nil
		}
	}
}

func (l *Letters) wrong(err error) error {
	return fmt.Errorf("dead letters of %s: %w: mend the file, or move it away", l.kind, err)
}

// take reads one line of the file. A line without an end is none: what follows it begins a new one.
func (l *Letters) take(text []byte, offset int64) {
	if len(bytes.TrimSpace(text)) == 0 {
		return
	}
	var said line
	if err := json.Unmarshal(text, &said); err != nil || said.Segment == "" {
		l.damaged++
		return
	}
	l.apply(said, offset, len(text))
}

// apply changes the index as a line says that is in the file. It returns the letter as it is now.
func (l *Letters) apply(said line, offset int64, size int) campaign.DeadLetter {
	r := receipt{said.Segment, said.N}
	was, open := l.open[r.segment][r.n]
	if open {
		l.counts[was.group].Open--
		delete(l.open[r.segment], r.n)
	}
	now := l.remember(r)
	if !said.Settled.IsZero() {
		now.Settled = said.Settled
		if open {
			l.counts[was.group].Settled++
			now.Feed, now.Reason = was.group.feed, was.group.reason
		}
		if len(l.open[r.segment]) == 0 {
			delete(l.open, r.segment)
		}
		return *now
	}
	now.At, now.Feed, now.Reason, now.Settled = said.At, said.Feed, said.Reason, time.Time{}
	count := l.count(group{said.Feed, said.Reason})
	count.Open++
	if said.At.After(count.Newest) {
		count.Newest = said.At
	}
	if l.open[r.segment] == nil {
		l.open[r.segment] = map[uint32]place{}
	}
	l.open[r.segment][r.n] = place{offset, size, group{count.Feed, count.Reason}}
	return *now
}

func (l *Letters) count(g group) *Count {
	if l.counts[g] == nil {
		l.counts[g] = &Count{Feed: g.feed, Reason: g.reason}
	}
	return l.counts[g]
}

// remember finds or makes the letter's place among the newest, and forgets the oldest when there are far too many.
func (l *Letters) remember(r receipt) *campaign.DeadLetter {
	if known := l.of[r]; known != nil {
		return known
	}
	letter := &campaign.DeadLetter{Kind: l.kind, Segment: r.segment, N: r.n}
	if len(l.all) >= 2*(newestOpen+newestSettled) {
		l.forget()
	}
	l.all, l.of[r] = append(l.all, letter), letter
	return letter
}

// forget keeps the newest open and the newest settled letters.
func (l *Letters) forget() {
	open, settled := 0, 0
	var kept []*campaign.DeadLetter
	for _, letter := range slices.Backward(l.all) {
		of, most := &open, newestOpen
		if !letter.Settled.IsZero() {
			of, most = &settled, newestSettled
		}
		if *of++; *of > most {
			delete(l.of, receipt{letter.Segment, letter.N})
			continue
		}
		kept = append(kept, letter)
	}
	slices.Reverse(kept)
	l.all = kept
}

// All returns the newest letters, newest first, settled ones included: at least 10,000 open ones if there are so many.
func (l *Letters) All() []campaign.DeadLetter {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]campaign.DeadLetter, 0, len(l.all))
	for _, letter := range slices.Backward(l.all) {
		all = append(all, *letter)
	}
	return all
}

// Counts returns how many letters there are by feed and reason, those with the most open letters first. They are exact
// however many letters there are.
func (l *Letters) Counts() []Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := make([]Count, 0, len(l.counts))
	for _, c := range l.counts {
		if c.Open > 0 || c.Settled > 0 {
			counts = append(counts, *c)
		}
	}
	slices.SortFunc(counts, func(a, b Count) int {
		return cmp.Or(b.Open-a.Open, cmp.Compare(a.Feed, b.Feed), cmp.Compare(a.Reason, b.Reason))
	})
	return counts
}

// Open is the number of letters that are not settled.
func (l *Letters) Open() (open int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, in := range l.open {
		open += len(in)
	}
	return open
}

// Damaged is the number of lines that could not be read when the file was opened: as a rule, cut by a crash.
func (l *Letters) Damaged() int { return l.damaged }

// openIn says whether a record has an open letter.
func (l *Letters) openIn(segment string, n uint32) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, open := l.open[segment][n]
	return open
}

// put writes the lines that say something new and returns when they are on disk, the file's name included. It returns
// the letters that changed. After an error the same lines are put again.
func (l *Letters) put(lines []line) ([]campaign.DeadLetter, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines = slices.DeleteFunc(slices.Clone(lines), l.known)
	if len(lines) == 0 {
		return nil, nil
	}
	offset, sizes, err := l.write(lines)
	if l.torn = err != nil; err != nil {
		return nil, fmt.Errorf("dead letters: %w", err)
	}
	changed := make([]campaign.DeadLetter, len(lines))
	for i, said := range lines {
		changed[i] = l.apply(said, offset, sizes[i])
		offset += int64(sizes[i])
	}
	return changed, nil
}

// known says whether a line changes nothing: a crash between the letters and the end of their segment brings them again.
func (l *Letters) known(said line) bool {
	was, open := l.open[said.Segment][said.N]
	if !said.Settled.IsZero() {
		return !open
	}
	return open && was.group == group{said.Feed, said.Reason}
}

// write appends to the file, and makes it and its folder if needed. It opens it each time: somebody may have moved it
// away. It returns where the first line is, and how long each is.
func (l *Letters) write(lines []line) (offset int64, sizes []int, err error) {
	text, sizes, err := encode(lines)
	if err != nil {
		return 0, nil, err
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil {
		return 0, nil, err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	offset, cut, err := end(f)
	if err != nil {
		return 0, nil, err
	}
	if cut || l.torn {
		text = append([]byte{'\n'}, text...)
		offset++
	}
	if _, err := f.Write(text); err != nil {
		return 0, nil, err
	}
	if err := f.Sync(); err != nil {
		return 0, nil, err
	}
	folder := filepath.Dir(l.path)
	return offset, sizes, errors.Join(syncFolder(folder), syncFolder(filepath.Dir(folder)))
}

func encode(lines []line) ([]byte, []int, error) {
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	sizes := make([]int, len(lines))
	for i := range lines {
		before := text.Len()
		if err := out.Encode(&lines[i]); err != nil {
			return nil, nil, err
		}
		sizes[i] = text.Len() - before
	}
	return text.Bytes(), sizes, nil
}

// end returns the file's size, and whether a crash has cut the last line.
func end(f *os.File) (size int64, cut bool, err error) {
	size, err = f.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return size, false, err
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, size-1)
	return size, last[0] != '\n', err
}

func syncFolder(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the operator's data folder
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// perSending bounds how many letters are read and sent again at once; a record has 1 MiB at most, and usually 300 bytes.
const perSending = 500

// sendings are the open letters with a reason ("" = all), oldest first, in parts that fit one batch.
func (l *Letters) sendings(reason string) (parts [][]receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []receipt
	for segment, in := range l.open {
		for n, at := range in {
			if reason == "" || at.group.reason == reason {
				all = append(all, receipt{segment, n})
			}
		}
	}
	slices.SortFunc(all, func(a, b receipt) int { return cmp.Or(cmp.Compare(a.segment, b.segment), cmp.Compare(a.n, b.n)) })
	for start := 0; start < len(all); {
		next := start + 1
		for next < len(all) && all[next].segment == all[start].segment && next-start < perSending {
			next++
		}
		parts = append(parts, all[start:next])
		start = next
	}
	return parts
}

// read returns the newest lines of those letters that are still open.
func (l *Letters) read(part []receipt) ([]line, error) {
	f, err := os.Open(l.path)
	if err != nil {
		return nil, l.wrong(err)
	}
	defer func() { _ = f.Close() }() // only read
	lines := make([]line, 0, len(part))
	for _, r := range part {
		l.mu.Lock()
		at, open := l.open[r.segment][r.n]
		l.mu.Unlock()
		if !open { // somebody else has sent it
			continue
		}
		text := make([]byte, at.size)
		if _, err := f.ReadAt(text, at.offset); err != nil {
			return nil, l.wrong(err)
		}
		var said line
		if err := json.Unmarshal(text, &said); err != nil || said.Segment != r.segment || said.N != r.n {
			return nil, l.wrong(errors.New("the file was changed while warroom runs"))
		}
		lines = append(lines, said)
	}
	return lines, nil
}
