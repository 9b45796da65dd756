package server

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"warroom/server/campaign"
	"warroom/server/sink"
)

// The control socket is how commands on this machine ask the running server for what only it can do, since it owns the
// spools and the engine: HTTP over a unix socket in the data folder. Whoever may write there may ask; nobody else sees
// it, so there are no tokens.
//
//	POST /replay   {"kinds","since","feed"}   kept events again
//	POST /letters  {"kinds","reason"}         dead letters again
//
// Both answer with lines of Progress; the last line of each kind is Done.

const (
	controlFile = "control.sock"
	// longestSocket is what fits into a socket's address everywhere: macOS has 104 bytes, Linux 108.
	longestSocket = 100
	// progressEvery is how often a line comes while nothing ends.
	progressEvery = time.Second
	controlBody   = 64 << 10 // bytes
)

// Progress is how far the server has come with one kind of what it was asked for.
type Progress struct {
	Kind     string    `json:"kind"`
	Segments int       `json:"segments"` // sent again, of a replay
	Events   int       `json:"events"`   // sent again
	Refused  int       `json:"refused"`  // by the engine; they are dead letters
	Looked   int       `json:"looked"`   // kept segments that were looked through,
	Of       int       `json:"of"`       // of how many
	KeptFrom time.Time `json:"kept_from,omitzero"`
	Trouble  string    `json:"trouble,omitempty"` // why it doesn't go on
	Done     bool      `json:"done"`
	Error    string    `json:"error,omitempty"` // why it ended early, or what was left out
}

// Ask is what a command asks the running server for.
type Ask struct {
	Kinds  []string  `json:"kinds"`
	Since  time.Time `json:"since,omitzero"`   // of a replay
	Feed   string    `json:"feed,omitempty"`   // of a replay; empty = all
	Reason string    `json:"reason,omitempty"` // of dead letters; empty = all
}

// ErrNotRunning says that no server runs on the data folder.
var ErrNotRunning = errors.New("no warroom runs on this data folder")

type control struct {
	streams  *streams
	listener net.Listener
	path     string
	http     *http.Server
}

// openControl listens. It comes after the spools were opened, which one server of a data folder can: what is left of
// the socket is of a server that was killed.
func openControl(state string, s *streams, logger *slog.Logger) (*control, error) {
	c := &control{streams: s, path: filepath.Join(state, controlFile)}
	if err := os.Remove(c.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	short, release, err := shortPath(c.path)
	if err != nil {
		return nil, err
	}
	defer release()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", short)
	if err != nil {
		return nil, err
	}
	if l, ok := listener.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false) // by the short path, which is gone then
	}
	c.listener = listener
	if err := os.Chmod(c.path, 0o600); err != nil {
		return nil, errors.Join(err, c.close())
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST /replay", c.replay)
	routes.HandleFunc("POST /letters", c.letters)
	c.http = &http.Server{
		Handler: routes, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return c, nil
}

// shortPath is a path of a socket that fits into an address: a long one is reached through its open folder.
func shortPath(path string) (short string, release func(), err error) {
	if len(path) <= longestSocket {
		return path, func() {}, nil
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	release = func() { _ = folder.Close() }
	short = fmt.Sprintf("/proc/self/fd/%d", folder.Fd())
	if _, err := os.Stat(short); err != nil {
		release()
		return "", nil, fmt.Errorf("%s is too long for a socket: want a data folder with a path of %d bytes at most",
			path, longestSocket-len("/state/"+controlFile))
	}
	return filepath.Join(short, filepath.Base(path)), release, nil
}

func (c *control) serve() { _ = c.http.Serve(c.listener) } // until close

// close ends what is being asked for, too.
func (c *control) close() error {
	var errs []error
	if c.http != nil {
		errs = append(errs, c.http.Close())
	}
	if err := c.listener.Close(); !errors.Is(err, net.ErrClosed) {
		errs = append(errs, err)
	}
	if err := os.Remove(c.path); !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *control) replay(w http.ResponseWriter, r *http.Request) {
	ask, kinds, ok := asked(w, r)
	if !ok {
		return
	}
	if ask.Since.IsZero() {
		http.Error(w, "want since, a time", http.StatusBadRequest)
		return
	}
	out := lines{out: w}
	for _, kind := range kinds {
		out.during(c.streams, kind, func(tell func(Progress)) Progress {
			told := func(_ campaign.Kind, r sink.Replayed) { tell(progressOf(r)) }
			done, err := c.streams.replay(r.Context(), []campaign.Kind{kind}, ask.Since, ask.Feed, told)
			return ended(progressOf(done[kind]), err)
		})
	}
}

func progressOf(r sink.Replayed) Progress {
	return Progress{Segments: r.Segments, Events: r.Rows, Refused: r.Refused, Looked: r.Looked, Of: r.Of}
}

func (c *control) letters(w http.ResponseWriter, r *http.Request) {
	ask, kinds, ok := asked(w, r)
	if !ok {
		return
	}
	out := lines{out: w}
	for _, kind := range kinds {
		out.during(c.streams, kind, func(func(Progress)) Progress {
			sent, failed, err := c.streams.sendAgain(r.Context(), kind, ask.Reason)
			return ended(Progress{Events: sent, Refused: failed}, err)
		})
	}
}

func ended(p Progress, err error) Progress {
	if p.Done = true; err != nil {
		p.Error = err.Error()
	}
	return p
}

// asked reads what is asked for, and refuses what makes no sense.
func asked(w http.ResponseWriter, r *http.Request) (ask Ask, kinds []campaign.Kind, ok bool) {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, controlBody)).Decode(&ask); err != nil {
		http.Error(w, "want JSON", http.StatusBadRequest)
		return ask, nil, false
	}
	for _, word := range ask.Kinds {
		kind, known := campaign.ParseKind(word)
		if !known {
			http.Error(w, "want kinds of donations, emails and traffic", http.StatusBadRequest)
			return ask, nil, false
		}
		kinds = append(kinds, kind)
	}
	if len(kinds) == 0 {
		kinds = campaign.Kinds()
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	return ask, kinds, true
}

// lines writes progress. A write that fails ends the request's context, and so what was asked for.
type lines struct{ out http.ResponseWriter }

func (l lines) write(p Progress) {
	_ = json.NewEncoder(l.out).Encode(p)
	_ = http.NewResponseController(l.out).Flush()
}

// during does something for a kind and tells every second how far it is, and what it waits for.
func (l lines) during(s *streams, kind campaign.Kind, do func(tell func(Progress)) Progress) {
	var mu sync.Mutex // guards now
	var now Progress
	end := make(chan Progress, 1)
	go func() { // ends before this returns
		end <- do(func(p Progress) {
			mu.Lock()
			defer mu.Unlock()
			now = p
		})
	}()
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	for {
		var p Progress
		select {
		case p = <-end:
		case <-tick.C:
			mu.Lock()
			p = now
			mu.Unlock()
			p.Trouble = s.sinks[kind].Stats().Trouble
		}
		p.Kind = kind.String()
		if st := s.spools[kind].Stats(); st.KeptSegments > 0 {
			p.KeptFrom = time.Now().Add(-st.KeptOldest)
		}
		l.write(p)
		if p.Done {
			return
		}
	}
}

// Replay asks the server that runs on a data folder to send kept events again; told hears how far it is. Its error is
// ErrNotRunning when there is none.
func Replay(ctx context.Context, data string, ask Ask, told func(Progress)) error {
	return command(ctx, data, "/replay", ask, told)
}

// SendLetters asks the server that runs on a data folder to send dead letters again.
func SendLetters(ctx context.Context, data string, ask Ask, told func(Progress)) error {
	return command(ctx, data, "/letters", ask, told)
}

func command(ctx context.Context, data, what string, ask Ask, told func(Progress)) error {
	body, err := json.Marshal(ask)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://warroom"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialControl(ctx, filepath.Join(data, "state", controlFile))
	}}}
	defer client.CloseIdleConnections()
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // read to its end, or given up
	if answer.StatusCode != http.StatusOK {
		says, _ := io.ReadAll(io.LimitReader(answer.Body, controlBody)) // as much as came
		return fmt.Errorf("the server says %s: %s", answer.Status, strings.TrimSpace(string(says)))
	}
	return eachLine(answer.Body, told)
}

func dialControl(ctx context.Context, path string) (net.Conn, error) {
	short, release, err := shortPath(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, err
	}
	defer release()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", short)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotRunning
	}
	return conn, err
}

// eachLine reads progress until the server has said all.
func eachLine(body io.Reader, told func(Progress)) error {
	last := Progress{}
	in := bufio.NewScanner(body)
	for in.Scan() {
		last = Progress{}
		if err := json.Unmarshal(in.Bytes(), &last); err != nil {
			return fmt.Errorf("what the server says can't be read: %w: is it another version of warroom?", err)
		}
		told(last)
	}
	if !last.Done {
		return errors.Join(errors.New("the server went away before it was done"), in.Err())
	}
	return nil
}
