// Package migrations holds the structure of the database as numbered SQL files, embedded in the program. They only go
// forward: a released file is never changed, and there is no way down. Every statement can be run again, because a
// migration may be cut between any two. It knows no database; package warehouse runs the files.
package migrations

import "embed"

// FS has the files NNNN_name.sql in goose's form.
//
//go:embed *.sql
var FS embed.FS
