package main

import (
	"errors"
	"log/slog"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
)

// prometheusLog is Prometheus' write-ahead log. Log writes pages and leaves the fsync to the end of a segment; Sync
// does it at once, which Prometheus itself never asks for, but a spool has to.
type prometheusLog struct{ log *wlog.WL }

func openPrometheus(dir string) (log, error) {
	l, err := wlog.New(slog.New(slog.DiscardHandler), nil, dir, compression.None)
	return prometheusLog{l}, err
}

func (p prometheusLog) append(records [][]byte) error {
	if err := p.log.Log(records...); err != nil {
		return err
	}
	return p.log.Sync()
}

func (p prometheusLog) close() error { return p.log.Close() }

// readPrometheus reads as Prometheus' head does: what is behind a corruption is repaired away first.
func readPrometheus(dir string, got func([]byte)) error {
	var corrupt *wlog.CorruptionErr
	err := scanPrometheus(dir, func([]byte) {})
	if errors.As(err, &corrupt) {
		l, err := wlog.New(slog.New(slog.DiscardHandler), nil, dir, compression.None)
		if err != nil {
			return err
		}
		if err := errors.Join(l.Repair(corrupt), l.Close()); err != nil {
			return err
		}
	}
	return scanPrometheus(dir, got)
}

func scanPrometheus(dir string, got func([]byte)) error {
	segments, err := wlog.NewSegmentsReader(dir)
	if err != nil {
		return err
	}
	reader := wlog.NewReader(segments)
	for reader.Next() {
		got(reader.Record())
	}
	return errors.Join(reader.Err(), segments.Close())
}
