package faults

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// disk is an ext4 in an image, or a tmpfs, that can be broken without harm to others.
type disk struct {
	t     testing.TB
	image string // empty for a tmpfs
	path  string // where it is mounted
}

// newDisk makes an ext4 of so many bytes; the image takes the room of what is written only.
func newDisk(t testing.TB, size int64) *disk {
	t.Helper()
	dir := t.TempDir()
	d := &disk{t: t, image: filepath.Join(dir, "image"), path: filepath.Join(dir, "disk")}
	f, err := os.Create(d.image)
	if err == nil {
		err = f.Truncate(size)
	}
	if err == nil {
		err = f.Close()
	}
	if err == nil {
		err = os.Mkdir(d.path, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.command("mkfs.ext4", "-q", "-F", d.image)
	d.mount()
	t.Cleanup(d.unmount)
	return d
}

func (d *disk) mount() {
	d.t.Helper()
	d.command("mount", "-o", "loop", d.image, d.path)
}

// command runs one of the system's tools; those for disks are often not on a user's PATH.
func (d *disk) command(name string, args ...string) {
	d.t.Helper()
	cmd := exec.Command(name, args...)
	if path, err := exec.LookPath("/sbin/" + name); err == nil {
		cmd = exec.Command(path, args...)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		d.t.Fatalf("%s: %v: %s", cmd, err, out)
	}
}

// newTmpfs makes a small disk in memory.
func newTmpfs(t testing.TB, size string) *disk {
	t.Helper()
	d := &disk{t: t, path: t.TempDir()}
	if err := unix.Mount("tmpfs", d.path, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Fatalf("mount a tmpfs: %v", err)
	}
	t.Cleanup(d.unmount)
	return d
}

// unmount waits for the last process to let go; in the end the mount goes without it.
func (d *disk) unmount() {
	for range 500 {
		err := unix.Unmount(d.path, 0)
		if err == nil || err == unix.EINVAL { // EINVAL: it isn't mounted
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	d.t.Errorf("%s is still in use", d.path)
	_ = unix.Unmount(d.path, unix.MNT_DETACH)
}

const (
	shutdownCall  = 0x8004587d // EXT4_IOC_SHUTDOWN
	withoutTheLog = 2          // EXT4_GOING_FLAGS_NOLOGFLUSH
)

// cut ends the disk as a power cut does: what was not flushed is gone, the journal of the file system included. From
// here on every access to it fails.
func (d *disk) cut() {
	d.t.Helper()
	dir, err := os.Open(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	how := uint32(withoutTheLog)
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, dir.Fd(), shutdownCall, uintptr(unsafe.Pointer(&how)))
	if errno != 0 {
		d.t.Fatalf("cut the disk: %v", errno)
	}
}

// again brings the disk back after a cut. Nobody may have a file of it open.
func (d *disk) again() {
	d.t.Helper()
	d.unmount()
	d.mount()
}

// ballast fills the disk to the last byte until it is removed.
func (d *disk) ballast() string {
	d.t.Helper()
	path := filepath.Join(d.path, "ballast")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	return path
}
