package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"warroom/server/campaign"
)

// How long answers are kept: for a day, and not more than fits.
const (
	answersFor      = 24 * time.Hour
	maxAnswers      = 200_000
	answersPerFile  = 25_000
	answersFileSize = 32 << 20 // bytes
	answersFileAge  = answersFor / 8
)

// answerID names an answer: the hash of feed, kind and key, so that no key is stored.
type answerID [16]byte

// kept is where an answer lies on disk, and the hash of the body that it answers.
type kept struct {
	file   *answersFile
	offset int64
	size   int
	at     int64 // Unix ms
	body   [sha256.Size]byte
}

// answersFile holds answers one behind the other. Only the newest is written, none is ever changed.
type answersFile struct {
	path  string
	begun time.Time
	ids   []answerID
	size  int64
}

// answers keeps what was answered to requests with an Idempotency-Key, in files that survive the process. A damaged or
// cut file loses answers, never more: a repeat is then a request like any other.
//
// A record is length and CRC-32C of what follows (4 bytes each), then: Unix ms (8), id (16), hash of the body (32),
// status (2), the answer.
type answers struct {
	dir      string
	now      func() time.Time
	fileSize int64 // bytes after which a file is followed by the next

	mu      sync.Mutex // guards all below
	known   map[answerID]kept
	claimed map[answerID]struct{}
	files   []*answersFile // oldest first
	out     *os.File       // the newest of files; nil until something is written
	next    int            // number of the next file
	waiting *batch         // gathers while another is being written
	writing bool
	closed  bool
}

// batch is written and synced at once, for all who wait for it.
type batch struct {
	records [][]byte
	done    chan struct{}
	err     error
}

const (
	answerFrame  = 8
	answerHeader = 8 + 16 + sha256.Size + 2
)

func castagnoli(payload []byte) uint32 {
	return crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli))
}

func openAnswers(dir string, now func() time.Time) (*answers, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s := &answers{dir: dir, now: now, fileSize: answersFileSize, known: map[answerID]kept{},
		claimed: map[answerID]struct{}{}}
	entries, err := os.ReadDir(dir) // by name, so by age
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		number, ok := strings.CutSuffix(entry.Name(), ".answers")
		n, err := strconv.Atoi(number)
		if !ok || err != nil {
			continue
		}
		s.next = n + 1
		if err := s.read(filepath.Join(dir, entry.Name())); err != nil {
			return nil, err
		}
	}
	s.forget()
	return s, nil
}

// read learns the answers of an earlier process.
func (s *answers) read(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f := &answersFile{path: path}
	for rest := content; ; {
		payload, ok := firstAnswer(rest)
		if !ok {
			break
		}
		s.learn(f, payload)
		rest = rest[answerFrame+len(payload):]
	}
	if len(f.ids) == 0 {
		return os.Remove(path)
	}
	s.files = append(s.files, f)
	return nil
}

// firstAnswer is the payload of the first record; ok is false at the end and at damage.
func firstAnswer(content []byte) (payload []byte, ok bool) {
	if len(content) < answerFrame {
		return nil, false
	}
	size, sum := binary.LittleEndian.Uint32(content), binary.LittleEndian.Uint32(content[4:])
	content = content[answerFrame:]
	if size < answerHeader || uint64(size) > uint64(len(content)) || castagnoli(content[:size]) != sum {
		return nil, false
	}
	return content[:size], true
}

// learn notes the record that is next in f.
func (s *answers) learn(f *answersFile, payload []byte) {
	p := kept{file: f, offset: f.size + answerFrame, size: len(payload), at: int64(binary.LittleEndian.Uint64(payload))}
	id := answerID(payload[8:24])
	p.body = [sha256.Size]byte(payload[24:])
	if len(f.ids) == 0 {
		f.begun = time.UnixMilli(p.at)
	}
	f.ids = append(f.ids, id)
	f.size += int64(answerFrame + len(payload))
	s.known[id] = p
}

func (s *answers) id(feed string, kind campaign.Kind, key string) (id answerID) {
	sum := sha256.Sum256([]byte(kind.String() + "\x00" + feed + "\x00" + key))
	copy(id[:], sum[:])
	return id
}

// claim takes an id until release, and says what was answered to it before. free is false when somebody else has it.
func (s *answers) claim(id answerID) (p kept, found, free bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.claimed[id]; taken {
		return kept{}, false, false
	}
	s.claimed[id] = struct{}{}
	p, found = s.known[id]
	return p, found && s.now().Sub(time.UnixMilli(p.at)) < answersFor, true
}

func (s *answers) release(id answerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.claimed, id)
}

// load reads an answer back.
func (s *answers) load(p kept) (answer, error) {
	f, err := os.Open(p.file.path)
	if err != nil {
		return answer{}, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	framed := make([]byte, answerFrame+p.size)
	if _, err := io.ReadFull(io.NewSectionReader(f, p.offset-answerFrame, int64(len(framed))), framed); err != nil {
		return answer{}, err
	}
	payload, ok := firstAnswer(framed)
	if !ok {
		return answer{}, errors.New("it is damaged")
	}
	return answer{status: int(binary.LittleEndian.Uint16(payload[answerHeader-2:])), body: payload[answerHeader:]}, nil
}

// store returns when the answer is on disk. Requests that store at the same time share one sync.
func (s *answers) store(id answerID, body [sha256.Size]byte, a answer) error {
	record := make([]byte, answerFrame, answerFrame+answerHeader+len(a.body))
	record = binary.LittleEndian.AppendUint64(record, uint64(s.now().UnixMilli()))
	record = append(record, id[:]...)
	record = append(record, body[:]...)
	record = binary.LittleEndian.AppendUint16(record, uint16(a.status))
	record = append(record, a.body...)
	binary.LittleEndian.PutUint32(record, uint32(len(record)-answerFrame))
	binary.LittleEndian.PutUint32(record[4:], castagnoli(record[answerFrame:]))

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		s.waiting = &batch{done: make(chan struct{})}
	}
	mine := s.waiting
	mine.records = append(mine.records, record)
	if s.writing { // who writes now writes this one next
		s.mu.Unlock()
		<-mine.done
		s.mu.Lock()
		return mine.err
	}
	s.writing = true
	for s.waiting != nil {
		s.write()
	}
	s.writing = false
	return mine.err
}

// write writes the batch that waits. It is called with mu held and lets go of it while the disk works.
func (s *answers) write() {
	b := s.waiting
	s.waiting = nil
	f, out, err := s.file()
	if err == nil {
		s.mu.Unlock()
		err = writeAll(out, b.records)
		s.mu.Lock()
	}
	if err != nil {
		b.err = err
		s.abandon() // what is in the file now is unknown
	} else {
		for _, record := range b.records {
			s.learn(f, record[answerFrame:])
		}
		s.forget()
	}
	close(b.done)
}

func writeAll(out *os.File, records [][]byte) error {
	var all []byte
	for _, record := range records {
		all = append(all, record...)
	}
	if _, err := out.Write(all); err != nil {
		return err
	}
	return out.Sync()
}

// file is the file to write to; full and old ones are followed by a new one.
func (s *answers) file() (*answersFile, *os.File, error) {
	if s.closed {
		return nil, nil, os.ErrClosed
	}
	if s.out != nil {
		f := s.files[len(s.files)-1]
		if len(f.ids) < answersPerFile && f.size < s.fileSize && s.now().Sub(f.begun) < answersFileAge {
			return f, s.out, nil
		}
		s.abandon()
	}
	path := filepath.Join(s.dir, fmt.Sprintf("%012d.answers", s.next))
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, nil, err
	}
	s.next++
	s.out = out
	s.files = append(s.files, &answersFile{path: path, begun: s.now()})
	return s.files[len(s.files)-1], out, syncFolder(s.dir)
}

// abandon ends the file that is written. Its answers stay known.
func (s *answers) abandon() {
	if s.out != nil {
		_ = s.out.Close() // everything that counts was synced
		s.out = nil
	}
}

// forget removes the oldest files while they are too old or too many.
func (s *answers) forget() {
	for len(s.files) > 0 {
		f := s.files[0]
		writing := s.out != nil && len(s.files) == 1
		last := f.begun.Add(answersFileAge)
		if writing || len(s.known) <= maxAnswers && s.now().Sub(last) < answersFor {
			return
		}
		for _, id := range f.ids {
			if s.known[id].file == f {
				delete(s.known, id)
			}
		}
		_ = os.Remove(f.path) // if it stays, the next start tries again
		s.files = s.files[1:]
	}
}

// close waits for what is being written.
func (s *answers) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for s.writing {
		b := s.waiting
		if b == nil {
			b = &batch{done: make(chan struct{})}
			s.waiting = b
		}
		s.mu.Unlock()
		<-b.done
		s.mu.Lock()
	}
	s.abandon()
	return nil
}

// syncFolder makes a new file's name durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
