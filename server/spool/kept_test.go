package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var forever = Keep{Age: 1000 * time.Hour}

// keepOne appends the texts and finishes them as one segment.
func keepOne(t *testing.T, s *Spool, texts ...string) *Segment {
	t.Helper()
	mustAppend(t, s, texts...)
	g := mustNext(t, s)
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	return g
}

// keptTexts reads everything that is kept.
func keptTexts(t *testing.T, s *Spool, since time.Time) []string {
	t.Helper()
	var out []string
	for _, g := range s.Kept(since) {
		out = append(out, textsOf(read(t, g))...)
	}
	return out
}

func TestDoneKeeps(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{Keep: forever}, osDisk{}, small)
	mustAppend(t, s, "a", "b")
	g := mustNext(t, s)
	before := read(t, g)
	if g.Inherited() || g.Count() != 2 || g.Size() != fileHeaderSize+2*recordHeaderSize+2 || time.Since(g.Created()) > time.Minute {
		t.Errorf("inherited %v, %d records, %d bytes, created %v", g.Inherited(), g.Count(), g.Size(), g.Created())
	}
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	for restarts := range 2 {
		if want := []string{g.Name() + keptSuffix}; !slices.Equal(ls(t, dir), want) {
			t.Fatalf("files %v, want %v", ls(t, dir), want)
		}
		if st := s.Stats(); st.KeptOldest <= 0 || st.KeptOldest > time.Minute {
			t.Errorf("stats %+v", st)
		} else if st.KeptOldest = 0; st != (Stats{KeptSegments: 1, KeptBytes: block}) {
			t.Errorf("stats %+v: a kept segment waits for nothing", st)
		}
		kept := s.Kept(time.Now().Add(-time.Minute))
		if len(kept) != 1 || !slices.Equal(read(t, kept[0]), before) {
			t.Fatalf("after %d restarts kept: %v", restarts, kept)
		}
		if k := kept[0]; !k.Inherited() || k.Size() != g.Size() || k.Created().Sub(g.Created()).Abs() > time.Second ||
			restarts == 0 && k.Count() != 2 || k.Name() != g.Name() {
			t.Errorf("after %d restarts: %v, %d bytes, %d records, %v", restarts, k.Inherited(), k.Size(), k.Count(), k.Created())
		}
		if err := kept[0].Done(); err != nil {
			t.Errorf("Done of a kept segment: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, dir, Options{Keep: forever}, osDisk{}, small)
	}
	mustAppend(t, s, "c")
	g = mustNext(t, s)
	wantTexts(t, read(t, g), "c")
	if older := s.Kept(time.Time{})[0].Name(); g.Name() <= older {
		t.Errorf("names don't grow: %s after %s", g.Name(), older)
	}
}

// A program from before Keep took files of these names and no others.
func TestOlderProgramsDontSeeWhatIsKept(t *testing.T) {
	old := regexp.MustCompile(`^([0-9]{16}-([0-9a-f]{16}))(\.open|\.seg)$`)
	if file := segmentName(1, 1); old.MatchString(file+keptSuffix) || !old.MatchString(file+sealedSuffix) {
		t.Error("an older program would take a kept segment for one that waits")
	}
}

// A restart with gigabytes kept must not read them.
func TestOpenDoesNotReadWhatIsKept(t *testing.T) {
	dir, d := t.TempDir(), newFaulty()
	s := openAt(t, dir, Options{Keep: forever}, memory{}, small)
	keepOne(t, s, "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	touched := 0
	d.set(func(step string) error {
		if step == "open" || step == "read" {
			touched++
		}
		return nil
	})
	s = openAt(t, dir, Options{Keep: forever}, d, small)
	if touched > 0 {
		t.Errorf("a kept segment was opened or read %d times", touched)
	}
	if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"a"}) || touched == 0 {
		t.Errorf("kept %q, touched %d", got, touched)
	}
}

func TestKeptSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, started := t.TempDir(), time.Now()
		s := openAt(t, dir, Options{Keep: forever}, memory{}, small)
		mustAppend(t, s, "a")
		time.Sleep(time.Hour)
		mustAppend(t, s, "late record in the first") // begun an hour before
		if err := mustNext(t, s).Done(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		g := keepOne(t, s, "b")
		for _, c := range []struct {
			since time.Duration
			want  []string
		}{
			{0, []string{"a", "late record in the first", "b"}},
			{time.Hour, []string{"a", "late record in the first", "b"}},
			{time.Hour + 2*keptSlack, []string{"b"}},
			{2 * time.Hour, []string{"b"}},
			{2*time.Hour + 2*keptSlack, nil},
		} {
			if got := keptTexts(t, s, started.Add(c.since)); !slices.Equal(got, c.want) {
				t.Errorf("since %v: %q, want %q", c.since, got, c.want)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		// After a restart the time of the last write is the file's.
		path := filepath.Join(dir, g.Name()+keptSuffix)
		if err := os.Chtimes(path, time.Time{}, started.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, dir, Options{Keep: forever}, memory{}, small)
		if got := keptTexts(t, s, started); slices.Contains(got, "b") || len(got) != 2 {
			t.Errorf("after a restart: %q", got)
		}
	})
}

// Nobody calls anything: the age is looked at all the same.
func TestKeptUntilItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openAt(t, dir, Options{Keep: Keep{Age: time.Hour}}, memory{}, small)
		mustAppend(t, s, "a")
		time.Sleep(24 * time.Hour) // an outage: what counts is when it was done
		if err := mustNext(t, s).Done(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - pruneEvery)
		synctest.Wait()
		if len(ls(t, dir)) != 1 || s.Stats().KeptSegments != 1 {
			t.Errorf("gone too early: %+v", s.Stats())
		}
		time.Sleep(3 * pruneEvery)
		synctest.Wait()
		if len(ls(t, dir)) != 0 || s.Stats() != (Stats{}) {
			t.Errorf("still there: %v, %+v", ls(t, dir), s.Stats())
		}
	})
}

func TestKeptUntilItsBytes(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{Keep: Keep{Bytes: 3 * block}}, memory{}, small)
	for i := range 6 {
		keepOne(t, s, fmt.Sprint(i))
	}
	if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"3", "4", "5"}) || s.Stats().KeptBytes != 3*block {
		t.Errorf("kept %q, %+v", got, s.Stats())
	}
}

func TestOpenPrunesWhatIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		keep Keep
		left int
	}{
		"not kept any more": {Keep{}, 0},
		"past its age":      {Keep{Age: time.Nanosecond}, 0},
		"fewer bytes":       {Keep{Bytes: 2 * block}, 2},
		"all in order":      {Keep{Age: time.Hour, Bytes: 3 * block}, 3},
	} {
		dir := t.TempDir()
		s := openAt(t, dir, Options{Keep: forever}, memory{}, small)
		for i := range 3 {
			g := keepOne(t, s, fmt.Sprint(i))
			// Written long ago, as after an outage, but done just now: only the latter counts.
			path := filepath.Join(dir, g.Name()+keptSuffix)
			if err := os.Chtimes(path, time.Time{}, time.Now().Add(-48*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = openAt(t, dir, Options{Keep: c.keep}, memory{}, small)
		want := []string{"0", "1", "2"}[3-c.left:]
		if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, want) || len(ls(t, dir)) != c.left {
			t.Errorf("%s: kept %q, files %v", name, got, ls(t, dir))
		}
	}
}

// On a full disk what is kept goes, oldest first, and nothing is refused; what is left can still be read.
func TestKeptGivesWayOnAFullDisk(t *testing.T) {
	for _, c := range smallDisks(t) {
		t.Run(c.name, func(t *testing.T) {
			s := openAt(t, c.dir, Options{Keep: forever}, c.disk, sizes{bytes: 64 << 10, records: 100})
			var all []string
			for i := range 300 { // 3 MB through 1 MiB
				all = append(all, fmt.Sprintf("%04d%s", i, strings.Repeat(".", 10_000)))
				mustAppend(t, s, all[i])
				if i%5 == 4 {
					if err := mustNext(t, s).Done(); err != nil {
						t.Fatal(err)
					}
				}
			}
			got := keptTexts(t, s, time.Time{})
			if len(got) < 40 || !slices.Equal(got, all[len(all)-len(got):]) {
				t.Errorf("%d records kept, not the newest", len(got))
			}
			// What waits takes all of the disk before anything is refused.
			var err error
			for err == nil {
				err = s.Append(t.Context(), noise(10_000))
			}
			if st := s.Stats(); !errors.Is(err, ErrFull) || st.KeptSegments > 0 || st.Bytes < 700_000 {
				t.Errorf("refused with %v at %+v", err, st)
			}
			// What is done now is kept again, and gives way to the next as before.
			for range 3 {
				if err := mustNext(t, s).Done(); err != nil {
					t.Fatal(err)
				}
			}
			if err := s.Ready(); err != nil {
				t.Errorf("Ready beside kept segments: %v", err)
			}
			mustAppend(t, s, "again")
		})
	}
}

// The group that met the full disk is written again to a new file: it comes out once, and no handle that failed is used.
func TestGivingWayWritesToANewSegment(t *testing.T) {
	for _, step := range []string{"write", "sync", "create"} {
		d, dir := newFaulty(), t.TempDir()
		s := openAt(t, dir, Options{Keep: forever}, d, small)
		keepOne(t, s, "kept")
		want := []string{"before"}
		mustAppend(t, s, "before")
		if step == "create" {
			for range small.records - 1 {
				mustAppend(t, s, "before")
				want = append(want, "before")
			}
		}
		d.set(once(step, syscall.ENOSPC))
		mustAppend(t, s, "written again")
		want = append(want, "written again")
		if d.askedAgain > 0 {
			t.Errorf("%s: a file that had failed an fsync was used again", step)
		}
		if got := survivors(t, d, 3); !slices.Equal(got, want) {
			t.Errorf("%s: after a power cut: %q", step, got)
		}
		if st := s.Stats(); st.KeptSegments > 0 {
			t.Errorf("%s: nothing was given up: %+v", step, st)
		}
		wantTexts(t, drain(t, s), want...)
	}
}

// Deleting helps against a full disk only.
func TestOtherErrorsCostNothingThatIsKept(t *testing.T) {
	for _, cause := range []error{syscall.EIO, syscall.EROFS, syscall.EFBIG} {
		d := newFaulty()
		s := openAt(t, t.TempDir(), Options{Keep: forever}, d, small)
		keepOne(t, s, "kept")
		d.set(once("write", cause))
		if err := s.Append(t.Context(), []byte("refused")); !errors.Is(err, cause) {
			t.Errorf("got %v, want %v", err, cause)
		}
		if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"kept"}) {
			t.Errorf("%v: kept %q", cause, got)
		}
	}
}

// A spool with nothing to give up gets the room of its neighbour on the same disk.
func TestRoomOfANeighbour(t *testing.T) {
	d := newFaulty()
	traffic := openAt(t, t.TempDir(), Options{Keep: forever}, d, small)
	gifts := openAt(t, t.TempDir(), Options{Keep: forever, Room: traffic.GiveUp}, d, small)
	for range 10 {
		keepOne(t, traffic, strings.Repeat("x", 2000))
	}
	keepOne(t, gifts, "old gift")
	d.mu.Lock()
	d.room = 100
	d.mu.Unlock()
	mustAppend(t, gifts, strings.Repeat("gift", 100))
	if theirs, ours := traffic.Stats().KeptSegments, gifts.Stats().KeptSegments; ours != 0 || theirs == 10 || theirs == 0 {
		t.Errorf("%d of traffic's and %d of its own are left", theirs, ours)
	}
	if err := traffic.Close(); err != nil {
		t.Fatal(err)
	}
	if freed := traffic.GiveUp(1); freed != 0 {
		t.Errorf("a closed spool gave up %d bytes: they may be another process's", freed)
	}
}

// The limit is for both; what waits goes first.
func TestKeptGivesWayToTheLimit(t *testing.T) {
	const limit = 64 << 10
	var log bytes.Buffer
	s := openAt(t, t.TempDir(), Options{Limit: limit, Keep: forever, Logger: logTo(&log)}, memory{}, small)
	text := strings.Repeat("x", 3000)
	for range 40 {
		keepOne(t, s, text)
		if st := s.Stats(); st.Bytes+st.KeptBytes > limit+2*block {
			t.Fatalf("stats %+v", st)
		}
	}
	if st := s.Stats(); st.KeptSegments < 10 {
		t.Errorf("only %d kept", st.KeptSegments)
	}
	for range limit/len(text) - 2 {
		mustAppend(t, s, text)
	}
	if st := s.Stats(); st.KeptSegments > 1 || st.Records != limit/len(text)-2 {
		t.Errorf("stats %+v", st)
	}
}

func TestDamagedIsSetAsideAndNotKept(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{Keep: forever}, memory{}, small)
	mustAppend(t, s, "a", "b")
	g := mustNext(t, s)
	flipLastBit(t, g.path())
	wantTexts(t, read(t, g), "a")
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	if want := []string{g.Name() + damagedSuffix}; !slices.Equal(ls(t, dir), want) || s.Stats().KeptSegments != 0 {
		t.Errorf("files %v, %+v", ls(t, dir), s.Stats())
	}
}

func flipLastBit(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err == nil {
		content[len(content)-1] ^= 1
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A kept segment may rot: the rest of it can be read, the log names what can't, and nobody counts it as lost.
func TestDamagedWhileKept(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := openAt(t, dir, Options{Keep: forever, Logger: logTo(&log)}, memory{}, small)
	g := keepOne(t, s, "a", "b")
	flipLastBit(t, filepath.Join(dir, g.Name()+keptSuffix))
	for range 2 {
		if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"a"}) {
			t.Errorf("got %q", got)
		}
	}
	if st := s.Stats(); st.Damaged != 0 || st.Records != 0 || !strings.Contains(log.String(), `"first record"=1`) {
		t.Errorf("stats %+v, log:\n%s", st, log.String())
	}
}

// If a power cut undoes the rename, the segment is delivered again, the same as before.
func TestPowerCutUndoesTheRename(t *testing.T) {
	d := newFaulty()
	s := openAt(t, t.TempDir(), Options{Keep: forever}, d, small)
	mustAppend(t, s, "a", "b")
	g := mustNext(t, s)
	before := read(t, g)
	d.set(once("syncdir", syscall.EIO))
	if err := g.Done(); !errors.Is(err, syscall.EIO) {
		t.Errorf("Done: %v", err)
	}
	outcomes := map[string]int{}
	for seed := range uint64(20) {
		dir := t.TempDir()
		d.clone().cut(t, rand.New(rand.NewPCG(seed, 3)), dir)
		s := openAt(t, dir, Options{Keep: forever}, memory{}, small)
		again := drain(t, s)
		if len(again) > 0 && !slices.Equal(again, before) {
			t.Errorf("delivered again as %v, was %v", again, before)
		}
		outcomes[fmt.Sprint(len(again))]++
		if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"a", "b"}) {
			t.Errorf("kept %q", got)
		}
	}
	if outcomes["2"] == 0 || outcomes["0"] == 0 {
		t.Errorf("the cuts show only one outcome: %v", outcomes)
	}
}

// Or keeps both names.
func TestKeptUnderTwoNames(t *testing.T) {
	for _, suffix := range []string{sealedSuffix, openSuffix} {
		x := makeSample(t)
		dir := put(t, t.TempDir(), x.name+suffix, x.content)
		if err := os.Link(filepath.Join(dir, x.name+suffix), filepath.Join(dir, x.name+keptSuffix)); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, dir, Options{Keep: forever}, memory{}, fullSegment)
		if n := len(s.Kept(time.Time{})); n != 0 {
			t.Errorf("%d kept that are given out again", n)
		}
		wantTexts(t, drain(t, s), x.texts...)
		if want := []string{x.name + keptSuffix}; !slices.Equal(ls(t, dir), want) {
			t.Errorf("files %v, want %v", ls(t, dir), want)
		}
	}
}

// What a newer program keeps stops no start: it is done. It is not read, and goes when its time is over.
func TestKeptOfANewerFormat(t *testing.T) {
	newer := fileHeader{version: version + 1, id: 7, created: time.Now()}.appendTo(nil)
	newer = append(newer, "a format of the future"...)
	dir := put(t, t.TempDir(), segmentName(5, 7)+keptSuffix, newer)
	before := contents(t, dir)
	var log bytes.Buffer
	s := openAt(t, dir, Options{Keep: forever, Logger: logTo(&log)}, memory{}, small)
	if got := keptTexts(t, s, time.Time{}); len(got) > 0 || !strings.Contains(log.String(), "only a newer warroom") {
		t.Errorf("got %q, log:\n%s", got, log.String())
	}
	mustAppend(t, s, "a")
	wantTexts(t, read(t, mustNext(t, s)), "a")
	for name, content := range before {
		if contents(t, dir)[name] != content {
			t.Errorf("%s was changed", name)
		}
	}
}

// What could not be cut off a segment must not come out of a replay after a restart: such a file is deleted.
func TestRefusedRecordsAreNotKept(t *testing.T) {
	d, dir := newFaulty(), t.TempDir()
	s := openAt(t, dir, Options{Keep: forever}, d, small)
	mustAppend(t, s, "before")
	d.set(func(step string) error {
		if step == "sync" || step == "truncate" {
			return syscall.EIO
		}
		return nil
	})
	if err := s.Append(t.Context(), []byte("refused")); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	g := mustNext(t, s)
	wantTexts(t, read(t, g), "before")
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	if files := ls(t, dir); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
	d.set(nil)
	keepOne(t, s, "after") // and a file that could be cut is kept
	if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"after"}) {
		t.Errorf("kept %q", got)
	}
}

func TestWhatCannotBeKeptIsDeleted(t *testing.T) {
	d, dir := newFaulty(), t.TempDir()
	s := openAt(t, dir, Options{Keep: forever}, d, small)
	mustAppend(t, s, "a")
	g := mustNext(t, s)
	d.set(once("rename", syscall.ENOSPC))
	if err := g.Done(); err != nil || len(ls(t, dir)) > 0 || s.Stats() != (Stats{}) {
		t.Errorf("Done: %v, left %v, %+v", err, ls(t, dir), s.Stats())
	}
}

func TestWhatCannotBePrunedIsTriedAgain(t *testing.T) {
	d, dir := newFaulty(), t.TempDir()
	s := openAt(t, dir, Options{Keep: Keep{Bytes: block}}, d, small)
	keepOne(t, s, "a")
	d.set(once("remove", syscall.EIO))
	keepOne(t, s, "b")
	if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"a", "b"}) || s.Stats().KeptBytes != 2*block {
		t.Errorf("kept %q, %+v", got, s.Stats())
	}
	keepOne(t, s, "c")
	if got := keptTexts(t, s, time.Time{}); !slices.Equal(got, []string{"c"}) || len(ls(t, dir)) != 1 {
		t.Errorf("kept %q", got)
	}
}

// A file that is given up in the middle of a reading is read to its end; one that is gone before has no records.
func TestGivenUpWhileItIsRead(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{Keep: forever}, memory{}, fullSegment)
	var want []string
	for i := range 50 {
		want = append(want, fmt.Sprintf("%02d%s", i, strings.Repeat(".", 20_000))) // four of the scanner's buffers
	}
	keepOne(t, s, want...)
	g := s.Kept(time.Time{})[0]
	var got []string
	for n, record := range g.Records() {
		if n == 0 && s.GiveUp(1) == 0 {
			t.Error("nothing was given up")
		}
		got = append(got, string(record))
	}
	if g.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("%d records, %v", len(got), g.Err())
	}
	for range readAttempts + 1 {
		wantTexts(t, read(t, g))
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("stats %+v", st)
	}
}

// Everything at once, for the race detector: what was appended is given out once, and what is kept is whole.
func TestKeptBesideEverything(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{Keep: Keep{Bytes: 20 * block, Age: time.Hour}}, memory{}, small)
	const appenders, each = 4, 300
	var appending, others sync.WaitGroup
	for a := range appenders {
		appending.Go(func() {
			for i := range each {
				mustAppend(t, s, fmt.Sprintf("%d.%d", a, i))
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	count := 0
	others.Go(func() {
		for count < appenders*each {
			g, err := s.Next(ctx)
			if err != nil {
				t.Error(err)
				return
			}
			for range g.Records() {
				count++
			}
			if err := g.Done(); err != nil {
				t.Error(err)
			}
		}
		stop()
	})
	for _, work := range []func(){
		func() { s.Stats() },
		func() { s.GiveUp(block) },
		func() {
			for _, g := range s.Kept(time.Time{}) {
				n := 0
				for range g.Records() {
					n++
				}
				if g.Err() != nil || n != 0 && n != g.Count() {
					t.Errorf("%d of %d records, %v", n, g.Count(), g.Err())
				}
			}
		},
	} {
		others.Go(func() {
			for ctx.Err() == nil {
				work()
			}
		})
	}
	appending.Wait()
	others.Wait()
	if st := s.Stats(); st.Records != 0 || st.Damaged != 0 || count != appenders*each {
		t.Errorf("%d came out, stats %+v", count, st)
	}
}
