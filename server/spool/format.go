package spool

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"regexp"
	"strconv"
	"time"
)

// A segment is a file header followed by records; everything is little-endian, every checksum CRC32C.
//
//	file    magic 8 | version 4 | id 8 | created, Unix ms 8 | checksum of these 28
//	record  magic 4 | n 4 | length 4 | checksum of the payload 4 | checksum of the id and these 16 | payload
//
// n counts the records of a segment from 0 and stays with its record when a neighbour is damaged. The header has its
// own checksum so that a damaged payload is skipped by a length that can be trusted; behind a damaged header the next
// one is found by its magic. The id goes into that checksum so that bytes of another segment, or a payload that looks
// like records, are never taken for records of this one.
//
// Every later version keeps the file header as it is: that is how an older program knows that it must not touch a file.
const (
	version = 1

	fileMagic      = "wrspool\n"
	fileHeaderSize = 32

	recordMagic      = "\xfe\xedWR"
	recordHeaderSize = 20

	// maxRecord bounds the memory that reading needs. An event has 64 KiB at most.
	maxRecord = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// fileHeader begins a segment.
type fileHeader struct {
	version uint32
	id      uint64 // random: a name never comes twice, even if the folder was wiped in between
	created time.Time
}

func (h fileHeader) appendTo(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, fileMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, h.version)
	dst = binary.LittleEndian.AppendUint64(dst, h.id)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.created.UnixMilli()))
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[start:], castagnoli))
}

// parseFileHeader reads a header; ok is false if it is cut or damaged, so that nothing in it can be trusted.
func parseFileHeader(b []byte) (h fileHeader, ok bool) {
	if len(b) < fileHeaderSize || string(b[:8]) != fileMagic ||
		binary.LittleEndian.Uint32(b[28:]) != crc32.Checksum(b[:28], castagnoli) {
		return fileHeader{}, false
	}
	return fileHeader{
		version: binary.LittleEndian.Uint32(b[8:]),
		id:      binary.LittleEndian.Uint64(b[12:]),
		created: time.UnixMilli(int64(binary.LittleEndian.Uint64(b[20:]))),
	}, true
}

// seed begins the checksums of a segment's record headers.
func seed(id uint64) uint32 {
	return crc32.Checksum(binary.LittleEndian.AppendUint64(nil, id), castagnoli)
}

// appendRecord appends record number n of the segment with this seed to dst.
func appendRecord(dst []byte, seed, n uint32, payload []byte) []byte {
	start := len(dst)
	dst = append(dst, recordMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, n)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(payload)))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(payload, castagnoli))
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Update(seed, castagnoli, dst[start:]))
	return append(dst, payload...)
}

// recordHeader begins a record.
type recordHeader struct {
	n, length, checksum uint32
}

func (h recordHeader) size() int64 { return recordHeaderSize + int64(h.length) }

// parseRecordHeader reads the header at the start of b; ok is false if it isn't one of this segment's.
func parseRecordHeader(b []byte, seed uint32) (h recordHeader, ok bool) {
	if len(b) < recordHeaderSize || string(b[:4]) != recordMagic ||
		binary.LittleEndian.Uint32(b[16:]) != crc32.Update(seed, castagnoli, b[:16]) {
		return recordHeader{}, false
	}
	h = recordHeader{
		n:        binary.LittleEndian.Uint32(b[4:]),
		length:   binary.LittleEndian.Uint32(b[8:]),
		checksum: binary.LittleEndian.Uint32(b[12:]),
	}
	return h, h.length <= maxRecord
}

// The end of a file's name shows where the segment is in its life.
const (
	openSuffix    = ".open"    // being written; after a crash its valid records count
	sealedSuffix  = ".seg"     // never changes any more
	keptSuffix    = ".kept"    // done, and there for a replay; programs without Keep don't see it
	damagedSuffix = ".damaged" // stored as far as it could be read, and kept for a person to look at
)

var fileName = regexp.MustCompile(`^([0-9]{16}-([0-9a-f]{16}))(\.open|\.seg|\.kept)$`)

// segmentName is unique for ever and grows: milliseconds since 1970, or one more than the newest in the folder.
func segmentName(sequence uint64, id uint64) string { return fmt.Sprintf("%016d-%016x", sequence, id) }

// parseFileName reads what segmentName and a suffix made; ok is false for any other file.
func parseFileName(file string) (name, suffix string, id uint64, ok bool) {
	m := fileName.FindStringSubmatch(file)
	if m == nil {
		return "", "", 0, false
	}
	id, err := strconv.ParseUint(m[2], 16, 64)
	return m[1], m[3], id, err == nil
}

func sequenceOf(name string) uint64 {
	sequence, _ := strconv.ParseUint(name[:16], 10, 64) // parseFileName has checked it
	return sequence
}
