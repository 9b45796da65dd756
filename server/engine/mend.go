package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// What the library says when it does not start over damaged files (26.7).
const (
	brokenParts = "TOO_MANY_UNEXPECTED_DATA_PARTS"
	badSyntax   = "SYNTAX_ERROR"
)

var definitionFile = regexp.MustCompile(`metadata file ([\w./-]+\.sql)`)

// mend looks at the last words of a child that did not start. When they tell of damaged files that can be set aside, it
// sees to that and says what it did; nothing is deleted. Empty when there is nothing to mend.
//
//   - Parts of a table that can't be read: tables of money refuse to come up without them. The flag lets the engine move
//     them to the table's folder `detached`, and come up; it takes the flag away itself.
//   - A table's definition that is empty or full of zeros: it is moved to set-aside, and the table is missing then.
func (l launch) mend(says string) (done string, err error) {
	switch {
	case strings.Contains(says, brokenParts):
		flags := filepath.Join(l.dir, "data", "flags")
		if err := private(flags); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(flags, "force_restore_data"), nil, 0o600); err != nil {
			return "", fmt.Errorf("let the engine set broken parts aside: %w", err)
		}
		return "parts of a table can't be read: the engine sets them aside", nil
	case strings.Contains(says, badSyntax):
		if m := definitionFile.FindStringSubmatch(says); m != nil {
			return l.setDefinitionAside(m[1])
		}
	}
	return "", nil
}

// setDefinitionAside moves a table's definition away if it was certainly damaged: a definition that this engine only
// does not understand may be a newer engine's.
func (l launch) setDefinitionAside(file string) (done string, err error) {
	data, err := os.OpenRoot(filepath.Join(l.dir, "data"))
	if err != nil {
		return "", fmt.Errorf("look at a damaged definition: %w", err)
	}
	defer func() { _ = data.Close() }()
	text, err := data.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("look at a damaged definition: %w", err)
	}
	if bytes.HasPrefix(text, []byte("ATTACH ")) && !bytes.ContainsRune(text, 0) {
		return "", nil
	}
	aside := filepath.Join(l.dir, "set-aside")
	if err := private(aside); err != nil {
		return "", err
	}
	to := filepath.Join(aside, time.Now().UTC().Format("20060102T150405.000-")+filepath.Base(file))
	if err := errors.Join(writePrivate(to, text), data.Remove(file)); err != nil {
		return "", fmt.Errorf("set a damaged definition aside: %w", err)
	}
	return "a table's definition is damaged and was moved to " + to, nil
}
