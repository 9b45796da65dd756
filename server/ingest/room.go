package ingest

import "sync/atomic"

// room bounds what all requests hold together.
type room struct {
	size int64
	used atomic.Int64
}

func (r *room) take(bytes int64) bool {
	if r.used.Add(bytes) > r.size {
		r.used.Add(-bytes)
		return false
	}
	return true
}

func (r *room) give(bytes int64) { r.used.Add(-bytes) }
