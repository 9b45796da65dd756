package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
	"go.uber.org/zap"
)

// etcdLog is etcd's write-ahead log as etcd uses it: Save writes entries and fsyncs, an error of it ends the process;
// after a crash a torn tail is repaired once.
type etcdLog struct {
	log  *wal.WAL
	next uint64
}

func openEtcd(dir string) (log, error) {
	if !wal.Exist(dir) {
		l, err := wal.Create(zap.NewNop(), dir, nil)
		return &etcdLog{l, 1}, err
	}
	var next uint64 = 1
	l, err := loadEtcd(dir, func(e *raftpb.Entry) { next = e.GetIndex() + 1 })
	return &etcdLog{l, next}, err
}

// loadEtcd opens the log and reads all entries, as etcd's start does.
func loadEtcd(dir string, each func(*raftpb.Entry)) (*wal.WAL, error) {
	for repaired := false; ; repaired = true {
		l, err := wal.Open(zap.NewNop(), dir, &walpb.Snapshot{})
		if err != nil {
			return nil, err
		}
		_, _, entries, err := l.ReadAll()
		if err == nil {
			for _, e := range entries {
				each(e)
			}
			return l, nil
		}
		_ = l.Close()
		if repaired || !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, err
		}
		if !wal.Repair(zap.NewNop(), dir) {
			return nil, errors.New("the log can't be repaired")
		}
	}
}

func (e *etcdLog) append(records [][]byte) error {
	entries := make([]*raftpb.Entry, len(records))
	for i, record := range records {
		entries[i] = &raftpb.Entry{Term: new(uint64(1)), Index: new(e.next + uint64(i)), Data: record}
	}
	if err := e.log.Save(&raftpb.HardState{Term: new(uint64(1)), Commit: new(e.next)}, entries); err != nil {
		fmt.Println("failed", err)
		os.Exit(1)
	}
	e.next += uint64(len(records))
	return nil
}

func (e *etcdLog) close() error { return e.log.Close() }

func readEtcd(dir string, got func([]byte)) error {
	l, err := loadEtcd(dir, func(e *raftpb.Entry) { got(e.Data) })
	if err != nil {
		return err
	}
	return l.Close()
}
