package server

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warroom/server/auth"
)

func TestDamagedStateIsNamed(t *testing.T) {
	for _, name := range []string{"tokens.json", "sessions.json", "secret"} {
		t.Run(name, func(t *testing.T) {
			o := Options{
				Addr: "127.0.0.1:0", Data: t.TempDir(), Currency: "USD", Zone: time.UTC, SpoolLimit: 64 << 20,
				Logger: slog.New(slog.DiscardHandler),
			}
			path := filepath.Join(o.Data, "state", name)
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(o)
			if err == nil {
				_ = s.Close()
			}
			if err == nil || !strings.Contains(err.Error(), path+" is damaged") {
				t.Errorf("the start says %v", err)
			}
			for _, f := range Examine(t.Context(), o) {
				if f.Part == "state" && (f.OK || !strings.Contains(f.Says, path+" is damaged")) {
					t.Errorf("the doctor says %+v", f)
				}
			}
		})
	}
}

// An engine that can't start, because its disk is full or a table is damaged, closes no door and is tried again.
func TestTheDoorsStayOpenWhileTheEngineDoesNotStart(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "clickhouse")
	script := "#!/bin/sh\necho 'Code: 231. Suspiciously many broken parts' >&2\nexit 1\n"
	if err := os.WriteFile(broken, []byte(script), 0o700); err != nil { //nolint:gosec // it has to run
		t.Fatal(err)
	}
	s, err := Open(Options{
		Addr: "127.0.0.1:0", Data: filepath.Join(t.TempDir(), "data"), Currency: "USD", Zone: time.UTC,
		SpoolLimit: 64 << 20, EngineLibrary: broken, Version: "test", Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	feed := s.token(t, auth.Feed)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()

	says := ""
	for deadline := time.Now().Add(time.Minute); !strings.Contains(says, "does not start"); {
		if time.Now().After(deadline) {
			t.Fatalf("/-/ready says %s", says)
		}
		select {
		case err := <-ended:
			t.Fatalf("the server ended: %v", err)
		case <-time.After(10 * time.Millisecond):
		}
		_, says = answerOf(t, s, http.MethodGet, "/-/ready", "", "")
	}
	if !strings.Contains(says, "broken parts") {
		t.Errorf("/-/ready keeps the reason back: %s", says)
	}
	if status, says := answerOf(t, s, http.MethodGet, "/-/ready?for=ingest", "", ""); status != http.StatusOK {
		t.Errorf("not ready for events: %d %s", status, says)
	}
	gift := `{"id":"1","occurred_at":"` + time.Now().Format(time.RFC3339) + `","amount":"1.00"}`
	if status, says := answerOf(t, s, http.MethodPost, "/v1/donations", feed, gift); status != http.StatusAccepted {
		t.Errorf("a gift: %d %s", status, says)
	}
	if doubt := s.doubt(); !strings.Contains(doubt, "does not start") || strings.Contains(doubt, "Code") {
		t.Errorf("the boards say %q", doubt)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the stop: %v", err)
	}
	select {
	case <-s.streams.started:
		t.Error("the sinks were started for an engine that never came, and the stop waited for them")
	default:
	}
}

func answerOf(t *testing.T, s *Server, method, path, token, body string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}
