package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"warroom/server/campaign"
	"warroom/server/spool"
)

// piece is a record in a segment's file. This reader is not the spool's own: what both say must agree.
type piece struct {
	n          int
	start, end int // of header and payload
	id         string
}

const (
	segmentHeader = 32
	recordHeader  = 20
)

func pieces(t *testing.T, segment []byte) (all []piece) {
	t.Helper()
	for at := segmentHeader; at < len(segment); {
		length := int(binary.LittleEndian.Uint32(segment[at+8:]))
		end := at + recordHeader + length
		d, err := campaign.DecodeDonation(string(segment[at+recordHeader : end]))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, piece{int(binary.LittleEndian.Uint32(segment[at+4:])), at, end, d.ID})
		at = end
	}
	return all
}

// spooled are gifts that a real server has acknowledged and could not store: its ClickHouse is not there.
func spooled(t *testing.T, data, name string, requests int) (p *warroom, j *journal, segments []string) {
	t.Helper()
	p, j = newWarroom(t, data), newJournal(name)
	p.elsewhere = []string{"WARROOM_CLICKHOUSE_URL=clickhouse://nobody:nothing@127.0.0.1:1/campaign"}
	p.start()
	l := newLoad(t, p, j, 2, 15)
	l.acked(t, requests)
	l.stop()
	if code, _ := p.stop(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.elsewhere = nil
	segments, err := filepath.Glob(filepath.Join(data, "spool", "donations", "*.seg"))
	if err != nil || len(segments) == 0 {
		t.Fatalf("no segments: %v", err)
	}
	return p, j, segments
}

// A segment is cut at any byte, or one bit of it is flipped: exactly the records that were touched are missing, and the
// log names them.
func TestDamagedSegment(t *testing.T) {
	f := newFault(t, "torn and flipped segments")
	data := t.TempDir()
	_, j, segments := spooled(t, data, "damage", 30)
	name := filepath.Base(segments[0])
	segment, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	all := pieces(t, segment)
	f.acked = j.count(isAcked)
	for range pick(300, 6000) {
		f.runs++
		torn := bytes.Clone(segment[:f.IntN(len(segment))])
		f.judgeDamage(t, name, torn, all, func(p piece) bool { return p.end <= len(torn) })
		flipped, at := bytes.Clone(segment), f.IntN(len(segment))
		flipped[at] ^= 1 << f.IntN(8)
		f.judgeDamage(t, name, flipped, all, func(p piece) bool { return at < p.start || at >= p.end })
	}
}

// judgeDamage opens a spool with one segment and reads it: what should survive must be there and nothing else, and
// each record that is missing in the middle must be named.
func (f *fault) judgeDamage(t *testing.T, name string, segment []byte, all []piece, survives func(piece) bool) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), segment, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	got := readAll(t, dir, slog.New(slog.NewTextHandler(&log, nil)))
	want := map[int]string{}
	for _, p := range all {
		if survives(p) {
			want[p.n] = p.id
		}
	}
	if !maps.Equal(got, want) {
		f.lost += len(want) - len(got)
		t.Errorf("segment of %d bytes: %d records survive, want %d: %v, want %v", len(segment), len(got), len(want), got, want)
	}
	last := slices.Max(append(slices.Collect(maps.Keys(want)), -1))
	for _, p := range all {
		if p.n < last && want[p.n] == "" && !named(log.String(), p.n) {
			t.Errorf("record %d is missing, and the log does not name it:\n%s", p.n, log.String())
		}
	}
	_ = os.RemoveAll(dir)
}

var stretch = regexp.MustCompile(`"first record"=(\d+) records=(\d+)`)

// named says whether the log names record n as lost.
func named(log string, n int) bool {
	for _, m := range stretch.FindAllStringSubmatch(log, -1) {
		var first, count int
		_, _ = fmt.Sscan(m[1], &first)
		_, _ = fmt.Sscan(m[2], &count)
		if n >= first && n < first+count {
			return true
		}
	}
	return false
}

// readAll takes everything out of a spool.
func readAll(t *testing.T, dir string, logger *slog.Logger) map[int]string {
	t.Helper()
	s, err := spool.Open(dir, spool.Options{Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	got := map[int]string{}
	for s.Stats().Records > 0 {
		g, err := s.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for n, record := range g.Records() {
			d, err := campaign.DecodeDonation(string(record))
			if err != nil {
				t.Fatal(err)
			}
			got[n] = d.ID
		}
		if err := g.Done(); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return got
}

// The same through the whole server: single bits of many records are flipped. All other records are counted.
func TestServerWithDamagedSegments(t *testing.T) {
	f := newFault(t, "flipped bits under a whole server")
	data := t.TempDir()
	p, j, segments := spooled(t, data, "flip", pick(40, 400))
	for _, path := range segments {
		segment, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, hit := range pieces(t, segment) {
			if f.IntN(20) > 0 {
				continue
			}
			f.runs++
			segment[hit.start+f.IntN(hit.end-hit.start)] ^= 1 << f.IntN(8)
			j.mark([]*entry{j.entries[hit.id]}, func(e *entry) { e.acked, e.refused = false, true }) // must not show up
			t.Cleanup(func() {
				if !named(p.log(), hit.n) {
					t.Errorf("record %d is damaged, and the log does not name it", hit.n)
				}
			})
		}
		if err := os.WriteFile(path, segment, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.serve()
	f.audit(t, p, j)
}
