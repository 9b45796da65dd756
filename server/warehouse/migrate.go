package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/pressly/goose/v3"

	"warroom/migrations"
)

// Migrate brings every node's tables up to this program and sets the lifetimes; it never goes back. A schema that is
// newer than this program is refused (ErrPermanent) and not touched. It returns a line for each thing done.
func Migrate(ctx context.Context, o Options) (done []string, err error) {
	err = onEachNode(o.URL, func(node *clickhouse.Options) error {
		lines, err := migrateNode(ctx, node, o.Retain)
		for _, line := range lines {
			done = append(done, node.Addr[0]+": "+line)
		}
		return err
	})
	return done, err
}

// MigrationStatus says, a line for each node and migration, what has been applied.
func MigrationStatus(ctx context.Context, o Options) (lines []string, err error) {
	err = onEachNode(o.URL, func(node *clickhouse.Options) error {
		conn, there, err := outside(ctx, node)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		if !there {
			lines = append(lines, node.Addr[0]+": the database "+database+" is not there yet")
			return nil
		}
		return withProvider(node, func(p *goose.Provider) error {
			all, err := p.Status(ctx)
			for _, m := range all {
				applied := "pending"
				if m.State == goose.StateApplied {
					applied = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
				}
				lines = append(lines, fmt.Sprintf("%s: %s %s", node.Addr[0], path.Base(m.Source.Path), applied))
			}
			return migrationError(err)
		})
	})
	return lines, err
}

// onEachNode calls do with the options of one node after the other: there is no ON CLUSTER here.
func onEachNode(url string, do func(node *clickhouse.Options) error) error {
	all, err := parse(url, migrating())
	if err != nil {
		return err
	}
	for _, address := range all.Addr {
		node := *all
		node.Addr = []string{address}
		if err := do(&node); err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
	}
	return nil
}

func migrateNode(ctx context.Context, node *clickhouse.Options, retain Retain) (lines []string, err error) {
	if err := prepare(ctx, node); err != nil {
		return nil, err
	}
	err = withProvider(node, func(p *goose.Provider) error {
		has, known, err := p.GetVersions(ctx)
		if err != nil {
			return migrationError(err)
		}
		if has > known {
			return fmt.Errorf("%w: the database has version %d and this warroom knows %d: "+
				"run the newer warroom that made it, or a later one", ErrPermanent, has, known)
		}
		results, err := p.Up(ctx)
		for _, r := range results {
			lines = append(lines, path.Base(r.Source.Path)+" applied")
		}
		return migrationError(err)
	})
	if err != nil {
		return lines, err
	}
	changed, err := applyRetain(ctx, node, retain)
	return append(lines, changed...), err
}

// prepare makes the database where there is none.
func prepare(ctx context.Context, node *clickhouse.Options) error {
	conn, there, err := outside(ctx, node)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if there {
		return nil
	}
	err = conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+database+" ENGINE = Atomic")
	return outcome("make the database "+database, err)
}

// outside connects without naming our database, which a new server doesn't have (and a refused greeting ends the
// embedded engine, 26.7.3), checks the server's version, and says whether the database is there.
func outside(ctx context.Context, node *clickhouse.Options) (_ driver.Conn, there bool, err error) {
	o := *node
	o.Auth.Database = "default"
	conn, err := clickhouse.Open(&o)
	if err != nil {
		return nil, false, fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	if err := checkVersion(ctx, conn); err != nil {
		return nil, false, err
	}
	var n uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = ?", database).Scan(&n); err != nil {
		return nil, false, outcome("look for the database "+database, err)
	}
	return conn, n > 0, nil
}

func withProvider(node *clickhouse.Options, do func(p *goose.Provider) error) error {
	db := clickhouse.OpenDB(node)
	defer func() { _ = db.Close() }()
	p, err := goose.NewProvider(goose.DialectClickHouse, db, migrations.FS, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("%w: the migrations of this program: %w", ErrPermanent, err)
	}
	return do(p)
}

// migrationError keeps the engine's text: a migration's statement holds no rows. A statement that the engine refuses
// is refused again, unless it was only short of something.
func migrationError(err error) error {
	var refused *clickhouse.Exception
	if err == nil || !errors.As(err, &refused) {
		return err
	}
	err = fmt.Errorf("migrate: %w", err)
	if code := refusal(refused.Code); code.meaning() != "" && !code.permanent() {
		return err
	}
	return fmt.Errorf("%w: %w", ErrPermanent, err)
}

// applyRetain sets the lifetimes where they differ.
func applyRetain(ctx context.Context, node *clickhouse.Options, retain Retain) (lines []string, err error) {
	conn, err := clickhouse.Open(node)
	if err != nil {
		return nil, fmt.Errorf("%w: the ClickHouse URL: %w", ErrPermanent, err)
	}
	defer func() { _ = conn.Close() }()
	made, err := definitions(ctx, conn)
	if err != nil {
		return nil, err
	}
	for _, life := range retain.lifetimes() {
		if life.keep == 0 {
			if strings.Contains(made[life.table], " TTL ") {
				continue
			}
			life.keep = life.usual // a migration made it anew
		}
		if strings.Contains(made[life.table], " TTL "+life.expression()+" ") {
			continue
		}
		alter := "ALTER TABLE " + life.table + " MODIFY TTL " + life.expression()
		if err := conn.Exec(ctx, alter); err != nil {
			return lines, outcome("set the lifetime of "+life.table, err)
		}
		lines = append(lines, fmt.Sprintf("%s kept for %s", life.table, life.keep))
	}
	return lines, nil
}

// lifetime is how long a table's rows are kept after their moment.
type lifetime struct {
	table, moment string
	keep, usual   time.Duration // keep is 0 when it is left as it is
}

func (r Retain) lifetimes() []lifetime {
	const seconds, minutes = 48 * time.Hour, 90 * 24 * time.Hour // as in migration 0003
	requests := lifetime{"requests", "day", 0, Retain{}.requestDays()}
	if r.Requests != 0 {
		requests.keep = r.requestDays()
	}
	return []lifetime{
		requests,
		{"request_seconds", "second", r.Seconds, seconds},
		{"request_visitors", "tick", r.Seconds, seconds},
		{"request_minutes", "minute", r.Minutes, minutes},
		{"request_pages", "minute", r.Minutes, minutes},
		{"request_hosts", "minute", r.Minutes, minutes},
		{"request_referrers", "minute", r.Minutes, minutes},
		{"request_steps", "start", r.Minutes, minutes},
	}
}

// requestDays is how long a partition of requests is kept: from the start of its day, so that the day's last request
// lives long enough too.
func (r Retain) requestDays() time.Duration {
	return cmp.Or(r.Requests, 7*24*time.Hour) + 24*time.Hour
}

// expression is the TTL as the engine writes it.
func (l lifetime) expression() string {
	return fmt.Sprintf("%s + toIntervalSecond(%d)", l.moment, int64(l.keep/time.Second))
}
