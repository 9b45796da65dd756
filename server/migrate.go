package server

import (
	"context"
	"errors"
	"path/filepath"

	"warroom/server/engine"
	"warroom/server/warehouse"
)

// Migrate brings the database's structure up to this program (up), or only says how far it is, a line for each thing.
// Without a ClickHouse URL it starts the embedded engine for it, which fails with a clear error while a server runs on
// the same data folder: that server has migrated already.
func Migrate(ctx context.Context, o Options, up bool) (lines []string, err error) {
	s := newStore(o)
	if o.ClickHouseURL == "" {
		s.engine, err = engine.Open(ctx, engine.Options{
			Dir: filepath.Join(o.Data, "engine"), Library: o.EngineLibrary, MemoryBytes: o.EngineMemory, Logger: o.Logger,
		})
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.engine.Close()) }()
	}
	if !up {
		return warehouse.MigrationStatus(ctx, s.warehouseOptions())
	}
	lines, err = warehouse.Migrate(ctx, s.warehouseOptions())
	if err == nil && len(lines) == 0 {
		lines = []string{"nothing to do: the database is as this program needs it"}
	}
	return lines, err
}
