package spool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// small are segments that a test can fill.
var small = sizes{bytes: 4 << 10, records: 20}

// given is a record as the reader gets it.
type given struct {
	segment string
	n       int
	text    string
}

func openAt(t *testing.T, dir string, o Options, d disk, full sizes) *Spool {
	t.Helper()
	s, err := open(dir, o, d, full)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func mustAppend(t *testing.T, s *Spool, texts ...string) {
	t.Helper()
	if err := s.Append(t.Context(), records(texts...)...); err != nil {
		t.Error(err) // from any goroutine
	}
}

func records(texts ...string) [][]byte {
	var out [][]byte
	for _, text := range texts {
		out = append(out, []byte(text))
	}
	return out
}

func mustNext(t *testing.T, s *Spool) *Segment {
	t.Helper()
	g, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func read(t *testing.T, g *Segment) []given {
	t.Helper()
	var out []given
	for n, record := range g.Records() {
		out = append(out, given{g.Name(), n, string(record)})
	}
	if err := g.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// drain reads and finishes whatever waits.
func drain(t *testing.T, s *Spool) []given {
	t.Helper()
	var out []given
	for s.Stats().Segments > 0 {
		g := mustNext(t, s)
		out = append(out, read(t, g)...)
		if err := g.Done(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func textsOf(all []given) []string {
	var out []string
	for _, r := range all {
		out = append(out, r.text)
	}
	return out
}

func wantTexts(t *testing.T, got []given, want ...string) {
	t.Helper()
	if texts := textsOf(got); !slices.Equal(texts, want) {
		t.Fatalf("records\ngot  %q\nwant %q", texts, want)
	}
}

func ls(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if e.Name() != "lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

func logTo(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func TestRecordsComeOutInOrder(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "a", "b", "")
	mustAppend(t, s, "c")
	size := int64(fileHeaderSize + 4*recordHeaderSize + 3)
	if st := s.Stats(); st.Records != 4 || st.Segments != 1 || st.Bytes != size || st.OldestAge <= 0 {
		t.Errorf("stats %+v", st)
	}
	first := mustNext(t, s)
	mustAppend(t, s, "d")
	got := read(t, first)
	wantTexts(t, got, "a", "b", "", "c")
	for i, r := range got {
		if r.n != i {
			t.Errorf("record %q has number %d, want %d", r.text, r.n, i)
		}
	}
	if again := mustNext(t, s); again != first {
		t.Errorf("before Done, Next gave %s after %s", again.Name(), first.Name())
	}
	for range 2 {
		if err := first.Done(); err != nil {
			t.Errorf("Done: %v", err)
		}
	}
	second := mustNext(t, s)
	wantTexts(t, read(t, second), "d")
	if second.Name() <= first.Name() {
		t.Errorf("names don't grow: %s, %s", first.Name(), second.Name())
	}
	if err := second.Done(); err != nil {
		t.Error(err)
	}
	if st := s.Stats(); st != (Stats{}) {
		t.Errorf("stats of an empty spool %+v", st)
	}
	if names := ls(t, dir); len(names) != 0 {
		t.Errorf("files left: %v", names)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNotDoneComesAgainAfterReopening(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, osDisk{}, small)
	mustAppend(t, s, "done")
	if err := mustNext(t, s).Done(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "a", "b")
	before := read(t, mustNext(t, s))
	mustAppend(t, s, "c")
	for range 2 { // and again
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, name := range ls(t, dir) {
			if !strings.HasSuffix(name, sealedSuffix) {
				t.Errorf("after Close there is %s", name)
			}
		}
		s = openAt(t, dir, Options{}, osDisk{}, small)
		if st := s.Stats(); st.Records != 3 || st.Segments != 2 || st.Bytes == 0 || st.OldestAge <= 0 {
			t.Errorf("stats %+v", st)
		}
		if after := read(t, mustNext(t, s)); !reflect.DeepEqual(before, after) {
			t.Errorf("another batch after reopening: %v, was %v", after, before)
		}
	}
	wantTexts(t, drain(t, s), "a", "b", "c")
}

func TestSegmentsEndWhenFull(t *testing.T) {
	for name, c := range map[string]struct{ records, bytes int }{
		"by records": {records: 2*small.records + 1, bytes: 1},
		"by bytes":   {records: 17, bytes: 500}, // 8 and 7 in a segment
	} {
		t.Run(name, func(t *testing.T) {
			s := openAt(t, t.TempDir(), Options{}, memory{}, small)
			var want []string
			for i := range c.records {
				text := fmt.Sprintf("%0*d", c.bytes, i%10)
				want = append(want, text)
				mustAppend(t, s, text)
			}
			if st := s.Stats(); st.Segments != 3 || st.Records != c.records {
				t.Errorf("stats %+v", st)
			}
			g := mustNext(t, s)
			if n := len(read(t, g)); n > small.records || g.extent() > small.bytes {
				t.Errorf("a segment of %d records and %d bytes", n, g.extent())
			}
			wantTexts(t, drain(t, s), want...)
		})
	}
}

func TestOneAppendMayBeLargerThanASegment(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, osDisk{}, fullSegment)
	mustAppend(t, s, "before")
	const count = 40
	want := []string{"before"}
	for i := range count {
		want = append(want, strings.Repeat(string(rune('a'+i%26)), maxRecord))
	}
	mustAppend(t, s, want[1:]...)
	mustAppend(t, s, "after")
	if st := s.Stats(); st.Segments != 3 || st.Records != count+2 || st.Bytes < count<<20 {
		t.Errorf("stats %+v", st)
	}
	if n := cap(s.buf); n > 3*writeAtOnce {
		t.Errorf("the committer holds on to %d bytes", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{}, osDisk{}, fullSegment)
	wantTexts(t, drain(t, s), append(want, "after")...)
}

func TestManyAppenders(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{}, osDisk{}, small)
	const appenders, each = 32, 40
	var appending, reading sync.WaitGroup
	for a := range appenders {
		appending.Go(func() {
			for i := range each {
				texts := []string{fmt.Sprintf("%d %d.0", a, i), fmt.Sprintf("%d %d.1", a, i)}
				if err := s.Append(t.Context(), records(texts...)...); err != nil {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	var got []given
	reading.Go(func() { // beside the appenders: segments are sealed while they write
		for {
			g, err := s.Next(ctx)
			if err != nil {
				return
			}
			got = append(got, read(t, g)...)
			if err := g.Done(); err != nil {
				t.Errorf("done: %v", err)
			}
		}
	})
	appending.Wait()
	for s.Stats().Records > 0 {
		runtime.Gosched()
	}
	stop()
	reading.Wait()
	byAppender := map[string][]string{}
	for _, r := range got {
		who, what, _ := strings.Cut(r.text, " ")
		byAppender[who] = append(byAppender[who], what)
	}
	var want []string
	for i := range each {
		want = append(want, fmt.Sprintf("%d.0", i), fmt.Sprintf("%d.1", i))
	}
	for a := range appenders {
		if texts := byAppender[fmt.Sprint(a)]; !slices.Equal(texts, want) {
			t.Errorf("appender %d: got %v", a, texts)
		}
	}
}

func TestManyAppendsShareOneSync(t *testing.T) {
	d := newFaulty()
	s := openAt(t, t.TempDir(), Options{}, d, fullSegment)
	entered, goOn := make(chan struct{}), make(chan struct{})
	syncs := 0
	d.set(func(step string) error {
		if step == "sync" {
			if syncs++; syncs == 1 {
				close(entered)
				<-goOn
			}
		}
		return nil
	})
	var appending sync.WaitGroup
	appending.Go(func() { mustAppend(t, s, "first") })
	<-entered // the disk is busy: whoever comes now waits for the next round
	const waiting = 50
	for range waiting {
		appending.Go(func() { mustAppend(t, s, "together") })
	}
	for s.waiting() < waiting {
		runtime.Gosched()
	}
	close(goOn)
	appending.Wait()
	if syncs != 2 {
		t.Errorf("%d fsyncs, want 2", syncs)
	}
	if n := len(drain(t, s)); n != waiting+1 {
		t.Errorf("%d records", n)
	}
}

func TestLimit(t *testing.T) {
	const limit = 8 << 10
	s := openAt(t, t.TempDir(), Options{Limit: limit}, memory{}, small)
	text := strings.Repeat("x", 100)
	taken := 0
	for {
		err := s.Append(t.Context(), []byte(text))
		if errors.Is(err, ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken++
	}
	if st := s.Stats(); st.Bytes > limit || st.Bytes < limit-500 || st.Records != taken {
		t.Errorf("full at %+v, taken %d", st, taken)
	}
	if err := s.Ready(); !errors.Is(err, ErrFull) {
		t.Errorf("with room for less than what was refused just now, Ready says %v", err)
	}
	if err := s.Append(t.Context(), []byte("tiny"), []byte(text)); !errors.Is(err, ErrFull) {
		t.Errorf("append to a full spool: %v", err)
	}
	if err := mustNext(t, s).Done(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(); err != nil {
		t.Errorf("with room again, Ready says %v", err)
	}
	mustAppend(t, s, "room again")
	got := drain(t, s)
	if last := got[len(got)-1]; len(got) != taken-small.records+1 || last.text != "room again" {
		t.Errorf("%d records, last %q", len(got), last.text)
	}
}

func TestReadyTellsOfTheLimit(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{Limit: fileHeaderSize + recordHeaderSize + 1}, memory{}, small)
	if err := s.Ready(); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, "x")
	if err := s.Ready(); !errors.Is(err, ErrFull) {
		t.Errorf("Ready says %v", err)
	}
}

func TestTooLargeARecord(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{}, memory{}, small)
	if err := s.Append(t.Context(), []byte("good"), make([]byte, maxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	if st := s.Stats(); st.Records != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, osDisk{}, small)
	_, err := Open(dir, Options{})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "another warroom uses "+dir) ||
		!strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("second Open: %v", err)
	}
	mustAppend(t, s, "the first goes on")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{}, osDisk{}, small)
	wantTexts(t, drain(t, s), "the first goes on")
}

func TestNobodyElseMayRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool", "kind")
	s := openAt(t, dir, Options{}, osDisk{}, small)
	mustAppend(t, s, "a")
	modes := map[string]os.FileMode{dir: 0o700}
	for _, name := range append(ls(t, dir), "lock") {
		modes[filepath.Join(dir, name)] = 0o600
	}
	for path, want := range modes {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
}

func TestNewerFormatIsRefusedUntouched(t *testing.T) {
	for _, suffix := range []string{openSuffix, sealedSuffix} {
		t.Run(suffix, func(t *testing.T) {
			dir := t.TempDir()
			s := openAt(t, dir, Options{}, osDisk{}, small)
			mustAppend(t, s, "ours, to be left open")
			name := strings.TrimSuffix(ls(t, dir)[0], openSuffix)
			copyDir(t, dir, filepath.Join(dir, "copy")) // as a killed process would leave it
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			dir = filepath.Join(dir, "copy")
			newer := fileHeader{version: version + 1, id: 7, created: time.Now()}.appendTo(nil)
			newer = append(newer, "a format of the future"...)
			path := filepath.Join(dir, segmentName(sequenceOf(name)+1, 7)+suffix)
			if err := os.WriteFile(path, newer, 0o600); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			_, err := Open(dir, Options{})
			if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "run the newer warroom") {
				t.Errorf("got %v", err)
			}
			if after := contents(t, dir); !reflect.DeepEqual(before, after) {
				t.Errorf("the folder was changed: %v, was %v", after, before)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			wantTexts(t, drain(t, openAt(t, dir, Options{}, osDisk{}, small)), "ours, to be left open")
		})
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range ls(t, dir) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(content)
	}
	return out
}

// copyDir copies the segments of a folder, as a killed process leaves them.
func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range segmentFiles(t, from) {
		if err := os.WriteFile(filepath.Join(to, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func segmentFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range ls(t, dir) {
		if _, _, _, ok := parseFileName(name); !ok {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = content
	}
	return out
}

func TestAppendEndsWithItsContextWhileItWaits(t *testing.T) {
	d := newFaulty()
	s := openAt(t, t.TempDir(), Options{}, d, small)
	entered, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	d.set(func(step string) error {
		if step == "sync" {
			first.Do(func() { close(entered); <-goOn })
		}
		return nil
	})
	var appending sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	appending.Go(func() { // being written: it waits for the disk
		if err := s.Append(ctx, []byte("written")); err != nil {
			t.Errorf("the written one: %v", err)
		}
	})
	<-entered
	appending.Go(func() { // in the queue: it goes
		if err := s.Append(ctx, []byte("given up")); !errors.Is(err, context.Canceled) {
			t.Errorf("the waiting one: %v", err)
		}
	})
	for s.waiting() < 1 {
		runtime.Gosched()
	}
	cancel()
	for s.waiting() > 0 {
		runtime.Gosched()
	}
	close(goOn)
	appending.Wait()
	wantTexts(t, drain(t, s), "written")
	if s.queued != 0 {
		t.Errorf("%d bytes are still counted as waiting", s.queued)
	}
	if err := s.Append(ctx, []byte("too late")); !errors.Is(err, context.Canceled) {
		t.Errorf("with a dead context: %v", err)
	}
}

func TestNextEndsWithItsContext(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{}, memory{}, small)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { _, err := s.Next(ctx); ended <- err }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestClosed(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{}, memory{}, small)
	mustAppend(t, s, "a")
	g := mustNext(t, s)
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error)
	go func() { _, err := s.Next(context.Background()); waiting <- err }()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if err := <-waiting; !errors.Is(err, ErrClosed) {
		t.Errorf("Next that waited: %v", err)
	}
	_, err := s.Next(t.Context())
	for what, err := range map[string]error{
		"Append": s.Append(t.Context(), []byte("b")), "Next": err, "Ready": s.Ready(), "Done": g.Done(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s after Close: %v", what, err)
		}
	}
}

func TestCloseFinishesWhatWaits(t *testing.T) {
	d, dir := newFaulty(), t.TempDir()
	s := openAt(t, dir, Options{}, d, small)
	entered, goOn := make(chan struct{}), make(chan struct{})
	var first sync.Once
	d.set(func(step string) error {
		if step == "sync" {
			first.Do(func() { close(entered); <-goOn })
		}
		return nil
	})
	var working sync.WaitGroup
	working.Go(func() { mustAppend(t, s, "a") })
	<-entered
	working.Go(func() { mustAppend(t, s, "b") })
	for s.waiting() < 1 {
		runtime.Gosched()
	}
	working.Go(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	<-s.closing
	close(goOn)
	working.Wait()
	wantTexts(t, drain(t, openAt(t, dir, Options{}, memory{}, small)), "a", "b")
}
