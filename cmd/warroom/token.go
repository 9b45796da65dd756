package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"warroom/server/auth"
	"warroom/server/campaign"
)

const tokenUsage = `usage: warroom token create --name NAME --role feed|reader|analyst|operator [--kinds donations,emails,traffic] [--expires 720h]
       warroom token list [--json]
       warroom token revoke NAME|ID
`

// token makes, lists and revokes tokens in the data folder, whether the server runs or not.
func token(_ context.Context, args []string, data string, stdout, stderr io.Writer) int {
	state := filepath.Join(data, "state")
	action := ""
	if len(args) > 0 {
		action, args = args[0], args[1:]
	}
	switch action {
	case "create":
		return createToken(state, args, stdout, stderr)
	case "list":
		return listTokens(state, args, stdout, stderr)
	case "revoke":
		return revokeToken(state, args, stderr)
	}
	fmt.Fprint(stderr, tokenUsage)
	return 2
}

func createToken(state string, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("token create", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, tokenUsage) }
	name := flags.String("name", "", "")
	role := flags.String("role", "", "")
	kinds := flags.String("kinds", "", "")
	expires := flags.Duration("expires", 0, "")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 || *name == "" || *role == "" {
		fmt.Fprint(stderr, tokenUsage)
		return 2
	}
	spec := auth.Spec{Name: *name, Role: auth.Role(*role), For: *expires}
	for word := range strings.SplitSeq(*kinds, ",") {
		if word == "" {
			continue
		}
		kind, ok := campaign.ParseKind(word)
		if !ok {
			fmt.Fprintf(stderr, "warroom: --kinds %q: want donations, emails or traffic, separated by commas\n", word)
			return 2
		}
		spec.Kinds = append(spec.Kinds, kind)
	}
	text, err := auth.Create(state, spec, time.Now())
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		var wrong *auth.SpecError
		if errors.As(err, &wrong) {
			return 2
		}
		return 1
	}
	fmt.Fprintln(stdout, text)
	fmt.Fprintln(stderr, "this token is shown once and stored nowhere: keep it now")
	return 0
}

// listed is a token for the eye or a script: without its hash.
type listed struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Role    auth.Role `json:"role"`
	Kinds   []string  `json:"kinds,omitempty"`
	State   string    `json:"state"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"`
}

func listTokens(state string, args []string, stdout, stderr io.Writer) int {
	asJSON := len(args) == 1 && args[0] == "--json"
	if len(args) > 0 && !asJSON {
		fmt.Fprint(stderr, tokenUsage)
		return 2
	}
	tokens, err := auth.List(state)
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	all := []listed{}
	for _, t := range tokens {
		all = append(all, listed{t.ID, t.Name, t.Role, t.Kinds, t.State(time.Now()), t.Created, t.Expires})
	}
	if asJSON {
		_ = json.NewEncoder(stdout).Encode(all) // stdout is gone when this fails
		return 0
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tROLE\tKINDS\tSTATE\tCREATED\tEXPIRES")
	for _, t := range all {
		expires := "never"
		if !t.Expires.IsZero() {
			expires = t.Expires.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, strings.Join(t.Kinds, ","), t.State, t.Created.Format(time.RFC3339), expires)
	}
	_ = w.Flush()
	return 0
}

func revokeToken(state string, args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprint(stderr, tokenUsage)
		return 2
	}
	n, err := auth.Revoke(state, args[0], time.Now())
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	fmt.Fprintf(stderr, "%d revoked: a running server refuses it within 5 seconds\n", n)
	return 0
}
