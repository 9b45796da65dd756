package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"warroom/server"
)

const doctorUsage = "usage: warroom doctor [--json]\n       warroom doctor --accept\n" +
	"--accept: the events that it says are missing can't be sent again; boards stop saying so\n"

// doctor says what is wrong with this deployment; exit code 1 when something is.
func doctor(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == "--accept" {
		if err := server.Accept(c.options(c.logger(stderr))); err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		return 0
	}
	asJSON := len(args) == 1 && args[0] == "--json"
	if len(args) > 0 && !asJSON {
		fmt.Fprint(stderr, doctorUsage)
		return 2
	}
	findings := server.Examine(ctx, c.options(c.logger(stderr)))
	code := 0
	for _, f := range findings {
		word := "ok   "
		if !f.OK {
			word, code = "WRONG", 1
		}
		if !asJSON {
			fmt.Fprintf(stdout, "%s  %-12s %s\n", word, f.Part, f.Says)
		}
	}
	if asJSON {
		_ = json.NewEncoder(stdout).Encode(findings)
	}
	return code
}
