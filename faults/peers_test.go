package faults

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// peerRow is what one way of keeping records does with a power cut and a full disk.
type peerRow struct {
	name, how string
	cut       *fault
	unread    int // cuts after which the log could not be opened
	why       string
	full      *fault
	again     string // does it take records when there is room again?
	died      int    // full disks that ended the process
	speed     float64
}

var peerHead = []string{"", "how", "cuts", "acknowledged", "lost", "refused, yet there",
	"full disks", "acknowledged", "lost", "refused, yet there", "takes records again", "process died", "could not be opened again",
	"MB/s, and to ours"}

func peerCells(rows []peerRow) [][]string {
	cells := make([][]string, len(rows))
	for i, r := range rows {
		cells[i] = []string{r.name, r.how, fmt.Sprint(r.cut.runs), thousands(r.cut.acked), lostOf(r.cut),
			fmt.Sprint(r.cut.returned), fmt.Sprint(r.full.runs), thousands(r.full.acked), lostOf(r.full), fmt.Sprint(r.full.returned),
			r.again, fmt.Sprint(r.died), fmt.Sprint(r.unread) + r.why, fmt.Sprintf("%.0f (%.2f)", r.speed, r.speed/rows[0].speed)}
	}
	return cells
}

func lostOf(f *fault) string {
	if f.lost == 0 {
		return "0"
	}
	return fmt.Sprintf("**%s** (%.1f %%)", thousands(f.lost), 100*float64(f.lost)/float64(max(1, f.acked)))
}

// peersProgram builds the peers once. Their modules are not warroom's.
var peersProgram = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workshop, "peers")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = "peers"
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the peers: %w\n%s", err, out)
	}
	return path, nil
})

// What log libraries and a plain ClickHouse do with the same power cut and the same full disk. A library that loses
// records fails nothing: only our own spool must not.
func TestPeers(t *testing.T) {
	if !*full {
		t.Log("the peers are left to `make faults`")
		return
	}
	if !mayLoop(t) {
		return
	}
	path, err := peersProgram()
	if err != nil {
		t.Fatal(err)
	}
	for _, peer := range []struct {
		subject
		name, how string
	}{
		{own("spool"), "warroom's spool", "as it is"},
		{subject{path, "tidwall"}, "tidwall/wal 1.2.1", "default (NoSync false), WriteBatch for all that wait"},
		{subject{path, "etcd"}, "etcd wal 3.7.3", "Save, which fsyncs; an error ends the process, a torn tail is repaired, both as etcd does"},
		{subject{path, "prometheus"}, "Prometheus wlog 0.316", "Log for all that wait, then Sync; repaired as Prometheus does"},
		{subject{path, "nats"}, "NATS JetStream 2.15.2", "default: fsync every two minutes"},
		{subject{path, "nats-synched"}, "NATS JetStream 2.15.2", "sync_interval: always"},
		{own("clickhouse"), "ClickHouse 26.7, MergeTree", "default settings, an INSERT a record"},
	} {
		t.Run(peer.name+" "+peer.how, func(t *testing.T) {
			row := peerRow{name: peer.name, how: peer.how, cut: &fault{Rand: dice(t.Name())}, full: &fault{}}
			row.cuts(t, peer.subject)
			row.fills(t, peer.subject)
			row.speed = speed(t, peer.subject)
			table.Lock()
			table.peers = append(table.peers, row)
			table.Unlock()
			if peer.name == "warroom's spool" && row.cut.lost+row.cut.returned+row.full.lost+row.full.returned+row.unread+row.died > 0 {
				t.Errorf("our own spool: %+v", row)
			}
		})
	}
}

// cuts cuts the power ten times and more, each time under a new log.
func (row *peerRow) cuts(t *testing.T, s subject) {
	d := newDisk(t, 4<<30)
	for row.cut.runs < 12 {
		row.cut.runs++
		dir, said := filepath.Join(d.path, strconv.Itoa(row.cut.runs)), newLedger()
		size := []string{"100", "4096", "65536"}[row.cut.runs%3]
		r := s.start(t, said, "write", dir, strconv.Itoa(row.cut.runs), "8", size)
		until(t, "records are kept", func() bool { return r.acks.Load() > 0 })
		time.Sleep(between(row.cut.Rand, 50*time.Millisecond, 600*time.Millisecond))
		freeze(t, r.pids()...)
		d.cut()
		r.kill()
		d.again()
		failed, _ := s.read(t, said, dir)
		row.note(failed, d.path)
		row.cut.tally(said)
		_ = os.RemoveAll(dir)
	}
	d.unmount()
}

// note counts a log that could not be opened again. One reason is shown.
func (row *peerRow) note(failed, path string) {
	if failed != "" {
		row.unread++
		row.why = " (“" + strings.ReplaceAll(failed[:min(len(failed), 80)], path, "…") + "”)"
	}
}

// tally counts without judging.
func (f *fault) tally(said ledger) {
	for name := range said.kept {
		f.acked++
		if !said.got[name] {
			f.lost++
		}
	}
	for name := range said.got {
		if said.refused[name] {
			f.returned++
		}
	}
}

// fills fills the disk under a log three times, makes room, and looks what is there after a restart.
func (row *peerRow) fills(t *testing.T, s subject) {
	takes := 0
	for row.full.runs < 3 {
		row.full.runs++
		d := newTmpfs(t, "700m")
		dir, said := filepath.Join(d.path, "log"), newLedger()
		r := s.start(t, said, "write", dir, "1", "4", "8192")
		until(t, "records are kept", func() bool { return r.acks.Load() > 20 })
		ballast := d.ballast()
		soon(5*time.Second, func() bool { return r.noes.Load() >= 12 || r.ended() })
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		if r.ended() { // as etcd does; a supervisor starts it again
			row.died++
			r = s.start(t, said, "write", dir, "2", "4", "8192")
		}
		before := r.acks.Load()
		if soon(5*time.Second, func() bool { return r.acks.Load() > before+20 }) {
			takes++
		}
		r.kill()
		failed, _ := s.read(t, said, dir)
		row.note(failed, d.path)
		row.full.tally(said)
		d.unmount()
	}
	row.again = fmt.Sprintf("%d of %d", takes, row.full.runs)
}

// soon waits for something that may never happen.
func soon(atMost time.Duration, ok func() bool) bool {
	for since := time.Now(); time.Since(since) < atMost; time.Sleep(5 * time.Millisecond) {
		if ok() {
			return true
		}
	}
	return false
}

// speed is how many MB a second 16 senders of 64 KiB can keep on the machine's own disk.
func speed(t *testing.T, s subject) float64 {
	dir := t.TempDir()
	r := s.start(t, newLedger(), "write", filepath.Join(dir, "log"), "1", "16", "65536")
	until(t, "records are kept", func() bool { return r.acks.Load() > 16 })
	const long = 3 * time.Second
	before := r.acks.Load()
	time.Sleep(long) // the measurement
	kept := r.acks.Load() - before
	r.kill()
	return float64(kept) * 65536 / 1e6 / long.Seconds()
}
