package spool

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
)

// errDead is what a disk without power answers.
var errDead = errors.New("no power")

// memory is a real folder whose fsyncs do nothing, for tests that ask what the bytes mean and not when they are safe.
type memory struct{ osDisk }

type unsynced struct{ *os.File }

func (unsynced) Sync() error { return nil }

func (m memory) create(path string) (file, error) {
	f, err := m.osDisk.create(path)
	if err != nil {
		return nil, err
	}
	return unsynced{f.(*os.File)}, nil
}

func (m memory) open(path string) (file, error) {
	f, err := m.osDisk.open(path)
	if err != nil {
		return nil, err
	}
	return unsynced{f.(*os.File)}, nil
}

func (memory) syncDir(string) error { return nil }

// faulty is a disk that refuses on purpose and knows what would survive a power cut: of a file's bytes what was
// fsynced, of its names what an fsync of the folder covered, and of the rest any part.
type faulty struct {
	memory
	mu sync.Mutex
	// fault is asked before each step, called "create", "open", "write", "read", "truncate", "sync", "rename",
	// "remove" or "syncdir". For a write, the error comes after half of the bytes.
	fault func(step string) error
	// room is what still fits, in bytes; negative = no end. Files that are removed or cut give theirs back.
	room int64

	inodes   map[string]*inode // by path, as a running process sees it
	names    map[string]*inode // what an fsync of the folder has made durable
	moves    []move            // since then
	dead     bool
	badBlock int64 // that can't be read, in blocks of 4 KiB; 0 = none
	// askedAgain is how often a handle whose fsync had failed was written or fsynced again.
	askedAgain int
}

// inode is a file without its name.
type inode struct {
	durable []byte
	pending []change // since the last fsync, in order
}

// change is a write at off, or a cut to off if bytes is nil.
type change struct {
	off   int64
	bytes []byte
}

// move is a name that was given (to an inode) or taken (nil).
type move struct {
	path string
	node *inode
}

func newFaulty() *faulty {
	return &faulty{room: -1, inodes: map[string]*inode{}, names: map[string]*inode{}}
}

func (d *faulty) ask(step string) error {
	if d.dead {
		return errDead
	}
	if d.fault != nil {
		return d.fault(step)
	}
	return nil
}

// keep takes the folder's files for durable.
func (d *faulty) keep(t *testing.T, dir string) {
	t.Helper()
	for name, content := range segmentFiles(t, dir) {
		path, node := filepath.Join(dir, name), &inode{durable: content}
		d.inodes[path], d.names[path] = node, node
	}
}

// set changes the fault while the spool works.
func (d *faulty) set(fault func(step string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

func (d *faulty) create(path string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("create"); err != nil {
		return nil, err
	}
	f, err := d.memory.create(path)
	if err != nil {
		return nil, err
	}
	node := &inode{}
	d.inodes[path] = node
	d.moves = append(d.moves, move{path, node})
	return &faultyFile{disk: d, node: node, file: f}, nil
}

func (d *faulty) open(path string) (file, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("open"); err != nil {
		return nil, err
	}
	f, err := d.memory.open(path)
	if err != nil {
		return nil, err
	}
	return &faultyFile{disk: d, node: d.inodes[path], file: f}, nil
}

func (d *faulty) rename(from, to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("rename"); err != nil {
		return err
	}
	if err := d.memory.rename(from, to); err != nil {
		return err
	}
	node := d.inodes[from]
	delete(d.inodes, from)
	d.inodes[to] = node
	d.moves = append(d.moves, move{to, node}, move{from, nil})
	return nil
}

func (d *faulty) remove(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("remove"); err != nil {
		return err
	}
	size := int64(0)
	if info, err := os.Stat(path); err == nil {
		size = info.Size()
	}
	if err := d.memory.remove(path); err != nil {
		return err
	}
	d.giveBack(size)
	delete(d.inodes, path)
	d.moves = append(d.moves, move{path, nil})
	return nil
}

func (d *faulty) syncDir(string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.ask("syncdir"); err != nil {
		return err
	}
	for _, m := range d.moves {
		m.apply(d.names)
	}
	d.moves = nil
	return nil
}

func (m move) apply(names map[string]*inode) {
	if m.node == nil {
		delete(names, m.path)
	} else {
		names[m.path] = m.node
	}
}

// cut takes the power away and writes what is left into folder to.
func (d *faulty) cut(t *testing.T, random *rand.Rand, to string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = true
	// Names are journaled: of what was not synced, a beginning survives.
	for _, m := range d.moves[:random.IntN(len(d.moves)+1)] {
		m.apply(d.names)
	}
	for _, path := range slices.Sorted(maps.Keys(d.names)) {
		node := d.names[path]
		if err := os.WriteFile(filepath.Join(to, filepath.Base(path)), node.survivor(random), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// survivor is what a power cut leaves of a file: everything synced, and of the rest any changes, any sectors of them.
func (n *inode) survivor(random *rand.Rand) []byte {
	left := slices.Clone(n.durable)
	for _, c := range n.pending {
		if random.IntN(2) == 0 {
			left = c.apply(left, func() bool { return random.IntN(4) > 0 })
		}
	}
	return left
}

// apply makes the change, sector by sector, of which keep says whether it was written.
func (c change) apply(content []byte, keep func() bool) []byte {
	if c.bytes == nil {
		if int64(len(content)) > c.off {
			return content[:c.off]
		}
		return append(content, make([]byte, c.off-int64(len(content)))...)
	}
	for start := 0; start < len(c.bytes); {
		const sector = 512
		off := c.off + int64(start)
		end := min(len(c.bytes), start+sector-int(off%sector))
		if keep() {
			if short := off + int64(end-start) - int64(len(content)); short > 0 {
				content = append(content, make([]byte, short)...)
			}
			copy(content[off:], c.bytes[start:end])
		}
		start = end
	}
	return content
}

type faultyFile struct {
	disk   *faulty
	node   *inode
	failed bool // its fsync has failed
	file
}

func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.ask("read"); err != nil {
		return 0, err
	}
	if bad := f.disk.badBlock * block; bad > 0 && off < bad+block && off+int64(len(p)) > bad {
		n := max(0, bad-off)
		got, _ := f.file.ReadAt(p[:n], off)
		return got, syscall.EIO
	}
	return f.file.ReadAt(p, off)
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.notAgain(f)
	fault := f.disk.ask("write")
	if errors.Is(fault, errDead) {
		return 0, fault
	}
	if fault != nil {
		p = p[:len(p)/2]
	}
	if room := f.disk.room; room >= 0 && int64(len(p)) > room {
		p, fault = p[:room], syscall.ENOSPC
	}
	n, err := f.file.WriteAt(p, off)
	if f.disk.room >= 0 {
		f.disk.room -= int64(n)
	}
	f.node.pending = append(f.node.pending, change{off, slices.Clone(p[:n])})
	return n, errors.Join(fault, err)
}

func (f *faultyFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if err := f.disk.ask("truncate"); err != nil {
		return err
	}
	f.node.pending = append(f.node.pending, change{off: size})
	if info, err := f.file.(unsynced).Stat(); err == nil {
		f.disk.giveBack(max(0, info.Size()-size))
	}
	return f.file.Truncate(size)
}

func (d *faulty) giveBack(bytes int64) {
	if d.room >= 0 {
		d.room += bytes
	}
}

// Sync makes the file's changes durable. When it fails, they never will be, as on Linux: the pages count as written.
func (f *faultyFile) Sync() error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	f.disk.notAgain(f)
	err := f.disk.ask("sync")
	if errors.Is(err, errDead) {
		return err
	}
	f.failed = err != nil
	if err == nil {
		for _, c := range f.node.pending {
			f.node.durable = c.apply(f.node.durable, func() bool { return true })
		}
	}
	f.node.pending = nil
	return err
}

func (d *faulty) notAgain(f *faultyFile) {
	if f.failed {
		d.askedAgain++
	}
}

// once is a fault that strikes at one kind of step and passes.
func once(step string, err error) func(string) error {
	return times(1, step, err)
}

func times(n int, step string, err error) func(string) error {
	return func(now string) error {
		if now == step && n > 0 {
			n--
			return fmt.Errorf("%s: %w", step, err)
		}
		return nil
	}
}
