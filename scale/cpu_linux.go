package scale

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is what the engine's process has spent of the processors: unlike time it doesn't grow when the machine has
// other work. The engine is the one child of this process. 0 when the system doesn't tell.
func cpuTime() time.Duration {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	for _, task := range tasks {
		children, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children") //nolint:gosec // a kernel's file
		for _, text := range strings.Fields(string(children)) {
			if pid, err := strconv.Atoi(text); err == nil {
				return cpuOf(pid)
			}
		}
	}
	return 0
}

// cpuOf reads a process's clock; the kernel makes its id of the complement of the pid.
func cpuOf(pid int) time.Duration {
	var spent unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &spent); err != nil {
		return 0
	}
	return time.Duration(spent.Nano())
}
