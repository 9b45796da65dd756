package engine

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"
	"text/template"
)

//go:embed config.xml.tmpl
var configText string

//go:embed users.xml.tmpl
var usersText string

// mostMemory is the engine's limit unless the operator gives another: enough for a campaign, and not a whole machine.
const mostMemory = 4 << 30

// leastMemory is what the engine needs to come up and answer the boards.
const leastMemory = 512 << 20

// limits are bytes.
type limits struct {
	Memory        int64 // of the whole engine
	QueryMemory   int64 // of one of the app's queries
	AnalystMemory int64 // of all of the analysts' queries together
	MarkCache     int64
}

func limitsFor(memory int64) limits {
	if memory <= 0 {
		memory = min(machineMemory()/2, mostMemory)
	}
	memory = max(memory, leastMemory)
	return limits{Memory: memory, QueryMemory: memory / 2, AnalystMemory: memory / 4, MarkCache: min(memory/16, 128<<20)}
}

// writeConfig writes what the engine reads at its start. The users' file holds hashes of the passwords only.
func writeConfig(dir string, keys passwords, l limits, how launch) error {
	for _, sub := range []string{"data", "tmp", "log"} {
		if err := private(filepath.Join(dir, sub)); err != nil {
			return err
		}
	}
	values := struct {
		limits
		Embedded                        bool
		Dir, Gate, AppHash, AnalystHash string
	}{l, isLibrary(how.library), dir, how.gate.url(), hash(keys.App), hash(keys.Analyst)}
	for name, text := range map[string]string{"config.xml": configText, "users.xml": usersText} {
		t, err := template.New(name).Funcs(template.FuncMap{"xml": escape}).Parse(text)
		if err != nil {
			return err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, values); err != nil {
			return fmt.Errorf("the engine's %s: %w", name, err)
		}
		if err := writePrivate(filepath.Join(dir, name), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func hash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func escape(text string) (string, error) {
	var out strings.Builder
	err := xml.EscapeText(&out, []byte(text))
	return out.String(), err
}
