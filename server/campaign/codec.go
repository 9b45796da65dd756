package campaign

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"
)

// A record is what the spool keeps of one event: a tag for its kind, the version of the layout, then the fields in the
// order of the struct. Strings carry their length; times are Unix milliseconds, so a time loses what is finer.
//
// A field may only ever be added at the end: older programs skip what follows the fields they know, and the reader of
// the new field must accept that older records end before it (if len(r.rest) > 0). Any other change needs a new layout,
// which older programs refuse without damage.
const (
	tagDonation byte = 'D'
	tagEmail    byte = 'E'
	tagRequest  byte = 'R'

	layout byte = 1
)

// Reasons why a record can't be read. The errors of the Decode functions wrap one of them.
var (
	ErrRecordCut   = errors.New("record is cut or damaged")
	ErrRecordKind  = errors.New("record is of another kind")
	ErrRecordNewer = errors.New("record was written by a newer warroom: run that version, or a later one, on this spool")
)

// AppendDonation appends the record of d to dst.
func AppendDonation(dst []byte, d *Donation) []byte {
	dst = append(dst, tagDonation, layout)
	dst = appendStrings(dst, d.Source, d.ID, d.Path, d.Feed, d.Kind, d.Of)
	dst = appendTimes(dst, d.OccurredAt, d.ReceivedAt)
	dst = binary.AppendVarint(dst, d.AmountMinor)
	dst = appendStrings(dst, d.Currency, d.Recurring, d.DonorKey, d.Refcode, d.SendID, d.Channel, d.Form, d.State, d.Country)
	dst = appendBool(dst, d.FirstGift)
	return appendStrings(dst, d.Props)
}

// DecodeDonation reads a record of AppendDonation. Its strings are parts of the record.
func DecodeDonation(record string) (d Donation, err error) {
	r := newReader(record, tagDonation)
	r.strings(&d.Source, &d.ID, &d.Path, &d.Feed, &d.Kind, &d.Of)
	r.times(&d.OccurredAt, &d.ReceivedAt)
	d.AmountMinor = r.varint()
	r.strings(&d.Currency, &d.Recurring, &d.DonorKey, &d.Refcode, &d.SendID, &d.Channel, &d.Form, &d.State, &d.Country)
	d.FirstGift = r.byte() == 1
	r.strings(&d.Props)
	if r.err != nil {
		return Donation{}, fmt.Errorf("donation: %w", r.err)
	}
	return d, nil
}

// AppendEmail appends the record of e to dst.
func AppendEmail(dst []byte, e *EmailEvent) []byte {
	dst = append(dst, tagEmail, layout)
	dst = appendStrings(dst, e.Source, e.ID, e.Feed, e.Type, e.Bounce)
	dst = appendTimes(dst, e.OccurredAt, e.ReceivedAt)
	return appendStrings(dst, e.SendID, e.Variant, e.RecipientKey, e.Domain, e.MessageID, e.Link, e.Reason, e.Props)
}

// DecodeEmail reads a record of AppendEmail. Its strings are parts of the record.
func DecodeEmail(record string) (e EmailEvent, err error) {
	r := newReader(record, tagEmail)
	r.strings(&e.Source, &e.ID, &e.Feed, &e.Type, &e.Bounce)
	r.times(&e.OccurredAt, &e.ReceivedAt)
	r.strings(&e.SendID, &e.Variant, &e.RecipientKey, &e.Domain, &e.MessageID, &e.Link, &e.Reason, &e.Props)
	if r.err != nil {
		return EmailEvent{}, fmt.Errorf("email event: %w", r.err)
	}
	return e, nil
}

// AppendRequest appends the record of q to dst.
func AppendRequest(dst []byte, q *Request) []byte {
	dst = append(dst, tagRequest, layout)
	dst = appendStrings(dst, q.Feed)
	dst = appendTimes(dst, q.OccurredAt, q.ReceivedAt)
	dst = appendStrings(dst, q.App, q.Host, q.Method, q.Path)
	dst = binary.AppendUvarint(dst, uint64(q.Status))
	dst = binary.AppendUvarint(dst, q.Bytes)
	dst = appendFloat(dst, q.DurationMS)
	dst = appendStrings(dst, q.VisitorKey, q.Referrer, q.Refcode, q.Region)
	dst = appendFloat(dst, q.Weight)
	return appendStrings(dst, q.Props)
}

// DecodeRequest reads a record of AppendRequest. Its strings are parts of the record.
func DecodeRequest(record string) (q Request, err error) {
	r := newReader(record, tagRequest)
	r.strings(&q.Feed)
	r.times(&q.OccurredAt, &q.ReceivedAt)
	r.strings(&q.App, &q.Host, &q.Method, &q.Path)
	q.Status = r.uint16()
	q.Bytes = r.uvarint()
	q.DurationMS = r.float()
	r.strings(&q.VisitorKey, &q.Referrer, &q.Refcode, &q.Region)
	q.Weight = r.float()
	r.strings(&q.Props)
	if r.err != nil {
		return Request{}, fmt.Errorf("request: %w", r.err)
	}
	return q, nil
}

func appendStrings(dst []byte, fields ...string) []byte {
	for _, s := range fields {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return dst
}

func appendTimes(dst []byte, times ...time.Time) []byte {
	for _, t := range times {
		dst = binary.AppendVarint(dst, t.UnixMilli())
	}
	return dst
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// reader takes a record apart. Its strings are parts of the record. After the first error it gives zero values.
type reader struct {
	rest string
	err  error
}

func newReader(record string, tag byte) reader {
	switch {
	case len(record) < 2:
		return reader{err: ErrRecordCut}
	case record[0] != tag:
		return reader{err: ErrRecordKind}
	case record[1] > layout:
		return reader{err: ErrRecordNewer}
	case record[1] == 0:
		return reader{err: ErrRecordCut}
	}
	return reader{rest: record[2:]}
}

func (r *reader) fail() {
	if r.err == nil {
		r.err = ErrRecordCut
	}
	r.rest = ""
}

func (r *reader) strings(fields ...*string) {
	for _, f := range fields {
		size := r.uvarint()
		if r.err != nil {
			return
		}
		if size > uint64(len(r.rest)) {
			r.fail()
			return
		}
		*f, r.rest = r.rest[:size], r.rest[size:]
	}
}

func (r *reader) times(fields ...*time.Time) {
	for _, f := range fields {
		*f = time.UnixMilli(r.varint()).UTC()
	}
}

// uvarint is binary.Uvarint of a string.
func (r *reader) uvarint() (v uint64) {
	for i := range min(len(r.rest), binary.MaxVarintLen64) {
		b := r.rest[i]
		if b < 0x80 {
			if i == binary.MaxVarintLen64-1 && b > 1 { // more than 64 bits
				break
			}
			r.rest = r.rest[i+1:]
			return v | uint64(b)<<(7*i)
		}
		v |= uint64(b&0x7f) << (7 * i)
	}
	r.fail()
	return 0
}

func (r *reader) varint() int64 {
	u := r.uvarint()
	return int64(u>>1) ^ -int64(u&1) //nolint:gosec // zigzag, as binary.Varint
}

func (r *reader) uint16() uint16 {
	v := r.uvarint()
	if v > math.MaxUint16 {
		r.fail()
		return 0
	}
	return uint16(v)
}

func (r *reader) byte() byte {
	if len(r.rest) == 0 {
		r.fail()
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) float() float64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	var bits uint64
	for i := range 8 {
		bits |= uint64(r.rest[i]) << (8 * i)
	}
	r.rest = r.rest[8:]
	return math.Float64frombits(bits)
}
