package ingest

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"warroom/server/campaign"
)

func FuzzDonations(f *testing.F) {
	fuzzDoor(f, campaign.Donations, campaign.DecodeDonation, campaign.AppendDonation, gift, func(t *testing.T,
		d *campaign.Donation) {
		sign, ok := campaign.Sign(d.Kind)
		_, money := campaign.Exponent(d.Currency)
		switch {
		case d.ID == "", d.Source == "", d.Path == "", d.Feed != "desk", !ok, !money, d.Recurring == "":
			t.Errorf("accepted %+v", d)
		case utf8.RuneCountInString(d.ID) > 128, utf8.RuneCountInString(d.Source) > 128, d.AmountMinor*sign < 0,
			(sign == 0) != (d.AmountMinor == 0):
			t.Errorf("accepted %+v", d)
		}
		sane(t, d.OccurredAt, d.DonorKey, d.Props)
	})
}

func FuzzEmails(f *testing.F) {
	fuzzDoor(f, campaign.Emails, campaign.DecodeEmail, campaign.AppendEmail, mail, func(t *testing.T,
		e *campaign.EmailEvent) {
		if kind, err := campaign.EmailTypes().Check(e.Type); err != nil || kind == "" || e.ID == "" || e.Source == "" ||
			e.Feed != "desk" {
			t.Errorf("accepted %+v", e)
		}
		if strings.ContainsAny(e.Link, "?#") || strings.Contains(e.Domain, "@") || e.Bounce != "" && e.Type != "bounce" {
			t.Errorf("accepted %+v", e)
		}
		sane(t, e.OccurredAt, e.RecipientKey, e.Props)
	})
}

func FuzzTraffic(f *testing.F) {
	fuzzDoor(f, campaign.Traffic, campaign.DecodeRequest, campaign.AppendRequest, func(_ string,
		more ...string) string {
		return hit(more...)
	},
		func(t *testing.T, q *campaign.Request) {
			if q.App == "" || q.Feed != "desk" || !(q.Weight > 0 && q.Weight <= maxWeight) || !(q.DurationMS >= 0 &&
				q.DurationMS <= maxDuration) {
				t.Errorf("accepted %+v", q)
			}
			if strings.ContainsAny(q.Path+q.Referrer, "?#") || q.Status != 0 && (q.Status < 100 || q.Status > 999) {
				t.Errorf("accepted %+v", q)
			}
			sane(t, q.OccurredAt, q.VisitorKey, q.Props)
		})
}

// sane is what holds for every accepted event.
func sane(t *testing.T, occurred time.Time, key, props string) {
	t.Helper()
	if occurred.Unix() < 0 || occurred.After(noon.Add(24*time.Hour)) {
		t.Errorf("accepted the time %v", occurred)
	}
	if key != "" && (len(key) != 32 || strings.Trim(key, "0123456789abcdef") != "") {
		t.Errorf("the key is %q", key)
	}
	var object map[string]json.RawMessage
	if props != "" && (json.Unmarshal([]byte(props), &object) != nil || len(object) == 0 ||
		withoutAddresses(props) != props) {
		t.Errorf("the props are %q", props)
	}
}

// fuzzDoor posts anything. Nothing may panic; every answer is one of the contract's; what is accepted is kept, reads
// back as it was, and is valid.
func fuzzDoor[T any](f *testing.F, kind campaign.Kind, decode func(string) (T, error), encode func([]byte, *T) []byte,
	good func(string, ...string) string, check func(*testing.T, *T)) {
	types := []string{"application/json", "application/x-ndjson", cloudEvent, cloudEvents}
	for n := range types {
		f.Add([]byte(good("a", `"x":{"y":[1,"z@example.org"]}`)+"\n"+good("b", `"props":{"p":null}`)), uint8(n))
		f.Add([]byte("["+event(good("c"))+","+event("{}")+`,{"id":[}, 1e5, "x]"]`), uint8(n))
		f.Add([]byte(good("a",
			`"amount":1.5,"occurred_at":1790000000.5,"donor":"A@b.org","recipient":"A@b.org","visitor":"v"`)), uint8(n))
		f.Add([]byte("\xef\xbb\xbf{\"id\":\"\\ud800\"}\r\n[[[[{\"\xff\":"), uint8(n))
	}
	r := newRig(f)
	door, spool := r.Door(kind), r.spools[kind]
	f.Fuzz(func(t *testing.T, body []byte, kind uint8) {
		req := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(string(body)))
		req.Header.Set("Authorization", "Bearer "+everything)
		req.Header.Set("Content-Type", types[int(kind)%len(types)])
		w := httptest.NewRecorder()
		door.ServeHTTP(w, req)
		records := spool.taken()
		var v struct {
			Accepted, Duplicates *int
			Rejected             []rejection
		}
		if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil || v.Accepted == nil || v.Duplicates == nil ||
			v.Rejected == nil {
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		switch w.Code {
		case 202, 413, 422:
		default:
			t.Fatalf("answered with %d", w.Code)
		}
		if (w.Code == 202) != (*v.Accepted > 0) || len(records) != *v.Accepted {
			t.Fatalf("%d with %d accepted, %d kept", w.Code, *v.Accepted, len(records))
		}
		for _, record := range records {
			event, err := decode(string(record))
			if err != nil {
				t.Fatal(err)
			}
			if again := encode(nil, &event); !reflect.DeepEqual(again, record) {
				t.Fatalf("%+v is another record", event)
			}
			check(t, &event)
		}
	})
}

// What flat takes apart, the decoder takes apart in the same way: the same records and the same verdicts.
func FuzzFlat(f *testing.F) {
	for _, body := range []string{
		gift("a", `"donor":"A@b.org"`, `"first_gift":true`, `"of":null`), hit(`"status":200`),
		mail("b", `"reason":"å\u00e5"`),
		hit(`"bytes":-0`, `"duration_ms":1.5e-3`, `"weight":1E2`, `"visitor":"v"`, `"visitor":"w"`), hit(`"props":{"a":[1]}`),
		hit("\"path\":\"\xff\""), hit("\"path\":\"/a/b/c/d\t\""), hit(`"bytes":01`), hit(`"bytes":1.`), hit(`"app":"x",`),
		hit(`"specversion":"1.0"`), "{}", "{ }", " {\r\n\t\"app\" : \"x\" , \"bytes\" : 1 } ", `{"app":"x"}{"app":"y"}`,
		"[" + hit() + "," + hit(`"x":1`) + " ,\n" + hit() + hit() + "]", "[" + hit() + ",}" + hit(), `{"app":nul}`, `{"app"`,
		`[{"app":"1234567` + "\u00e9" + `12345678"},{"app":"1234567\\"}]`,
	} {
		f.Add([]byte(body))
	}
	k, err := newKeys([]byte("a secret for tests, long enough"))
	if err != nil {
		f.Fatal(err)
	}
	slow, quick := newReading(k), newReading(k)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range campaign.Kinds() {
			for _, lines := range []bool{true, false} {
				want := takenBy(t, slow, kind, text, lines, false)
				if got := takenBy(t, quick, kind, text, lines, true); !reflect.DeepEqual(got, want) {
					t.Errorf("%s, lines %v: flat gave %+v, the decoder %+v", kind, lines, got, want)
				}
			}
		}
	})
}

// taken is what became of a body.
type taken struct {
	data            string
	starts          []int
	verdict         verdict
	unparsed, sizes int
	empty           bool
	latest          time.Time
}

func takenBy(t *testing.T, in *reading, kind campaign.Kind, text []byte, lines, flat bool) taken {
	t.Helper()
	in.begin("desk", noon, shape{lines: lines})
	in.noFlat = !flat
	p := &parcel{form: nativeForm(kind), limits: limits{events: maxEvents, listed: maxListed}, room: &room{size: maxHeld}}
	body := &body{Reader: &pieces{string(text), 1 + len(text)/2}, wire: &wire{}}
	if err := p.fill(in, body, shape{lines: lines}); err != nil {
		t.Fatal(err)
	}
	return taken{string(p.data), p.starts, p.verdict, p.unparsed, p.oversize, p.empty, p.latest}
}

// Whatever the body, cutting it gives the same frames however it arrives, and never an endless loop.
func FuzzFrames(f *testing.F) {
	for _, body := range []string{gift("a") + gift("b"), "[{},[}],\"x\n{", "\xef\xbb\xbf[1,2]]}", `{"a":{"b":[{"c":"\"}`,
		"\n\n{}\r\n"} {
		f.Add([]byte(body), true, 3)
		f.Add([]byte(body), false, 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, lines bool, size int) {
		if size < 1 {
			return
		}
		whole := allFrames(t, strings.NewReader(string(body)), lines, len(body))
		if got := allFrames(t, &pieces{string(body), size}, lines, len(body)); !reflect.DeepEqual(got, whole) {
			t.Fatalf("in pieces of %d: got %q, want %q", size, got, whole)
		}
	})
}

func allFrames(t *testing.T, body io.Reader, lines bool, most int) (all []string) {
	var f frames
	f.begin(body, lines)
	for range most + 2 {
		frame, err := f.next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			frame = []byte("error: " + err.Error())
		}
		all = append(all, string(frame))
	}
	t.Fatalf("more frames than bytes: %q", all)
	return nil
}
