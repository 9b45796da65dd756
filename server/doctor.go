package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"warroom/server/auth"
	"warroom/server/campaign"
	"warroom/server/engine"
	"warroom/server/warehouse"
)

// Finding is one thing that the doctor looked at.
type Finding struct {
	Part string `json:"part"`
	OK   bool   `json:"ok"`
	Says string `json:"says"` // what is, and what to do when it is wrong
}

// lowDisk is the free space under which a night's events may not fit.
const lowDisk = 2 << 30

// Examine looks at a deployment from outside, as an operator would: it changes nothing, and works whether the server
// runs or not.
func Examine(ctx context.Context, o Options) []Finding {
	findings := []Finding{dataFolder(o.Data), disk(o.Data), stateFiles(o)}
	parts, running := askRunning(ctx, o)
	findings = append(findings, running)
	if running.OK && parts != nil {
		for _, part := range []string{"spool", "engine", "truth"} {
			findings = append(findings, Finding{Part: part, OK: parts[part] == "ok", Says: parts[part]})
		}
		return findings
	}
	return append(findings, engineAtRest(ctx, o), truthAtRest(o))
}

// truthAtRest says whether events were missing when the server last ran.
func truthAtRest(o Options) Finding {
	f := Finding{Part: "truth", OK: true, Says: "no events are known to be missing"}
	state, err := readTruth(filepath.Join(o.Data, "state", "truth.json"))
	if err != nil {
		return wrong(f, "%v", err)
	}
	for _, kind := range campaign.Kinds() {
		if i, there := state.Incomplete[kind.String()]; there {
			return wrong(f, "%s; `warroom doctor --accept` when they can't be sent again", i.about(kind.String()))
		}
	}
	return f
}

// Accept takes an operator's word that events which are missing in the engine are missing: boards stop saying so. It
// holds for what is missing now; a running server hears of it within a second.
func Accept(o Options) error {
	path := acceptPath(o.Data)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return fmt.Errorf("WARROOM_DATA: %w", err)
	}
	return nil
}

func dataFolder(dir string) Finding {
	f := Finding{Part: "data folder", Says: dir + " can be written"}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return wrong(f, "can't make %s: %v; set WARROOM_DATA to a folder that can be written", dir, err)
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return wrong(f, "can't write in %s: %v; mend its permissions, or set WARROOM_DATA to another folder", dir, err)
	}
	_, err = probe.WriteString("written by warroom doctor\n")
	if err = errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name())); err != nil {
		return wrong(f, "can't write in %s: %v", dir, err)
	}
	f.OK = true
	return f
}

func disk(dir string) Finding {
	f := Finding{Part: "disk"}
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return wrong(f, "can't ask for the free space of %s: %v", dir, err)
	}
	free := int64(st.Bavail) * st.Bsize //nolint:gosec // fits: no disk has 8 EiB
	f.OK, f.Says = free >= lowDisk, fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30))
	if !f.OK {
		f.Says += ": too little for a night; at least 2 GiB are needed"
	}
	return f
}

// stateFiles looks whether a start could read what the data folder keeps of tokens, sessions and the secret.
func stateFiles(o Options) Finding {
	f := Finding{Part: "state"}
	dir := filepath.Join(o.Data, "state")
	if err := auth.Check(dir); err != nil {
		return wrong(f, "%v", err)
	}
	if o.Secret == "" {
		if _, err := readSecret(filepath.Join(dir, "secret")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return wrong(f, "%v", err)
		}
	}
	f.OK, f.Says = true, "tokens, sessions and secret can be read"
	return f
}

// askRunning asks the server of this data folder how it is. Without one, the address must be free.
func askRunning(ctx context.Context, o Options) (map[string]string, Finding) {
	f := Finding{Part: "server"}
	at, err := os.ReadFile(filepath.Join(o.Data, "state", "address"))
	if err == nil {
		address := strings.TrimSpace(string(at))
		if state, err := getReady(ctx, address); err == nil {
			f.OK, f.Says = true, "runs at "+address
			return state.Parts, f
		}
	}
	l, err := listen(o.Addr)
	if err != nil {
		return nil, wrong(f, "does not answer, and could not start: %v", err)
	}
	_ = l.Close()
	f.OK, f.Says = true, "does not run; "+o.Addr+" is free for it"
	return nil, f
}

func getReady(ctx context.Context, address string) (state readiness, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/-/ready", nil)
	if err != nil {
		return state, err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the address that our own server wrote
	if err != nil {
		return state, err
	}
	defer func() { _ = resp.Body.Close() }()
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&state); err != nil {
		return state, err
	}
	if state.Parts == nil {
		return state, errors.New("not a warroom")
	}
	return state, nil
}

// engineAtRest looks whether an engine could be used.
func engineAtRest(ctx context.Context, o Options) Finding {
	f := Finding{Part: "engine"}
	if o.ClickHouseURL != "" {
		if err := warehouse.Reachable(ctx, o.ClickHouseURL); err != nil {
			return wrong(f, "WARROOM_CLICKHOUSE_URL: %v", err)
		}
		f.OK, f.Says = true, "the ClickHouse server answers"
		return f
	}
	path, err := engine.Find(o.EngineLibrary)
	if err != nil {
		return wrong(f, "%v", err)
	}
	f.OK, f.Says = true, "embedded: "+path
	return f
}

func wrong(f Finding, format string, args ...any) Finding {
	f.OK, f.Says = false, fmt.Sprintf(format, args...)
	return f
}
