package warehouse

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/ClickHouse/ch-go/proto"
)

// field is a column of a table: its name, its type in the engine, and how it is written from rows.
type field[R any] struct {
	name, kind string
	put        func(b *proto.Buffer, words *dictionary, rows []R)
}

// blockOf makes a block of rows for the wire.
func blockOf[R any](name string, fields []field[R], rows []R) block {
	b := block{name: name, rows: len(rows), columns: make([]wired, len(fields))}
	for i, f := range fields {
		b.columns[i] = wired{f.name, f.kind, func(b *proto.Buffer, words *dictionary) { f.put(b, words, rows) }}
	}
	return b
}

// column writes one value after the other with append, as encoding/binary's functions do.
func column[R, V any](name, kind string, add func([]byte, V) []byte, value func(*R) V) field[R] {
	return field[R]{name, kind, func(b *proto.Buffer, _ *dictionary, rows []R) {
		out := b.Buf
		for i := range rows {
			out = add(out, value(&rows[i]))
		}
		b.Buf = out
	}}
}

func text[R any](name string, value func(*R) string) field[R] {
	return column(name, "String", appendText, value)
}

func truth[R any](name string, value func(*R) bool) field[R] {
	return column(name, "Bool", appendTruth, value)
}

func small[R any](name string, value func(*R) uint16) field[R] {
	return column(name, "UInt16", binary.LittleEndian.AppendUint16, value)
}

func number[R any](name string, value func(*R) uint32) field[R] {
	return column(name, "UInt32", binary.LittleEndian.AppendUint32, value)
}

func large[R any](name string, value func(*R) uint64) field[R] {
	return column(name, "UInt64", binary.LittleEndian.AppendUint64, value)
}

func signed[R any](name string, value func(*R) int64) field[R] {
	return column(name, "Int64", appendSigned, value)
}

func single[R any](name string, value func(*R) float32) field[R] {
	return column(name, "Float32", appendSingle, value)
}

func double[R any](name string, value func(*R) float64) field[R] {
	return column(name, "Float64", appendDouble, value)
}

// at is a moment in whole milliseconds.
func at[R any](name string, value func(*R) time.Time) field[R] {
	return column(name, "DateTime64(3, 'UTC')", appendMoment, value)
}

func date[R any](name string, value func(*R) time.Time) field[R] {
	return column(name, "Date", appendDate, value)
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendTruth(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

func appendSigned(b []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(v)) //nolint:gosec // the wire has two's complement
}

func appendSingle(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}

func appendDouble(b []byte, v float64) []byte {
	return binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
}

func appendMoment(b []byte, t time.Time) []byte { return appendSigned(b, millis(t)) }

func appendDate(b []byte, t time.Time) []byte {
	return binary.LittleEndian.AppendUint16(b, uint16(millis(t)/(24*time.Hour).Milliseconds())) //nolint:gosec // to 2105
}

// word is a column of few different texts: the engine's LowCardinality(String).
func word[R any](name string, value func(*R) string) field[R] {
	return field[R]{name, "LowCardinality(String)", func(b *proto.Buffer, words *dictionary, rows []R) {
		words.reset(len(rows))
		for i := range rows {
			words.add(value(&rows[i]))
		}
		words.write(b)
	}}
}

// dictionary collects a column of words. It is reused, so that a word costs a look-up and no memory.
type dictionary struct {
	places map[string]uint32
	texts  []byte   // the words as the wire has them, in the order of their places
	keys   []uint32 // the place of each row's word
	last   string
}

func (d *dictionary) reset(rows int) {
	if d.places == nil {
		d.places = map[string]uint32{}
	}
	clear(d.places)
	d.texts, d.last = d.texts[:0], ""
	if cap(d.keys) < rows {
		d.keys = make([]uint32, 0, rows)
	}
	d.keys = d.keys[:0]
}

func (d *dictionary) add(s string) {
	if n := len(d.keys); n > 0 && s == d.last { // neighbours are often alike
		d.keys = append(d.keys, d.keys[n-1])
		return
	}
	place, known := d.places[s]
	if !known {
		place = uint32(len(d.places)) //nolint:gosec // a block has 100,000 rows at most
		d.places[s] = place
		d.texts = appendText(d.texts, s)
	}
	d.last = s
	d.keys = append(d.keys, place)
}

// What a LowCardinality column says before its values (ClickHouse's SerializationLowCardinality).
const (
	sharedDictionaries = 1            // version of the serialization
	ownWords           = 1<<9 | 1<<10 // the words come along, and replace those of an earlier block
)

// write puts the column on the wire, and lets go of the words.
func (d *dictionary) write(b *proto.Buffer) {
	b.PutUInt64(sharedDictionaries)
	switch n := len(d.places); {
	case n <= 1<<8:
		d.head(b, 0)
		for _, k := range d.keys {
			b.Buf = append(b.Buf, byte(k)) //nolint:gosec // below 256
		}
	case n <= 1<<16:
		d.head(b, 1)
		for _, k := range d.keys {
			b.Buf = binary.LittleEndian.AppendUint16(b.Buf, uint16(k)) //nolint:gosec // below 65,536
		}
	default:
		d.head(b, 2)
		for _, k := range d.keys {
			b.Buf = binary.LittleEndian.AppendUint32(b.Buf, k)
		}
	}
	clear(d.places)
	d.last = ""
}

func (d *dictionary) head(b *proto.Buffer, width uint64) {
	b.PutUInt64(ownWords | width)
	b.PutUInt64(uint64(len(d.places)))
	b.PutRaw(d.texts)
	b.PutUInt64(uint64(len(d.keys)))
}
