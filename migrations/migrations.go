// Package migrations holds the structure of the database as numbered SQL files, embedded in the program. They only go
// forward: a released file is never changed, and there is no way down. Every statement can be run again, because a
// migration may be cut between any two. It knows no database; package warehouse runs the files.
package migrations

import (
	"embed"
	"io/fs"
	"regexp"
	"slices"
)

// FS has the files NNNN_name.sql in goose's form.
//
//go:embed *.sql
var FS embed.FS

// Tables names the tables and views that are there when all files have been run, in the order in which they are made.
// Those of another database than the campaign's have its name in front.
func Tables() (names []string, err error) {
	change := regexp.MustCompile(`(?m)^(CREATE(?: OR REPLACE)?|DROP) (?:MATERIALIZED VIEW|TABLE|VIEW) (?:IF (?:NOT )?EXISTS )?([\w.]+)`)
	files, err := fs.Glob(FS, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := FS.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, m := range change.FindAllStringSubmatch(string(text), -1) {
			verb, name := m[1], m[2]
			switch {
			case verb == "DROP":
				names = slices.DeleteFunc(names, func(n string) bool { return n == name })
			case !slices.Contains(names, name):
				names = append(names, name)
			}
		}
	}
	return names, nil
}
