package queries

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// fields are the lines that a header must have, in this order.
func fields() []string { return []string{"title", "every", "unit", "params", "returns", "budget"} }

// units are what a query's figures can be counted in.
func units() []string { return []string{"usd", "count", "rate", "percent", "ms"} }

// header collects what the lines of one file say.
type header struct {
	file string
	line int    // of what is being read, 1-based
	seen int    // how many of fields() were read
	more string // a list that goes on in the next line, since it ended with a comma
	Query
}

func (h *header) errorf(format string, args ...any) error {
	return fmt.Errorf("queries/%s:%d: %s", h.file, h.line, fmt.Sprintf(format, args...))
}

// parse reads one file: a header of "-- name: value" lines, sentences as "-- " lines, then the statement.
func parse(file, text string) (Query, error) {
	h := header{file: file}
	rest := text
	for strings.HasPrefix(rest, "--") {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		h.line++
		if err := h.read(strings.TrimSpace(strings.TrimPrefix(line, "--"))); err != nil {
			return Query{}, err
		}
	}
	h.line++
	if h.more != "" {
		return Query{}, h.errorf("the list of %s ends with a comma: go on with it in the next -- line, or drop the comma",
			fields()[h.seen-1])
	}
	if h.seen < len(fields()) {
		return Query{}, h.errorf("the header ends before %q: it needs %s, then one sentence",
			fields()[h.seen], asList(fields()))
	}
	if h.Text == "" {
		return Query{}, h.errorf("the header needs a sentence on what the figures mean: -- lines under budget")
	}
	h.SQL = strings.TrimSpace(rest)
	h.line += strings.Count(rest[:strings.Index(rest, h.SQL)], "\n")
	return h.Query, h.checkSQL()
}

func (h *header) read(line string) error {
	if h.more != "" {
		return h.set(fields()[h.seen-1], h.more+" "+line)
	}
	if h.seen == len(fields()) {
		return h.sentence(line)
	}
	want := fields()[h.seen]
	name, value, ok := strings.Cut(line, ":")
	if !ok || name != want {
		return h.errorf("found %q where the header needs \"-- %s: …\"; its order is %s", line, want, asList(fields()))
	}
	h.seen++
	return h.set(name, strings.TrimSpace(value))
}

func (h *header) sentence(line string) error {
	if line == "" {
		return h.errorf("an empty -- line: put an empty line between the header and the statement")
	}
	if name, _, ok := strings.Cut(line, ":"); ok && slices.Contains(fields(), name) {
		return h.errorf("%q stands twice in the header: keep one", name)
	}
	h.Text = strings.TrimSpace(h.Text + " " + line)
	return nil
}

func (h *header) set(name, value string) (err error) {
	isList := name == "params" || name == "returns"
	if h.more = ""; isList && strings.HasSuffix(value, ",") {
		h.more = value
		return nil
	}
	if value == "" {
		return h.errorf("%s is empty", name)
	}
	switch name {
	case "title":
		h.Title = value
	case "every":
		h.Every, err = h.duration(name, value)
	case "unit":
		h.Unit = value
		if !slices.Contains(units(), value) {
			return h.errorf("unit %q is unknown: use one of %s", value, asList(units()))
		}
	case "params":
		err = h.pairs(name, value, func(name, kind string) { h.Params = append(h.Params, Param{name, kind}) })
	case "returns":
		err = h.pairs(name, value, func(name, kind string) { h.Returns = append(h.Returns, Column{name, kind}) })
	case "budget":
		h.Budget, err = h.duration(name, value)
	}
	return err
}

func (h *header) duration(name, value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err != nil || d <= 0 {
		return 0, h.errorf("%s %q is no duration: write one like 1s or 50ms", name, value)
	}
	return d, nil
}

// pairs reads "at DateTime64(3,'UTC'), currency String".
func (h *header) pairs(field, value string, add func(name, kind string)) error {
	var names []string
	for _, pair := range splitTop(value) {
		name, kind, _ := strings.Cut(strings.TrimSpace(pair), " ")
		kind = strings.TrimSpace(kind)
		if !isName(name) || kind == "" || strings.Count(kind, "(") != strings.Count(kind, ")") {
			return h.errorf("%s: %q is not a name and a type: write them like \"at DateTime64(3,'UTC'), currency String\"",
				field, strings.TrimSpace(pair))
		}
		if slices.Contains(names, name) {
			return h.errorf("%s: %q stands there twice", field, name)
		}
		names = append(names, name)
		add(name, kind)
	}
	return nil
}

func isName(s string) bool { return regexp.MustCompile(`^[a-z][a-z0-9_]*$`).MatchString(s) }

// splitTop splits at the commas that stand outside of parentheses.
func splitTop(list string) (parts []string) {
	depth, start := 0, 0
	for i, c := range list {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, list[start:i])
				start = i + 1
			}
		}
	}
	if rest := list[start:]; strings.TrimSpace(rest) != "" || len(parts) > 0 {
		parts = append(parts, rest)
	}
	return parts
}

func asList(words []string) string { return strings.Join(words, ", ") }
