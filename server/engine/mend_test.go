package engine

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// strictTable makes a table as money has them, with a row.
func strictTable(t *testing.T, e *Engine, name string) {
	t.Helper()
	mustRun(t, e, "CREATE DATABASE IF NOT EXISTS campaign ENGINE = Atomic")
	mustRun(t, e, "CREATE TABLE campaign."+name+" (n Int64) ENGINE = MergeTree ORDER BY n "+
		"SETTINGS max_suspicious_broken_parts = 0, fsync_after_insert = 1")
	mustRun(t, e, "INSERT INTO campaign."+name+" VALUES (1)")
}

// spoil damages each part of the tables in e's folder.
func spoil(t *testing.T, e *Engine, tables ...string) {
	t.Helper()
	for _, table := range tables {
		said, err := e.ask(t.Context(), "SELECT path FROM system.parts WHERE active AND table = '"+table+"'")
		if err != nil || said == "" {
			t.Fatal(said, err)
		}
		for path := range strings.FieldsSeq(said) {
			if err := os.Truncate(filepath.Join(path, "checksums.txt"), 0); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func detached(t *testing.T, e *Engine) string {
	t.Helper()
	said, err := e.ask(t.Context(), "SELECT table, reason FROM system.detached_parts ORDER BY table")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(said), " ")
}

func TestBrokenPartsAreSetAside(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	for _, table := range []string{"gifts", "more"} {
		strictTable(t, e, table)
	}
	spoil(t, e, "gifts", "more")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = start(t, dir)
	const both = "gifts broken-on-start more broken-on-start"
	if said := detached(t, e); said != both {
		t.Errorf("set aside are %q", said)
	}
	if flags, _ := filepath.Glob(filepath.Join(dir, "data", "flags", "*")); len(flags) != 0 {
		t.Errorf("the next start would be careless: %q", flags)
	}

	// A child that dies and does not come up over it is mended by the watcher.
	mustRun(t, e, "INSERT INTO campaign.gifts VALUES (2)")
	spoil(t, e, "gifts")
	if err := syscall.Kill(int(e.pid.Load()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the engine is back without its part", func() bool {
		said, err := e.ask(t.Context(), "SELECT count() FROM system.detached_parts WHERE table = 'gifts'")
		return err == nil && said == "2"
	})
}

func TestADamagedDefinitionIsSetAside(t *testing.T) {
	dir := t.TempDir()
	e := start(t, dir)
	strictTable(t, e, "gifts")
	strictTable(t, e, "other")
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "data", "store", "*", "*", "gifts.sql"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.WriteFile(files[0], make([]byte, 512), 0o600); err != nil { // as a power cut leaves it
		t.Fatal(err)
	}
	e = start(t, dir)
	if said, err := e.ask(t.Context(), "SELECT groupArray(name) FROM system.tables WHERE database = 'campaign'"); said != "['other']" {
		t.Errorf("tables %s, %v", said, err)
	}
	kept, err := filepath.Glob(filepath.Join(dir, "set-aside", "*-gifts.sql"))
	if err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v", kept, err)
	}
}

// A definition that is only not understood is left where it is.
func TestADefinitionOfANewerEngineStays(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "data", "store", "a", "b", "gifts.sql")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("ATTACH TABLE gifts (n Int64) ENGINE = FromTheFuture"), 0o600); err != nil {
		t.Fatal(err)
	}
	const says = "Cannot parse definition from metadata file store/a/b/gifts.sql. (SYNTAX_ERROR)"
	e := &Engine{launch: launch{dir: dir}, logger: slog.New(slog.DiscardHandler)}
	for _, words := range []string{says, strings.Replace(says, "store/", "../../", 1), "Code: 1. (OUT_OF_DISK)", ""} {
		if e.mend(&child{says: &tail{text: []byte(words)}}) {
			t.Errorf("%q: mended", words)
		}
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
