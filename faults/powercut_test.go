package faults

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The spool alone, so that there are many cuts: large records that fill segments quickly, a reader that finishes them,
// and the cut anywhere between a record, a segment's roll and its removal, or its renaming when it is kept.
func TestPowerCutSpool(t *testing.T) {
	if !mayLoop(t) {
		return
	}
	f := newFault(t, "power cut under the spool")
	f.note = "from start until all is read"
	d := newDisk(t, 2<<30)
	ours, said, dir := own("spool"), newLedger(), ""
	for f.runs < pick(3, 165) {
		if f.runs%5 == 0 { // a new folder now and then; else the spool goes on where it was cut
			_ = os.RemoveAll(dir)
			dir = filepath.Join(d.path, strconv.Itoa(f.runs))
		}
		f.runs++
		size := []string{"40", "4096", "65536", "400000"}[f.IntN(4)]
		after := []string{"delete", "keep"}[f.IntN(2)]
		r := ours.start(t, said, "write", dir, strconv.Itoa(f.runs), "8", size, after)
		until(t, "records are kept", func() bool { return r.acks.Load() > 0 })
		time.Sleep(between(f.Rand, 0, 400*time.Millisecond))
		freeze(t, r.pids()...)
		d.cut()
		r.kill()
		d.again()
		taken := map[string]bool{} // given out before the cut, and deleted
		if after == "delete" {
			taken = maps.Clone(said.got)
		}
		failed, took := ours.read(t, said, dir)
		if failed != "" {
			t.Fatalf("after cut %d the spool can't be read: %s", f.runs, failed)
		}
		f.recovered(took)
		f.judge(t, said, taken)
		clear(said.kept) // judged; the next run may give out and delete what is kept
	}
}

// judge says what is lost of a subject's records: kept, and neither given out before nor there now. What is there must
// have been sent and not refused: what a sender has heard of, and the one that it was waiting for.
func (f *fault) judge(t testing.TB, said ledger, taken map[string]bool) {
	t.Helper()
	for name := range said.kept {
		f.acked++
		if !said.got[name] && !taken[name] {
			if f.lost++; f.lost < 5 {
				t.Errorf("kept and lost: %s", name)
			}
		}
	}
	for name := range said.got {
		if sender, n := numberOf(name); n > said.next[sender] || said.refused[name] {
			f.returned++
			t.Errorf("%s is there: the sender's next is %d, refused %t", name, said.next[sender], said.refused[name])
		}
	}
}

// The whole: spools, engine and state lie on the disk that is cut.
func TestPowerCutServer(t *testing.T) {
	if !mayLoop(t) {
		return
	}
	f := newFault(t, "power cut under everything")
	f.note = "from start until it is ready"
	d := newDisk(t, 4<<30)
	p, j := newWarroom(t, filepath.Join(d.path, "data")), newJournal("power")
	p.serve()
	l := newLoad(t, p, j, 6, 20)
	for f.runs < pick(2, 40) {
		f.runs++
		l.acked(t, 1)
		time.Sleep(between(f.Rand, 300*time.Millisecond, 3*time.Second))
		pids := []int{p.pid()}
		if child := p.engine(); child != 0 {
			pids = append(pids, child)
		}
		freeze(t, pids...)
		d.cut()
		p.kill()
		d.again()
		p.start()
		f.recovered(p.ready())
	}
	l.stop()
	l.check(t)
	f.audit(t, p, j)
	if broken := strings.Count(p.log(), "damaged stretch"); broken > 0 {
		f.note += fmt.Sprintf("; %d unacknowledged tails", broken)
	}
}
