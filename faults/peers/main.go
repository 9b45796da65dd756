// Command peers is the log libraries that warroom's spool is measured against, as subjects of the fault suite (see
// subject_test.go for what they say): each appends records as its documentation recommends for durability, and says
// "kept" when the library said that the record is safe.
//
//	peers LIBRARY write DIR RUN SENDERS SIZE
//	peers LIBRARY read DIR
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// log is a library in use.
type log interface {
	// append returns when all records are durable, as far as the library says.
	append(records [][]byte) error
	close() error
}

// library is how a log is opened, and how what is there is read after a crash.
type library struct {
	open func(dir string) (log, error)
	read func(dir string, got func(record []byte)) error
	// direct is a library that groups the appends of several callers itself; for the others, many callers share one
	// append as the spool's do.
	direct bool
}

func libraries() map[string]library {
	return map[string]library{
		"tidwall":      {open: openTidwall, read: readTidwall},
		"etcd":         {open: openEtcd, read: readEtcd},
		"prometheus":   {open: openPrometheus, read: readPrometheus},
		"nats":         {open: openNATS(false), read: readNATS, direct: true},
		"nats-synched": {open: openNATS(true), read: readNATS, direct: true},
	}
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("failed", strings.ReplaceAll(err.Error(), "\n", " "))
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("usage: peers LIBRARY write DIR RUN SENDERS SIZE | peers LIBRARY read DIR")
	}
	l, known := libraries()[args[0]]
	switch {
	case !known:
		return fmt.Errorf("no library %s", args[0])
	case args[1] == "read":
		if err := l.read(args[2], func(record []byte) { fmt.Println("got", nameOf(record)) }); err != nil {
			return err
		}
		fmt.Println("end")
		return nil
	case args[1] == "write" && len(args) >= 6:
		return l.write(args[2], args[3], args[4], args[5])
	}
	return fmt.Errorf("wrong usage: %v", args)
}

// nameOf is the record's text up to the first space.
func nameOf(record []byte) string {
	name, _, _ := strings.Cut(string(record), " ")
	return name
}

// write lets senders append until the process is killed.
func (l library) write(dir, run, senders, size string) error {
	opened, err := l.open(dir)
	if err != nil {
		return err
	}
	keep := opened.append
	if !l.direct {
		keep = newGroup(opened).append
	}
	count, err := strconv.Atoi(senders)
	if err != nil {
		return err
	}
	bytes, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	var all sync.WaitGroup
	for s := range count {
		all.Go(func() { send(fmt.Sprintf("%s.%d", run, s), bytes, keep) })
	}
	all.Wait()
	return opened.close()
}

// send appends one record after the other. A refused one is given up.
func send(sender string, size int, keep func([][]byte) error) {
	for n := 0; ; n++ {
		name := fmt.Sprintf("%s.%d", sender, n)
		record := make([]byte, max(len(name)+1, size))
		copy(record, name+" ")
		if err := keep([][]byte{record}); err != nil {
			fmt.Println("refused", name, strings.ReplaceAll(err.Error(), "\n", " "))
			time.Sleep(20 * time.Millisecond) // its pace; a full disk is not asked all the time
			continue
		}
		fmt.Println("kept", name)
	}
}

// group is the group commit that the libraries leave to their users: what waits shares one append.
type group struct {
	log  log
	mu   sync.Mutex // guards waiting
	wait []waiting
	wake chan struct{} // holds a token when wait has got something
}

type waiting struct {
	records [][]byte
	done    chan error
}

func newGroup(l log) *group {
	g := &group{log: l, wake: make(chan struct{}, 1)}
	go g.run() // until the process ends
	return g
}

func (g *group) append(records [][]byte) error {
	w := waiting{records, make(chan error, 1)}
	g.mu.Lock()
	g.wait = append(g.wait, w)
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	return <-w.done
}

func (g *group) run() {
	for range g.wake {
		g.mu.Lock()
		wait := g.wait
		g.wait = nil
		g.mu.Unlock()
		var all [][]byte
		for _, w := range wait {
			all = append(all, w.records...)
		}
		if len(all) == 0 {
			continue
		}
		err := g.log.append(all)
		for _, w := range wait {
			w.done <- err
		}
	}
}
