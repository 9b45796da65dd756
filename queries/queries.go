// Package queries holds the SQL of the boards: one file per query, one statement per file, with a header that says what
// comes out, how often to ask without new data and what it may cost. It parses and checks the headers; it never runs
// anything and knows no database. It promises that a query it returns has a complete header that agrees with its text.
//
// A file can be pasted into a ClickHouse client unchanged: parameters are native {name:Type} placeholders.
package queries

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"
)

//go:embed live/*.sql
var files embed.FS

// Query is one file.
type Query struct {
	Name    string        // the file's name without ".sql": "money.hour"
	Title   string        // "Dollars in the last hour"
	Unit    string        // "usd", "count", "rate" or "percent"
	Text    string        // what it means and what it leaves out, one sentence
	SQL     string        // the statement, without the header
	Every   time.Duration // how often to ask when no new data has come: the moment moves on by itself
	Budget  time.Duration // what it may cost at the campaign's full size
	Params  []Param       // the {name:Type} placeholders, in the order of the header
	Returns []Column      // the result's columns, in order
}

// Param is a placeholder of the SQL.
type Param struct{ Name, Type string }

// Column is one column of the result.
type Column struct{ Name, Type string }

// Live reads the boards' queries: the files of live/, by name without ".sql". The error names file and line and says
// what would be right.
func Live() (map[string]Query, error) {
	return load(files, "live")
}

func load(from fs.FS, dir string) (map[string]Query, error) {
	paths, err := fs.Glob(from, dir+"/*.sql")
	if err != nil {
		return nil, fmt.Errorf("queries: %w", err)
	}
	all := make(map[string]Query, len(paths))
	for _, p := range paths {
		text, err := fs.ReadFile(from, p)
		if err != nil {
			return nil, fmt.Errorf("queries: %w", err)
		}
		q, err := parse(p, string(text))
		if err != nil {
			return nil, err
		}
		q.Name = strings.TrimSuffix(path.Base(p), ".sql")
		all[q.Name] = q
	}
	return all, nil
}
