package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"warroom/server/campaign"
)

// batchOf is n events in lines, as a log shipper sends them.
func batchOf(n int, kind campaign.Kind) []byte {
	var out bytes.Buffer
	for i := range n {
		switch kind {
		case campaign.Donations:
			out.WriteString(gift(fmt.Sprint("d-", i), `"source":"actblue"`, `"donor":"ada`+fmt.Sprint(i)+`@example.org"`,
				`"refcode":"em260930a"`,
				`"send_id":"eoq-1"`, `"channel":"email"`, `"form":"eoq-sept"`, `"state":"IA"`, `"country":"US"`,
				`"recurring":"monthly"`))
		case campaign.Emails:
			out.WriteString(mail(fmt.Sprint("e-", i), `"source":"ses"`, `"recipient":"ada`+fmt.Sprint(i)+`@example.org"`,
				`"send_id":"eoq-1"`,
				`"variant":"b"`, `"message_id":"0100018f-0000"`))
		default:
			out.WriteString(hit(`"host":"give.example.org"`, `"method":"GET"`, `"path":"/give/now"`, `"status":200`,
				`"bytes":18432`,
				`"duration_ms":12.4`, `"visitor":"v-`+fmt.Sprint(i)+`"`, `"referrer":"https://example.org/"`,
				`"refcode":"em260930a"`, `"region":"us-east-1"`))
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

// BenchmarkDecode reads, checks, hashes and encodes a batch of a thousand events. Its peer takes the same bytes apart
// with encoding/json into a struct, and does nothing else with them. x-json is how many times the peer's pace that is.
func BenchmarkDecode(b *testing.B) {
	for _, kind := range campaign.Kinds() {
		b.Run(kind.String(), func(b *testing.B) {
			const events = 1000
			text := batchOf(events, kind)
			k, err := newKeys([]byte("a secret for tests, long enough"))
			if err != nil {
				b.Fatal(err)
			}
			in, form := newReading(k), nativeForm(kind)
			doors := &Doors{}
			doors.buffers.New = func() any { return &buffers{} }
			ours := func() {
				in.begin("desk", noon, shape{lines: true})
				p := &parcel{form: form, limits: limits{events: maxEvents, listed: maxListed}, room: &room{size: maxHeld},
					buffers: *doors.buffers.Get().(*buffers)}
				defer func() { doors.reuse(p.buffers) }()
				if err := p.fill(in, &body{Reader: bytes.NewReader(text), wire: &wire{}}, shape{lines: true}); err != nil ||
					p.verdict.Accepted != events {
					b.Fatal(err, p.verdict.Accepted)
				}
			}
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var mine, peers time.Duration // of processor time, in turns: a busy machine must not decide
			for b.Loop() {
				mine -= processorTime(b)
				ours()
				mine += processorTime(b)
				b.StopTimer()
				peers -= processorTime(b)
				peer(b, text, kind)
				peers += processorTime(b)
				b.StartTimer()
			}
			b.ReportMetric(float64(events)*float64(b.N)/mine.Seconds(), "events/cpu-s")
			b.ReportMetric(float64(peers)/float64(mine), "x-json")
		})
	}
}

// peer reads the same body with encoding/json.
func peer(b *testing.B, body []byte, kind campaign.Kind) {
	for line := range bytes.Lines(body) {
		var err error
		switch kind {
		case campaign.Donations:
			var d struct {
				ID, Source, Donor, Refcode, Channel, Form, State, Country, Recurring, Amount string
				SendID                                                                       string    `json:"send_id"`
				OccurredAt                                                                   time.Time `json:"occurred_at"`
			}
			err = json.Unmarshal(line, &d)
		case campaign.Emails:
			var e struct {
				ID, Source, Type, Recipient, Variant string
				SendID                               string    `json:"send_id"`
				MessageID                            string    `json:"message_id"`
				OccurredAt                           time.Time `json:"occurred_at"`
			}
			err = json.Unmarshal(line, &e)
		default:
			var q struct {
				App, Host, Method, Path, Visitor, Referrer, Refcode, Region string
				Status, Bytes                                               uint64
				Duration                                                    float64   `json:"duration_ms"`
				OccurredAt                                                  time.Time `json:"occurred_at"`
			}
			err = json.Unmarshal(line, &q)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
