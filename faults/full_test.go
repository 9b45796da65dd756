package faults

import (
	"net/http"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The disk is full: senders are told so and when to come again, everything else stays up, and a second after there is
// room again events are taken. What was refused never shows up by itself.
func TestFullDisk(t *testing.T) {
	f := newFault(t, "full disk")
	f.note = "from room until the first acknowledgement"
	p, fill, room := fillable(t)
	j := newJournal("full")
	p.serve()
	l := newLoad(t, p, j, 4, 20)
	for range pick(2, 12) {
		f.runs++
		l.acked(t, 20)
		before := l.answered(http.StatusServiceUnavailable)
		fill()
		until(t, "events are refused", func() bool { return l.answered(http.StatusServiceUnavailable) >= before+5 })
		for _, path := range []string{"/-/healthy", "/boards/leadership", "/api/v1/boards"} {
			if a := p.get(path, p.analyst); a.status != http.StatusOK {
				t.Errorf("%s with a full disk: %d %s", path, a.status, a.body)
			}
		}
		until(t, "/-/ready says it", func() bool { // the engine takes space and gives it back meanwhile
			a := p.get("/-/ready", "")
			return a.status == http.StatusServiceUnavailable && a.header.Get("Retry-After") != ""
		})
		time.Sleep(between(f.Rand, 0, 700*time.Millisecond))
		room()
		back := l.acked(t, 1)
		f.recovered(back)
		within(t, "taking events again", back, time.Second)
	}
	l.stop()
	l.check(t)
	f.audit(t, p, j)
}

// fillable is a server whose disk can be filled and emptied: a tmpfs with everything on it or, where nothing may be
// mounted, a limit on the size of its files.
func fillable(t *testing.T) (p *warroom, fill, room func()) {
	if mayMount() {
		d := newTmpfs(t, "600m")
		ballast := ""
		return newWarroom(t, d.path), func() { ballast = d.ballast() }, func() {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Log("no mount allowed: a limit on file sizes stands in for a full disk")
	p = newWarroom(t, t.TempDir())
	limit := func(bytes uint64) {
		if err := unix.Prlimit(p.pid(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: unix.RLIM_INFINITY}, nil); err != nil {
			t.Fatal(err)
		}
	}
	return p, func() { limit(0) }, func() { limit(unix.RLIM_INFINITY) }
}
