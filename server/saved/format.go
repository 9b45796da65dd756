package saved

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Format is how an answer is written.
type Format struct {
	Name, ContentType string
	write             func(w *bufio.Writer, r *Result) error
}

// FormatByName finds JSON, NDJSON or CSV in any case; empty is JSON. ok is false for any other name.
func FormatByName(name string) (f Format, ok bool) {
	switch strings.ToUpper(name) {
	case "", "JSON":
		return Format{"JSON", "application/json", writeJSON}, true
	case "NDJSON":
		return Format{"NDJSON", "application/x-ndjson", writeNDJSON}, true
	case "CSV":
		return Format{"CSV", "text/csv; charset=utf-8", writeCSV}, true
	}
	return Format{}, false
}

// Write writes the whole answer.
func (f Format) Write(w io.Writer, r *Result) error {
	out := bufio.NewWriterSize(w, 64<<10)
	if err := f.write(out, r); err != nil {
		return err
	}
	return out.Flush()
}

func writeJSON(w *bufio.Writer, r *Result) error {
	meta, err := json.Marshal(r.Columns)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, `{"meta":%s,"data":[`, meta)
	keys := keysOf(r)
	for i, row := range r.Rows {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		writeObject(w, keys, row)
	}
	_, err = fmt.Fprintf(w, `],"rows":%d,"truncated":%t}`+"\n", len(r.Rows), r.Truncated)
	return err
}

func writeNDJSON(w *bufio.Writer, r *Result) error {
	keys := keysOf(r)
	for _, row := range r.Rows {
		writeObject(w, keys, row)
		_ = w.WriteByte('\n')
	}
	return nil // the buffered writer keeps its first error for Flush
}

func keysOf(r *Result) [][]byte {
	keys := make([][]byte, len(r.Columns))
	for i, c := range r.Columns {
		keys[i], _ = json.Marshal(c.Name) // a string always has a JSON form
	}
	return keys
}

func writeObject(w *bufio.Writer, keys [][]byte, row []json.RawMessage) {
	_ = w.WriteByte('{')
	for i, value := range row {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		_, _ = w.Write(keys[i])
		_ = w.WriteByte(':')
		_, _ = w.Write(value)
	}
	_ = w.WriteByte('}')
}

func writeCSV(w *bufio.Writer, r *Result) error {
	out := csv.NewWriter(w)
	record := make([]string, len(r.Columns))
	for i, c := range r.Columns {
		record[i] = defuse(c.Name)
	}
	_ = out.Write(record)
	for _, row := range r.Rows {
		for i, value := range row {
			record[i] = cell(value)
		}
		_ = out.Write(record)
	}
	out.Flush()
	return out.Error()
}

// cell is the text of a value: strings without their quotes, null as nothing, the rest as it stands.
func cell(value json.RawMessage) string {
	if len(value) > 0 && value[0] == '"' {
		var text string
		if json.Unmarshal(value, &text) == nil {
			return defuse(text)
		}
	}
	if string(value) == "null" {
		return ""
	}
	return string(value)
}

// defuse keeps a spreadsheet from running text as a formula. Numbers are no text and stay as they are. Some programs
// take the wide forms of the signs for the signs, and some skip white space before them.
func defuse(text string) string {
	if strings.HasPrefix(text, "\t") || strings.HasPrefix(text, "\r") || strings.HasPrefix(text, "\n") {
		return "'" + text
	}
	if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(text)); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + text
	}
	return text
}
