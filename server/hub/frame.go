package hub

import "sync"

// Frame is one encoded state of a topic, or the change that leads to it, shared by all who watch it.
type Frame struct {
	Bytes []byte // never changed once published

	once     sync.Once // guards prepared and failed
	prepared any
	failed   error
}

// Prepared is what prepare makes of the frame's bytes. It is made once, by the first watcher that asks, and shared by
// all others: a transport keeps its wire form here. All callers pass the same prepare.
func (f *Frame) Prepared(prepare func(bytes []byte) (any, error)) (any, error) {
	f.once.Do(func() { f.prepared, f.failed = prepare(f.Bytes) })
	return f.prepared, f.failed
}

// state is the newest of a topic, in one or two forms.
type state struct {
	number uint64 // grows with every state of the hub; 0 is none
	full   *Frame
	change *Frame // for those who have the state before; nil: there is no such form
	before uint64 // number of the state before
}

// since is the form for somebody who has the state of that number, 0 for none; nil when that is the newest.
func (s *state) since(number uint64) *Frame {
	switch {
	case s == nil || number == s.number:
		return nil
	case s.change != nil && number == s.before:
		return s.change
	}
	return s.full
}
