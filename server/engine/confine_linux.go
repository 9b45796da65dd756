package engine

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// childAttributes: the child dies when its parent does, and keys such as Ctrl-C go to the parent alone, which stops
// the child in its turn.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// thisProgram is the running program, even when its file has been replaced by a newer build.
func thisProgram() string { return "/proc/self/exe" }

const (
	mayRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	mayWrite = mayRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR |
		unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REFER
	// ofFiles are the rights that a rule for a single file may give.
	ofFiles = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
	never   = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO
)

// errNoLandlock says that the kernel can't confine: it is older than 5.19, or Landlock is switched off.
var errNoLandlock = errors.New("the kernel offers no Landlock")

// confine takes the files of this machine away from the calling thread and from all threads that it will make: the
// engine keeps its own folder and what it reads about the machine. From Linux 6.7 on it can open TCP connections to the
// gate's port only.
// The engine's SQL functions are the reason: file() of the embedded build reads any path, for any account.
func confine(dir string, port uint64) error {
	version := landlock()
	if !canConfine() {
		return errNoLandlock
	}
	write := uint64(mayWrite)
	if version >= 3 {
		write |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	rules := unix.LandlockRulesetAttr{Handled_access_fs: write | never}
	size := unsafe.Sizeof(rules.Handled_access_fs)
	if version >= 4 {
		rules.Handled_access_net = unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
		size += unsafe.Sizeof(rules.Handled_access_net)
	}
	at := uintptr(unsafe.Pointer(&rules)) //nolint:gosec // the kernel's interface
	set, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, at, size, 0)
	if errno != 0 {
		return errno
	}
	defer func() { _ = unix.Close(int(set)) }()
	if err := allowAll(int(set), dir, write); err != nil {
		return err
	}
	if version >= 4 {
		if err := allowPort(int(set), port); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, set, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// landlock is the version of the kernel's interface, 0 without.
func landlock() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// canConfine says whether this machine can confine the engine. The first version of Landlock can't: it forbids moving
// files between folders, which tables do.
func canConfine() bool { return landlock() >= 2 }

// allowAll opens the engine's own folders and what it needs to know about the machine. Not /proc as a whole: other
// processes' environments hold secrets.
func allowAll(set int, dir string, write uint64) error {
	for _, path := range []string{"data", "tmp", "log"} {
		if err := allow(set, filepath.Join(dir, path), write); err != nil {
			return err
		}
	}
	if err := allow(set, "/dev/null", write&ofFiles); err != nil {
		return err
	}
	self := filepath.Join("/proc", strconv.Itoa(os.Getpid()))
	for _, path := range []string{
		filepath.Join(dir, "config.xml"), filepath.Join(dir, "users.xml"), "/dev/urandom", "/dev/random", self,
		"/proc/meminfo", "/proc/cpuinfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/vmstat", "/proc/sys",
		"/sys/fs/cgroup", "/sys/devices/system", "/sys/kernel/mm",
	} {
		if err := allow(set, path, mayRead); err != nil {
			return err
		}
	}
	return nil
}

// allow gives rights to path and what is beneath it. What doesn't exist needs no rule.
func allow(set int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil //nolint:nilerr // not on this machine
	}
	defer func() { _ = unix.Close(fd) }()
	var info unix.Stat_t
	if err := unix.Fstat(fd, &info); err != nil {
		return err
	}
	if info.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}
	return addRule(set, unix.LANDLOCK_RULE_PATH_BENEATH, unsafe.Pointer(&rule)) //nolint:gosec // the kernel's interface
}

// allowPort lets the engine connect to a TCP port, and to no other.
func allowPort(set int, port uint64) error {
	const netPort = 2 // LANDLOCK_RULE_NET_PORT
	rule := struct{ access, port uint64 }{unix.LANDLOCK_ACCESS_NET_CONNECT_TCP, port}
	return addRule(set, netPort, unsafe.Pointer(&rule)) //nolint:gosec // the kernel's interface
}

func addRule(set, kind int, rule unsafe.Pointer) error {
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(set), uintptr(kind), uintptr(rule), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
