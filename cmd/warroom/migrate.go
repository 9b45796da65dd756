package main

import (
	"context"
	"fmt"
	"io"

	"warroom/server"
)

const migrateUsage = "usage: warroom migrate [up|status]\n"

// migrate brings the database's structure up to this program, or says how far it is.
func migrate(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int {
	action := "up"
	if len(args) > 0 {
		action = args[0]
	}
	if len(args) > 1 || action != "up" && action != "status" {
		fmt.Fprint(stderr, migrateUsage)
		return 2
	}
	lines, err := server.Migrate(ctx, c.options(c.logger(stderr)), action == "up")
	for _, line := range lines {
		fmt.Fprintln(stdout, line)
	}
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	return 0
}
