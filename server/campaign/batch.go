package campaign

// Batch is what one segment of the spool holds of one kind, in the order of arrival. Segment and N name each row's
// receipt for ever: the same segment always gives the same batch.
type Batch[T any] struct {
	Segment string
	N       []uint32 // number of the record in the segment; as many as Rows
	Rows    []T
}
