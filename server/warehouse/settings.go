package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// oldest is the first ClickHouse that has what the tables and views use.
const oldestMajor, oldestMinor = 25, 8

// pinned are the settings that exactness rests on, sent with every statement. CLICKHOUSE has defaults that lose or
// double rows; a profile or a future version may bring others.
func pinned() clickhouse.Settings {
	return clickhouse.Settings{
		"async_insert":          0, // batches are made here; a queue would confirm what it only remembers
		"wait_for_async_insert": 1,
		"insert_deduplicate":    1,
		// A repeated token fills a view that was not reached the first time.
		"deduplicate_blocks_in_dependent_materialized_views": 1,
		"materialized_views_ignore_errors":                   0,
		// 1 gives wrong totals when an identity is in two partitions.
		"do_not_merge_across_partitions_select_final": 0,
		// It has taken answers of one statement for those of another that only looks the same (ClickHouse #87091, #93787,
		// #104781): rows that are there were not found.
		"use_query_condition_cache": 0,
		"session_timezone":          "UTC",
	}
}

// durable are the settings of every table of events: what an insert confirmed is on the disk.
func durable() []string {
	return []string{
		"fsync_after_insert = 1", "fsync_part_directory = 1",
		"min_rows_to_fsync_after_merge = 1", "min_compressed_bytes_to_fsync_after_merge = 1",
	}
}

// tableSettings lists what each table must say of itself.
func tableSettings() map[string][]string {
	exact := append(durable(), "max_suspicious_broken_parts = 0")
	remembering := append(slices.Clone(exact), "non_replicated_deduplication_window = 10000")
	traffic := append(durable(), "non_replicated_deduplication_window = 10000")
	return map[string][]string{
		"donations": remembering, "donations_by_time": remembering, "donation_copies": remembering,
		"email_identities": remembering, "email_events": remembering, "email_conflicts": remembering,
		"donation_minutes": exact, "email_minutes": exact,
		"donation_cuts": exact, "send_gifts": exact, "donor_sketches": exact,
		"send_cuts": exact, "mail_hours": exact, "send_spans": exact,
		"requests": traffic, "request_seconds": traffic, "request_visitors": traffic, "request_minutes": traffic,
		"request_pages": traffic, "request_hosts": traffic, "request_referrers": traffic, "request_steps": traffic,
	}
}

// check reads back on every node what was asked for: version, settings, the tables' own settings.
func check(ctx context.Context, o Options) error {
	return onEachNode(o.URL, func(node *clickhouse.Options) error {
		conn, err := clickhouse.Open(node)
		if err != nil {
			return fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
		}
		defer func() { _ = conn.Close() }()
		if err := checkSettings(ctx, conn); err != nil {
			return err
		}
		return checkTables(ctx, conn)
	})
}

func checkVersion(ctx context.Context, conn driver.Conn) error {
	var version string
	if err := conn.QueryRow(ctx, "SELECT version()").Scan(&version); err != nil {
		return outcome("ask for the version", err)
	}
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return fmt.Errorf("%w: ClickHouse says it has version %q", ErrPermanent, version)
	}
	major, _ := strconv.Atoi(parts[0])
	minor, _ := strconv.Atoi(parts[1])
	if major < oldestMajor || major == oldestMajor && minor < oldestMinor {
		return fmt.Errorf("%w: ClickHouse %s is too old: want %d.%d or later",
			ErrPermanent, version, oldestMajor, oldestMinor)
	}
	return nil
}

// checkSettings reads the pinned settings back: a profile may forbid or override them.
func checkSettings(ctx context.Context, conn driver.Conn) error {
	want := pinned()
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	rows, err := conn.Query(ctx, "SELECT name, value FROM system.settings WHERE name IN (?)", names)
	if err != nil {
		return outcome("read the settings", err)
	}
	defer func() { _ = rows.Close() }()
	got := map[string]string{}
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return outcome("read the settings", err)
		}
		got[name] = value
	}
	if err := rows.Err(); err != nil {
		return outcome("read the settings", err)
	}
	for _, name := range names {
		if value := fmt.Sprint(want[name]); got[name] != value {
			return fmt.Errorf("%w: ClickHouse uses the setting %s = %q where totals need %s: "+
				"mend the profile of warroom's account", ErrPermanent, name, got[name], value)
		}
	}
	return nil
}

// checkTables reads back what the tables were made with: an ALTER TABLE may have changed it since.
func checkTables(ctx context.Context, conn driver.Conn) error {
	made, err := definitions(ctx, conn)
	if err != nil {
		return err
	}
	want := tableSettings()
	names := make([]string, 0, len(want))
	for name := range want {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if made[name] == "" {
			return fmt.Errorf("the table %s.%s has gone, and making it again did not help: "+
				"put the engine's files back from a backup", database, name)
		}
		for _, setting := range want[name] {
			if !hasSetting(made[name], setting) {
				return fmt.Errorf("%w: the table %s.%s must have the setting %s: run ALTER TABLE %s.%s MODIFY SETTING %s",
					ErrPermanent, database, name, setting, database, name, setting)
			}
		}
	}
	return nil
}

// hasSetting looks for "name = value" in the SETTINGS of a definition.
func hasSetting(definition, setting string) bool {
	_, settings, _ := strings.Cut(definition, "SETTINGS ")
	return slices.Contains(strings.Split(settings, ", "), setting)
}

// definitions are the CREATE statements of our tables, by name.
func definitions(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	rows, err := conn.Query(ctx, "SELECT name, create_table_query FROM system.tables WHERE database = ?", database)
	if err != nil {
		return nil, outcome("read the tables' definitions", err)
	}
	defer func() { _ = rows.Close() }()
	made := map[string]string{}
	for rows.Next() {
		var name, definition string
		if err := rows.Scan(&name, &definition); err != nil {
			return nil, outcome("read the tables' definitions", err)
		}
		made[name] = definition
	}
	return made, outcome("read the tables' definitions", rows.Err())
}
