package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"warroom/simulate"
	"warroom/simulate/story"
)

const simulateHelp = `usage: warroom simulate [flags]
       warroom simulate check --journal FILE --token-file FILE: are the server's totals those of a journal?
Tells a made-up campaign and sends it through the server's public doors, as five feeds: vendor and mirror (the same
gifts by two roads), desk (checks), mail (what the mail provider reports) and web (requests). Same seed, same events.

  --url URL             the server (default http://127.0.0.1:8080)
  --tokens DIR          a folder with a token for each feed, in files named like the feeds
  --token-file FILE     or one token for all feeds, in a file
  --token TOKEN         or one token for all feeds
  --scenario NAME       quiet ($10-20 thousand an hour), convention (steps to $2 million an hour within minutes)
                        or spike (does so within seconds) (default quiet)
  --rate N              most requests told a second; when the sites see more, each told one stands for several;
                        0 = no traffic (default 300)
  --mail-rate N         the mail provider's quota in sends a second; 0 = no mail (default 20)
  --seed N              the dice (default 2012)
  --backfill DURATION   history before the start, sent first and as fast as the server takes it (default 0s)
  --start TIME          when the live part begins, RFC 3339; fixes ids and times (default now)
  --duration DURATION   how much live time to tell; 0 = until stopped (default 0s)
  --journal FILE        add a JSON line for every event: what it was, as it was sent, and whether the server
                        acknowledged it
  --journal-traffic=false  leave requests out of it: they have no id and are by far the most lines
  --json                print a summary as JSON on stdout at the end

Make the tokens with: for f in vendor mirror desk mail web; do warroom token create --name $f --role feed > DIR/$f; done
`

// simulateFlags is what the command line says.
type simulateFlags struct {
	url, scenario, start              string
	token, tokenFile, tokens, journal string
	rate, mailRate                    float64
	seed                              uint64
	backfill, duration                time.Duration
	journalTraffic, json              bool
}

// simulateCmd sends a made-up campaign until it ends or is interrupted. Exit code 0 then, 1 when the server refuses
// it for good, 2 for wrong usage.
func simulateCmd(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == "check" {
		return checkCmd(ctx, args[1:], stdout, stderr)
	}
	f, err := parseSimulate(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, simulateHelp)
		return 0
	}
	var plan *story.Plan
	if err == nil {
		plan, err = f.plan(time.Now())
	}
	if err != nil {
		fmt.Fprintf(stderr, "warroom simulate: %v (--help shows all flags)\n", err)
		return 2
	}
	options := simulate.Options{
		URL: f.url, Plan: plan, Duration: f.duration, JournalTraffic: f.journalTraffic,
		Logger: slog.New(slog.NewTextHandler(stderr, nil)), Report: func(r simulate.Report) { printReport(stderr, r) },
	}
	if err := simulateRun(ctx, f, options, stdout); err != nil {
		fmt.Fprintln(stderr, "warroom simulate:", err)
		return 1
	}
	return 0
}

// simulateRun reads the tokens, opens the journal and sends.
func simulateRun(ctx context.Context, f simulateFlags, o simulate.Options, stdout io.Writer) (err error) {
	if o.Token, err = f.credentials(o.Plan); err != nil {
		return err
	}
	if f.journal != "" {
		journal, err := openJournal(f.journal)
		if err != nil {
			return err
		}
		defer journal.Close() //nolint:errcheck // every write to it has been checked
		o.Journal = journal
	}
	summary, err := simulate.Run(ctx, o)
	if f.json {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = errors.Join(err, encoder.Encode(summary))
	}
	return err
}

func parseSimulate(args []string) (f simulateFlags, err error) {
	set := flag.NewFlagSet("simulate", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.StringVar(&f.url, "url", "http://127.0.0.1:8080", "")
	set.StringVar(&f.scenario, "scenario", "quiet", "")
	set.Float64Var(&f.rate, "rate", 300, "")
	set.Float64Var(&f.mailRate, "mail-rate", 20, "")
	set.Uint64Var(&f.seed, "seed", 2012, "")
	set.DurationVar(&f.backfill, "backfill", 0, "")
	set.StringVar(&f.start, "start", "", "")
	set.DurationVar(&f.duration, "duration", 0, "")
	set.StringVar(&f.token, "token", "", "")
	set.StringVar(&f.tokenFile, "token-file", "", "")
	set.StringVar(&f.tokens, "tokens", "", "")
	set.StringVar(&f.journal, "journal", "", "")
	set.BoolVar(&f.journalTraffic, "journal-traffic", true, "")
	set.BoolVar(&f.json, "json", false, "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("%q is not a flag: want only flags such as --scenario convention", set.Arg(0))
	}
	return f, f.check()
}

// check finds what single values can't show. Its errors say what would be right.
func (f simulateFlags) check() error {
	given := 0
	for _, way := range []string{f.token, f.tokenFile, f.tokens} {
		if way != "" {
			given++
		}
	}
	const most = 20_000 // a second: what one connection and one core can tell
	u, err := url.Parse(f.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("--url %q: want scheme and host such as http://127.0.0.1:8080", f.url)
	case given != 1:
		return errors.New("want exactly one of --tokens, --token-file and --token")
	case !(f.rate >= 0 && f.rate <= most):
		return fmt.Errorf("--rate %v: want 0 to %d requests a second", f.rate, most)
	case !(f.mailRate >= 0 && f.mailRate <= most):
		return fmt.Errorf("--mail-rate %v: want 0 to %d sends a second", f.mailRate, most)
	case f.backfill < 0 || f.backfill > 7*24*time.Hour:
		return fmt.Errorf("--backfill %v: want 0 to 168h", f.backfill)
	case f.duration < 0:
		return fmt.Errorf("--duration %v: want 0 (until stopped) or more", f.duration)
	}
	return nil
}

func (f simulateFlags) plan(now time.Time) (*story.Plan, error) {
	start := now
	if f.start != "" {
		var err error
		if start, err = time.Parse(time.RFC3339, f.start); err != nil {
			return nil, fmt.Errorf("--start %q: want RFC 3339 such as 2026-11-03T20:00:00-05:00", f.start)
		}
	}
	return story.New(story.Options{
		Scenario: f.scenario, Seed: f.seed, Start: start, Backfill: f.backfill, Rate: f.rate, MailRate: f.mailRate,
	})
}

// credentials returns where each feed finds its token.
func (f simulateFlags) credentials(plan *story.Plan) (func(string) string, error) {
	tokens := map[string]string{}
	for _, feed := range plan.Feeds() {
		file := f.tokenFile
		switch {
		case f.token != "":
			tokens[feed.Name] = f.token
			continue
		case f.tokens != "":
			file = filepath.Join(f.tokens, feed.Name)
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("the token of feed %s: %w: `warroom token create --name %s --role feed` makes one",
				feed.Name, err, feed.Name)
		}
		tokens[feed.Name] = strings.TrimSpace(string(content))
	}
	return func(feed string) string { return tokens[feed] }, nil
}

// openJournal opens the file for appending: a second run destroys nothing, and begins on a line of its own even if
// the first one was killed in the middle of one.
func openJournal(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	end, err := file.Seek(0, io.SeekEnd)
	last := []byte{'\n'}
	if err == nil && end > 0 {
		_, err = file.ReadAt(last, end-1)
	}
	if err == nil && last[0] != '\n' {
		_, err = file.Write([]byte{'\n'})
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	return file, nil
}

func printReport(out io.Writer, r simulate.Report) {
	line := fmt.Sprintf("%s  %.0f events/s  %d acknowledged  $%d net", time.Now().Format(time.TimeOnly), r.PerSecond,
		r.Acknowledged, r.NetMinor/100)
	if r.Behind > 2*time.Second {
		line += fmt.Sprintf("  %s is %s behind", r.Slowest, r.Behind.Round(100*time.Millisecond))
	}
	if r.Trouble != "" {
		line += "  (" + r.Trouble + ")"
	}
	fmt.Fprintln(out, line)
}
