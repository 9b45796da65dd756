package ingest

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

func TestADonationIsKeptWithAllItsFields(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, `{
		"id": "d-1", "source": "actblue", "path": "mirror", "kind": "refund", "of": "d-0",
		"occurred_at": "2026-09-30T11:59:00.123-04:00", "amount": "25.50", "currency": "eur", "recurring": "monthly",
		"donor": " Ada@Example.org ", "refcode": "em1", "send_id": "eoq", "channel": "email", "form": "f", "state": "ia",
		"country": "us", "first_gift": true, "props": {"b": 2}, "unknown": [1, "x"]}`).is(202, 1, 0, 0)
	got := r.donations()
	want := campaign.Donation{
		Source: "actblue", ID: "d-1", Path: "mirror", Feed: "desk", Kind: "refund", Of: "d-0",
		OccurredAt: time.Date(2026, 9, 30, 15, 59, 0, 123e6, time.UTC), ReceivedAt: noon, AmountMinor: -2550, Currency: "EUR",
		Recurring: "monthly", Refcode: "em1", SendID: "eoq", Channel: "email", Form: "f", State: "IA", Country: "US",
		FirstGift: true, Props: `{"b":2,"unknown":[1,"x"]}`,
	}
	if len(got) != 1 || len(got[0].DonorKey) != 32 {
		t.Fatalf("got %+v", got)
	}
	want.DonorKey = got[0].DonorKey
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

func TestDefaultsOfADonation(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, gift("d-1", `"source":null`, `"path":""`, `"kind":""`, `"donor":null`,
		`"state":null`)).is(202, 1, 0, 0)
	want := campaign.Donation{
		Source: "desk", ID: "d-1", Path: "vendor", Feed: "desk", Kind: "gift", OccurredAt: noon.Add(-time.Minute),
		ReceivedAt: noon, AmountMinor: 2500, Currency: "USD", Recurring: "none",
	}
	if got := r.donations(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTheKindSignsTheAmount(t *testing.T) {
	for kind, want := range map[string]int64{"gift": 2500, "refund": -2500, "chargeback": -2500, "dispute_won": 2500,
		"cancellation": 0} {
		r := newRig(t)
		r.post(campaign.Donations, gift("d", `"kind":"`+kind+`"`)).is(202, 1, 0, 0)
		if got := r.donations()[0].AmountMinor; got != want {
			t.Errorf("%s: got %d, want %d", kind, got, want)
		}
	}
	r := newRig(t)
	r.post(campaign.Donations, `{"id":"c","kind":"cancellation","occurred_at":1790000000}
		{"id":"d","kind":"cancellation","occurred_at":1790000000,"amount":0}`).is(202, 2, 0, 0)
}

func TestAmountsAreReadAsText(t *testing.T) {
	for raw, want := range map[string]int64{`25.10`: 2510, `"25.10"`: 2510, `25`: 2500, `0.07`: 7,
		`70368744177.67`: 7036874417767} {
		r := newRig(t)
		r.post(campaign.Donations, `{"id":"d","occurred_at":1790000000,"amount":`+raw+`}`).is(202, 1, 0, 0)
		if got := r.donations()[0].AmountMinor; got != want {
			t.Errorf("%s: got %d, want %d", raw, got, want)
		}
	}
}

func TestBadDonationsGetAReason(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("x", 129)
	for _, c := range []struct{ event, field, reason string }{
		{`{}`, "id", "is missing"},
		{`{"id":"","occurred_at":1,"amount":1}`, "id", "is empty"},
		{`{"id":"  ","occurred_at":1,"amount":1}`, "id", "is empty"},
		{`{"id":null,"occurred_at":1,"amount":1}`, "id", "is missing"},
		{`{"id":7,"occurred_at":1,"amount":1}`, "id", "want a string"},
		{`{"id":"a\u0000b","occurred_at":1,"amount":1}`, "id", "control characters"},
		{gift(long), "id", "more than 128 characters"},
		{gift("a", `"source":"`+long+`"`), "source", "more than 128 characters"},
		{gift("a", `"of":"`+long+`"`), "of", "more than 128 characters"},
		{gift("a", `"refcode":"`+long+long+`"`), "refcode", "more than 256 characters"},
		{gift("a", `"refcode":["x"]`), "refcode", "want a string"},
		{gift("a", `"kind":"present"`), "kind", "want one of gift, refund, chargeback, dispute_won, cancellation"},
		{gift("a", `"kind":"Gift"`), "kind", "want one of"},
		{gift("a", `"kind":1`), "kind", "want a string"},
		{gift("a", `"recurring":"yearly"`), "recurring", "want one of none, weekly, monthly"},
		{gift("a", `"recurring":true`), "recurring", "want a string"},
		{gift("a", `"first_gift":"yes"`), "first_gift", "want true or false"},
		{gift("a", `"currency":"XXX"`), "currency", "ISO 4217"},
		{gift("a", `"currency":840`), "currency", "want a string"},
		{gift("a", `"props":"x"`), "props", "want a JSON object"},
		{gift("a", `"props":[1]`), "props", "want a JSON object"},
		{gift("a", `"donor":{"email":"a@b.org"}`), "donor", "want a string"},
		{`{"id":"a","occurred_at":1}`, "amount", "is missing"},
		{`{"id":"a","occurred_at":1,"amount":null}`, "amount", "is missing"},
		{`{"id":"a","occurred_at":1,"amount":true}`, "amount", "want decimal text"},
		{`{"id":"a","occurred_at":1,"amount":{}}`, "amount", "want decimal text"},
		{`{"id":"a","occurred_at":1,"amount":-5}`, "amount", "without sign"},
		{`{"id":"a","occurred_at":1,"amount":0}`, "amount", "more than zero"},
		{`{"id":"a","occurred_at":1,"amount":"0.00"}`, "amount", "more than zero"},
		{`{"id":"a","occurred_at":1,"amount":25.001}`, "amount", "more decimals than USD has (2)"},
		{`{"id":"a","occurred_at":1,"amount":"25.000"}`, "amount", "more decimals than USD has (2)"},
		{`{"id":"a","occurred_at":1,"amount":"1.5","currency":"JPY"}`, "amount", "more decimals than JPY has (0)"},
		{`{"id":"a","occurred_at":1,"amount":1e2}`, "amount", "exponent"},
		{`{"id":"a","occurred_at":1,"amount":99999999999999999999}`, "amount", "more than 100 billion"},
		{`{"id":"a","kind":"cancellation","occurred_at":1,"amount":"x"}`, "amount", "positive decimal"},
		{`{"id":"a","amount":1}`, "occurred_at", "is missing"},
		{`{"id":"a","amount":1,"occurred_at":"2026-09-30T12:00:00"}`, "occurred_at", "has no offset"},
		{`{"id":"a","amount":1,"occurred_at":"2026-09-30"}`, "occurred_at", "has no offset"},
		{`{"id":"a","amount":1,"occurred_at":"noon"}`, "occurred_at", "want RFC 3339 with offset"},
		{`{"id":"a","amount":1,"occurred_at":true}`, "occurred_at", "want RFC 3339 with offset"},
		{`{"id":"a","amount":1,"occurred_at":{}}`, "occurred_at", "want RFC 3339 with offset"},
		{`{"id":"a","amount":1,"occurred_at":-1}`, "occurred_at", "want RFC 3339 with offset"},
		{`{"id":"a","amount":1,"occurred_at":"2026-10-01T16:00:01Z"}`, "occurred_at", "more than 24 h in the future"},
		{`{"id":"a","amount":1,"occurred_at":"1969-12-31T23:59:59Z"}`, "occurred_at", "before 1970"},
		{`{"id":"a","amount":1,"occurred_at":1790000000123456}`, "occurred_at", "seconds or milliseconds"},
		{`{"id":"a","id":"b","amount":1,"occurred_at":1}`, "id", "is there twice"},
		{`{"id":"a","\u0069d":"b","amount":1,"occurred_at":1}`, "id", "is there twice"},
		{gift("a", `"props":{"x":1,"x":2}`), "", "a name is there twice"},
		{`"text"`, "", "want a JSON object"},
		{`17`, "", "want a JSON object"},
		{`null`, "", "want a JSON object"},
		{`[[]]`, "", "want a JSON object"},
	} {
		r.post(campaign.Donations, c.event).is(422, 0, 0, 1).rejects(0, 0, c.field, c.reason)
		r.post(campaign.Donations, "["+gift("before")+","+c.event+","+gift("after")+"]").is(202, 2, 0, 1).rejects(0, 1,
			c.field, c.reason)
		if got := r.donations(); len(got) != 2 || got[0].ID != "before" || got[1].ID != "after" {
			t.Errorf("%s: its neighbours became %+v", c.event, got)
		}
	}
}

func TestTimes(t *testing.T) {
	want := time.Date(2026, 9, 21, 14, 13, 20, 0, time.UTC)
	for _, raw := range []string{`"2026-09-21T10:13:20-04:00"`, `"2026-09-21T14:13:20Z"`, `1790000000`, `1790000000000`,
		`"1790000000"`,
		`"1790000000000"`, `1790000000.0`} {
		r := newRig(t)
		r.post(campaign.Donations, `{"id":"d","amount":1,"occurred_at":`+raw+`}`).is(202, 1, 0, 0)
		if got := r.donations()[0].OccurredAt; !got.Equal(want) {
			t.Errorf("%s: got %v, want %v", raw, got, want)
		}
	}
	r := newRig(t)
	r.post(campaign.Donations, `{"id":"d","amount":1,"occurred_at":"2026-10-01T16:00:00Z"}`).is(202, 1, 0,
		0) // 24 h to the second
}

func TestLengthsCountCharacters(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, gift(strings.Repeat("é", 128))).is(202, 1, 0, 0)
	r.post(campaign.Donations, gift(strings.Repeat("é", 129))).is(422, 0, 0, 1)
}

func TestAnEmailEventIsKeptWithAllItsFields(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Emails, `{"id":"e-1","source":"ses","type":"bounce","bounce":"hard","occurred_at":1790000000123,
		"send_id":"eoq","variant":"b","recipient":"Ada@Example.ORG","message_id":"<0100@email.example.com>",
		"link":"https://example.org/give?e=ada@example.org#x","reason":"550 5.1.1 <ada@example.org>: unknown",
		"ip_pool":3}`).is(202, 1, 0, 0)
	got := r.emails()
	if len(got) != 1 || len(got[0].RecipientKey) != 32 {
		t.Fatalf("got %+v", got)
	}
	want := campaign.EmailEvent{
		Source: "ses", ID: "e-1", Feed: "desk", Type: "bounce", Bounce: "hard",
		OccurredAt: time.UnixMilli(1790000000123).UTC(), ReceivedAt: noon, SendID: "eoq", Variant: "b",
		RecipientKey: got[0].RecipientKey, Domain: "example.org", MessageID: "<0100@email.example.com>",
		Link: "https://example.org/give", Reason: "550 5.1.1 <[removed]>: unknown", Props: `{"ip_pool":3}`,
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

func TestEmailEvents(t *testing.T) {
	r := newRig(t)
	for _, kind := range []string{"send", "delivery", "bounce", "complaint", "open", "click", "unsubscribe", "reject",
		"delay"} {
		r.post(campaign.Emails, `{"id":"`+kind+`","occurred_at":1790000000,"type":"`+kind+`","bounce":"soft"}`).is(202, 1, 0,
			0)
		e := r.emails()[0]
		if e.Type != kind || e.Source != "desk" || (e.Bounce == "soft") != (kind == "bounce") {
			t.Errorf("%s became %+v", kind, e)
		}
	}
	r.post(campaign.Emails, mail("d", `"domain":"Example.NET"`)).is(202, 1, 0, 0)
	if got := r.emails()[0].Domain; got != "example.net" {
		t.Errorf("domain without recipient: got %q", got)
	}
	for _, c := range []struct{ event, field, reason string }{
		{`{"occurred_at":1,"type":"send"}`, "id", "is missing"},
		{`{"id":"a","type":"send"}`, "occurred_at", "is missing"},
		{`{"id":"a","occurred_at":1}`, "type", "is missing"},
		{`{"id":"a","occurred_at":1,"type":""}`, "type", "is empty"},
		{`{"id":"a","occurred_at":1,"type":"sent"}`, "type", "want one of send, delivery, bounce"},
		{mail("a", `"bounce":"medium"`), "bounce", "want one of hard, soft"},
		{mail("a", `"recipient":5`), "recipient", "want a string"},
		{mail("a", `"link":5`), "link", "want a string"},
		{mail("a", `"message_id":"`+strings.Repeat("x", 999)+`"`), "message_id", "more than 998"},
	} {
		r.post(campaign.Emails, c.event).is(422, 0, 0, 1).rejects(0, 0, c.field, c.reason)
	}
}

func TestARequestIsKeptWithAllItsFields(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Traffic,
		`{"occurred_at":"2026-09-30T11:59:00-04:00","app":"donate","host":"Give.Example.org","method":"post",
		"path":"/give/now?email=ada@example.org#top","status":"503","bytes":1234,"duration_ms":12.5,"visitor":"v-17",
		"referrer":"https://example.org/?q=ada%40example.org","refcode":"em1","region":"us-east-1","weight":10,
		"x":{"y":null}}`).is(202, 1, 0, 0)
	got := r.requests()
	if len(got) != 1 || len(got[0].VisitorKey) != 32 {
		t.Fatalf("got %+v", got)
	}
	want := campaign.Request{
		Feed: "desk", OccurredAt: noon.Add(-time.Minute), ReceivedAt: noon, App: "donate", Host: "give.example.org",
		Method: "POST",
		Path:   "/give/now", Status: 503, Bytes: 1234, DurationMS: 12.5, VisitorKey: got[0].VisitorKey,
		Referrer: "https://example.org/", Refcode: "em1", Region: "us-east-1", Weight: 10, Props: `{"x":{"y":null}}`,
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got  %+v\nwant %+v", got[0], want)
	}
}

func TestRequests(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Traffic, hit()+hit()).is(202, 2, 0, 0) // equal ones are two: they have no identity
	if got := r.requests(); got[0].Weight != 1 || got[0].Status != 0 {
		t.Errorf("defaults: got %+v", got[0])
	}
	r.post(campaign.Traffic, hit(`"path":"/`+strings.Repeat("é", 2000)+`"`)).is(202, 1, 0, 0)
	if got := r.requests()[0].Path; len(got) > maxLocation || !strings.HasSuffix(got, "é") {
		t.Errorf("a long path is cut to %d bytes, ends with %q", len(got), got[len(got)-2:])
	}
	for _, c := range []struct{ event, field, reason string }{
		{`{"app":"donate"}`, "occurred_at", "is missing"},
		{`{"occurred_at":1}`, "app", "is missing"},
		{`{"occurred_at":1,"app":" "}`, "app", "is empty"},
		{hit(`"status":"ok"`), "status", "want an HTTP status"},
		{hit(`"status":99`), "status", "want an HTTP status"},
		{hit(`"status":1000`), "status", "want an HTTP status"},
		{hit(`"status":-200`), "status", "want an HTTP status"},
		{hit(`"bytes":-1`), "bytes", "whole number"},
		{hit(`"bytes":1.5`), "bytes", "whole number"},
		{hit(`"bytes":18446744073709551615`), "bytes", "whole number"},
		{hit(`"duration_ms":-1`), "duration_ms", "want milliseconds"},
		{hit(`"duration_ms":1e300`), "duration_ms", "want milliseconds"},
		{hit(`"duration_ms":1e999`), "duration_ms", "want a number"},
		{hit(`"duration_ms":"NaN"`), "duration_ms", "want a number"},
		{hit(`"duration_ms":"0x1p4"`), "duration_ms", "want a number"},
		{hit(`"duration_ms":true`), "duration_ms", "want a number"},
		{hit(`"weight":0`), "weight", "want 1/sampling"},
		{hit(`"weight":-1`), "weight", "want 1/sampling"},
		{hit(`"weight":1e9`), "weight", "want 1/sampling"},
	} {
		r.post(campaign.Traffic, c.event).is(422, 0, 0, 1).rejects(0, 0, c.field, c.reason)
	}
}

func TestUnknownFieldsBecomeProps(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ more, want string }{
		{`"x":1`, `{"x":1}`},
		{`"x": { "y" : [ 1 , {"z":null} , [] , {} ] , "t":true }`, `{"x":{"y":[1,{"z":null},[],{}],"t":true}}`},
		{`"props":{}`, ``},
		{`"props":null`, ``},
		{`"props":{"a":1},"b":2`, `{"a":1,"b":2}`},
		{`"b":2,"props":{"b":1}`, `{"b":1}`},
		{`"":0`, `{"":0}`},
		{`"caf\u00e9":"\u0061\n\"\\"`, `{"café":"a\n\"\\"}`},
		{`"n":1.10,"e":1e400`, `{"n":1.10,"e":1e400}`},
	} {
		r.post(campaign.Donations, gift("d", c.more)).is(202, 1, 0, 0)
		if got := r.donations()[0].Props; got != c.want {
			t.Errorf("%s became %s, want %s", c.more, got, c.want)
		}
	}
}

func TestDuplicatesInsideARequest(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, "["+gift("a")+","+gift("b")+","+gift("a", `"refcode":"again"`)+","+gift("a",
		`"source":"other"`)+","+
		gift("b", `"path":"mirror"`)+","+gift("a", `"source":"desk"`)+"]").is(202, 3, 3, 0)
	if got := r.donations(); len(got) != 3 || got[0].Refcode != "" {
		t.Errorf("the first doesn't win: %+v", got)
	}
	r.post(campaign.Donations, gift("a")).is(202, 1, 0, 0) // of an earlier request: counted once further on
	r.post(campaign.Donations, `{"id":"z","amount":0,"occurred_at":1}`+gift("z")).is(202, 1, 0, 1)
	r.post(campaign.Emails, mail("a")+mail("a")).is(202, 1, 1, 0)
}

func TestFeedsAreCounted(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, "["+gift("a")+","+gift("a")+",{}]").is(202, 1, 1, 1)
	r.post(campaign.Donations, "[{}]").is(422, 0, 0, 1)
	r.post(campaign.Emails, mail("a"), "Authorization", "Bearer "+mailOnly).is(202, 1, 0, 0)
	r.spools[campaign.Donations].fail(http.ErrServerClosed)
	r.post(campaign.Donations, gift("b")).is(503, 0, 0, 0)
	r.Restore([]campaign.FeedState{
		{Feed: "desk", Kind: campaign.Donations, Accepted: 100, Rejected: 10, Duplicates: 5,
			LastEventAt: noon.Add(-time.Hour), LastReceivedAt: noon.Add(time.Hour)},
		{Feed: "old", Kind: campaign.Traffic, Accepted: 7, LastEventAt: noon},
	})
	got := map[string]campaign.FeedState{}
	for _, f := range r.Feeds() {
		got[f.Feed] = f
	}
	want := map[string]campaign.FeedState{
		"desk": {Feed: "desk", Kind: campaign.Donations, Accepted: 101, Rejected: 12, Duplicates: 6,
			LastEventAt: noon.Add(-time.Minute), LastReceivedAt: noon.Add(time.Hour)},
		"mailer": {Feed: "mailer", Kind: campaign.Emails, Accepted: 1, LastEventAt: noon.Add(-time.Minute),
			LastReceivedAt: noon},
		"old": {Feed: "old", Kind: campaign.Traffic, Accepted: 7, LastEventAt: noon},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}
