package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"warroom/server"
)

const doctorUsage = "usage: warroom doctor [--json]\n"

// doctor says what is wrong with this deployment; exit code 1 when something is.
func doctor(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int {
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
