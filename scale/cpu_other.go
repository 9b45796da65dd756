//go:build !linux

package scale

import "time"

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }
