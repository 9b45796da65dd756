// Package problem writes errors as RFC 9457 problem details: one shape for every machine-readable refusal.
package problem

import (
	"encoding/json"
	"net/http"
)

// Problem is one refusal. Detail says what is wrong and what would be right, in words for a person.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Field  string `json:"field,omitempty"` // the header, parameter or JSON field that is wrong
}

// Write answers with a problem. The title is the status' name.
func Write(w http.ResponseWriter, status int, detail string) {
	WriteField(w, status, "", detail)
}

// WriteField answers with a problem that names the field at fault.
func WriteField(w http.ResponseWriter, status int, field, detail string) {
	body, _ := json.Marshal(Problem{Status: status, Title: http.StatusText(status), Detail: detail, Field: field}) // strings and a number always encode
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // the client has gone when this fails
}
