package hub

import "sync"

// Frame is one encoded state of a topic, shared by all who watch it.
type Frame struct {
	Bytes  []byte // never changed once published
	number uint64 // grows with every frame of the hub; 0 is none

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
