package main

import (
	"context"
	"fmt"
	"io"

	"warroom/server"
)

// serve runs the server until it is told to stop. The address and the sign-in link go to stdout, the log to stderr.
func serve(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int {
	if len(args) > 0 {
		fmt.Fprintf(stderr, "warroom serve takes no arguments (%q): it is configured by WARROOM_ variables, `warroom help config` lists them\n", args[0])
		return 2
	}
	s, err := server.Open(c.options(c.logger(stderr)))
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	link, err := s.SignInLink()
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		_ = s.Close()
		return 1
	}
	fmt.Fprintf(stdout, "warroom listens on %s\n", s.URL())
	fmt.Fprintf(stdout, "sign in, once and within an hour: %s\n", link)
	if err := s.Run(ctx); err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	return 0
}
