package story

import (
	"strconv"
	"time"
)

// Event is one event as it goes over the wire, with what a journal needs to know of it.
type Event struct {
	Body   []byte    // its JSON object in the native format, without a line end
	At     time.Time // when it happened
	Type   string    // gift, refund, …; send, open, …; empty for traffic
	Source string    // the ledger its ID belongs to; empty for traffic
	ID     string    // empty for traffic, which has no identity
	// AmountMinor is what it adds to the total, in minor units of Currency: negative for refunds and chargebacks,
	// zero for cancellations and everything that isn't money.
	AmountMinor int64
	Currency    string
	App         string  // traffic only
	Weight      float64 // traffic only: how many requests it stands for
	Repeat      bool    // the same event goes out another time, before or after, as the first copy
}

// object writes one flat JSON object. Its strings are this package's own and need no escaping.
type object []byte

func (o object) text(key, value string) object {
	if value == "" {
		return o
	}
	return append(append(append(o.key(key), '"'), value...), '"')
}

func (o object) number(key string, value float64, decimals int) object {
	return strconv.AppendFloat(o.key(key), value, 'f', decimals, 64)
}

func (o object) yes(key string, value bool) object {
	if !value {
		return o
	}
	return append(o.key(key), "true"...)
}

// money writes cents as decimal text, as the contract wants amounts: 2500 becomes "25.00".
func (o object) money(key string, cents int64) object {
	o = append(o.key(key), '"')
	o = strconv.AppendInt(o, cents/100, 10)
	return append(o, '.', byte('0'+cents/10%10), byte('0'+cents%10), '"')
}

func (o object) time(key string, ms int64) object {
	o = append(o.key(key), '"')
	return append(time.UnixMilli(ms).UTC().AppendFormat(o, "2006-01-02T15:04:05.000Z07:00"), '"')
}

// key starts the next member; the first one opens the object.
func (o object) key(key string) object {
	if len(o) == 0 || o[len(o)-1] == '\n' {
		o = append(o, '{')
	} else {
		o = append(o, ',')
	}
	return append(append(append(o, '"'), key...), '"', ':')
}

func (o object) end() []byte { return append(o, '}') }

// word packs a number into a few letters and digits, for ids.
func word(n uint64) string { return strconv.FormatUint(n, 36) }

// agenda holds what is to be sent in later ticks.
type agenda[T any] map[int64][]T

// add files an item under the tick of its time, or under the present tick when that has gone by.
func (a agenda[T]) add(now, at int64, item T) {
	t := max(floorTick(at), now)
	a[t] = append(a[t], item)
}

// take returns what the tick t sends, in the order of filing, and forgets it.
func (a agenda[T]) take(t int64) []T {
	due := a[t]
	delete(a, t)
	return due
}
