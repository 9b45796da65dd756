package spool

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// sample is the file of one segment, left open, with records of several sizes.
type sample struct {
	name    string // without suffix
	content []byte
	texts   []string
	ends    []int // offset of the end of each record
}

func makeSample(t *testing.T) sample {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, memory{}, fullSegment)
	x := sample{texts: []string{
		"first", "", strings.Repeat("long ", 20), recordMagic + "\x00\x00", "\x00\x00\x00\x00", "last",
	}}
	mustAppend(t, s, x.texts...)
	for file, content := range segmentFiles(t, dir) {
		x.name, x.content = strings.TrimSuffix(file, openSuffix), content
	}
	end := fileHeaderSize
	for _, text := range x.texts {
		end += recordHeaderSize + len(text)
		x.ends = append(x.ends, end)
	}
	if end != len(x.content) {
		t.Fatalf("the sample has %d bytes, want %d", len(x.content), end)
	}
	return x
}

// put makes a folder with one file in it.
func put(t *testing.T, root, file string, content []byte) string {
	t.Helper()
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recovered opens the folder, reads everything without finishing it, and closes.
func recovered(t *testing.T, dir string, log *bytes.Buffer) (all []given, st Stats) {
	t.Helper()
	s, err := open(dir, Options{Logger: logTo(log)}, memory{}, fullSegment)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if st = s.Stats(); st.Segments > 0 {
		all = read(t, mustNext(t, s))
	}
	if st.Records != len(all) {
		t.Errorf("stats say %d records, %d come out", st.Records, len(all))
	}
	if later := s.Stats(); later.Damaged != st.Damaged || later.Records != st.Records {
		t.Errorf("reading changed %+v to %+v", st, later)
	}
	return all, st
}

func TestCutAtEveryByte(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	for length := range len(x.content) + 1 {
		whole := 0
		for whole < len(x.ends) && x.ends[whole] <= length {
			whole++
		}
		dir := put(t, root, x.name+openSuffix, x.content[:length])
		var log bytes.Buffer
		for again := range 2 {
			all, st := recovered(t, dir, &log)
			if !slices.Equal(textsOf(all), x.texts[:whole]) {
				t.Fatalf("cut at %d, open %d: %q", length, again, textsOf(all))
			}
			if st.Damaged != 0 {
				t.Errorf("cut at %d: %d damaged; a cut is no damage", length, st.Damaged)
			}
		}
		files := ls(t, dir)
		if whole == 0 && len(files) != 0 || whole > 0 && !slices.Equal(files, []string{x.name + sealedSuffix}) {
			t.Errorf("cut at %d: files %v", length, files)
		}
	}
}

// A sealed segment has no torn end: what is missing of a record was acknowledged, and is named.
func TestSealedCutAtEveryByte(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	for length := fileHeaderSize + 1; length < len(x.content); length++ {
		whole := 0
		for x.ends[whole] <= length {
			whole++
		}
		damaged := uint64(1)
		if whole > 0 && x.ends[whole-1] == length {
			damaged = 0 // between two records nothing shows that there was more
		}
		all, st := recovered(t, put(t, root, x.name+sealedSuffix, x.content[:length]), &bytes.Buffer{})
		if !slices.Equal(textsOf(all), x.texts[:whole]) || st.Damaged != damaged {
			t.Errorf("cut at %d: %q, %+v, want %d damaged", length, textsOf(all), st, damaged)
		}
	}
}

func TestEveryBitFlipped(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	for _, suffix := range []string{openSuffix, sealedSuffix} {
		for bit := range 8 * len(x.content) {
			if suffix == sealedSuffix && bit%8 != bit/8%8 {
				continue // the same scan: one bit of each byte will do
			}
			content := slices.Clone(x.content)
			content[bit/8] ^= 1 << (bit % 8)
			hit := -1 // the record in which the bit is
			if bit/8 >= fileHeaderSize {
				for hit = 0; x.ends[hit] <= bit/8; hit++ {
				}
			}
			var log bytes.Buffer
			dir := put(t, root, x.name+suffix, content)
			all, st := recovered(t, dir, &log)
			checkOneLost(t, fmt.Sprintf("%s bit %d", suffix, bit), x, hit, all)
			if hit >= 0 && (st.Damaged != 1 || !strings.Contains(log.String(), fmt.Sprintf(`"first record"=%d`, hit))) {
				t.Errorf("%s bit %d: %d damaged, want record %d named:\n%s", suffix, bit, st.Damaged, hit, log.String())
			}
			if hit < 0 && (st.Damaged != 0 || !strings.Contains(log.String(), "header is damaged")) {
				t.Errorf("%s bit %d: %+v\n%s", suffix, bit, st, log.String())
			}
		}
	}
}

func checkOneLost(t *testing.T, what string, x sample, hit int, all []given) {
	t.Helper()
	var want []given
	for n, text := range x.texts {
		if n != hit {
			want = append(want, given{x.name, n, text})
		}
	}
	if !slices.Equal(all, want) {
		t.Errorf("%s, in record %d: %v", what, hit, all)
	}
}

// A bit may also flip while the spool is open, after the segment was sealed.
func TestBitFlippedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := openAt(t, dir, Options{Logger: logTo(&log)}, memory{}, small)
	mustAppend(t, s, "a", "b", "c", "d")
	g := mustNext(t, s)
	path := filepath.Join(dir, ls(t, dir)[0])
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[fileHeaderSize+2*recordHeaderSize+1] ^= 4 // in b
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // counted once
		wantTexts(t, read(t, g), "a", "c", "d")
		if st := s.Stats(); st.Damaged != 1 || st.Records != 3 {
			t.Errorf("stats %+v", st)
		}
	}
	if !strings.Contains(log.String(), `"first record"=1`) {
		t.Errorf("the log doesn't name the record:\n%s", log.String())
	}
	if err := g.Done(); err != nil {
		t.Fatal(err)
	}
	if want := []string{g.Name() + damagedSuffix}; !slices.Equal(ls(t, dir), want) {
		t.Errorf("files %v, want %v", ls(t, dir), want)
	}
	if st := s.Stats(); st.Bytes != 0 || st.Records != 0 || st.Segments != 0 {
		t.Errorf("stats %+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, dir, Options{}, memory{}, small)
	if got := drain(t, s); len(got) > 0 {
		t.Errorf("what was set aside came again: %v", got)
	}
}

func TestTailOfZerosIsNoDamage(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	for _, zeros := range []int{1, recordHeaderSize, 4096, 100_000} {
		for _, whole := range []int{0, 1, len(x.texts)} {
			content := x.content[:append([]int{fileHeaderSize}, x.ends...)[whole]]
			dir := put(t, root, x.name+openSuffix, append(slices.Clone(content), make([]byte, zeros)...))
			all, st := recovered(t, dir, &bytes.Buffer{})
			if st.Damaged != 0 || !slices.Equal(textsOf(all), x.texts[:whole]) {
				t.Errorf("%d records and %d zeros: %q, %+v", whole, zeros, textsOf(all), st)
			}
		}
	}
}

// Sectors of a write can reach the disk in any order: here the first of three is missing.
func TestHoleInTheMiddle(t *testing.T) {
	x := makeSample(t)
	content := slices.Clone(x.content)
	clear(content[x.ends[0]:x.ends[2]])
	all, st := recovered(t, put(t, t.TempDir(), x.name+openSuffix, content), &bytes.Buffer{})
	if want := append(x.texts[:1:1], x.texts[3:]...); st.Damaged != 2 || !slices.Equal(textsOf(all), want) {
		t.Errorf("%q, %+v", textsOf(all), st)
	}
}

func TestGarbageInTheMiddleAndAtTheEnd(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	garbage := noise(3 * scanBuffer)
	spam := bytes.Repeat([]byte(recordMagic+"\x01\x00\x00\x00\xff\xff\x00\x00"), scanBuffer/6)
	// The last two as a disk that has written a block to two places: a record must not count twice.
	for name, bad := range map[string][]byte{"noise": garbage, "magics": spam, "other segment": otherSegment(t),
		"itself again": x.content[:x.ends[1]], "its records again": x.content[fileHeaderSize:x.ends[1]]} {
		middle := slices.Concat(x.content[:x.ends[1]], bad, x.content[x.ends[1]:])
		all, st := recovered(t, put(t, root, x.name+sealedSuffix, middle), &bytes.Buffer{})
		if !slices.Equal(textsOf(all), x.texts) {
			t.Errorf("%s in the middle: %q, %+v", name, textsOf(all), st)
		}
		end := slices.Concat(x.content, bad)
		all, st = recovered(t, put(t, root, x.name+openSuffix, end), &bytes.Buffer{})
		if !slices.Equal(textsOf(all), x.texts) || st.Damaged != 1 {
			t.Errorf("%s at the end: %q, %+v", name, textsOf(all), st)
		}
	}
}

// noise is the same garbage every time.
func noise(length int) []byte {
	var out []byte
	for i := 0; len(out) < length; i++ {
		sum := sha256.Sum256([]byte(fmt.Sprint(i)))
		out = append(out, sum[:]...)
	}
	return out[:length]
}

// otherSegment is a whole segment with valid records, as an old block of the disk or a crafted payload could hold it.
func otherSegment(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, memory{}, fullSegment)
	mustAppend(t, s, "forged", "forged", "forged", "forged", "forged", "forged", "forged", "forged", "forged")
	for _, content := range segmentFiles(t, dir) {
		return content
	}
	return nil
}

// A payload that looks like records, behind a header that was damaged, must not turn into records.
func TestPayloadIsNeverTakenForRecords(t *testing.T) {
	dir := t.TempDir()
	s := openAt(t, dir, Options{}, memory{}, fullSegment)
	mustAppend(t, s, "before", string(otherSegment(t)), "after")
	for file, content := range segmentFiles(t, dir) {
		content[fileHeaderSize+recordHeaderSize+len("before")] ^= 1 // the magic of the second
		all, st := recovered(t, put(t, t.TempDir(), file, content), &bytes.Buffer{})
		wantTexts(t, all, "before", "after")
		if st.Damaged != 1 {
			t.Errorf("%+v", st)
		}
	}
}

func TestFilesWithoutAnyRecord(t *testing.T) {
	x, root := makeSample(t), t.TempDir()
	flipped := slices.Clone(x.content[:x.ends[0]])
	flipped[len(flipped)-1] ^= 1
	for name, c := range map[string]struct {
		suffix  string
		content []byte
		left    bool // set aside, not deleted
		damaged uint64
	}{
		"nothing":                    {openSuffix, nil, false, 0},
		"a header":                   {openSuffix, x.content[:fileHeaderSize], false, 0},
		"zeros":                      {openSuffix, make([]byte, 5000), false, 0},
		"noise":                      {openSuffix, noise(5000), true, 1},
		"one damaged record":         {openSuffix, flipped, true, 1},
		"nothing, but sealed":        {sealedSuffix, nil, true, 0},
		"zeros, but sealed":          {sealedSuffix, make([]byte, 5000), true, 1},
		"one damaged record, sealed": {sealedSuffix, flipped, true, 1},
	} {
		var log bytes.Buffer
		dir := put(t, root, x.name+c.suffix, c.content)
		all, st := recovered(t, dir, &log)
		if len(all) > 0 || st.Damaged != c.damaged || st.Bytes != 0 {
			t.Errorf("%s: %v, %+v", name, all, st)
		}
		var want []string
		if c.left {
			want = []string{x.name + damagedSuffix}
		}
		if !slices.Equal(ls(t, dir), want) || c.left != strings.Contains(log.String(), "kept for you") {
			t.Errorf("%s: files %v, want %v\n%s", name, ls(t, dir), want, log.String())
		}
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	names := []string{
		"lost+found", "note.txt", "0000000000000001-00000000000000ff.damaged", "1-2.seg",
		"0000000000000001-0000000000000001.seg.gz",
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "0000000000000001-0000000000000002.seg"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir, Options{}, memory{}, small)
	mustAppend(t, s, "a")
	wantTexts(t, drain(t, s), "a")
	if left := ls(t, dir); len(left) != len(names)+1 {
		t.Errorf("left: %v", left)
	}
}

// A power cut in the middle of a rename can leave a file under both of its names.
func TestTwoNamesOfOneFile(t *testing.T) {
	x := makeSample(t)
	dir := put(t, t.TempDir(), x.name+sealedSuffix, x.content)
	if err := os.Link(filepath.Join(dir, x.name+sealedSuffix), filepath.Join(dir, x.name+openSuffix)); err != nil {
		t.Fatal(err)
	}
	all, st := recovered(t, dir, &bytes.Buffer{})
	if !slices.Equal(textsOf(all), x.texts) || st.Segments != 1 {
		t.Errorf("%q, %+v", textsOf(all), st)
	}
}

func TestNamesGrowWhateverTheClockSays(t *testing.T) {
	future := segmentName(uint64(time.Now().Add(1000*time.Hour).UnixMilli()), 0xabc)
	content := fileHeader{version: version, id: 0xabc, created: time.Now()}.appendTo(nil)
	content = appendRecord(content, seed(0xabc), 0, []byte("written by a fast clock"))
	s := openAt(t, put(t, t.TempDir(), future+sealedSuffix, content), Options{}, memory{}, small)
	mustAppend(t, s, "written now")
	all := drain(t, s)
	wantTexts(t, all, "written by a fast clock", "written now")
	if all[0].segment != future || all[1].segment <= future {
		t.Errorf("names %s, %s", all[0].segment, all[1].segment)
	}
	if st := s.Stats(); st.OldestAge != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestNamesNeverComeTwice(t *testing.T) {
	dir, seen := t.TempDir(), map[string]bool{}
	for range 20 {
		s := openAt(t, dir, Options{}, memory{}, small)
		mustAppend(t, s, "a")
		for _, r := range drain(t, s) {
			if seen[r.segment] {
				t.Fatalf("%s came twice", r.segment)
			}
			seen[r.segment] = true
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil { // wiped: the next spool remembers nothing
			t.Fatal(err)
		}
	}
}

func TestOldestAgeSurvives(t *testing.T) {
	created := time.Now().Add(-time.Hour)
	content := fileHeader{version: version, id: 1, created: created}.appendTo(nil)
	content = appendRecord(content, seed(1), 0, []byte("x"))
	for name, flip := range map[string]byte{"header": 0, "name, when the header is damaged": 1} {
		content := slices.Clone(content)
		content[0] ^= flip
		dir := put(t, t.TempDir(), segmentName(uint64(created.UnixMilli()), 1)+sealedSuffix, content)
		s := openAt(t, dir, Options{}, memory{}, small)
		if age := s.Stats().OldestAge; age < time.Hour || age > 2*time.Hour {
			t.Errorf("from the %s: %v", name, age)
		}
	}
}

// What a killed process has written but not synced is given out as part of a batch, so it must be safe before that.
func TestWhatIsGivenOutAfterAKillIsDurable(t *testing.T) {
	x, dir, d := makeSample(t), t.TempDir(), newFaulty()
	f, err := d.create(filepath.Join(dir, x.name+openSuffix))
	if err == nil {
		_, err = f.WriteAt(x.content, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, dir, Options{}, d, fullSegment)
	wantTexts(t, read(t, mustNext(t, s)), x.texts...)
	if left := survivors(t, d, 3); !slices.Equal(left, x.texts) {
		t.Errorf("after a power cut: %q", left)
	}
}

// FuzzRecover: whatever is in a segment's file, opening and reading neither fails nor hangs, everything before the
// damage comes out, and a second opening finds the same.
func FuzzRecover(f *testing.F) {
	const id = 0xfeed
	begin := fileHeader{version: version, id: id, created: time.UnixMilli(1)}.appendTo(nil)
	valid := appendRecord(appendRecord(begin, seed(id), 0, []byte("one")), seed(id), 1, []byte("two"))
	prefix := len(valid)
	record := appendRecord(nil, seed(id), 2, []byte("three"))
	for _, tail := range [][]byte{nil, record, record[:10], make([]byte, 50), noise(100), valid,
		slices.Concat(noise(30), record), slices.Concat([]byte(recordMagic), record), slices.Concat(record, record),
		appendRecord(nil, seed(id), 1<<31, bytes.Repeat([]byte{1}, 300))} {
		f.Add(uint8(0), true, tail)
		f.Add(uint8(2), false, tail)
	}
	f.Add(uint8(1), false, slices.Clone(begin))
	f.Add(uint8(1), true, slices.Clone(valid))
	f.Fuzz(func(t *testing.T, kind uint8, sealed bool, tail []byte) {
		content, want := tail, []string{} // any bytes
		switch kind % 3 {
		case 0: // behind valid records
			content, want = slices.Concat(valid[:prefix], tail), []string{"one", "two"}
		case 2: // behind a header
			content = slices.Concat(begin, tail)
		}
		if h, ok := parseFileHeader(content); ok && h.version > version {
			return // refused, as another test shows
		}
		suffix := openSuffix
		if sealed {
			suffix = sealedSuffix
		}
		dir := put(t, t.TempDir(), segmentName(7, id)+suffix, content)
		var log bytes.Buffer
		all, first := recovered(t, dir, &log)
		if texts := textsOf(all); len(texts) < len(want) || !slices.Equal(texts[:len(want)], want) {
			t.Fatalf("got %q, want %q first\n%s", texts, want, log.String())
		}
		again, second := recovered(t, dir, &log)
		if !slices.Equal(all, again) || first.Records != second.Records {
			t.Fatalf("got %v, then %v\n%s", all, again, log.String())
		}
	})
}
