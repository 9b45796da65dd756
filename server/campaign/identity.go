package campaign

import "encoding/binary"

// Identity is the part of a record that names its event for ever: two records of one kind have equal parts exactly when
// source and id are equal. It is nil for requests, which have no identity, and for what is no record.
func Identity(record []byte) []byte {
	if len(record) < 2 || record[0] == tagRequest {
		return nil
	}
	end := 2
	for range 2 { // source and id come first
		size, n := binary.Uvarint(record[end:])
		if n <= 0 || size > uint64(len(record)-end-n) {
			return nil
		}
		end += n + int(size)
	}
	return record[2:end]
}
