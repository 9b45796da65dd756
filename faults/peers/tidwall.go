package main

import (
	"errors"

	"github.com/tidwall/wal"
)

// tidwallLog is tidwall/wal with its default options: NoSync is false, so a batch is fsynced before WriteBatch
// returns.
type tidwallLog struct {
	log  *wal.Log
	next uint64
}

func openTidwall(dir string) (log, error) {
	l, err := wal.Open(dir, nil)
	if err != nil {
		return nil, err
	}
	last, err := l.LastIndex()
	return &tidwallLog{l, last + 1}, err
}

func (t *tidwallLog) append(records [][]byte) error {
	var batch wal.Batch
	for i, record := range records {
		batch.Write(t.next+uint64(i), record)
	}
	if err := t.log.WriteBatch(&batch); err != nil {
		return err
	}
	t.next += uint64(len(records))
	return nil
}

func (t *tidwallLog) close() error { return t.log.Close() }

func readTidwall(dir string, got func([]byte)) error {
	l, err := wal.Open(dir, nil)
	if err != nil {
		return err
	}
	first, err := l.FirstIndex()
	last, lastErr := l.LastIndex()
	if err := errors.Join(err, lastErr); err != nil || last == 0 {
		return err
	}
	for n := first; n <= last; n++ {
		record, err := l.Read(n)
		if err != nil {
			return err
		}
		got(record)
	}
	return l.Close()
}
