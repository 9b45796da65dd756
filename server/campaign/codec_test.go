package campaign

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"
)

var moment = time.Date(2026, 9, 30, 23, 59, 59, 987_000_000, time.UTC)

func fullDonation() Donation {
	return Donation{
		Source: "actblue", ID: "700000001", Path: "mirror", Feed: "actblue-hook", Kind: "refund", Of: "700000000",
		OccurredAt: moment, ReceivedAt: moment.Add(1234 * time.Millisecond), AmountMinor: -350_000, Currency: "USD",
		Recurring: "monthly", DonorKey: "00112233445566778899aabbccddeeff", Refcode: "em260930a", SendID: "eoq-1",
		Channel: "email", Form: "eoq-sept", State: "IA", Country: "US", FirstGift: true, Props: `{"a":[1,"é"]}`,
	}
}

func fullEmail() EmailEvent {
	return EmailEvent{
		Source: "ses", ID: "e1", Feed: "ses-hook", Type: "bounce", Bounce: "hard", OccurredAt: moment,
		ReceivedAt: moment.Add(time.Second), SendID: "eoq-1", Variant: "b", RecipientKey: "00112233445566778899aabbccddeeff",
		Domain: "example.org", MessageID: "0100", Link: "https://example.org/give", Reason: "550 5.1.1", Props: `{"ip_pool":3}`,
	}
}

func fullRequest() Request {
	return Request{
		Feed: "edge", OccurredAt: moment, ReceivedAt: moment.Add(time.Minute), App: "donate", Host: "give.example.org",
		Method: "POST", Path: "/give/now", Status: 503, Bytes: math.MaxUint64, DurationMS: 12.5,
		VisitorKey: "00112233445566778899aabbccddeeff", Referrer: "https://example.org/", Refcode: "em1", Region: "us-east-1",
		Weight: 0.1, Props: `{"x":null}`,
	}
}

func TestRecordsComeBackAsTheyWere(t *testing.T) {
	t.Run("donation", func(t *testing.T) {
		for _, want := range []Donation{{}, fullDonation(), {AmountMinor: math.MinInt64}, {AmountMinor: math.MaxInt64}} {
			got, err := DecodeDonation(string(AppendDonation([]byte("before")[:0], &want)))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
	t.Run("email", func(t *testing.T) {
		for _, want := range []EmailEvent{{}, fullEmail()} {
			got, err := DecodeEmail(string(AppendEmail(nil, &want)))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
	t.Run("request", func(t *testing.T) {
		for _, want := range []Request{{}, fullRequest(), {DurationMS: math.Inf(1)}} {
			got, err := DecodeRequest(string(AppendRequest(nil, &want)))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
		}
	})
}

// Each field of the struct must be part of its record: a new field that the codec forgets fails here.
func TestEveryFieldIsInTheRecord(t *testing.T) {
	for _, full := range []any{fullDonation(), fullEmail(), fullRequest()} {
		v := reflect.ValueOf(full)
		for i := range v.NumField() {
			if v.Field(i).IsZero() {
				t.Errorf("%s.%s is zero in the test's value: give it one, so that the round trip proves it",
					v.Type().Name(), v.Type().Field(i).Name)
			}
		}
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	d, e, q := fullDonation(), fullEmail(), fullRequest()
	decoders := map[string]struct {
		record []byte
		decode func([]byte) error
	}{
		"donation": {AppendDonation(nil, &d), func(b []byte) error { _, err := DecodeDonation(string(b)); return err }},
		"email":    {AppendEmail(nil, &e), func(b []byte) error { _, err := DecodeEmail(string(b)); return err }},
		"request":  {AppendRequest(nil, &q), func(b []byte) error { _, err := DecodeRequest(string(b)); return err }},
	}
	for name, c := range decoders {
		for n := range c.record {
			if err := c.decode(c.record[:n]); !errors.Is(err, ErrRecordCut) {
				t.Fatalf("%s cut after %d of %d bytes: got %v, want ErrRecordCut", name, n, len(c.record), err)
			}
		}
		newer := append([]byte(nil), c.record...)
		newer[1] = layout + 1
		if err := c.decode(newer); !errors.Is(err, ErrRecordNewer) {
			t.Errorf("%s of a newer layout: got %v", name, err)
		}
		other := append([]byte(nil), c.record...)
		other[0] = 'X'
		if err := c.decode(other); !errors.Is(err, ErrRecordKind) {
			t.Errorf("%s with another tag: got %v", name, err)
		}
		if err := c.decode(append(c.record[:len(c.record):len(c.record)], 3, 'n', 'e', 'w')); err != nil {
			t.Errorf("%s with a field of a later version behind it: %v", name, err)
		}
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	d := fullDonation()
	record := string(AppendDonation(nil, &d))
	if n := testing.AllocsPerRun(100, func() { _, _ = DecodeDonation(record) }); n > 0 {
		t.Errorf("%v allocations a record, want 0: its strings are parts of the record", n)
	}
}

func FuzzDecodeDonation(f *testing.F) {
	d := fullDonation()
	fuzzCodec(f, AppendDonation(nil, &d), DecodeDonation, AppendDonation)
}

func FuzzDecodeEmail(f *testing.F) {
	e := fullEmail()
	fuzzCodec(f, AppendEmail(nil, &e), DecodeEmail, AppendEmail)
}

func FuzzDecodeRequest(f *testing.F) {
	q := fullRequest()
	fuzzCodec(f, AppendRequest(nil, &q), DecodeRequest, AppendRequest)
}

// What can be read at all must be written and read again without a change.
func fuzzCodec[T any](f *testing.F, seed []byte, decode func(string) (T, error), encode func([]byte, *T) []byte) {
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, record []byte) {
		first, err := decode(string(record))
		if err != nil {
			return
		}
		bytes := encode(nil, &first)
		second, err := decode(string(bytes))
		if err != nil {
			t.Fatalf("can't read what was written: %v", err)
		}
		if string(encode(nil, &second)) != string(bytes) {
			t.Fatalf("%+v came back as %+v", first, second)
		}
	})
}

// BenchmarkRequestRecord writes a thousand requests for the spool and reads them back. x-json is how many times as long
// encoding/json takes for the same, in the same run, and x-json-size how many times as large they become.
func BenchmarkRequestRecord(b *testing.B) {
	const times = 1000
	q, record, text := fullRequest(), []byte(nil), []byte(nil)
	ours := func() (err error) {
		record = AppendRequest(record[:0], &q)
		_, err = DecodeRequest(string(record))
		return err
	}
	theirs := func() (err error) {
		text, err = json.Marshal(&q)
		return errors.Join(err, json.Unmarshal(text, &Request{}))
	}
	var mine, peers time.Duration
	for b.Loop() { // in turns: both meet the same noise
		mine += timed(b, times, ours)
		peers += timed(b, times, theirs)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(mine.Nanoseconds())/float64(times*b.N), "ns/request")
	b.ReportMetric(float64(peers)/float64(mine), "x-json")
	b.ReportMetric(float64(len(text))/float64(len(record)), "x-json-size")
}

// timed is how long it takes to do something so many times.
func timed(b *testing.B, times int, do func() error) time.Duration {
	b.Helper()
	started := time.Now()
	for range times {
		if err := do(); err != nil {
			b.Fatal(err)
		}
	}
	return time.Since(started)
}
