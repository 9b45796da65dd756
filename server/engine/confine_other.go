//go:build !linux

package engine

import (
	"errors"
	"os"
	"syscall"
)

// childAttributes: keys such as Ctrl-C go to the parent alone. The child ends with its parent because its input ends.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func thisProgram() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

var errNoLandlock = errors.New("only Linux can confine the engine")

func confine(string, uint64) error { return errNoLandlock }

func canConfine() bool { return false }
