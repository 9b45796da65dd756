package faults

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A second server on the same folder refuses to start and says why; the first doesn't notice.
func TestTwoServersOnOneFolder(t *testing.T) {
	f := newFault(t, "two servers on one folder")
	p, j := newWarroom(t, t.TempDir()), newJournal("two")
	p.serve()
	l := newLoad(t, p, j, 2, 20)
	for range pick(2, 10) {
		f.runs++
		l.acked(t, 5)
		second := *p
		second.env = append(second.env[:len(second.env):len(second.env)], "WARROOM_ADDR=127.0.0.1:0")
		out, errs, code := second.run("serve")
		if code != 1 || !strings.Contains(errs, "another warroom") || strings.Contains(out, "listens on") {
			t.Errorf("the second server: exit %d: %s%s", code, out, errs)
		}
	}
	l.acked(t, 5)
	l.stop()
	l.check(t)
	if n := l.answered(http.StatusServiceUnavailable) + l.answered(0); n > 0 {
		t.Errorf("%d requests failed because of the second server", n)
	}
	f.audit(t, p, j)
}

// SIGTERM in the middle of a load: every request gets its answer or none, refusals say when to come again, and the end
// comes within ten seconds.
func TestStopUnderLoad(t *testing.T) {
	f := newFault(t, "SIGTERM under load")
	f.note = "from the signal to the end"
	p, j := newWarroom(t, t.TempDir()), newJournal("stop")
	p.serve()
	l := newLoad(t, p, j, 8, 20)
	for range pick(2, 25) {
		f.runs++
		l.acked(t, 10)
		time.Sleep(between(f.Rand, 0, time.Second))
		f.stopped(t, p)
		p.start()
	}
	l.acked(t, 5)
	l.stop()
	l.check(t)
	f.audit(t, p, j)
}

func (f *fault) stopped(t *testing.T, p *warroom) {
	t.Helper()
	code, took := p.stop()
	f.recovered(took)
	within(t, "stopping", took, 10*time.Second)
	if code != 0 {
		t.Errorf("it stopped with %d", code)
	}
}

// From the version before to this one and back, and again, under load. The older one may say that it doesn't know the
// newer tables; it must not touch anything then, and what it took is counted by the newer one.
func TestRollingUpgrade(t *testing.T) {
	f := newFault(t, "rolling to a new binary and back")
	f.note = "from the signal to the end of the one before"
	p, j := newWarroom(t, t.TempDir()), newJournal("roll")
	newer := p.program
	older, err := versionBefore()
	if err != nil {
		t.Fatal(err)
	}
	p.program = older
	p.serve()
	l := newLoad(t, p, j, 4, 20)
	for range pick(1, 6) {
		for _, program := range []string{newer, older} {
			f.runs++
			l.acked(t, 10)
			f.stopped(t, p)
			p.program = program
			p.start()
			if program == newer || !p.tooOld() {
				p.ready()
				continue
			}
			p.program = newer
			p.serve()
		}
	}
	p.stop()
	p.program = newer
	p.serve()
	l.acked(t, 10)
	l.stop()
	l.check(t)
	f.audit(t, p, j)
}

// tooOld waits until the server is ready or has ended because it doesn't know the tables.
func (p *warroom) tooOld() bool {
	p.t.Helper()
	ended := false
	until(p.t, "the older version is ready, or refuses", func() bool {
		select {
		case <-p.done:
			ended = true
			return true
		default:
			return p.get("/-/ready", "").status == http.StatusOK
		}
	})
	if ended && (p.cmd.ProcessState.ExitCode() != 1 || !strings.Contains(lastBytes(p.log(), 1000), "newer")) {
		p.t.Errorf("the older version ended with %v", p.cmd.ProcessState)
	}
	return ended
}

// versionBefore builds what is rolled from: the revision that was given, the newest tag, or the last commit without the
// newest migration. In the short selection, and without a history, it is this version again.
var versionBefore = sync.OnceValues(func() (string, error) {
	if !*full {
		return program()
	}
	revision := *before
	for _, ask := range [][]string{
		{"describe", "--tags", "--abbrev=0"},
		{"log", "-1", "--format=%H~1", "--diff-filter=A", "--", ":/migrations/*.sql"},
	} {
		if revision == "" {
			out, _ := exec.Command("git", ask...).Output() // empty when it fails
			revision = strings.TrimSpace(string(out))
		}
	}
	archive, err := exec.Command("git", "-C", "..", "archive", revision).Output()
	if err != nil {
		return program()
	}
	tree := filepath.Join(workshop, "before")
	if err := unpack(archive, tree); err != nil {
		return "", err
	}
	path := filepath.Join(workshop, "warroom-before")
	return path, build(tree, path)
})

func unpack(archive []byte, to string) error {
	files := tar.NewReader(bytes.NewReader(archive))
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(to, filepath.FromSlash(h.Name))
		content, err := io.ReadAll(files)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o755)
		}
		if err == nil {
			err = os.WriteFile(path, content, 0o644)
		}
		if err != nil {
			return err
		}
	}
}
