package main

import (
	"errors"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsLog is a JetStream stream on disk inside this process; a record is kept when the publish is acknowledged. By
// default the server fsyncs every two minutes; with sync_interval: always before each acknowledgement.
type natsLog struct {
	server *server.Server
	conn   *nats.Conn
	stream nats.JetStreamContext
}

const subject = "records"

func openNATS(always bool) func(dir string) (log, error) {
	return func(dir string) (log, error) { return startNATS(dir, always) }
}

func startNATS(dir string, always bool) (*natsLog, error) {
	s, err := server.NewServer(&server.Options{
		DontListen: true, JetStream: true, StoreDir: dir, SyncAlways: always, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		return nil, errors.New("the server is not ready")
	}
	conn, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return nil, err
	}
	stream, err := conn.JetStream()
	if err != nil {
		return nil, err
	}
	_, err = stream.StreamInfo(subject)
	if errors.Is(err, nats.ErrStreamNotFound) {
		_, err = stream.AddStream(&nats.StreamConfig{Name: subject, Subjects: []string{subject}, Storage: nats.FileStorage})
	}
	return &natsLog{s, conn, stream}, err
}

func (n *natsLog) append(records [][]byte) error {
	for _, record := range records {
		if _, err := n.stream.Publish(subject, record); err != nil {
			return err
		}
	}
	return nil
}

func (n *natsLog) close() error {
	n.conn.Close()
	n.server.Shutdown()
	return nil
}

func readNATS(dir string, got func([]byte)) error {
	n, err := startNATS(dir, false)
	if err != nil {
		return err
	}
	info, err := n.stream.StreamInfo(subject)
	if err != nil {
		return err
	}
	for sequence := max(1, info.State.FirstSeq); sequence <= info.State.LastSeq; sequence++ {
		m, err := n.stream.GetMsg(subject, sequence)
		switch {
		case errors.Is(err, nats.ErrMsgNotFound): // a hole
			continue
		case err != nil:
			return err
		}
		got(m.Data)
	}
	return n.close()
}
