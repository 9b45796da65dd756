package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"warroom/simulate"
)

const checkHelp = `usage: warroom simulate check --journal FILE --token-file FILE [--url URL] [--wait 30s]
Compares the money that a journal calls acknowledged with what the server has, currency by currency. The token is an
analyst's. The journal must hold everything that the simulated feeds have ever sent to this server.
`

// checkCmd audits a simulated run. Exit code 0 when the totals agree, 1 when they don't, 2 for wrong usage.
func checkCmd(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("simulate check", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	journal := set.String("journal", "", "")
	tokenFile := set.String("token-file", "", "")
	address := set.String("url", "http://127.0.0.1:8080", "")
	wait := set.Duration("wait", 30*time.Second, "")
	err := set.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(stdout, checkHelp)
		return 0
	}
	if err == nil && (set.NArg() > 0 || *journal == "" || *tokenFile == "") {
		err = errors.New("want --journal FILE and --token-file FILE")
	}
	if err != nil {
		fmt.Fprintf(stderr, "warroom simulate check: %v (--help shows all flags)\n", err)
		return 2
	}
	if err := check(ctx, *journal, *tokenFile, *address, *wait, stdout); err != nil {
		fmt.Fprintln(stderr, "warroom simulate check:", err)
		return 1
	}
	return 0
}

// check compares until the totals agree or wait is over: what was acknowledged last is stored a moment later.
func check(ctx context.Context, journal, tokenFile, address string, wait time.Duration, stdout io.Writer) error {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return err
	}
	file, err := os.Open(journal)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was only read
	books, err := simulate.ReadJournal(file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		sums, err := storedSums(ctx, address, strings.TrimSpace(string(token)))
		if err == nil && agree(books, sums) {
			printBooks(stdout, books, sums)
			return nil
		}
		select {
		case <-ctx.Done():
			if err != nil {
				return err
			}
			printBooks(stdout, books, sums)
			return errors.New("the server's totals are not the journal's")
		case <-time.After(time.Second):
		}
	}
}

// storedSums asks the server for what it holds of the simulated ledgers.
func storedSums(ctx context.Context, address, token string) (map[string]simulate.Sum, error) {
	const question = `{"sql":"SELECT currency, count() AS movements, sum(amount_minor) AS net_minor FROM donations ` +
		`WHERE source IN ('cards', 'check-desk') GROUP BY currency","format":"JSON"}`
	url := strings.TrimRight(address, "/") + "/api/v1/sql"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(question)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close() //nolint:errcheck // all of it has been read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s: %s", resp.Status, body)
	}
	var answer struct {
		Data []struct {
			Currency string
			simulate.Sum
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	sums := map[string]simulate.Sum{}
	for _, row := range answer.Data {
		sums[row.Currency] = row.Sum
	}
	return sums, nil
}

func agree(books map[string]simulate.Books, sums map[string]simulate.Sum) bool {
	return !slices.ContainsFunc(currencies(books, sums), func(c string) bool { return !books[c].Agree(sums[c]) })
}

func currencies(books map[string]simulate.Books, sums map[string]simulate.Sum) []string {
	var all []string
	for c := range books {
		all = append(all, c)
	}
	for c := range sums {
		all = append(all, c)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func printBooks(out io.Writer, books map[string]simulate.Books, sums map[string]simulate.Sum) {
	for _, c := range currencies(books, sums) {
		word, b, s := "ok   ", books[c], sums[c]
		if !b.Agree(s) {
			word = "WRONG"
		}
		const line = "%s  %s  acknowledged: %d movements, %d minor units · unanswered: %d, %d · server: %d, %d\n"
		fmt.Fprintf(out, line, word, c,
			b.Acknowledged.Movements, b.Acknowledged.Net, b.Unknown.Movements, b.Unknown.Net, s.Movements, s.Net)
	}
}
