package faults

import (
	"syscall"
	"testing"
	"time"
)

// The server is killed again and again under load, mostly before its engine is up, now and then in full swing.
func TestKillServer(t *testing.T) {
	f := newFault(t, "kill -9 of the server")
	f.note = "from start to the first acknowledgement"
	p, j := newWarroom(t, t.TempDir()), newJournal("kill")
	p.serve()
	l := newLoad(t, p, j, 3, 12)
	for range pick(6, 220) {
		l.acked(t, 5)
		time.Sleep(between(f.Rand, 50*time.Millisecond, 500*time.Millisecond))
		p.kill()
		p.start()
		f.recovered(l.acked(t, 1))
		f.runs++
		if f.IntN(5) == 0 {
			p.ready()
		}
	}
	l.stop()
	l.check(t)
	f.audit(t, p, j)
}

// The engine's process is killed under load. Senders don't notice, and nobody has to do anything.
func TestKillEngine(t *testing.T) {
	f := newFault(t, "kill -9 of the engine")
	f.note = "from the kill until SQL answers again"
	p, j := newWarroom(t, t.TempDir()), newJournal("engine")
	p.serve()
	l := newLoad(t, p, j, 3, 12)
	// The pause before a restart doubles with each death within a minute, so each life of the server has a few only.
	const aLife = 4
	for f.runs < pick(4, 100) {
		if f.runs > 0 && f.runs%aLife == 0 {
			p.kill()
			p.serve()
		}
		time.Sleep(between(f.Rand, 50*time.Millisecond, 500*time.Millisecond))
		signal(t, p.engine(), syscall.SIGKILL)
		back := until(t, "the engine is back", p.answers)
		within(t, "bringing the engine back", back, 10*time.Second)
		f.recovered(back)
		f.runs++
	}
	l.stop()
	l.check(t)
	if n := l.answered(503); n > 0 {
		t.Errorf("%d requests were refused while the engine was away", n)
	}
	f.audit(t, p, j)
}
