package engine

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFindSaysWhatToInstall(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PATH", t.TempDir())
	path, err := Find("")
	if err == nil {
		t.Fatalf("found %s where there is nothing", path)
	}
	for _, want := range []string{"npm ci", "make build"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %q: %v", want, err)
		}
	}
}

func TestFindLooksInOrder(t *testing.T) {
	root := t.TempDir()
	program := filepath.Join(root, "bin", "clickhouse")
	library := filepath.Join(root, "node_modules", "@chdb", npmPackage(runtime.GOOS, runtime.GOARCH), "libchdb.so")
	deep := filepath.Join(root, "a", "b")
	for _, dir := range []string{filepath.Dir(program), filepath.Dir(library), deep} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(deep)
	t.Setenv("PATH", filepath.Dir(program))
	put := func(path string) {
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	want := func(given, want string) {
		t.Helper()
		if got, err := Find(given); got != want || err != nil {
			t.Errorf("Find(%q) = %q, %v, want %q", given, got, err, want)
		}
	}
	put(program)
	want("", program)
	put(library)
	want("", library)
	want(program, program)
	for _, bad := range []string{filepath.Join(root, "missing.so"), root} {
		if got, err := Find(bad); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("Find(%q) = %q, %v", bad, got, err)
		}
	}
}

func TestPackagesOfTheMachines(t *testing.T) {
	for machine, want := range map[[2]string]string{
		{"linux", "amd64"}: "lib-linux-x64-gnu", {"linux", "arm64"}: "lib-linux-arm64-gnu",
		{"darwin", "amd64"}: "lib-darwin-x64", {"darwin", "arm64"}: "lib-darwin-arm64",
	} {
		if got := npmPackage(machine[0], machine[1]); got != want {
			t.Errorf("%v: %s, want %s", machine, got, want)
		}
	}
}

func TestCommandOfAClickHouseProgram(t *testing.T) {
	g, err := openGate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	l := launch{gate: g, dir: "/data", library: "/usr/bin/clickhouse", native: "127.0.0.1:9", http: "127.0.0.1:8"}
	want := []string{"/usr/bin/clickhouse", "server", "--config-file=/data/config.xml", "--", "--path=/data/data", "--listen_host=127.0.0.1", "--tcp_port=9", "--http_port=8"}
	if cmd := l.command(); cmd.Path != l.library || !slices.Equal(cmd.Args, want) {
		t.Errorf("%s %q, want %q", cmd.Path, cmd.Args, want)
	}
	l.library = "/lib/libchdb.so"
	if cmd := l.command(); cmd.Args[0] != childName || cmd.Args[1] != l.library || cmd.Args[2] != l.dir {
		t.Errorf("the library is started by %q", cmd.Args)
	}
	dir := t.TempDir()
	if err := writeConfig(dir, passwords{App: "a", Analyst: "b"}, limitsFor(0), launch{gate: g, library: "/usr/bin/clickhouse"}); err != nil {
		t.Fatal(err)
	}
	if users, err := os.ReadFile(filepath.Join(dir, "users.xml")); err != nil || strings.Contains(string(users), "gate") {
		t.Errorf("a ClickHouse server gets an account without a password, or: %v", err)
	}
}

func TestOldVersionsAreRefused(t *testing.T) {
	for version, good := range map[string]bool{"18.16.1": false, "25.12.1.1": false, "": false, "26.7.2.1": true, "27.1": true} {
		err := checkVersion(version, "/usr/bin/clickhouse")
		if (err == nil) != good {
			t.Errorf("%s: %v", version, err)
		}
		if err != nil && !strings.Contains(err.Error(), "npm ci") {
			t.Errorf("the error does not say what to do: %v", err)
		}
	}
}

func TestBackOffGrowsToItsLimit(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 200 * time.Millisecond, 4: 1600 * time.Millisecond, 9: 30 * time.Second, 100000: 30 * time.Second} {
		if got := backOff(failures, 30*time.Second); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
	}
}

func TestTailKeepsTheLastWords(t *testing.T) {
	said := &tail{}
	for range 1000 {
		if _, err := said.Write([]byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := said.Write([]byte("the end\n")); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); len(got) > lastWords || !strings.HasSuffix(got, "89the end") {
		t.Errorf("%d bytes, ends with %q", len(got), got[len(got)-12:])
	}
}

func TestDamagedPasswordsAreMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "passwords.json")
	for _, damaged := range []string{"", "{", `{"app":"x"}`} {
		if err := os.WriteFile(path, []byte(damaged), 0o644); err != nil {
			t.Fatal(err)
		}
		made, err := loadPasswords(path)
		if err != nil {
			t.Fatal(err)
		}
		again, err := loadPasswords(path)
		if err != nil || again != made || made.App == "" || made.App == made.Analyst {
			t.Errorf("%q: the second reading differs, %v", damaged, err)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
