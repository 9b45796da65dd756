// Package warroom_test holds the tables of ARCHITECTURE.md against the tree.
package warroom_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "warroom/"

// rows returns the cells of the table that stands under a heading of ARCHITECTURE.md, without its two header lines.
func rows(t *testing.T, heading string) [][]string {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("ARCHITECTURE.md has no heading %q", heading)
	}
	after, _, _ = strings.Cut(after, "\n## ")
	var table [][]string
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "|") {
			continue
		}
		var cells []string
		for _, cell := range strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.Trim(strings.TrimSpace(cell), "`"))
		}
		table = append(table, cells)
	}
	if len(table) < 3 {
		t.Fatalf("no table under %q", heading)
	}
	return table[2:]
}

// imports returns what each package of ours imports, by folder: all paths, tests left out.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string]map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); file != "." && (name == "node_modules" || name == "tools" || name == "testdata" || strings.HasPrefix(name, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := path.Dir(file)
		if found[folder] == nil {
			found[folder] = map[string]bool{}
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			found[folder][imported] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sorted := map[string][]string{}
	for folder, set := range found {
		sorted[folder] = slices.Sorted(maps.Keys(set))
	}
	return sorted
}

func TestPackagesImportOnlyWhatTheTableAllows(t *testing.T) {
	allowed := map[string][]string{}
	for _, row := range rows(t, "Who may import whom") {
		may := strings.Split(row[1], ", ")
		if may[0] == "everything below server" {
			may = append(may[1:], "server/*")
		}
		allowed[row[0]] = may
	}
	found := imports(t)
	for _, folder := range slices.Sorted(maps.Keys(found)) {
		may, listed := allowed[folder]
		if !listed {
			t.Errorf("%s is not in the table of ARCHITECTURE.md", folder)
			continue
		}
		for _, imported := range found[folder] {
			ours, is := strings.CutPrefix(imported, module)
			if !is || slices.Contains(may, ours) || slices.Contains(may, "server/*") && strings.HasPrefix(ours, "server/") {
				continue
			}
			t.Errorf("%s imports %s, which the table does not allow", folder, ours)
		}
	}
	for folder := range allowed {
		if _, exists := found[folder]; !exists {
			t.Errorf("the table lists %s, which holds no Go code", folder)
		}
	}
}

// One door for each outside thing.
func TestOutsideThingsHaveOneDoor(t *testing.T) {
	doors := map[string]string{
		"github.com/ClickHouse/clickhouse-go": "server/warehouse",
		"github.com/ClickHouse/ch-go":         "server/warehouse",
		"github.com/gorilla/websocket":        "server/ws",
		"github.com/ebitengine/purego":        "server/engine",
		"github.com/caarlos0/env":             "cmd/warroom",
		"github.com/pressly/goose":            "server/warehouse",
	}
	used := map[string]bool{}
	for folder, list := range imports(t) {
		for _, imported := range list {
			for library, door := range doors {
				if !strings.HasPrefix(imported, library) {
					continue
				}
				used[library] = true
				if folder != door {
					t.Errorf("%s imports %s: its door is %s", folder, library, door)
				}
			}
		}
	}
	for library := range doors {
		if !used[library] {
			t.Errorf("nothing imports %s: take it out of this test", library)
		}
	}
}

func TestTheWayOfAnEventExists(t *testing.T) {
	way := rows(t, "One event, from request to pixel")
	for i, row := range way {
		if row[0] != strconv.Itoa(i+1) {
			t.Errorf("row %d has the number %s", i+1, row[0])
		}
		if _, err := os.Stat(row[1]); err != nil {
			t.Errorf("the way of an event leads through %s, which is not there", row[1])
		}
	}
	routes, err := os.ReadFile("server/routes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{`"/v1/"`, `"/live"`, `"/static/*"`} {
		if !strings.Contains(string(routes), url) {
			t.Errorf("server/routes.go doesn't name %s: every URL stands there", url)
		}
	}
	// Each step hands over to the next: the packages of consecutive rows know each other through the one that builds
	// them or directly.
	found := imports(t)
	for _, row := range way {
		if folder := row[1]; strings.HasPrefix(folder, "server/") && !strings.HasSuffix(folder, ".go") {
			if !slices.Contains(found["server"], module+folder) {
				t.Errorf("package server doesn't build %s, which stands in the way of an event", folder)
			}
		}
	}
}

// Only config.go knows the environment; nobody else reads it.
func TestOnlyTheConfigurationReadsTheEnvironment(t *testing.T) {
	getenv := regexp.MustCompile(`\bos\.(Getenv|LookupEnv|Environ)\(`)
	allowed := map[string]bool{
		"cmd/warroom/main.go": true, // hands the environment to config.go
	}
	err := fs.WalkDir(os.DirFS("."), ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "tools") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || allowed[file] {
			return nil
		}
		text, err := os.ReadFile(file)
		if getenv.Match(text) && !strings.HasPrefix(file, "server/engine/") { // the engine's child is told so
			t.Errorf("%s reads the environment: only cmd/warroom/config.go may", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
