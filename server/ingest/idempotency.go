package ingest

import (
	"net/http"
	"strings"
)

const (
	keyHeader = "Idempotency-Key"
	maxKey    = 255 // characters
)

// idempotencyKey reads the header of draft-ietf-httpapi-idempotency-key-header: a quoted string, or the same bare.
func idempotencyKey(h http.Header) (string, error) {
	values := h.Values(keyHeader)
	switch {
	case len(values) == 0:
		return "", nil
	case len(values) > 1:
		return "", badKey("is there twice: want one key a request")
	}
	key, ok := strings.TrimSpace(values[0]), true
	if strings.HasPrefix(key, `"`) {
		key, ok = unquote(key)
	}
	for i := range len(key) {
		ok = ok && key[i] >= ' ' && key[i] < 0x7f
	}
	if !ok || key == "" || len(key) > maxKey {
		return "", badKey(`want 1 to 255 ASCII characters, such as "0b3e2c1a-7d1f-4a51", with or without the quotes`)
	}
	return key, nil
}

func badKey(detail string) error {
	return &refusal{status: http.StatusBadRequest, field: keyHeader, detail: detail}
}

// unquote reads a string of structured fields (RFC 9651 §3.3.3).
func unquote(text string) (string, bool) {
	var out strings.Builder
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return out.String(), i == len(text)-1
		case '\\':
			if i++; i == len(text) || text[i] != '"' && text[i] != '\\' {
				return "", false
			}
		}
		out.WriteByte(text[i])
	}
	return "", false
}
