package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"warroom/simulate"
)

func TestSimulateSaysWhatIsWrong(t *testing.T) {
	token := []string{"--token", "t"}
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no token":         {nil, "exactly one of --tokens"},
		"two tokens":       {[]string{"--token", "a", "--tokens", "b"}, "exactly one of --tokens"},
		"unknown scenario": {append(token, "--scenario", "mars"), "quiet, convention and spike"},
		"unknown flag":     {append(token, "--loud"), "--help shows all flags"},
		"a word":           {append(token, "convention"), "want only flags"},
		"bad url":          {append(token, "--url", "localhost"), "want scheme and host"},
		"bad start":        {append(token, "--start", "tonight"), "want RFC 3339"},
		"negative rate":    {append(token, "--rate", "-1"), "want 0 to 20000"},
		"no rate":          {append(token, "--rate", "NaN"), "want 0 to 20000"},
		"huge mail rate":   {append(token, "--mail-rate", "1e9"), "want 0 to 20000"},
		"long backfill":    {append(token, "--backfill", "1000h"), "want 0 to 168h"},
		"bad duration":     {append(token, "--duration", "-1s"), "until stopped"},
	} {
		var out, errs bytes.Buffer
		code := simulateCmd(t.Context(), c.args, &out, &errs)
		oneLine := strings.Count(errs.String(), "\n") == 1
		if code != 2 || !strings.Contains(errs.String(), c.says) || !oneLine || out.Len() > 0 {
			t.Errorf("%s: exit %d, %q; want exit 2 and one line with %q", name, code, errs.String(), c.says)
		}
	}
}

func TestSimulateHelp(t *testing.T) {
	var out, errs bytes.Buffer
	code := simulateCmd(t.Context(), []string{"--help"}, &out, &errs)
	if code != 0 || errs.Len() > 0 || !strings.Contains(out.String(), "--journal FILE") {
		t.Errorf("exit %d, %q, %q", code, out.String(), errs.String())
	}
}

func TestSimulateNamesTheMissingToken(t *testing.T) {
	var out, errs bytes.Buffer
	code := simulateCmd(t.Context(), []string{"--tokens", t.TempDir()}, &out, &errs)
	if code != 1 || !strings.Contains(errs.String(), "the token of feed vendor") {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}

// A whole run: a token for each feed, a journal that goes on where another run's was cut off, a summary.
func TestSimulateRuns(t *testing.T) {
	tokens := t.TempDir()
	for _, feed := range []string{"vendor", "mirror", "desk", "mail", "web"} {
		if err := os.WriteFile(filepath.Join(tokens, feed), []byte("token of "+feed+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var mu sync.Mutex // guards seen
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.URL.Path+" "+r.Header.Get("Authorization")] = true
		mu.Unlock()
		n := 0
		if body, err := gzip.NewReader(r.Body); err == nil {
			all, _ := io.ReadAll(body)
			n = bytes.Count(all, []byte{'\n'})
		}
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]int{"accepted": n})
	}))
	defer server.Close()
	journal := filepath.Join(t.TempDir(), "journal")
	if err := os.WriteFile(journal, []byte(`{"cut off":`), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := simulateCmd(t.Context(), []string{
		"--url", server.URL, "--tokens", tokens, "--start", "2024-11-04T15:00:00-05:00", "--backfill", "30m",
		"--duration", "1m", "--mail-rate", "0", "--rate", "0", "--journal", journal, "--json",
	}, &out, &errs)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	var summary simulate.Summary
	if err := json.Unmarshal(out.Bytes(), &summary); err != nil {
		t.Fatalf("%v in %s", err, out.String())
	}
	vendor := summary.Feeds["vendor"]
	if vendor.Acknowledged == 0 || vendor.Acknowledged != vendor.Told || summary.Totals["USD"].Net <= 0 {
		t.Errorf("summary %s", out.String())
	}
	content, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
	told := 0
	for _, f := range summary.Feeds {
		told += int(f.Told)
	}
	if len(lines) != told+1 || !strings.HasPrefix(lines[1], `{"kind":"donations"`) {
		t.Errorf("%d lines for %d events, the second is %s", len(lines), told, lines[1])
	}
	for _, feed := range []string{"vendor", "mirror", "desk"} {
		if !seen["/v1/donations Bearer token of "+feed] {
			t.Errorf("%s did not show its token: %v", feed, seen)
		}
	}
}

// Ctrl-C is a good end, also when the server never was there.
func TestSimulateStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
		stop()
	}))
	defer server.Close()
	var out, errs bytes.Buffer
	if code := simulateCmd(ctx, []string{"--url", server.URL, "--token", "t", "--backfill", "1h"}, &out, &errs); code != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestSimulateCheck(t *testing.T) {
	dir := t.TempDir()
	journal, token := filepath.Join(dir, "journal"), filepath.Join(dir, "token")
	line := `{"kind":"donations","type":"gift","source":"cards","id":"a","amount_minor":2500,"currency":"USD",` +
		`"acknowledged":true}` + "\n"
	for file, content := range map[string]string{journal: line, token: "analyst\n"} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	net := 0 // what the server says it has; only changed between runs
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/sql" || r.Header.Get("Authorization") != "Bearer analyst" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		row := map[string]any{"currency": "USD", "movements": 1, "net_minor": net}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": []map[string]any{row}})
	}))
	defer server.Close()
	for _, c := range []struct {
		net, code int
		says      string
	}{{2500, 0, "ok     USD"}, {2600, 1, "WRONG  USD"}} {
		net = c.net
		var out, errs bytes.Buffer
		code := simulateCmd(t.Context(), []string{
			"check", "--url", server.URL, "--journal", journal, "--token-file", token, "--wait", "500ms",
		}, &out, &errs)
		if code != c.code || !strings.HasPrefix(out.String(), c.says) {
			t.Errorf("server has %d: exit %d, %q %q", c.net, code, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	code := simulateCmd(t.Context(), []string{"check", "--journal", journal}, &out, &errs)
	if code != 2 || !strings.Contains(errs.String(), "--token-file") {
		t.Errorf("exit %d, %q", code, errs.String())
	}
}
