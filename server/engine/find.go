package engine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// errMissing says what to do about a missing engine.
var errMissing = errors.New("the embedded engine is not installed here: run `make build` (or `npm ci`) in warroom's " +
	"folder, or set WARROOM_ENGINE_LIBRARY to libchdb.so, or WARROOM_CLICKHOUSE_URL to a ClickHouse server")

// Find returns the path of the library, or of a clickhouse program: the one given, the one in the nearest node_modules
// of the working directory or of this program's folder, the clickhouse on PATH. Its error says how to install one.
func Find(library string) (string, error) {
	if library != "" {
		info, err := os.Stat(library)
		if err != nil {
			return "", fmt.Errorf("WARROOM_ENGINE_LIBRARY: %w: want the path of libchdb.so, which `npm ci` installs", err)
		}
		if info.IsDir() {
			return "", fmt.Errorf("WARROOM_ENGINE_LIBRARY: %s is a folder: want the file libchdb.so in it", library)
		}
		return filepath.Abs(library)
	}
	for _, dir := range startingPoints() {
		if path, ok := upwards(dir); ok {
			return path, nil
		}
	}
	if path, err := exec.LookPath("clickhouse"); err == nil {
		return filepath.Abs(path)
	}
	return "", errMissing
}

func startingPoints() []string {
	var dirs []string
	if dir, err := os.Getwd(); err == nil {
		dirs = append(dirs, dir)
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dirs = append(dirs, filepath.Dir(exe))
	}
	return dirs
}

// upwards looks for the npm package of this machine in dir and in the folders above it.
func upwards(dir string) (string, bool) {
	for {
		path := filepath.Join(dir, "node_modules", "@chdb", npmPackage(runtime.GOOS, runtime.GOARCH), "libchdb.so")
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, true
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", false
		}
		dir = above
	}
}

func npmPackage(system, arch string) string {
	if arch == "amd64" {
		arch = "x64"
	}
	if system == "linux" {
		return "lib-linux-" + arch + "-gnu"
	}
	return "lib-" + system + "-" + arch
}

// isLibrary tells the library from a clickhouse program.
func isLibrary(path string) bool {
	name := filepath.Base(path)
	return strings.HasSuffix(name, ".dylib") || strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.")
}
