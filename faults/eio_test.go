package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// fsync answers EIO, once or several times: what it was called for is refused, nothing false is acknowledged, and the
// next file is as good as any.
func TestFsyncFails(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		t.Log("strace is not installed: EIO on fsync is left to `make faults`")
		return
	}
	f := newFault(t, "EIO on fsync")
	f.note = "from the last error until the first acknowledgement"
	p, j := newWarroom(t, t.TempDir()), newJournal("eio")
	p.serve()
	l := newLoad(t, p, j, 4, 10)
	injected, failures := 0, 0
	for range pick(2, 25) {
		f.runs++
		l.acked(t, 5)
		before := l.answered(http.StatusServiceUnavailable)
		// Threads count their own calls: each thread's from the Nth on, every Mth.
		when := fmt.Sprintf("%d+%d", 1+f.IntN(3), 1+f.IntN(4))
		stop := failFsync(t, p.pid(), when)
		time.Sleep(between(f.Rand, 100*time.Millisecond, 700*time.Millisecond))
		injected += stop()
		f.recovered(l.acked(t, 1))
		failures += l.answered(http.StatusServiceUnavailable) - before
	}
	if injected == 0 || failures == 0 {
		t.Errorf("%d calls failed, %d requests were refused: the test proves nothing", injected, failures)
	}
	f.note += fmt.Sprintf("; %d calls failed, %d requests were refused", injected, failures)
	l.stop()
	l.check(t)
	f.audit(t, p, j)
}

// failFsync makes fsync fail in a process until the returned function is called, which says how often it did.
func failFsync(t *testing.T, pid int, when string) (stop func() int) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-o", trace, "-p", strconv.Itoa(pid), "-e", "trace=fsync,fdatasync",
		"-e", "inject=fsync,fdatasync:error=EIO:when="+when)
	var says bytes.Buffer
	cmd.Stderr = &says
	if err := start(cmd); err != nil {
		t.Fatal(err)
	}
	return func() int {
		_ = cmd.Process.Signal(syscall.SIGINT) // it lets go of the process
		_ = cmd.Wait()
		text, err := os.ReadFile(trace)
		if err != nil {
			t.Fatalf("strace: %v: %s", err, says.String())
		}
		return bytes.Count(text, []byte("(INJECTED)"))
	}
}
