package campaign

import "time"

// Batch is what one segment of the spool holds of one kind, in the order of arrival. Segment and N name each row's
// receipt for ever: the same segment always gives the same batch.
type Batch[T any] struct {
	Segment string
	N       []uint32 // number of the record in the segment; as many as Rows
	Rows    []T
	// First says that nobody can have sent any of it before: no try was made in this process or an earlier one.
	First bool
	// Of is the segment of each row when several are sent again together, one after the other; Segment is then the
	// first of them. nil = all rows are of Segment.
	Of []string
}

// DeadLetter is an event that could not be counted, kept so that it can be sent again. Its record is in the sink's file.
type DeadLetter struct {
	Kind    Kind
	Feed    string // empty when the record can't be read
	Segment string // Segment and N are its receipt
	N       uint32
	At      time.Time // when it was put aside
	Reason  string    // quotes nothing of the event
	Settled time.Time // when it was counted after all; zero until then
}
