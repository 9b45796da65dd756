package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"warroom/server"
	"warroom/server/campaign"
)

const replayUsage = `usage: warroom replay --since 24h|2026-11-03T20:00:00Z [--feed NAME] [--kind donations,emails,traffic] [--json]
       warroom replay --dead-letters [--reason TEXT] [--kind donations,emails,traffic] [--json]
Sends events into the engine again that this data folder's server has kept after they were counted (WARROOM_KEEP,
WARROOM_KEEP_BYTES), those received since a time or within a duration: to fill in what the engine has lost. Each event
is counted once whatever is sent again, so no total changes by it. With --dead-letters, the events that could not be
counted: those with a reason, or all. The server must be running. Exit code 1 when something was left out or refused.
`

// replay asks the running server to send kept events, or dead letters, again.
func replay(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, replayUsage) }
	since := flags.String("since", "", "")
	feed := flags.String("feed", "", "")
	kind := flags.String("kind", "", "")
	dead := flags.Bool("dead-letters", false, "")
	reason := flags.String("reason", "", "")
	asJSON := flags.Bool("json", false, "")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || *dead == (*since != "") || *dead && *feed != "" || !*dead && *reason != "" {
		fmt.Fprint(stderr, replayUsage)
		return 2
	}
	ask := server.Ask{Feed: *feed, Reason: *reason}
	for word := range strings.SplitSeq(*kind, ",") {
		if _, ok := campaign.ParseKind(word); !ok && word != "" {
			fmt.Fprintf(stderr, "warroom: --kind %q: want donations, emails or traffic, separated by commas\n", word)
			return 2
		} else if ok {
			ask.Kinds = append(ask.Kinds, word)
		}
	}
	send := server.SendLetters
	if !*dead {
		var err error
		if ask.Since, err = parseSince(*since, time.Now()); err != nil {
			fmt.Fprintf(stderr, "warroom: --since %q: %v\n", *since, err)
			return 2
		}
		send = server.Replay
	}
	report := replayReport{since: ask.Since, letters: *dead, stderr: stderr}
	err := send(ctx, c.Data, ask, report.told)
	report.print(stdout, *asJSON)
	switch {
	case errors.Is(err, server.ErrNotRunning):
		fmt.Fprintf(stderr, "warroom: no server runs on %s: start it, then ask again; only the running server has the events and the engine\n", c.Data)
		return 1
	case err != nil:
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	return report.code
}

// parseSince reads how far back, as a duration or a time.
func parseSince(text string, now time.Time) (time.Time, error) {
	since, err := time.Parse(time.RFC3339, text)
	if back, wrong := time.ParseDuration(text); wrong == nil {
		since, err = now.Add(-back), nil
	}
	switch {
	case err != nil:
		return time.Time{}, errors.New("want a duration such as 24h or 90m, or a time such as 2026-11-03T20:00:00Z")
	case since.After(now):
		return time.Time{}, errors.New("that is still to come")
	}
	return since, nil
}

// replayReport says what the server does, as it does it and in the end.
type replayReport struct {
	since   time.Time
	letters bool
	stderr  io.Writer
	done    []server.Progress
	trouble string // the last one that was told
	code    int
}

func (r *replayReport) told(p server.Progress) {
	if !p.Done {
		if p.Trouble != "" && p.Trouble != r.trouble {
			fmt.Fprintf(r.stderr, "%s: waiting: %s\n", p.Kind, p.Trouble)
		} else if p.Trouble == "" && !r.letters {
			fmt.Fprintf(r.stderr, "%s: %d of %d kept segments, %d events sent again\n", p.Kind, p.Looked, p.Of, p.Events)
		}
		r.trouble = p.Trouble
		return
	}
	r.done = append(r.done, p)
	if p.Error != "" {
		fmt.Fprintf(r.stderr, "warroom: %s\n", p.Error)
	}
	if p.Error != "" || p.Refused > 0 {
		r.code = 1
	}
	if !r.letters && p.KeptFrom.After(r.since) {
		fmt.Fprintf(r.stderr, "%s: what is kept begins at %s\n", p.Kind, p.KeptFrom.UTC().Format(time.RFC3339))
	}
}

func (r *replayReport) print(out io.Writer, asJSON bool) {
	if asJSON {
		if r.done == nil {
			r.done = []server.Progress{}
		}
		_ = json.NewEncoder(out).Encode(r.done) // stdout is gone when this fails
		return
	}
	for _, p := range r.done {
		switch {
		case r.letters:
			fmt.Fprintf(out, "%-10s %d dead letters sent again and counted, %d not\n", p.Kind, p.Events, p.Refused)
		case p.Refused > 0:
			fmt.Fprintf(out, "%-10s %d segments, %d events sent again, %d refused: they are dead letters now\n", p.Kind, p.Segments, p.Events, p.Refused)
		default:
			fmt.Fprintf(out, "%-10s %d segments, %d events sent again\n", p.Kind, p.Segments, p.Events)
		}
	}
	if len(r.done) > 0 && !r.letters {
		fmt.Fprintln(out, "each event is counted once, so no total has changed by it")
	}
}
