package queries

import (
	"regexp"
	"slices"
	"strings"
)

// checkSQL holds the statement to the rules of the house: one statement that only reads, no clock, and exactly the
// parameters of the header. h.line is the statement's first line.
func (h *header) checkSQL() error {
	bare := withoutText(h.SQL)
	if strings.TrimSpace(bare) == "" {
		return h.errorf("there is no statement under the header")
	}
	if i := strings.IndexByte(bare, ';'); i >= 0 {
		return h.at(i).errorf("a semicolon: a file holds one statement, without one at its end")
	}
	if !regexp.MustCompile(`(?i)^\s*(SELECT|WITH)\b`).MatchString(bare) {
		return h.errorf("the statement must begin with SELECT or WITH")
	}
	clock := regexp.MustCompile(`(?i)\b(now|now64|nowInBlock|nowInBlock64|today|yesterday|curdate|current_date|` +
		`current_timestamp|utc_timestamp|utctimestamp)\b`)
	if m := clock.FindStringIndex(bare); m != nil {
		return h.at(m[0]).errorf("%s is a clock: use the parameter {at:DateTime64(3,'UTC')} instead", bare[m[0]:m[1]])
	}
	return h.checkParams()
}

// checkParams wants the header and the placeholders to name the same parameters with the same types, and the moment to
// be one of them.
func (h *header) checkParams() error {
	at := Param{"at", "DateTime64(3,'UTC')"}
	if !slices.Contains(h.Params, at) {
		return h.errorf("every query is as of a moment: it needs the parameter {%s:%s}", at.Name, at.Type)
	}
	used := map[Param]bool{}
	for _, m := range regexp.MustCompile(`\{(\w+):([^{}]*)\}`).FindAllStringSubmatchIndex(h.SQL, -1) {
		p := Param{h.SQL[m[2]:m[3]], h.SQL[m[4]:m[5]]}
		if !slices.Contains(h.Params, p) {
			return h.at(m[0]).errorf("{%s:%s} is not under params: the header has %v", p.Name, p.Type, h.Params)
		}
		used[p] = true
	}
	for _, p := range h.Params {
		if !used[p] {
			return h.errorf("params names %s %s, but the statement has no {%s:%s}", p.Name, p.Type, p.Name, p.Type)
		}
	}
	return nil
}

// at is the header as seen from a byte of the statement, for errors.
func (h *header) at(offset int) *header {
	there := *h
	there.line += strings.Count(h.SQL[:offset], "\n")
	return &there
}

// withoutText blanks comments and quoted text, so that what remains is only SQL. Offsets stay as they are.
func withoutText(sql string) string {
	quoted := regexp.MustCompile("(?s)'(?:[^'\\\\]|\\\\.|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\\*.*?\\*/")
	return quoted.ReplaceAllStringFunc(sql, func(s string) string {
		blank := []byte(s)
		for i, c := range blank {
			if c != '\n' {
				blank[i] = ' '
			}
		}
		return string(blank)
	})
}
