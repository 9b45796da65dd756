package warehouse

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"warroom/migrations"
	"warroom/server/campaign"
)

// definition is a table's CREATE statement, or empty.
func definition(t *testing.T, w *Warehouse, table string) string {
	t.Helper()
	made, err := definitions(t.Context(), w.read)
	if err != nil {
		t.Fatal(err)
	}
	return made[table]
}

func TestANewerSchemaIsRefusedAndNotTouched(t *testing.T) {
	w := open(t)
	run(t, w, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)")
	defer run(t, w, "ALTER TABLE goose_db_version DELETE WHERE version_id = 9999 SETTINGS mutations_sync = 2")
	before := one[uint64](t, w, "SELECT count() FROM goose_db_version")
	_, err := Open(t.Context(), options())
	if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "version 9999 and") {
		t.Errorf("got %v", err)
	}
	want(t, w, "SELECT count() FROM goose_db_version", before)
}

// A migration that was cut off between two statements is run again as a whole.
func TestMigrationsCanBeRunAgain(t *testing.T) {
	w := open(t)
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, now())))
	run(t, w, "ALTER TABLE goose_db_version DELETE WHERE version_id > 0 SETTINGS mutations_sync = 2")
	run(t, w, "DROP TABLE request_minutes_from_requests SYNC")
	lines, err := Migrate(t.Context(), options())
	if err != nil || len(lines) != migrationFiles(t)+3 { // and the lifetimes of tables that some make anew
		t.Fatalf("got %q, %v", lines, err)
	}
	if definition(t, w, "request_minutes_from_requests") == "" {
		t.Error("the view was not made again")
	}
	wantCents(t, w, 1, 2500)
	lines, err = MigrationStatus(t.Context(), options())
	if err != nil || len(lines) != migrationFiles(t) || !strings.Contains(lines[0], "0001_donations.sql applied 20") {
		t.Errorf("got %q, %v", lines, err)
	}
	if text := definition(t, w, "request_minutes"); !strings.Contains(text, "TTL minute + toIntervalSecond(7776000) ") {
		t.Errorf("not kept for 90 days: %s", text)
	}
	if lines, err := Migrate(t.Context(), options()); err != nil || len(lines) != 0 {
		t.Errorf("nothing to do, and yet %q, %v", lines, err)
	}
}

func TestStatusOfNothing(t *testing.T) {
	open(t)
	node, err := parse(options().URL, migrating())
	if err != nil {
		t.Fatal(err)
	}
	conn, _, err := outside(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(t.Context(), "RENAME DATABASE campaign TO set_aside"); err != nil {
		t.Fatal(err)
	}
	lines, err := MigrationStatus(t.Context(), options())
	if back := conn.Exec(t.Context(), "RENAME DATABASE set_aside TO campaign"); back != nil {
		t.Fatal(back)
	}
	if err != nil || len(lines) != 1 || !strings.Contains(lines[0], "not there yet") {
		t.Errorf("got %q, %v", lines, err)
	}
}

func migrationFiles(t *testing.T) int {
	t.Helper()
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}

// repeatable says why a fill of a table that is not made anew may be run again. See TestTheFillOfCutsCanBeCutAnywhere.
var repeatable = map[string]string{
	"0010_cuts.sql donation_cuts":  "as version 1: a newer sum wins",
	"0010_cuts.sql send_cuts":      "as version 1: a newer sum wins",
	"0010_cuts.sql mail_hours":     "as version 1: a newer sum wins",
	"0010_cuts.sql donor_sketches": "a repeat changes nothing in a sketch",
	"0010_cuts.sql request_steps":  "a repeat changes nothing in a sketch",
	"0010_cuts.sql request_groups": "what it filled is deleted before, until it is noted in backfills",
	"0010_cuts.sql backfills":      "one row for each name",
}

func TestMigrationsOnlyGoForward(t *testing.T) {
	files, err := migrations.FS.ReadDir(".")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	unrepeatable := regexp.MustCompile(`(?m)^(CREATE (TABLE|VIEW|MATERIALIZED VIEW|DATABASE) [^I]|DROP (TABLE|VIEW) [^I]|TRUNCATE|INSERT INTO (\w+))`)
	for _, f := range files {
		text, err := migrations.FS.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^\d{4}_[a-z_]+\.sql$`).MatchString(f.Name()) {
			t.Errorf("%s: want NNNN_name.sql", f.Name())
		}
		if strings.Contains(string(text), "goose Down") {
			t.Errorf("%s has a way down", f.Name())
		}
		for _, bad := range unrepeatable.FindAllStringSubmatch(string(text), -1) {
			before, _, _ := strings.Cut(string(text), bad[0])
			into := bad[4]
			if into != "" && repeatable[f.Name()+" "+into] != "" {
				continue
			}
			if into == "" || !strings.Contains(before, "DROP TABLE IF EXISTS "+into+" ") {
				t.Errorf("%s: %q can't be run again", f.Name(), bad[0])
			}
		}
	}
}

func TestATableWithOtherSettingsIsRefused(t *testing.T) {
	w := open(t)
	for table, bad := range map[string]string{
		"donations": "fsync_after_insert = 0", "email_events": "max_suspicious_broken_parts = 7",
		"requests": "fsync_part_directory = 0",
	} {
		setting, _, _ := strings.Cut(bad, " =")
		good := regexp.MustCompile(setting + ` = \d+`).FindString(definition(t, w, table))
		run(t, w, "ALTER TABLE "+table+" MODIFY SETTING "+bad)
		_, err := Open(t.Context(), options())
		run(t, w, "ALTER TABLE "+table+" MODIFY SETTING "+good)
		if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "MODIFY SETTING "+good) {
			t.Errorf("%s.%s: got %v", table, setting, err)
		}
	}
	reopen(t)
}

// A table that was only detached comes back with its rows.
func TestADetachedTableComesBack(t *testing.T) {
	w := open(t)
	storeDonations(t, w, batchOf("seg-1", gift("a", 2500, now())))
	run(t, w, "DETACH TABLE donations SYNC")
	if w := reopen(t); len(w.Rebuilt()) != 0 {
		t.Errorf("made again: %v", w.Rebuilt())
	}
	wantCents(t, w, 1, 2500)
}

// A table that has gone is made again, and its sibling fills it.
func TestAMissingTableIsMadeAgain(t *testing.T) {
	for _, table := range []string{"donations", "donations_by_time", "donation_minutes", "donation_copies",
		"request_seconds_from_requests", "analyst.donations"} {
		w := open(t)
		storeDonations(t, w, batchOf("seg-1", gift("a", 2500, now())))
		run(t, w, "DROP TABLE "+table+" SYNC")
		w = reopen(t)
		if kind, ours := kindOf(table); ours != (len(w.Rebuilt()) == 1) || ours && w.Rebuilt()[0] != kind {
			t.Errorf("%s: made again %v", table, w.Rebuilt())
		}
		if c := compare(t, w, campaign.Donations); c.Left != 0 {
			t.Errorf("%s: %+v", table, c.Differences)
		}
		wantCents(t, w, 1, 2500)
		wantAnswer(t, "SELECT count() AS n FROM donations", `{"n":1}`)
	}
}

func TestSettingsAreReadBack(t *testing.T) {
	w := open(t)
	if err := checkSettings(t.Context(), w.write); err != nil {
		t.Error(err)
	}
	o, err := parse(options().URL, migrating())
	if err != nil {
		t.Fatal(err)
	}
	o.Settings["async_insert"] = 1
	conn, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	err = checkSettings(t.Context(), conn)
	if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "async_insert") {
		t.Errorf("got %v", err)
	}
}

func TestLifetimesAreApplied(t *testing.T) {
	w := open(t)
	defer func() {
		o := options()
		o.Retain = Retain{7 * 24 * time.Hour, 48 * time.Hour, 90 * 24 * time.Hour}
		if _, err := Migrate(t.Context(), o); err != nil {
			t.Error(err)
		}
	}()
	o := options()
	o.Retain = Retain{Requests: time.Hour, Seconds: 2 * time.Hour, Minutes: 3 * time.Hour}
	short, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = short.Close() }()
	for table, ttl := range map[string]string{
		"requests": "TTL day + toIntervalSecond(90000) ", "request_seconds": "TTL second + toIntervalSecond(7200) ",
		"request_visitors": "TTL tick + toIntervalSecond(7200) ", "request_minutes": "TTL minute + toIntervalSecond(10800) ",
		"request_pages": "TTL minute + toIntervalSecond(10800) ", "request_hosts": "TTL minute + toIntervalSecond(10800) ",
		"request_referrers": "TTL minute + toIntervalSecond(10800) ", "request_steps": "TTL start + toIntervalSecond(10800) ",
	} {
		if text := definition(t, w, table); !strings.Contains(text, ttl) {
			t.Errorf("%s: want %q in %s", table, ttl, text)
		}
	}
	for table := range tableSettings() {
		forever := !strings.HasPrefix(table, "request")
		if forever == strings.Contains(definition(t, w, table), "TTL ") {
			t.Errorf("%s: money and mail are kept for ever, traffic is not", table)
		}
	}
	if lines, err := Migrate(t.Context(), o); err != nil || len(lines) != 0 {
		t.Errorf("set again although they are so: %q, %v", lines, err)
	}
	storeTraffic(t, short, batchOf("seg-1", hits(10, now().Add(-48*time.Hour))...))
	want(t, w, "SELECT count() FROM requests", uint64(0))
}
