package warehouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"warroom/migrations"
	"warroom/server/campaign"
)

// kindTables are the tables of a kind: the one that holds the truth first, its rollups last.
func kindTables(kind campaign.Kind) []string {
	switch kind {
	case campaign.Donations:
		return []string{"donations", "donations_by_time", "donation_copies", "donation_minutes", "donation_cuts", "send_gifts",
			"donor_sketches"}
	case campaign.Emails:
		return []string{"email_identities", "email_events", "email_conflicts", "email_minutes", "send_cuts", "mail_hours", "send_spans"}
	case campaign.Traffic:
		return []string{"requests", "request_seconds", "request_visitors", "request_minutes", "request_pages", "request_hosts",
			"request_referrers", "request_steps"}
	}
	return nil
}

func kindOf(table string) (campaign.Kind, bool) {
	for _, kind := range campaign.Kinds() {
		if slices.Contains(kindTables(kind), table) {
			return kind, true
		}
	}
	return 0, false
}

// quoted writes words that are plain identifiers as a list for IN.
func quoted(words []string) string { return "('" + strings.Join(words, "', '") + "')" }

// BrokenPart is a part of a table that was set aside: its rows are missing from the table.
type BrokenPart struct {
	Kind      campaign.Kind
	Table     string
	Name      string // in the table's folder detached
	Reason    string // the engine's word, as broken-on-start; empty when it was set aside by a statement
	Partition string // of requests: the day as 20261103
	At        time.Time
}

// Key names the part for ever.
func (p BrokenPart) Key() string { return fmt.Sprintf("%s/%s@%d", p.Table, p.Name, p.At.Unix()) }

// BrokenParts lists the parts that the engine set aside because it could not read them, and those that a person
// detached: both lack in the table. They stay there until a person removes them.
func (w *Warehouse) BrokenParts(ctx context.Context) ([]BrokenPart, error) {
	var parts []BrokenPart
	look := statement{what: "look for broken parts", sql: `SELECT table, name, ifNull(reason, ''),
			ifNull(partition_id, ''), modification_time
		FROM system.detached_parts
		WHERE database = currentDatabase() AND ifNull(reason, '') IN ('', 'broken', 'broken-on-start', 'unexpected')
		ORDER BY table, name`}
	err := w.ask(ctx, look, func(rows driver.Rows) error {
		var p BrokenPart
		if err := rows.Scan(&p.Table, &p.Name, &p.Reason, &p.Partition, &p.At); err != nil {
			return err
		}
		if kind, ours := kindOf(p.Table); ours {
			p.Kind = kind
			parts = append(parts, p)
		}
		return nil
	})
	return parts, err
}

// damaged says that the engine met bytes on the disk that are not what was written, or none where some must be.
func damaged(err error) bool {
	var code refusal
	if !errors.As(err, &code) {
		return false
	}
	switch code {
	case 24, 32, 33, 40, 74, 107, 117, 226, 228, 233, 246, 271, 432:
		return true // reading, parsing, checksum, decompressing, files that are missing or of another size
	}
	return false
}

// Scrub reads every byte of a kind's tables and sets the parts aside that are damaged, so that the engine can read the
// rest; their rows are missing then, and BrokenParts has them. About 0.2 s of CPU a million gifts.
func (w *Warehouse) Scrub(ctx context.Context, kind campaign.Kind) (damaged int, err error) {
	for _, table := range kindTables(kind) {
		var bad []string
		check := statement{what: "check " + table,
			sql: "CHECK TABLE " + table + " SETTINGS check_query_single_value_result = 0, max_threads = 1"}
		err := w.ask(ctx, check, func(rows driver.Rows) error {
			var part, message string
			var passed bool
			if err := rows.Scan(&part, &passed, &message); err != nil {
				return err
			}
			if !passed {
				bad = append(bad, part)
			}
			return nil
		})
		if err != nil {
			return damaged, err
		}
		for _, part := range bad {
			if err := w.setAside(ctx, kind, table, part); err != nil {
				return damaged, err
			}
			damaged++
		}
	}
	return damaged, nil
}

func (w *Warehouse) setAside(ctx context.Context, kind campaign.Kind, table, part string) error {
	defer w.own(kind)()
	w.logger.Error("a part of a table is damaged on the disk and is set aside", "table", table, "part", part)
	return w.exec(ctx, statement{what: "set a damaged part of " + table + " aside",
		sql: "ALTER TABLE " + table + " DETACH PART '" + part + "'"})
}

// ErrTooManyParts is wrapped by what Room returns.
var ErrTooManyParts = errors.New("the engine has not merged enough of what it got")

// fullAt is the share of the engine's own limit at which storing waits. At the limit the engine delays inserts, and at
// three times of it refuses them.
const fullAt = 0.7

// Room says whether a kind's tables can take more parts: nil, or an error that wraps ErrTooManyParts with the figures.
func (w *Warehouse) Room(ctx context.Context, kind campaign.Kind) error {
	// A table's own setting stands in its definition; the others have the server's.
	var table string
	var parts, limit uint64
	look := statement{what: "count the parts", sql: `SELECT table, parts, limit FROM
		(SELECT table, max(n) AS parts FROM
			(SELECT table, partition_id, count() AS n FROM system.parts
			 WHERE database = currentDatabase() AND active AND table IN ` + quoted(kindTables(kind)) + `
			 GROUP BY table, partition_id)
		 GROUP BY table) AS p
		INNER JOIN
		(SELECT name AS table, if(own = '', usual, toUInt64OrZero(own)) AS limit FROM
			(SELECT name, extract(engine_full, 'parts_to_delay_insert = ([0-9]+)') AS own,
				(SELECT toUInt64(value) FROM system.merge_tree_settings WHERE name = 'parts_to_delay_insert') AS usual
			 FROM system.tables WHERE database = currentDatabase() AND name IN ` + quoted(kindTables(kind)) + `)) AS t
		USING (table) ORDER BY parts / limit DESC LIMIT 1`}
	err := w.ask(ctx, look, func(rows driver.Rows) error { return rows.Scan(&table, &parts, &limit) })
	if err != nil {
		return err
	}
	if limit > 0 && float64(parts) > fullAt*float64(limit) {
		return fmt.Errorf("%w: %s has %d parts, inserts are delayed from %d on", ErrTooManyParts, table, parts, limit)
	}
	return nil
}

// Rebuilt are the kinds of which Open had to make a table again because it had gone. What it held has to be refilled.
func (w *Warehouse) Rebuilt() []campaign.Kind { return w.rebuilt }

// rebuild makes the tables and views again that the migrations made and that have gone since, as with a damaged disk.
// A table that was only detached comes back with its rows; others are empty.
func rebuild(ctx context.Context, o Options) (kinds []campaign.Kind, err error) {
	err = onEachNode(o.URL, func(node *clickhouse.Options) error {
		missing, err := attachMissing(ctx, node)
		if err != nil || len(missing) == 0 {
			return err
		}
		o.Logger.Error("tables of the engine have gone and are made again; what they held is looked for elsewhere",
			"tables", strings.Join(missing, " "))
		for _, table := range missing {
			if kind, ours := kindOf(strings.TrimPrefix(table, database+".")); ours && !slices.Contains(kinds, kind) {
				kinds = append(kinds, kind)
			}
		}
		return migrateAgain(ctx, node, o.Retain)
	})
	return kinds, err
}

// attachMissing lists the tables and views that are not there, after trying to attach them.
func attachMissing(ctx context.Context, node *clickhouse.Options) (missing []string, err error) {
	conn, err := clickhouse.Open(node)
	if err != nil {
		return nil, fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
	}
	defer func() { _ = conn.Close() }()
	var there []string
	err = conn.QueryRow(ctx, "SELECT groupArray(concat(database, '.', name)) FROM system.tables WHERE database IN (?, 'analyst')",
		database).Scan(&there)
	if err != nil {
		return nil, outcome("list the tables", err)
	}
	made, err := migrations.Tables()
	if err != nil {
		return nil, err
	}
	for _, table := range made {
		if !strings.Contains(table, ".") {
			table = database + "." + table
		}
		if !slices.Contains(there, table) && conn.Exec(ctx, "ATTACH TABLE "+table) != nil {
			missing = append(missing, table)
		}
	}
	return missing, nil
}

// migrateAgain runs all migrations again: every statement can be repeated, and makes only what is not there.
func migrateAgain(ctx context.Context, node *clickhouse.Options, retain Retain) error {
	conn, err := clickhouse.Open(node)
	if err != nil {
		return fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
	}
	defer func() { _ = conn.Close() }()
	// 0 is goose's own row.
	const forget = "ALTER TABLE goose_db_version DELETE WHERE version_id > 0 SETTINGS mutations_sync = 2"
	if err := conn.Exec(ctx, forget); err != nil {
		return outcome("make tables again", err)
	}
	_, err = migrateNode(ctx, node, retain)
	return err
}
