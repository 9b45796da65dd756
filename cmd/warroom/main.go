// Command warroom is the real-time operations dashboard of a campaign: the server and the tools around it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"warroom/server/engine"
)

// version is set by the build (-ldflags "-X main.version=…").
var version = "dev"

func main() {
	engine.ChildMain() // the embedded engine is this program again; does not return there
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// command is one word after `warroom`. It returns the exit code: 0 success, 1 failure, 2 wrong usage.
type command struct {
	name, does string
	run        func(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int
}

func commands() []command {
	return []command{
		{"serve", "the server (the default)", serve},
		{"migrate", "up|status: the database's structure", migrate},
		{"simulate", "a campaign that sends events through the public doors", func(ctx context.Context, args []string, _ config, out, err io.Writer) int {
			return simulateCmd(ctx, args, out, err)
		}},
		{"token", "create|list|revoke: credentials of feeds, readers, analysts and operators", func(ctx context.Context, args []string, c config, out, err io.Writer) int {
			return token(ctx, args, c.Data, out, err)
		}},
		{"doctor", "finds out what is wrong here", doctor},
		{"version", "prints the version", func(_ context.Context, _ []string, _ config, out, _ io.Writer) int {
			fmt.Fprintln(out, "warroom", version)
			return 0
		}},
	}
}

func run(args []string, stdout, stderr io.Writer) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	if name == "help" || len(args) > 0 && (args[0] == "--help" || args[0] == "-h") && name == "serve" {
		return help(args, stdout)
	}
	for _, cmd := range commands() {
		if cmd.name != name {
			continue
		}
		c, err := loadConfig(os.Environ())
		if err != nil {
			fmt.Fprintln(stderr, "warroom:", err)
			return 1
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		return cmd.run(ctx, args, c, stdout, stderr)
	}
	fmt.Fprintf(stderr, "warroom: no command %q; `warroom help` lists them\n", name)
	return 2
}

func help(args []string, out io.Writer) int {
	if len(args) > 0 && args[0] == "config" {
		helpConfig(out)
		return 0
	}
	fmt.Fprintln(out, "usage: warroom <command>")
	for _, cmd := range commands() {
		fmt.Fprintf(out, "  %-9s %s\n", cmd.name, cmd.does)
	}
	fmt.Fprintln(out, "  help      this list; `warroom help config` lists the configuration")
	return 0
}
