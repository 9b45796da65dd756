package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"time"

	"warroom/server/problem"
)

// healthy says that the process answers; it asks nothing.
func (s *Server) healthy(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "ok\n")
}

// readiness is what /-/ready says, part by part.
type readiness struct {
	Ready bool              `json:"ready"`
	Parts map[string]string `json:"parts"` // "ok", or what is missing
}

// ready says whether events can be taken (spool) and shown (engine). With the engine away events are still taken and
// kept: only `?for=ingest` is then ready.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	state := readiness{Ready: true, Parts: map[string]string{"spool": "ok", "engine": "ok", "truth": "ok"}}
	if err := s.streams.ready(); err != nil {
		state.Ready, state.Parts["spool"] = false, err.Error()
	}
	if err := s.store.ready(r.Context()); err != nil {
		state.Ready = state.Ready && r.URL.Query().Get("for") == "ingest"
		state.Parts["engine"] = plain(err) + reason(err)
	} else {
		state.Parts["truth"] = s.truthPart() // said, and no reason to send nobody here: the boards say it too
	}
	status := http.StatusOK
	if !state.Ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "2")
	}
	writeJSON(w, status, state)
}

// plain is an engine's error without addresses and stacks.
func plain(err error) string {
	switch {
	case errors.Is(err, errStarting):
		return errStarting.Error()
	case errors.Is(err, errNoStart):
		return errNoStart.Error() + "; events are kept on disk meanwhile"
	}
	return "the engine does not answer; events are kept on disk meanwhile"
}

// longestReason is room for the engine's own reason, without the stack behind it.
const longestReason = 500

// reason is why the engine does not start, in one line: what an operator has to know. It names tables and files, never
// rows: an engine that does not start has been asked nothing.
func reason(err error) string {
	if !errors.Is(err, errNoStart) {
		return ""
	}
	text := strings.TrimPrefix(err.Error(), errNoStart.Error()+": ")
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "…"
	}
	return " (" + text + ")"
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) {
	engineVersion := ""
	if e := s.store.embedded(); e != nil {
		engineVersion = e.Version()
	}
	writeJSON(w, http.StatusOK, map[string]string{"version": s.Version, "go": runtime.Version(), "engine": engineVersion, "started": s.started.UTC().Format(time.RFC3339)})
}

// cspReport counts what a browser refused to load for our pages: it should be nothing.
func (s *Server) cspReport(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<10))
	if err != nil {
		problem.Write(w, http.StatusRequestEntityTooLarge, "a report has 8 KiB at most")
		return
	}
	s.figures.cspReports.Inc()
	s.Logger.Warn("a browser reports a violation of the content security policy", "report", fmt.Sprintf("%.500q", body))
	w.WriteHeader(http.StatusNoContent)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone when this fails
}
