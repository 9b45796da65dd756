package warehouse

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"warroom/server/campaign"
)

// sample is a row with one value of each kind of column.
type sample struct {
	word, text string
	truth      bool
	small      uint16
	number     uint32
	large      uint64
	signed     int64
	single     float32
	double     float64
	at         time.Time
}

// What a line writes is what the engine reads, for every kind of column, and for words of one, two and four bytes.
func TestColumnsArriveAsTheyAre(t *testing.T) {
	w := open(t)
	run(t, w, `CREATE TABLE samples (word LowCardinality(String), text String, truth Bool, small UInt16, number UInt32,
		large UInt64, signed Int64, single Float32, double Float64, at DateTime64(3, 'UTC'), day Date)
		ENGINE = MergeTree ORDER BY number`)
	defer run(t, w, "DROP TABLE samples SYNC")
	to := table[row[sample]]{"samples", []field[row[sample]]{
		word("word", func(r *row[sample]) string { return r.event.word }),
		text("text", func(r *row[sample]) string { return r.event.text }),
		truth("truth", func(r *row[sample]) bool { return r.event.truth }),
		small("small", func(r *row[sample]) uint16 { return r.event.small }),
		number("number", func(r *row[sample]) uint32 { return r.event.number }),
		large("large", func(r *row[sample]) uint64 { return r.event.large }),
		signed("signed", func(r *row[sample]) int64 { return r.event.signed }),
		single("single", func(r *row[sample]) float32 { return r.event.single }),
		double("double", func(r *row[sample]) float64 { return r.event.double }),
		at("at", func(r *row[sample]) time.Time { return r.event.at }),
		date("day", func(r *row[sample]) time.Time { return r.event.at }),
	}}
	defer w.own(campaign.Traffic)()
	for _, words := range []int{1, 256, 257, 65536, 65537} {
		run(t, w, "TRUNCATE TABLE samples")
		var rows []sample
		for i := range max(words, 300) {
			rows = append(rows, sample{
				word: strings.Repeat("w", i%words%2) + fmt.Sprint(i%words), text: strings.Repeat("é", i%70), truth: i%3 == 0,
				small: uint16(i), number: uint32(i), large: math.MaxUint64 - uint64(i), signed: int64(-i), single: float32(i) / 4,
				double: -float64(i) / 8, at: time.UnixMilli(int64(i) * 40_000_003),
			})
		}
		c := chunkOf(batchOf(fmt.Sprint("words-", words), rows...))
		if err := insert(t.Context(), w, campaign.Traffic, to, c, c.rows); err != nil {
			t.Fatal(err)
		}
		want(t, w, fmt.Sprintf(`SELECT countIf(word = concat(repeat('w', i %% %[1]d %% 2), toString(i %% %[1]d))
			AND text = repeat('é', i %% 70) AND truth = (i %% 3 = 0) AND small = i %% 65536
			AND large + i = 18446744073709551615 AND signed = -toInt64(i) AND single = i / 4 AND double = -(i / 8)
			AND toUnixTimestamp64Milli(at) = toInt64(i) * 40000003 AND day = toDate(at))
			FROM (SELECT *, number AS i FROM samples)`, words), uint64(len(rows)))
		want(t, w, "SELECT uniqExact(word) FROM samples", uint64(words))
	}
}

// A dictionary is reused: what it held before must not come back.
func TestADictionaryStartsAnew(t *testing.T) {
	write := func(d *dictionary, words ...string) string {
		var b proto.Buffer
		d.reset(len(words))
		for _, w := range words {
			d.add(w)
		}
		d.write(&b)
		return string(b.Buf)
	}
	var used dictionary
	write(&used, "a", "b", "b", "c")
	for _, words := range [][]string{{"c"}, {"", ""}, {"x", "c", "x"}, {}} {
		if got, fresh := write(&used, words...), write(&dictionary{}, words...); got != fresh {
			t.Errorf("%q: got %q, want %q", words, got, fresh)
		}
	}
}
