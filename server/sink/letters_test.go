package sink

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

var putAside = time.Date(2026, 11, 3, 20, 0, 0, 0, time.UTC)

func open4test(t *testing.T, path string) *Letters {
	t.Helper()
	letters, err := OpenLetters(path, campaign.Donations)
	if err != nil {
		t.Fatal(err)
	}
	return letters
}

func put4test(t *testing.T, l *Letters, lines ...line) []campaign.DeadLetter {
	t.Helper()
	changed, err := l.put(lines)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestLettersAreTheSameAfterARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead", "letters.jsonl")
	l := open4test(t, path)
	put4test(t, l,
		line{Segment: "a", N: 1, At: putAside, Feed: "f", Reason: "x", Record: []byte("one")},
		line{Segment: "a", N: 2, At: putAside, Feed: "f", Reason: "x", Record: []byte("two")},
		line{Segment: "b", N: 1, At: putAside.Add(time.Second), Feed: "g", Reason: "y", Record: []byte("three")})
	put4test(t, l, line{Segment: "a", N: 1, Settled: putAside.Add(time.Minute)},
		line{Segment: "b", N: 1, At: putAside.Add(time.Second), Feed: "g", Reason: "x", Record: []byte("three")})
	want := []campaign.DeadLetter{
		{Kind: campaign.Donations, Feed: "g", Segment: "b", N: 1, At: putAside.Add(time.Second), Reason: "x"},
		{Kind: campaign.Donations, Feed: "f", Segment: "a", N: 2, At: putAside, Reason: "x"},
		{Kind: campaign.Donations, Feed: "f", Segment: "a", N: 1, At: putAside, Reason: "x", Settled: putAside.Add(time.Minute)},
	}
	counts := []Count{
		{Feed: "f", Reason: "x", Open: 1, Settled: 1, Newest: putAside},
		{Feed: "g", Reason: "x", Open: 1, Newest: putAside.Add(time.Second)},
	}
	for name, l := range map[string]*Letters{"at once": l, "after a restart": open4test(t, path)} {
		if got := l.All(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: letters\n%+v, want\n%+v", name, got, want)
		}
		if got := l.Counts(); !reflect.DeepEqual(got, counts) || l.Open() != 2 {
			t.Errorf("%s: counts %+v, %d open", name, got, l.Open())
		}
		parts := l.sendings("x")
		if len(parts) != 2 || len(l.sendings("y")) != 0 || len(l.sendings("")) != 2 {
			t.Fatalf("%s: to send %v", name, parts)
		}
		lines, err := l.read(parts[1])
		if err != nil || len(lines) != 1 || string(lines[0].Record) != "three" {
			t.Errorf("%s: read %+v, %v", name, lines, err)
		}
	}
}

// A crash between the letters and the end of their segment brings the same letters again.
func TestTheSameLetterIsWrittenOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "dead", "letters.jsonl")
	letter := line{Segment: "a", N: 1, At: putAside, Reason: "x"}
	put4test(t, open4test(t, path), letter)
	l := open4test(t, path)
	if changed := put4test(t, l, letter, line{Segment: "other", N: 1, Settled: putAside}); len(changed) != 0 {
		t.Errorf("changed %+v", changed)
	}
	if n := len(readLetters(t, path)); n != 1 || l.Open() != 1 {
		t.Errorf("%d lines, %d open", n, l.Open())
	}
}

func TestLinesOfAnEarlierVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letters.jsonl")
	old, err := json.Marshal(map[string]any{"segment": "a", "n": 7, "at": putAside, "reason": "cut", "record": []byte("old")})
	if err != nil {
		t.Fatal(err)
	}
	text := string(old) + "\n" + strings.Repeat("\x00", 40) + "\n" + string(old[:20]) // torn, as a crash leaves it
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open4test(t, path)
	if l.Open() != 1 || l.Damaged() != 2 {
		t.Fatalf("%d open, %d damaged", l.Open(), l.Damaged())
	}
	lines, err := l.read(l.sendings("cut")[0])
	if err != nil || string(lines[0].Record) != "old" || lines[0].N != 7 {
		t.Errorf("read %+v, %v", lines, err)
	}
	put4test(t, l, line{Segment: "a", N: 7, Settled: putAside}, line{Segment: "b", N: 1, At: putAside, Reason: "new"})
	if l = open4test(t, path); l.Open() != 1 || l.sendings("")[0][0].segment != "b" {
		t.Errorf("%d open: %v", l.Open(), l.sendings(""))
	}
}

// What a failed write left must not become part of the next line, whether the disk kept it or not.
func TestAfterAFailedWriteALineBeginsAnew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dead")
	path := filepath.Join(dir, "letters.jsonl")
	l := open4test(t, path)
	put4test(t, l, line{Segment: "a", N: 1, At: putAside, Reason: "x"})
	away := path + ".away"
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	second := line{Segment: "a", N: 2, At: putAside, Reason: "x"}
	if _, err := l.put([]line{second}); err == nil {
		t.Fatal("written into a folder")
	}
	if l.Open() != 1 {
		t.Errorf("%d open", l.Open())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	lost, err := os.OpenFile(away, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lost.WriteString("\x00\x00\x00\n"); err != nil { // what is '\n' here is a zero on the disk after a power cut
		t.Fatal(err)
	}
	if err := lost.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	put4test(t, l, second)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(text), "\x00\n", "\x00\x00", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := open4test(t, path); again.Open() != 2 {
		t.Errorf("%d open", again.Open())
	}
	if lines, err := l.read([]receipt{{"a", 2}}); err != nil || len(lines) != 1 {
		t.Errorf("read %+v, %v", lines, err)
	}
}

func TestManyLettersAreCountedAndTheNewestListed(t *testing.T) {
	l := open4test(t, filepath.Join(t.TempDir(), "dead", "letters.jsonl"))
	lines := make([]line, 30_000)
	for i := range lines {
		lines[i] = line{Segment: fmt.Sprint("s", i/5000), N: uint32(i), At: putAside, Reason: "x"}
	}
	put4test(t, l, lines[:5000]...)
	settled := make([]line, 5000)
	for i := range settled {
		settled[i] = line{Segment: "s0", N: uint32(i), Settled: putAside}
	}
	put4test(t, l, settled[:4000]...)
	put4test(t, l, lines[5000:]...)
	all := l.All()
	if len(all) < newestOpen || len(all) > 3*newestOpen || all[0].N != uint32(len(lines)-1) {
		t.Errorf("%d letters from %d to %d", len(all), all[0].N, all[len(all)-1].N)
	}
	put4test(t, l, settled[4000:]...) // some of them are not listed any more
	if c := l.Counts()[0]; l.Open() != 25_000 || c.Open != 25_000 || c.Settled != 5000 {
		t.Errorf("%d open, counts %+v", l.Open(), c)
	}
	sum := 0
	for _, part := range l.sendings("x") {
		sum += len(part)
	}
	if sum != 25_000 {
		t.Errorf("%d can be sent again", sum)
	}
	for i := 1; i < len(all); i++ {
		if all[i].N >= all[i-1].N {
			t.Fatalf("letter %d stands behind %d", all[i].N, all[i-1].N)
		}
	}
}

func TestALettersFileThatCannotBeRead(t *testing.T) {
	if _, err := OpenLetters(t.TempDir(), campaign.Emails); err == nil || !strings.Contains(err.Error(), "emails") {
		t.Errorf("opened: %v", err)
	}
}
