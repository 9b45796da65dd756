package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// parentOf, in the environment, makes the test binary a program that runs an engine in that folder until it is killed.
const parentOf = "ENGINE_TEST_PARENT_OF"

func TestMain(m *testing.M) {
	ChildMain()
	if dir := os.Getenv(parentOf); dir != "" {
		e, err := Open(context.Background(), Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(e.Address(), e.pid.Load())
		select {}
	}
	os.Exit(m.Run())
}

func TestBothAccountsWorkOnBothProtocols(t *testing.T) {
	e := start(t, t.TempDir())
	if major, _, _ := strings.Cut(e.Version(), "."); major < "26" {
		t.Errorf("version %q", e.Version())
	}
	app := native(t, e, "app", e.AppPassword())
	for _, sql := range []string{
		"CREATE DATABASE campaign ENGINE = Atomic",
		"CREATE TABLE campaign.gifts (n Int64) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO campaign.gifts SELECT number FROM numbers(1000)",
		"CREATE DATABASE analyst ENGINE = Atomic",
		"CREATE VIEW analyst.gifts DEFINER = app SQL SECURITY DEFINER AS SELECT n FROM campaign.gifts",
	} {
		if err := app.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const count = "SELECT count() FROM analyst.gifts"
	for user, password := range map[string]string{"app": e.AppPassword(), "analyst": e.AnalystPassword()} {
		var n uint64
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // becomes max_execution_time
		if err := native(t, e, user, password).QueryRow(ctx, count).Scan(&n); err != nil || n != 1000 {
			t.Errorf("%s over the native protocol: %d, %v", user, n, err)
		}
		cancel()
		if said, status := overHTTP(t, e, user, password, count); said != "1000" || status != http.StatusOK {
			t.Errorf("%s over HTTP: %d %s", user, status, said)
		}
		if said, status := overHTTP(t, e, user, "wrong", count); status == http.StatusOK {
			t.Errorf("%s with a wrong password got %s", user, said)
		}
	}
	t.Run("the analyst may do nothing else", func(t *testing.T) { analystIsRefused(t, e) })
	t.Run("no table function helps the analyst", func(t *testing.T) { tableFunctionsAreRefused(t, e) })
	t.Run("default may do nothing", func(t *testing.T) { defaultIsRefused(t, e) })
	t.Run("nobody reads this machine's files", func(t *testing.T) { filesAreRefused(t, e) })
	t.Run("HTTP serves queries and pings only", func(t *testing.T) { pagesAreMissing(t, e) })
}

func analystIsRefused(t *testing.T, e *Engine) {
	conn := native(t, e, "analyst", e.AnalystPassword())
	for _, sql := range []string{
		"SELECT count() FROM campaign.gifts",
		"SELECT count() FROM system.processes",
		"SELECT count() FROM system.users",
		"SELECT * FROM file('/etc/hostname', 'LineAsString')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'line String')",
		"SELECT * FROM remote('127.0.0.1:1', system.one)",
		"SELECT * FROM s3('http://127.0.0.1:1/bucket/x.csv', 'CSV', 'a String')",
		"INSERT INTO analyst.gifts SELECT 1",
		"INSERT INTO FUNCTION file('/tmp/x', 'CSV', 'a Int8') SELECT 1",
		"CREATE TEMPORARY TABLE x (n Int8)",
		"CREATE TABLE analyst.x (n Int8) ENGINE = Memory",
		"CREATE FUNCTION x AS n -> n",
		"DROP VIEW analyst.gifts",
		"SYSTEM STOP LISTEN TCP",
		"KILL QUERY WHERE 1",
		"SET max_threads = 64",
		"SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 SETTINGS max_memory_usage = 0",
		"SELECT 1 SETTINGS max_execution_time = 3600",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SELECT 1 SETTINGS max_result_rows = 0",
	} {
		_, overNative := conn.Query(t.Context(), sql)
		said, status := overHTTP(t, e, "analyst", e.AnalystPassword(), sql)
		if overNative == nil || status == http.StatusOK {
			t.Errorf("the analyst may %s: %v, %d %s", sql, overNative, status, said)
		}
	}
	if said, status := overHTTP(t, e, "analyst", e.AnalystPassword(), "SHOW DATABASES"); said != "analyst" || status != http.StatusOK {
		t.Errorf("the analyst sees the databases %q (%d)", said, status)
	}
	if said, _ := overHTTP(t, e, "analyst", e.AnalystPassword(), "SELECT getSetting('readonly')"); said != "1" {
		t.Errorf("the analyst has readonly = %s: with 2 the account could read files", said)
	}
}

// tableFunctionsAreRefused goes through everything that could open a file or a connection. The ones that are let
// through make their rows themselves, or read what the account may read anyway.
func tableFunctionsAreRefused(t *testing.T, e *Engine) {
	list, status := overHTTP(t, e, "app", e.AppPassword(), "SELECT name FROM system.table_functions")
	if status != http.StatusOK {
		t.Fatal(list)
	}
	harmless := map[string]bool{"values": true, "SQLStandardValues": true, "null": true, "generateRandom": true, "format": true}
	for name := range strings.FieldsSeq(list) {
		for _, args := range []string{"'/etc/hostname'", "'/etc/hostname', 'LineAsString', 'line String'", "'http://127.0.0.1:1/b/x'", "'127.0.0.1:1', 'a', 'b', 'c', 'd'"} {
			sql := "SELECT * FROM " + name + "(" + args + ") LIMIT 1"
			said, status := overHTTP(t, e, "analyst", e.AnalystPassword(), sql)
			if status == http.StatusOK && !harmless[name] {
				t.Errorf("%s: %s", sql, said)
			}
			if strings.Contains(said, "Permission denied") || strings.Contains(said, "Connection refused") {
				t.Errorf("%s went as far as the machine: %s", sql, said)
			}
		}
	}
}

func defaultIsRefused(t *testing.T, e *Engine) {
	for _, sql := range []string{"SELECT 1", "SYSTEM STOP LISTEN TCP", "SELECT * FROM numbers(1)"} {
		for _, user := range []string{"default", ""} {
			if said, status := overHTTP(t, e, user, "", sql); status == http.StatusOK {
				t.Errorf("%q without a password may %s: %s", user, sql, said)
			}
		}
	}
	if said, status := overHTTP(t, e, "app", e.AppPassword(), "SELECT 1"); said != "1" || status != http.StatusOK {
		t.Errorf("default has stopped the listener: %d %s", status, said)
	}
}

// TestStrangersOnTheNativePort: this version of the library refuses them, and aborts over it. So the point is that
// nobody gets in, and that the engine comes back.
func TestStrangersOnTheNativePort(t *testing.T) {
	e := start(t, t.TempDir())
	for _, who := range []clickhouse.Auth{{Username: "default"}, {Username: "app", Password: "wrong"}} {
		if err := native(t, e, who.Username, who.Password).Exec(t.Context(), "SELECT 1"); err == nil {
			t.Errorf("%s signed in with the password %q", who.Username, who.Password)
		}
		eventually(t, "the engine answers", func() bool {
			said, err := e.ask(t.Context(), "SELECT 1")
			return err == nil && said == "1"
		})
	}
}

// filesAreRefused: the account app may do everything, so what stops it is the confinement.
func filesAreRefused(t *testing.T, e *Engine) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hidden"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, filepath.Join(e.launch.dir, "passwords.json"), "/proc/" + strconv.Itoa(os.Getpid()) + "/environ"} {
		said, status := overHTTP(t, e, "app", e.AppPassword(), "SELECT file('"+path+"')")
		if confined := status != http.StatusOK && strings.Contains(said, "Permission denied"); confined != canConfine() {
			t.Errorf("confined %t, though the kernel can confine %t: %d %s", confined, canConfine(), status, said)
		}
	}
}

func pagesAreMissing(t *testing.T, e *Engine) {
	for path, want := range map[string]int{"/ping": http.StatusOK, "/play": http.StatusNotFound, "/dashboard": http.StatusNotFound, "/webterminal": http.StatusNotFound, "/replicas_status": http.StatusNotFound} {
		resp, err := http.Get("http://" + e.HTTPAddress() + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestAKilledChildComesBack(t *testing.T) {
	e := start(t, t.TempDir())
	mustRun(t, e, "CREATE TABLE default.kept (n Int64) ENGINE = MergeTree ORDER BY n")
	mustRun(t, e, "INSERT INTO default.kept SELECT number FROM numbers(5000)")
	for killed := 1; killed <= 2; killed++ {
		address, pid := e.Address(), int(e.pid.Load())
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the engine answers again", func() bool {
			said, err := e.ask(t.Context(), "SELECT count() FROM default.kept")
			return err == nil && said == "5000" && int(e.pid.Load()) != pid
		})
		if e.Restarts() != killed || e.Address() != address {
			t.Errorf("%d restarts at %s, want %d at %s", e.Restarts(), e.Address(), killed, address)
		}
	}
}

func TestAHungChildIsReplaced(t *testing.T) {
	impatient := patient()
	impatient.pingEvery, impatient.pingWaits, impatient.hung = 50*time.Millisecond, time.Second, 3
	e, err := open(t.Context(), Options{Dir: t.TempDir(), Logger: logger(t)}, impatient)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	pid := int(e.pid.Load())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another child answers", func() bool {
		return int(e.pid.Load()) != pid && e.ping(t.Context()) == nil
	})
}

func TestAFolderHasOneEngine(t *testing.T) {
	dir := t.TempDir()
	start(t, dir)
	e, err := Open(t.Context(), Options{Dir: dir, Logger: logger(t)})
	if err == nil {
		e.Close()
		t.Fatal("a second engine started on the same folder")
	}
	if !strings.Contains(err.Error(), "another warroom uses "+dir) {
		t.Errorf("the error does not name the folder: %v", err)
	}
}

func TestAnOrphanIsWaitedFor(t *testing.T) {
	dir := t.TempDir()
	orphan, err := lockFile(filepath.Join(dir, "child.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := takeLocks(t.Context(), dir, time.Millisecond); err == nil || !strings.Contains(err.Error(), dir) {
		t.Fatalf("an orphan that stays: %v", err)
	}
	waiting := make(chan error)
	go func() {
		l, err := takeLocks(t.Context(), dir, time.Minute)
		if err == nil {
			err = l.release()
		}
		waiting <- err
	}()
	orphan.Close()
	if err := <-waiting; err != nil {
		t.Fatalf("an orphan that goes: %v", err)
	}
}

func TestCloseEndsTheChildAndKeepsTheData(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	mustRun(t, e, "CREATE TABLE default.kept (n Int64) ENGINE = MergeTree ORDER BY n")
	mustRun(t, e, "INSERT INTO default.kept VALUES (1), (2)")
	app, analyst, pid := e.AppPassword(), e.AnalystPassword(), int(e.pid.Load())
	if app == analyst || len(app) < 32 {
		t.Errorf("weak passwords: %d characters", len(app))
	}
	for range 2 { // closing twice is no mistake
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the child is still there after Close: %v", err)
	}
	e = start(t, dir)
	if e.AppPassword() != app || e.AnalystPassword() != analyst {
		t.Error("the passwords have changed")
	}
	if said, err := e.ask(t.Context(), "SELECT sum(n) FROM default.kept"); said != "3" || err != nil {
		t.Errorf("after closing and opening: %q, %v", said, err)
	}
}

func TestAStoppedChildIsEndedToo(t *testing.T) {
	quick := patient()
	quick.goodbye = 100 * time.Millisecond
	e, err := open(t.Context(), Options{Dir: t.TempDir(), Logger: logger(t)}, quick)
	if err != nil {
		t.Fatal(err)
	}
	pid := int(e.pid.Load())
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the child is still there after Close: %v", err)
	}
}

func TestTheChildEndsWithAKilledParent(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+dir)
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	defer parent.Process.Kill()
	var address string
	var pid int
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanned := fmt.Sscan(line, &address, &pid); err != nil || scanned != nil {
		t.Fatalf("the parent said %q: %v", line, errors.Join(err, scanned))
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // it was killed
	eventually(t, "the child has gone", func() bool {
		state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(state), ") Z ")
	})
	start(t, dir) // the folder is free
}

func TestMemoryIsBounded(t *testing.T) {
	const limit = 640 << 20
	e, err := Open(t.Context(), Options{Dir: t.TempDir(), MemoryBytes: limit, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	said, err := e.ask(t.Context(), "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'")
	if err != nil || said != strconv.Itoa(limit) {
		t.Errorf("the limit is %q, %v, want %d", said, err, limit)
	}
	_, err = e.ask(t.Context(), "SELECT length(groupArray(number)) FROM numbers(200000000) SETTINGS max_memory_usage = 0")
	if err == nil || !strings.Contains(err.Error(), "MEMORY_LIMIT_EXCEEDED") && !strings.Contains(err.Error(), "emory limit") {
		t.Errorf("a query of 1.6 GB ended with %v", err)
	}
	for memory, want := range map[int64]int64{0: min(machineMemory()/2, mostMemory), 1: leastMemory, 8 << 30: 8 << 30} {
		if got := limitsFor(memory).Memory; got != max(want, leastMemory) {
			t.Errorf("limitsFor(%d): %d, want %d", memory, got, want)
		}
	}
}

func TestBackgroundPoolsAreAServers(t *testing.T) {
	e := start(t, t.TempDir())
	for name, want := range map[string]string{"background_pool_size": "16", "background_merges_mutations_concurrency_ratio": "2", "background_common_pool_size": "8", "background_schedule_pool_size": "64"} {
		said, err := e.ask(t.Context(), "SELECT value FROM system.server_settings WHERE name = '"+name+"'")
		if err != nil || said != want {
			t.Errorf("%s: %q, %v, want %s", name, said, err, want)
		}
	}
	if said, err := e.ask(t.Context(), "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\\\_log'"); said != "0" || err != nil {
		t.Errorf("%s log tables grow, %v", said, err)
	}
}

func TestFilesAreTheOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "engine")
	e := start(t, dir)
	mustRun(t, e, "CREATE TABLE default.kept (n Int64) ENGINE = MergeTree ORDER BY n")
	mustRun(t, e, "INSERT INTO default.kept VALUES (1)")
	seen := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a merge has removed it
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return nil //nolint:nilerr // a merge has removed it
		}
		if seen++; info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil || seen < 10 {
		t.Errorf("%d files, %v", seen, err)
	}
	users, err := os.ReadFile(filepath.Join(dir, "users.xml"))
	if err != nil || strings.Contains(string(users), e.AppPassword()) || strings.Contains(string(users), e.AnalystPassword()) {
		t.Errorf("the users' file holds a password in clear, or: %v", err)
	}
}

func TestAFolderWithOddCharacters(t *testing.T) {
	e := start(t, filepath.Join(t.TempDir(), "a & b <c> 'd' é"))
	if said, err := e.ask(t.Context(), "SELECT 1"); said != "1" || err != nil {
		t.Errorf("%q, %v", said, err)
	}
}

func TestAnEngineThatCannotStartSaysWhy(t *testing.T) {
	library := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(library, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), Options{Dir: t.TempDir(), Library: library, Logger: logger(t)})
	if err == nil {
		e.Close()
		t.Fatal("an engine without a library")
	}
	if !strings.Contains(err.Error(), library) {
		t.Errorf("the error does not say what is wrong: %v", err)
	}
}

// start opens an engine that ends with the test.
func start(t *testing.T, dir string) *Engine {
	t.Helper()
	e, err := Open(t.Context(), Options{Dir: dir, Logger: logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

func native(t *testing.T, e *Engine, user, password string) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{e.Address()}, Auth: clickhouse.Auth{Username: user, Password: password}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func overHTTP(t *testing.T, e *Engine, user, password, sql string) (said string, status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+e.HTTPAddress()+"/", strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", user)
	req.Header.Set("X-ClickHouse-Key", password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text)), resp.StatusCode
}

func mustRun(t *testing.T, e *Engine, sql string) {
	t.Helper()
	if said, status := overHTTP(t, e, "app", e.AppPassword(), sql); status != http.StatusOK {
		t.Fatalf("%s: %s", sql, said)
	}
}

// eventually waits for a condition, and fails the test when it stays away for a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited a minute in vain: %s", what)
		case <-tick.C:
		}
	}
}
