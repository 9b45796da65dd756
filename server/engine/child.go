package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"github.com/ebitengine/purego"
)

// childName is the child's argv[0]: it marks the process, for ChildMain and for people who read a process list.
const childName = "warroom-engine"

// serve opens the listeners and then sleeps: the engine serves while its own session runs a query. Nothing else opens
// the listeners (chdb_connect refuses them). Reading a pipe would block as well, but needs the right to read files.
const serve = "SYSTEM START LISTEN TCP; SYSTEM START LISTEN HTTP; " +
	"SELECT sleepEachRow(3) FROM system.numbers SETTINGS max_block_size = 1, max_threads = 1 FORMAT Null"

// ChildMain is the first line of main, and of every TestMain whose tests use the engine. In the child it runs the
// engine and ends the process; everywhere else it does nothing.
func ChildMain() {
	if len(os.Args) < 5 || os.Args[0] != childName {
		return
	}
	syscall.Umask(0o077) // data, log and all
	go endWithParent()
	if err := runLibrary(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// endWithParent ends the process when the parent closes its end of our standard input, or dies. Ending suddenly is what
// the tables are made for: what was acknowledged is on disk.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(0)
}

// runLibrary loads the library, confines itself to dir and the gate's port, and hands the library its arguments. It
// returns when the engine has ended.
func runLibrary(path, dir, gate string, args []string) error {
	runtime.LockOSThread() // the engine takes this thread for its main thread
	library, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", path, err)
	}
	var query func(argc int32, argv **byte) uintptr
	var failure func(result uintptr) string
	purego.RegisterLibFunc(&query, library, "chdb_query_cmdline")
	purego.RegisterLibFunc(&failure, library, "chdb_result_error")

	port, err := strconv.ParseUint(gate, 10, 16)
	if err != nil {
		return fmt.Errorf("the gate's port: %w", err)
	}
	if err := confine(dir, port); err != nil && !errors.Is(err, errNoLandlock) {
		return fmt.Errorf("confine the engine to %s: %w", dir, err)
	}
	args = append([]string{"clickhouse"}, args...)
	texts := make([][]byte, len(args))
	argv := make([]*byte, len(args)+1) // the last one is C's end mark
	for i, arg := range args {
		texts[i] = append([]byte(arg), 0)
		argv[i] = &texts[i][0]
	}
	var pin runtime.Pinner // C keeps pointers to the texts
	for _, text := range texts {
		pin.Pin(unsafe.SliceData(text))
	}
	pin.Pin(unsafe.SliceData(argv))
	defer pin.Unpin()
	result := query(int32(len(args)), unsafe.SliceData(argv))
	if result == 0 {
		return errors.New("the engine ended without a result")
	}
	if said := failure(result); said != "" {
		return errors.New(said)
	}
	return nil
}
