package saved

import (
	"regexp"
	"strconv"
)

// The embedded engine has functions that reach its own files whatever the account may do: file(path) reads any that
// the engine can, and the table functions that take a list of columns compute the defaults in it, so that a text can
// bring file() back. No right and no setting takes them away, so a query that could mean them is not sent.
//
// The rule looks at the text as it stands, comments and quoted texts included: it refuses a little too much, and it
// can't be misled by a comment in a text in a comment. The engine's confinement (package engine) stands behind it.
var (
	denied = regexp.MustCompile(`(?i)(?:^|[^a-z0-9_$])(file|generateRandom|input)(?:$|[^a-z0-9_$])`)
	// null as a table function; anything invisible or a comment may stand before its parenthesis.
	deniedNull = regexp.MustCompile("(?i)(?:^|[^a-z0-9_$])null[^!-~]*[\"`]?[^!-~]*(?:\\(|/\\*|--|#)")
	// names may come in as parameters of this type.
	identifiers = regexp.MustCompile(`(?i)identifier`)

	hexEscape = regexp.MustCompile(`\\x([0-9A-Fa-f]{2})`)
	escape    = regexp.MustCompile(`\\(.)`)
)

// guard returns a QueryError for a query that must not be sent.
func guard(q Query) error {
	if err := guardText(q.SQL); err != nil {
		return err
	}
	if !identifiers.MatchString(q.SQL) {
		return nil
	}
	for _, value := range q.Params {
		if err := guardText(value); err != nil {
			return err
		}
	}
	return nil
}

// guardText looks at text as it stands and with its escapes resolved.
func guardText(text string) error {
	for _, text := range []string{text, unescape(text)} {
		if word := denied.FindStringSubmatch(text); word != nil {
			return &QueryError{Message: "the word " + word[1] + " can't be used in a query, because a function of that name " +
				"reaches the server's disk; within a text, take it apart: 'x' || 'y'"}
		}
		if deniedNull.MatchString(text) {
			return &QueryError{Message: "NULL can't be followed by a parenthesis or a comment in a query"}
		}
	}
	return nil
}

func unescape(text string) string {
	text = hexEscape.ReplaceAllStringFunc(text, func(match string) string {
		code, _ := strconv.ParseUint(match[2:], 16, 8) // two hexadecimal digits
		return string([]byte{byte(code)})
	})
	return escape.ReplaceAllString(text, "$1")
}
