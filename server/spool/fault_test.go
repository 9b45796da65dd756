package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

func TestRefusedRecordsNeverAppear(t *testing.T) {
	long := strings.Repeat("x", 1000)
	tooMany := slices.Repeat([]string{long}, 10) // spans three segments
	for name, c := range map[string]struct {
		step   string
		err    error
		append []string
		want   error
	}{
		"short write, no space":           {"write", syscall.ENOSPC, []string{long}, ErrFull},
		"short write, quota":              {"write", syscall.EDQUOT, []string{long}, ErrFull},
		"write error":                     {"write", syscall.EIO, []string{long}, ErrFailed},
		"fsync error":                     {"sync", syscall.EIO, []string{long}, ErrFailed},
		"fsync without space":             {"sync", syscall.ENOSPC, []string{long}, ErrFull},
		"in the middle of a long append":  {"create", syscall.ENOSPC, tooMany, ErrFull},
		"at the end of a long append":     {"syncdir", syscall.EIO, tooMany, ErrFailed},
		"first fsync of a long append":    {"sync", syscall.EIO, tooMany, ErrFailed},
		"first write of a long append":    {"write", syscall.EIO, tooMany, ErrFailed},
		"read-only in the middle of work": {"write", syscall.EROFS, []string{long}, ErrFailed},
	} {
		for _, start := range []string{"in a new segment", "in an open segment"} {
			t.Run(name+" "+start, func(t *testing.T) {
				d, dir := newFaulty(), t.TempDir()
				var log bytes.Buffer
				s := openAt(t, dir, Options{Logger: logTo(&log)}, d, small)
				var want []string
				if start == "in an open segment" {
					mustAppend(t, s, "before")
					want = append(want, "before")
				} else if c.step == "create" {
					mustAppend(t, s, slices.Repeat([]string{"full"}, small.records)...)
					want = slices.Repeat([]string{"full"}, small.records)
				}
				before := s.Stats()
				d.set(once(c.step, c.err))
				err := s.Append(t.Context(), records(c.append...)...)
				if !errors.Is(err, c.want) || !errors.Is(err, c.err) {
					t.Fatalf("got %v, want %v because of %v", err, c.want, c.err)
				}
				after := s.Stats()
				after.OldestAge = before.OldestAge
				if after != before {
					t.Errorf("a refused append changed %+v to %+v", before, after)
				}
				if cutAt := survivors(t, d, 3); !slices.Equal(cutAt, want) {
					t.Errorf("after a power cut: %q, want %q", cutAt, want)
				}
				mustAppend(t, s, "after")
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openAt(t, dir, Options{}, memory{}, small)
				wantTexts(t, drain(t, s), append(want, "after")...)
				if d.askedAgain > 0 {
					t.Error("a file that had failed an fsync was used again")
				}
				if text := log.String(); strings.Count(text, "refused") != 1 || strings.Count(text, "taken again") != 1 {
					t.Errorf("log:\n%s", text)
				}
			})
		}
	}
}

// survivors says what would come out after a power cut now, which must be the same whatever was not synced.
func survivors(t *testing.T, d *faulty, cuts uint64) []string {
	t.Helper()
	var texts []string
	for seed := range cuts {
		dir := t.TempDir()
		d.clone().cut(t, rand.New(rand.NewPCG(seed, 1)), dir)
		s := openAt(t, dir, Options{}, memory{}, small)
		now := textsOf(drain(t, s))
		if seed > 0 && !slices.Equal(now, texts) {
			t.Errorf("one power cut leaves %q, another %q", now, texts)
		}
		texts = now
	}
	return texts
}

// clone is the same disk at this moment, for a cut that doesn't end the test.
func (d *faulty) clone() *faulty {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newFaulty()
	copies := map[*inode]*inode{nil: nil}
	of := func(n *inode) *inode {
		if _, ok := copies[n]; !ok {
			copies[n] = &inode{durable: slices.Clone(n.durable), pending: slices.Clone(n.pending)}
		}
		return copies[n]
	}
	for path, n := range d.names {
		c.names[path] = of(n)
	}
	for _, m := range d.moves {
		c.moves = append(c.moves, move{m.path, of(m.node)})
	}
	return c
}

// While refused records can't be cut off, nothing is taken; when they can, the spool gets well by itself.
func TestNothingIsTakenUntilTheRefusedIsCutOff(t *testing.T) {
	for _, c := range []struct {
		name, cut string
		before    []string
	}{
		{"cut an open segment", "truncate", []string{"before"}},
		{"sync the cut", "sync", []string{"before"}},
		{"remove a new segment", "remove", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, dir := newFaulty(), t.TempDir()
			s := openAt(t, dir, Options{}, d, small)
			if c.before != nil {
				mustAppend(t, s, c.before...)
			}
			failing := 3 // the first cut, and two more attempts
			wrote := false
			d.set(func(step string) error {
				switch {
				case step == "write" && !wrote:
					wrote = true
					return syscall.EIO
				case step == c.cut && wrote && failing > 0:
					failing--
					return syscall.EIO
				}
				return nil
			})
			for i := range 3 {
				if err := s.Append(t.Context(), []byte("refused")); !errors.Is(err, ErrFailed) {
					t.Fatalf("append %d: %v", i, err)
				}
			}
			mustAppend(t, s, "after")
			want := append(c.before, "after")
			if cutAt := survivors(t, d, 3); !slices.Equal(cutAt, want) {
				t.Errorf("after a power cut: %q", cutAt)
			}
			wantTexts(t, drain(t, s), want...)
		})
	}
}

// What was acknowledged before the disk failed is given out while nothing new is taken.
func TestReaderGoesOnWhileTheDiskRefuses(t *testing.T) {
	d := newFaulty()
	s := openAt(t, t.TempDir(), Options{}, d, small)
	mustAppend(t, s, "before")
	d.set(func(step string) error {
		if step == "write" || step == "create" || step == "truncate" || step == "rename" {
			return syscall.EIO
		}
		return nil
	})
	for range 2 {
		if err := s.Append(t.Context(), []byte("refused")); !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
	}
	wantTexts(t, drain(t, s), "before")
	d.set(nil)
	mustAppend(t, s, "after")
	wantTexts(t, drain(t, s), "after")
}

func TestReadyAsksTheDiskAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newFaulty()
		s := openAt(t, t.TempDir(), Options{}, d, small)
		if err := s.Ready(); err != nil {
			t.Fatal(err)
		}
		d.set(func(step string) error {
			if step == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		if err := s.Append(t.Context(), []byte("refused")); !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
		for range 3 {
			if err := s.Ready(); !errors.Is(err, ErrFull) {
				t.Errorf("on a full disk Ready says %v", err)
			}
			time.Sleep(probeEvery)
		}
		d.set(nil)
		if err := s.Ready(); err != nil {
			t.Errorf("with space again, and no append in between, Ready says %v", err)
		}
		if names := ls(t, s.dir); len(names) != 0 {
			t.Errorf("asking left %v", names)
		}
	})
}

func TestSealingFailsAndNothingIsLost(t *testing.T) {
	for _, step := range []string{"rename", "syncdir"} {
		d, dir := newFaulty(), t.TempDir()
		s := openAt(t, dir, Options{}, d, small)
		mustAppend(t, s, "a")
		d.set(once(step, syscall.EIO))
		g := mustNext(t, s)
		got := read(t, g)
		mustAppend(t, s, "b")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, dir, Options{}, memory{}, small)
		all := drain(t, s)
		wantTexts(t, all, "a", "b")
		if all[0] != got[0] {
			t.Errorf("%s: another batch after reopening: %v, was %v", step, all[0], got[0])
		}
	}
}

func TestDeletingFailsAndTheReaderGoesOn(t *testing.T) {
	d, dir := newFaulty(), t.TempDir()
	s := openAt(t, dir, Options{}, d, small)
	mustAppend(t, s, "a")
	first := mustNext(t, s)
	d.set(once("remove", syscall.EIO))
	if err := first.Done(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Done: %v", err)
	}
	if st := s.Stats(); st.Records != 0 || st.Segments != 0 || st.Bytes == 0 {
		t.Errorf("stats %+v", st)
	}
	mustAppend(t, s, "b")
	second := mustNext(t, s)
	wantTexts(t, read(t, second), "b")
	if err := second.Done(); err != nil {
		t.Error(err)
	}
	if names := ls(t, dir); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("stats %+v", st)
	}
}

func TestDoneIsDurable(t *testing.T) {
	d := newFaulty()
	s := openAt(t, t.TempDir(), Options{}, d, small)
	mustAppend(t, s, "a")
	if err := mustNext(t, s).Done(); err != nil {
		t.Fatal(err)
	}
	if left := survivors(t, d, 3); len(left) > 0 {
		t.Errorf("after a power cut: %q", left)
	}
}

// A disk that can't read is asked again; a block that it refuses for good costs the records in it.
func TestUnreadableBlock(t *testing.T) {
	dir := t.TempDir()
	d := newFaulty()
	var log bytes.Buffer
	s := openAt(t, dir, Options{Logger: logTo(&log)}, d, fullSegment)
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("%02d%s", i, strings.Repeat(".", 1000)))
	}
	mustAppend(t, s, want...)
	g := mustNext(t, s)
	d.set(func(step string) error {
		if step == "read" {
			return syscall.EIO
		}
		return nil
	})
	for range g.Records() {
		t.Fatal("a record from a disk that can't read")
	}
	if err := g.Err(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Err: %v", err)
	}
	if err := g.Done(); !errors.Is(err, syscall.EIO) {
		t.Fatalf("Done of an unread segment: %v", err)
	}
	d.set(nil) // it passes
	wantTexts(t, read(t, g), want...)
	if st := s.Stats(); st.Damaged != 0 || st.Records != 30 {
		t.Errorf("stats %+v", st)
	}
	d.mu.Lock()
	d.badBlock = 2
	d.mu.Unlock()
	for range readAttempts {
		for range g.Records() {
		}
		if err := g.Err(); !errors.Is(err, syscall.EIO) {
			t.Fatalf("Err: %v", err)
		}
	}
	got := textsOf(read(t, g))
	// Block 2 has bytes 8192 to 12287; a record takes 1022 and the first begins at 32.
	if lost := 30 - len(got); !slices.Equal(got, slices.Delete(want, 7, 7+lost)) || lost > 5 {
		t.Errorf("%d lost", lost)
	}
	if st := s.Stats(); st.Damaged != uint64(30-len(got)) || st.Records != len(got) {
		t.Errorf("stats %+v", st)
	}
	if !strings.Contains(log.String(), `"first record"=7`) {
		t.Errorf("log:\n%s", log.String())
	}
}

// A segment that somebody has deleted holds up nothing for ever.
func TestDeletedByHand(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := openAt(t, dir, Options{Logger: logTo(&log)}, memory{}, small)
	mustAppend(t, s, "a", "b")
	g := mustNext(t, s)
	mustAppend(t, s, "c")
	if err := os.Remove(g.path()); err != nil {
		t.Fatal(err)
	}
	for range readAttempts {
		for range g.Records() {
		}
		if err := g.Err(); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("Err: %v", err)
		}
	}
	wantTexts(t, read(t, g))
	if st := s.Stats(); st.Damaged != 2 || st.Records != 1 || !strings.Contains(log.String(), g.Name()) {
		t.Errorf("stats %+v, log:\n%s", st, log.String())
	}
	wantTexts(t, drain(t, s), "c")
}

// A folder whose name is not on disk would take what is acknowledged with it.
func TestOpenNeedsADurableFolder(t *testing.T) {
	for cause, want := range map[error]error{syscall.EIO: syscall.EIO, syscall.EACCES: nil, syscall.EINVAL: nil} {
		d := newFaulty()
		d.set(once("syncdir", cause))
		s, err := open(t.TempDir(), Options{}, d, small)
		if !errors.Is(err, want) {
			t.Errorf("%v: Open says %v", cause, err)
		}
		if err == nil {
			_ = s.Close()
		}
	}
}

// When the whole folder is gone, nothing is promised any more.
func TestFolderDeletedByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	s := openAt(t, dir, Options{}, osDisk{}, small)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(); !errors.Is(err, ErrFailed) {
		t.Errorf("Ready says %v", err)
	}
	if err := s.Append(t.Context(), []byte("x")); !errors.Is(err, ErrFailed) {
		t.Errorf("Append says %v", err)
	}
}

// At Open, too: a segment that can't be read now doesn't stop the start and is not given up.
func TestUnreadableAtOpen(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, memory{}, fullSegment)
	long := strings.Repeat(".", 10_000)
	mustAppend(t, s, "a", long, "b")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		fault    func(string) error
		badBlock int64
		attempts int
		want     []string
		damaged  uint64
	}{
		"for a while": {times(2, "read", syscall.EIO), 0, 0, []string{"a", long, "b"}, 0}, // its header, its records
		"for good":    {nil, 1, readAttempts, []string{"a", "b"}, 1},
	} {
		d := newFaulty()
		d.fault, d.badBlock = c.fault, c.badBlock
		var log bytes.Buffer
		s := openAt(t, dir, Options{Logger: logTo(&log)}, d, fullSegment)
		if !strings.Contains(log.String(), "can't read a segment") {
			t.Errorf("%s: log:\n%s", name, log.String())
		}
		g := mustNext(t, s)
		for range c.attempts {
			for range g.Records() {
			}
			if g.Err() == nil {
				t.Errorf("%s: given up too early", name)
			}
		}
		wantTexts(t, read(t, g), c.want...)
		if st := s.Stats(); st.Records != len(c.want) || st.Damaged != c.damaged {
			t.Errorf("%s: stats %+v", name, st)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFullDisk(t *testing.T) {
	for _, c := range smallDisks(t) {
		t.Run(c.name, func(t *testing.T) {
			s := openAt(t, c.dir, Options{}, c.disk, fullSegment)
			var want []string
			for i := 0; ; i++ {
				text := fmt.Sprintf("%04d%s", i, strings.Repeat(".", 10_000))
				err := s.Append(t.Context(), []byte(text))
				if errors.Is(err, ErrFull) && strings.Contains(err.Error(), "no space left") {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, text)
			}
			for range 3 { // FAULTS 6: commits on a full disk, then on one with space
				if err := s.Append(t.Context(), noise(20_000)); !errors.Is(err, ErrFull) {
					t.Errorf("on a full disk: %v", err)
				}
			}
			if len(want) < 50 {
				t.Errorf("only %d records fit", len(want))
			}
			c.more()
			mustAppend(t, s, "space", "again")
			if err := s.Ready(); err != nil {
				t.Errorf("Ready: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = openAt(t, c.dir, Options{}, osDisk{}, fullSegment)
			wantTexts(t, drain(t, s), append(want, "space", "again")...)
			if st := s.Stats(); st.Damaged != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

type smallDisk struct {
	name string
	dir  string
	disk disk
	more func() // makes space
}

// smallDisks are a real one of 1 MiB where mounting is allowed, and one that only says so everywhere.
func smallDisks(t *testing.T) []smallDisk {
	d := newFaulty()
	d.room = 1 << 20
	disks := []smallDisk{{"pretended", t.TempDir(), d, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.room = 1 << 20
	}}}
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=1m"); err != nil {
		t.Logf("no real disk of 1 MiB: mounting is not allowed (%v)", err)
		return disks
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast := filepath.Join(mount, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 128<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(disks, smallDisk{"real", filepath.Join(mount, "spool"), osDisk{}, func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}})
}

// TestPowerCut lets a spool work on a disk that sometimes refuses, takes the power away at some step, and opens what
// a disk may keep of it, several times over. A seed always plays the same.
func TestPowerCut(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			p := &play{
				random: rand.New(rand.NewPCG(seed, 2)), acked: map[string]bool{}, refused: map[string]bool{},
				finished: map[string]bool{}, seen: map[string]string{},
			}
			dir := t.TempDir()
			for range 3 {
				dir = p.life(t, dir)
			}
			p.check(t, dir)
		})
	}
}

// play is what a sender and a reader know over the lives of one spool.
type play struct {
	random   *rand.Rand
	count    int
	acked    map[string]bool
	refused  map[string]bool   // and cut off: must never appear
	finished map[string]bool   // given out and done: need not appear any more
	seen     map[string]string // by segment and number
}

// life works until the power goes and returns the folder that is left.
func (p *play) life(t *testing.T, dir string) string {
	t.Helper()
	d := newFaulty()
	d.keep(t, dir)
	left := 1 + p.random.IntN(150) // steps to live
	d.set(func(step string) error {
		if left--; left <= 0 {
			d.dead = true
			return errDead
		}
		if step != "read" && step != "open" && p.random.IntN(40) == 0 {
			return []error{syscall.EIO, syscall.ENOSPC}[p.random.IntN(2)]
		}
		return nil
	})
	after := t.TempDir()
	o := Options{Keep: []Keep{{}, {Bytes: 20 << 10}, {Age: time.Hour}}[p.random.IntN(3)]}
	s, err := open(dir, o, d, small)
	for err != nil && !errors.Is(err, errDead) { // refused to remove an empty file: the next start may work
		s, err = open(dir, o, d, small)
	}
	if err == nil {
		p.work(t, s)
		_ = s.Close() // without power
	}
	d.cut(t, p.random, after)
	return after
}

// work appends and reads until the power goes.
func (p *play) work(t *testing.T, s *Spool) {
	t.Helper()
	var unsure []string // refused, but not cut off yet
	for dead := false; !dead; {
		if p.random.IntN(3) > 0 {
			var texts []string
			for range 1 + p.random.IntN(30) {
				p.count++
				texts = append(texts, fmt.Sprintf("%d%s", p.count, strings.Repeat(".", p.random.IntN(400))))
			}
			err := s.Append(context.Background(), records(texts...)...)
			dead = errors.Is(err, errDead)
			if err == nil {
				p.note(p.acked, texts)
			} else if !dead {
				unsure = append(unsure, texts...)
			}
		} else {
			dead = p.readOne(t, s)
		}
		if len(s.stray) == 0 && !dead { // nobody else writes now
			p.note(p.refused, unsure)
			unsure = nil
		}
	}
}

func (p *play) note(in map[string]bool, texts []string) {
	for _, text := range texts {
		in[text] = true
	}
}

// readOne gives out the oldest segment, and sometimes finishes it.
func (p *play) readOne(t *testing.T, s *Spool) (dead bool) {
	t.Helper()
	if s.Stats().Segments == 0 {
		return false
	}
	g, err := s.Next(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	texts := p.look(t, g)
	if g.Err() != nil {
		return true
	}
	if p.random.IntN(2) == 0 {
		err := g.Done()
		p.note(p.finished, texts) // even after an error it may be gone
		return errors.Is(err, errDead)
	}
	return false
}

func (p *play) look(t *testing.T, g *Segment) (texts []string) {
	t.Helper()
	for n, record := range g.Records() {
		key, text := fmt.Sprint(g.Name(), n), string(record)
		if before, ok := p.seen[key]; ok && before != text {
			t.Errorf("record %s was %q and is %q", key, before, text)
		}
		p.seen[key] = text
		texts = append(texts, text)
	}
	return texts
}

func (p *play) check(t *testing.T, dir string) {
	t.Helper()
	s := openAt(t, dir, Options{Keep: Keep{Age: time.Hour}}, memory{}, small)
	for _, g := range s.Kept(time.Time{}) {
		for _, text := range p.look(t, g) {
			if p.refused[text] || !p.finished[text] {
				t.Errorf("kept, but it was never done: %q", text)
			}
		}
	}
	got := map[string]bool{}
	for s.Stats().Segments > 0 {
		g := mustNext(t, s)
		for _, text := range p.look(t, g) {
			if got[text] {
				t.Errorf("%q comes twice", text)
			}
			got[text] = true
		}
		if err := g.Done(); err != nil {
			t.Fatal(err)
		}
	}
	for text := range p.acked {
		if !got[text] && !p.finished[text] {
			t.Errorf("acknowledged and lost: %q", text)
		}
	}
	for text := range p.refused {
		if got[text] {
			t.Errorf("refused, and came by itself: %q", text)
		}
	}
}
