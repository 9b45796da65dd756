package saved

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"warroom/server/problem"
)

// maxQuestion bounds the body of a request: SQL that people or programs write is far shorter.
const maxQuestion = 1 << 20

const wantObject = `want a JSON object such as {"sql":"SELECT …","params":{"name":"value"},"format":"CSV","limit":10}: `

// question is the body of POST /api/v1/sql.
type question struct {
	SQL    string                     `json:"sql"`
	Params map[string]json.RawMessage `json:"params"`
	Format string                     `json:"format"`
	Limit  int                        `json:"limit"`
}

// ServeHTTP answers POST /api/v1/sql. The caller has checked that the token may query.
func (r *Runner) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var ask question
	body := json.NewDecoder(http.MaxBytesReader(w, req.Body, maxQuestion))
	body.DisallowUnknownFields()
	err := body.Decode(&ask)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		problem.Write(w, http.StatusRequestEntityTooLarge, "a question has 1 MiB at most")
		return
	}
	if err != nil {
		problem.Write(w, http.StatusBadRequest, wantObject+err.Error())
		return
	}
	format, query, field, complaint := ask.read()
	if complaint != "" {
		problem.WriteField(w, http.StatusBadRequest, field, complaint)
		return
	}
	result, err := r.Run(req.Context(), query)
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", format.ContentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if format.Name == "CSV" {
		w.Header().Set("Content-Disposition", `attachment; filename="answer.csv"`)
	}
	if result.Truncated {
		w.Header().Set("X-Warroom-Truncated", "true")
	}
	_ = format.Write(w, result) // the client has gone when this fails
}

// read checks the question; complaint says what is wrong with field.
func (ask question) read() (f Format, q Query, field, complaint string) {
	f, ok := FormatByName(ask.Format)
	switch {
	case strings.TrimSpace(ask.SQL) == "":
		return f, q, "sql", "is empty: want one statement such as SELECT count() FROM donations"
	case !ok:
		return f, q, "format", "is unknown: want JSON, NDJSON or CSV"
	case ask.Limit < 0 || ask.Limit > MaxLimit:
		return f, q, "limit", "want a number of rows between 1 and 100000, or nothing for 10000"
	}
	q = Query{SQL: ask.SQL, Limit: ask.Limit, Params: map[string]string{}}
	for name, raw := range ask.Params {
		value, ok := literal(raw)
		if !ok {
			return f, q, "params", name + " has no value: want a text, a number, true, false, or a list of them"
		}
		q.Params[name] = value
	}
	return f, q, "", ""
}

// literal is the engine's form of a JSON value: a text as it stands, a list as ['a','b'].
func literal(raw json.RawMessage) (value string, ok bool) {
	var list []json.RawMessage
	switch {
	case len(raw) == 0, string(raw) == "null", raw[0] == '{':
		return "", false
	case raw[0] == '"':
		return value, json.Unmarshal(raw, &value) == nil
	case raw[0] != '[':
		return string(raw), true
	case json.Unmarshal(raw, &list) != nil:
		return "", false
	}
	parts := make([]string, len(list))
	for i, part := range list {
		if parts[i], ok = literal(part); !ok {
			return "", false
		}
		if part[0] == '"' {
			parts[i] = "'" + quoted.Replace(parts[i]) + "'"
		}
	}
	return "[" + strings.Join(parts, ",") + "]", true
}

// quoted escapes a text for ClickHouse's quotes.
var quoted = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

func refuse(w http.ResponseWriter, err error) {
	var wrong *QueryError
	switch {
	case errors.As(err, &wrong):
		problem.WriteField(w, http.StatusBadRequest, "sql", wrong.Message)
	case errors.Is(err, ErrBusy):
		w.Header().Set("Retry-After", "5")
		problem.Write(w, http.StatusTooManyRequests, ErrBusy.Error())
	default:
		w.Header().Set("Retry-After", "2")
		problem.Write(w, http.StatusServiceUnavailable, ErrUnavailable.Error())
	}
}
