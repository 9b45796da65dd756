package main

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// hashes change with every byte of static/: the golden files hold the views only.
var hashes = regexp.MustCompile(`\.[0-9a-f]{10}\.(css|js|svg|woff2)`)

// lines breaks HTML where a tag follows a tag, so that a difference is a line and not the page.
func lines(html string) string {
	return strings.ReplaceAll(hashes.ReplaceAllString(html, ".HASH.$1"), "><", ">\n<") + "\n"
}

func draw(t *testing.T, s sample) string {
	t.Helper()
	html, err := render(httptest.NewRequest(http.MethodGet, "/", nil), s)
	if err != nil {
		t.Fatalf("render %s: %v", s.Name, err)
	}
	return string(html)
}

func TestPagesAreAsGolden(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.Name, func(t *testing.T) {
			path := filepath.Join("testdata", s.Name+".html")
			got := lines(draw(t, s))
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs%s\nif that is meant: go test ./views/gallery -update", path, firstDifference(got, string(want)))
			}
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return " first in line " + w[i] + "\nnow " + g[i]
		}
	}
	return " in length"
}

// The content security policy forbids every one of these.
func TestNothingInline(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		"a style attribute":  regexp.MustCompile(`<[^>]*\sstyle=`),
		"a style element":    regexp.MustCompile(`<style`),
		"a script attribute": regexp.MustCompile(`<[^>]*\son\w+=`),
		"a script URL":       regexp.MustCompile(`(?i)javascript:`),
		"another host":       regexp.MustCompile(`(src|href|action)="(https?:)?//`),
	}
	script := regexp.MustCompile(`<script[^>]*>`)
	for _, s := range samples() {
		html := draw(t, s)
		for what, pattern := range forbidden {
			if found := pattern.FindString(html); found != "" {
				t.Errorf("%s has %s: %.80s", s.Name, what, found)
			}
		}
		for _, tag := range script.FindAllString(html, -1) {
			if !strings.Contains(tag, " src=") && !strings.Contains(tag, `type="application/json"`) {
				t.Errorf("%s has an inline script: %s", s.Name, tag)
			}
		}
	}
}

// A frame is placed by the id of its panel's root element: there must be exactly one.
func TestPanelsHaveOneRootEach(t *testing.T) {
	ids := regexp.MustCompile(`\sid="([^"]+)"`)
	topics := []string{
		"money-hour", "money-record", "money-today", "money-minutes", "money-refcodes", "money-states", "money-latest",
		"traffic-now", "traffic-hour", "traffic-visitors", "mail-hour",
	}
	for _, s := range samples() {
		seen := map[string]int{}
		for _, found := range ids.FindAllStringSubmatch(draw(t, s), -1) {
			seen[found[1]]++
		}
		for id, n := range seen {
			if n > 1 {
				t.Errorf("%s has %d elements with the id %s", s.Name, n, id)
			}
		}
		for _, topic := range []string{
			"feeds-feeds", "feeds-paths", "feeds-rejects", "feeds-conflicts", "feeds-letters", "feeds-truth", "feeds-spool",
		} {
			if s.Layout.Title == "Feeds" && seen["p-"+topic] != 1 {
				t.Errorf("%s has %d roots of %s, want 1", s.Name, seen["p-"+topic], topic)
			}
		}
		for _, topic := range topics {
			if strings.Contains(s.Layout.Title, "Leadership") && seen["p-"+topic] != 1 {
				t.Errorf("%s has %d roots of %s, want 1", s.Name, seen["p-"+topic], topic)
			}
		}
	}
}

func TestGalleryServesItsPages(t *testing.T) {
	server := httptest.NewServer(routes())
	t.Cleanup(server.Close)
	for _, path := range []string{"/", "/busy", "/docs"} {
		answer, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("GET %s: %s", path, answer.Status)
		}
	}
}
