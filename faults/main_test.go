package faults

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"warroom/server/engine"
)

var (
	full   = flag.Bool("full", false, "everything, many times; needs root")
	seed   = flag.Uint64("seed", uint64(time.Now().UnixNano())%1_000_000, "of all that is drawn: events, moments, bytes")
	write  = flag.Bool("write", false, "put the tables into docs/reliability.md")
	before = flag.String("before", "", "the git revision that is rolled from; empty = the newest tag, or the last commit without the newest migration")
	given  = flag.String("program", "", "a warroom that is built already; empty = this tree's")
)

// patience bounds every wait for something that must happen; it is no measure of how long it takes.
const patience = 90 * time.Second

// pick is how often something is done: in the short selection, and in the full run.
func pick(short, long int) int {
	if *full {
		return long
	}
	return short
}

// Where the tests run, in the variable namespaceVariable: what they may mount depends on it.
const (
	namespaceVariable = "FAULTS_NAMESPACE"
	asRoot            = "root" // loop devices and tmpfs
	asUser            = "user" // tmpfs only
	nowhere           = "none" // nothing
)

func TestMain(m *testing.M) {
	engine.ChildMain()
	subjectMain()
	flag.Parse()
	if os.Getenv(namespaceVariable) == "" {
		if code, ok := enterNamespace(); ok {
			os.Exit(code)
		}
		_ = os.Setenv(namespaceVariable, nowhere)
	}
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0") // of the programs that we start: they would wait a second at each end
	go startProcesses()
	dir, err := os.MkdirTemp("", "faults-")
	if err != nil {
		panic(err)
	}
	workshop = dir
	fmt.Printf("seed %d; privileges: %s\n", *seed, os.Getenv(namespaceVariable))
	code := m.Run()
	if err := report(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// workshop is a folder for what all tests share.
var workshop string

// enterNamespace runs this program again where its mounts are its own: they and their loop devices are gone when it
// ends, however it ends. Who is not root becomes root of a namespace, and may mount a tmpfs there. ok is false when the
// machine allows neither.
func enterNamespace() (code int, ok bool) {
	runtime.LockOSThread() // Pdeathsig looks at the thread
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	where := asRoot
	if os.Geteuid() != 0 {
		where = asUser
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	cmd.Env = append(os.Environ(), namespaceVariable+"="+where)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, true
	case errors.As(err, &exit):
		return max(1, exit.ExitCode()), true
	}
	fmt.Fprintln(os.Stderr, "no namespace of our own:", err)
	return 0, false
}

func mayMount() bool { return os.Getenv(namespaceVariable) != nowhere }

// mayLoop says whether there can be a disk whose power is cut. The full run must have one.
func mayLoop(t *testing.T) bool {
	_, err := os.Stat("/dev/loop-control")
	may := err == nil && os.Getenv(namespaceVariable) == asRoot
	if !may {
		t.Log("no root or no loop devices here: power cuts are left to `make faults`")
	}
	if *full && !may {
		t.Error("the full run needs root and loop devices")
	}
	return may
}

// starting takes what has to run on the thread that starts processes.
var starting = make(chan func())

func startProcesses() {
	runtime.LockOSThread()
	for f := range starting {
		f()
	}
}

// start starts a process that ends with this one. Linux ties that to the thread that made it, so one thread that lives
// as long as we do makes them all.
func start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	done := make(chan error, 1)
	starting <- func() { done <- cmd.Start() }
	return <-done
}

// program builds the real binary once, with the race detector when the tests have it.
var program = sync.OnceValues(func() (string, error) {
	if *given != "" {
		return *given, nil
	}
	path := filepath.Join(workshop, "warroom")
	return path, build("..", path)
})

// build builds the program of a source tree.
func build(tree, path string) error {
	args := []string{"build", "-o", path}
	if raced {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./cmd/warroom")...)
	cmd.Dir = tree
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build warroom in %s: %w\n%s", tree, err, out)
	}
	return nil
}

// dice are a source of random numbers that depends on the seed and a name only.
func dice(name string) *rand.Rand {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return rand.New(rand.NewPCG(*seed, h.Sum64()))
}

// between draws a duration. Waiting for it is the fault's moment, not a way to wait for something.
func between(d *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least)+1))
}

// until waits for something that must become true, and says how long that took.
func until(t testing.TB, what string, ok func() bool) time.Duration {
	t.Helper()
	since := time.Now()
	for !ok() {
		if time.Since(since) > patience {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(since)
}
