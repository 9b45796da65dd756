// Command warroom is the real-time operations dashboard of a campaign: the server and the tools around it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
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
	usage      string
	run        func(ctx context.Context, args []string, c config, stdout, stderr io.Writer) int
}

const serveUsage = `usage: warroom [serve]
The server. It prints its address and a one-time sign-in link on stdout, and its log on stderr. It takes no arguments:
it is configured by WARROOM_ variables, which ` + "`warroom help config`" + ` lists.
`

const versionUsage = "usage: warroom version [--json]\n"

func commands() []command {
	return []command{
		{"serve", "the server (the default)", serveUsage, serve},
		{"migrate", "up|status: the database's structure", migrateUsage, migrate},
		{"simulate", "a campaign that sends events through the public doors", simulateHelp, func(ctx context.Context, args []string, _ config, out, err io.Writer) int {
			return simulateCmd(ctx, args, out, err)
		}},
		{"token", "create|list|revoke: credentials of feeds, readers, analysts and operators", tokenUsage, func(ctx context.Context, args []string, c config, out, err io.Writer) int {
			return token(ctx, args, c.Data, out, err)
		}},
		{"replay", "sends kept events or dead letters into the engine again; changes no total", replayUsage, replay},
		{"doctor", "finds out what is wrong here", doctorUsage, doctor},
		{"version", "prints the version", versionUsage, printVersion},
	}
}

func run(args []string, stdout, stderr io.Writer) int {
	name := "serve"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	} else if wantsHelp(args) {
		return help(nil, stdout, stderr)
	}
	if name == "help" {
		return help(args, stdout, stderr)
	}
	cmd, ok := commandNamed(name)
	switch {
	case !ok:
		fmt.Fprintf(stderr, "warroom: no command %q; `warroom help` lists them\n", name)
		return 2
	case wantsHelp(args): // before the configuration is read: who asks for help may have it wrong
		return help(append([]string{name}, args...), stdout, stderr)
	}
	c, err := loadConfig(os.Environ())
	if err != nil {
		fmt.Fprintln(stderr, "warroom:", err)
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt) }) // a second Ctrl-C ends it at once, and loses nothing
	return cmd.run(ctx, args, c, stdout, stderr)
}

func commandNamed(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

func wantsHelp(args []string) bool {
	return slices.ContainsFunc(args, func(arg string) bool { return arg == "--help" || arg == "-help" || arg == "-h" })
}

// help prints the list of commands, the configuration, or how a command is used.
func help(args []string, stdout, stderr io.Writer) int {
	if len(args) == 0 || wantsHelp(args[:1]) {
		fmt.Fprintln(stdout, "usage: warroom <command>")
		for _, cmd := range commands() {
			fmt.Fprintf(stdout, "  %-9s %s\n", cmd.name, cmd.does)
		}
		fmt.Fprintln(stdout, "  help      this list; `warroom help config` lists the configuration, `warroom help COMMAND` how one is used")
		return 0
	}
	cmd, ok := commandNamed(args[0])
	switch {
	case args[0] == "config":
		helpConfig(stdout)
	case len(args) > 1 && args[0] == "simulate" && args[1] == "check":
		fmt.Fprint(stdout, checkHelp)
	case ok:
		fmt.Fprint(stdout, cmd.usage)
	default:
		fmt.Fprintf(stderr, "warroom: no command %q; `warroom help` lists them\n", args[0])
		return 2
	}
	return 0
}

func printVersion(_ context.Context, args []string, _ config, stdout, stderr io.Writer) int {
	switch {
	case len(args) == 0:
		fmt.Fprintln(stdout, "warroom", version)
	case len(args) == 1 && args[0] == "--json":
		_ = json.NewEncoder(stdout).Encode(map[string]string{"version": version}) // stdout is gone when this fails
	default:
		fmt.Fprint(stderr, versionUsage)
		return 2
	}
	return 0
}
