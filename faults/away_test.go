package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"
)

// The engine is stopped, not gone: connections stay open and nothing answers. Senders don't notice, boards answer with
// their doubt in time.
func TestPausedEngine(t *testing.T) {
	f := newFault(t, "paused engine")
	f.note = "from the end of the pause until all is stored"
	p, j := newWarroom(t, t.TempDir()), newJournal("pause")
	p.serve()
	l := newLoad(t, p, j, 4, 10)
	l.acked(t, pick(100, 500))
	normal := l.p99()
	for _, pause := range []time.Duration{3 * time.Second, 32 * time.Second}[:pick(1, 2)] {
		f.runs++
		engine, before := p.engine(), l.acks.Load()
		freeze(t, engine)
		slowest := time.Duration(0)
		for since := time.Now(); time.Since(since) < pause; {
			asked := time.Now()
			p.get("/api/v1/panels/money.hour", p.analyst)
			slowest = max(slowest, time.Since(asked))
			if a := p.get("/boards/leadership", p.analyst); a.status != http.StatusOK {
				t.Errorf("the board while the engine is paused: %d", a.status)
			}
		}
		within(t, "answering for a paused engine", slowest, 7*time.Second) // package page gives up after 6 s
		if l.acks.Load() < before+100 {
			t.Errorf("only %d requests were acknowledged during the pause", l.acks.Load()-before)
		}
		signal(t, engine, syscall.SIGCONT)
		f.note += fmt.Sprintf("; %.0f s: ack p99 %d ms, normal %d ms; slowest value %.1f s",
			pause.Seconds(), l.p99().Milliseconds(), normal.Milliseconds(), slowest.Seconds())
	}
	l.stop()
	f.recovered(p.drained())
	if restarts, _ := p.metric("warroom_engine_restarts_total"); restarts > 0 {
		f.note += fmt.Sprintf("; the engine was started again %.0f times", restarts)
	}
	l.check(t)
	f.audit(t, p, j)
}

// The engine is away for long: it dies again and again, then hangs, while events come in at full speed. Then it is
// back, and the backlog is stored while new events arrive.
func TestEngineAwayForLong(t *testing.T) {
	f := newFault(t, "engine away for long, and back")
	f.note = "from the last death until the backlog is stored"
	f.runs = 1
	p, j := newWarroom(t, t.TempDir()), newJournal("away")
	p.serve()
	l := newLoad(t, p, j, 4, pick(100, 500))
	l.acked(t, pick(100, 400))
	normal := l.p99()
	hung := p.engine()
	for range 3 {
		died := hung
		signal(t, died, syscall.SIGKILL)
		until(t, "there is another engine", func() bool { hung = p.engine(); return hung != 0 && hung != died && isEngine(hung) })
	}
	freeze(t, hung)
	since, before := time.Now(), l.acks.Load()
	l.acked(t, pick(200, 2400))
	events := int(l.acks.Load()-before) * l.batch
	arrival := float64(events) / time.Since(since).Seconds()
	away := l.p99()
	l.stop()

	backlog := p.waiting()
	trickle := newLoad(t, p, j, 1, 20)
	signal(t, hung, syscall.SIGKILL)
	died := time.Now()
	until(t, "the engine is back", p.answers)
	up := time.Now()
	until(t, "the backlog is stored", func() bool { return p.waiting() < 2000 })
	f.recovered(time.Since(died))
	drain := float64(backlog) / time.Since(up).Seconds()
	trickle.stop()
	trickle.check(t)
	l.check(t)
	if n := l.answered(http.StatusServiceUnavailable); n > 0 {
		t.Errorf("%d requests were refused while the engine was away", n)
	}
	f.note += fmt.Sprintf("; backlog of %s, came in at %s/s, stored at %s/s; ack p99 %d ms, normal %d ms",
		thousands(backlog), thousands(int(arrival)), thousands(int(drain)), away.Milliseconds(), normal.Milliseconds())
	f.audit(t, p, j)
}

// isEngine says whether a process is an engine already. Before that it is its parent's fork, and to stop it would stop
// the parent.
func isEngine(pid int) bool {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return bytes.HasPrefix(name, []byte("warroom-engine"))
}
