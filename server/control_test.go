package server

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"log/slog"

	"warroom/server/campaign"
)

// listening is a server's control socket, its streams not started.
func listening(t *testing.T, data string) *Server {
	t.Helper()
	s, err := Open(Options{
		Addr: "127.0.0.1:0", Data: data, Currency: "USD", Zone: time.UTC, SpoolLimit: 64 << 20, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.control == nil {
		t.Fatal("no control socket")
	}
	served := make(chan struct{})
	go func() { s.control.serve(); close(served) }()
	t.Cleanup(func() {
		_ = s.Close()
		<-served
	})
	return s
}

func TestCommandsReachTheRunningServerOnly(t *testing.T) {
	for name, data := range map[string]string{
		"a usual path": filepath.Join(t.TempDir(), "data"),
		"a long path":  filepath.Join(t.TempDir(), strings.Repeat("long", 30), "data"),
	} {
		t.Run(name, func(t *testing.T) {
			ask := Ask{Since: time.Now().Add(-time.Hour), Kinds: []string{"traffic", "donations"}}
			nobody := func(p Progress) { t.Errorf("told %+v", p) }
			if err := Replay(t.Context(), data, ask, nobody); !errors.Is(err, ErrNotRunning) {
				t.Errorf("before the first start: %v", err)
			}
			s := listening(t, data)
			socket := filepath.Join(data, "state", controlFile)
			if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", info.Mode(), err)
			}
			var told []Progress
			for _, command := range []func() error{
				func() error {
					return Replay(t.Context(), data, ask, func(p Progress) { told = append(told, p) })
				},
				func() error {
					return SendLetters(t.Context(), data, Ask{}, func(p Progress) { told = append(told, p) })
				},
			} {
				if err := command(); err != nil {
					t.Fatal(err)
				}
			}
			kinds := ""
			for _, p := range told {
				kinds += p.Kind + " "
				if !p.Done || p.Error != errNotStarted.Error() {
					t.Errorf("told %+v: the engine has not started", p)
				}
			}
			if kinds != "traffic donations donations emails traffic " {
				t.Errorf("told of %s", kinds)
			}
			if err := Replay(t.Context(), data, Ask{}, nobody); err == nil || !strings.Contains(err.Error(), "since") {
				t.Errorf("without a time: %v", err)
			}
			if err := SendLetters(t.Context(), data, Ask{Kinds: []string{"gifts"}}, nobody); err == nil || !strings.Contains(err.Error(), "donations") {
				t.Errorf("with a wrong kind: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the socket is left: %v", err)
			}
			if err := Replay(t.Context(), data, ask, nobody); !errors.Is(err, ErrNotRunning) {
				t.Errorf("after the stop: %v", err)
			}
		})
	}
}

// A killed server leaves its socket.
func TestALeftSocketIsReplaced(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(filepath.Join(data, "state"), 0o700); err != nil {
		t.Fatal(err)
	}
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(data, "state", controlFile)})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	if err := SendLetters(t.Context(), data, Ask{}, func(Progress) {}); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nobody listens: %v", err)
	}
	listening(t, data)
	told := 0
	if err := SendLetters(t.Context(), data, Ask{}, func(Progress) { told++ }); err != nil || told != len(campaign.Kinds()) {
		t.Errorf("told %d times, %v", told, err)
	}
}

func TestAServerThatGoesAwayIsNotDone(t *testing.T) {
	var told []Progress
	err := eachLine(strings.NewReader(`{"kind":"traffic","looked":1,"of":2}`+"\n"), func(p Progress) { told = append(told, p) })
	if err == nil || len(told) != 1 || told[0].Of != 2 {
		t.Errorf("told %+v, %v", told, err)
	}
}
