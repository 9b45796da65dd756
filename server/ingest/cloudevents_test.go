package ingest

import (
	"strings"
	"testing"

	"warroom/server/campaign"
)

// event is a CloudEvent around data, with more attributes.
func event(data string, more ...string) string {
	return `{"specversion":"1.0","id":"ce-1","source":"/desk/7","type":"org.example.thing",` +
		`"time":"2026-09-30T11:59:00-04:00",` +
		`"data":` + data + also(more) + `}`
}

func TestCloudEventsFillWhatTheirDataLacks(t *testing.T) {
	for _, kind := range []string{cloudEvent, cloudEvent + "; charset=utf-8", "application/json", "application/x-ndjson",
		""} {
		r := newRig(t)
		r.post(campaign.Donations, event(`{"amount":"5.00"}`), "Content-Type", kind).is(202, 1, 0, 0)
		d := r.donations()[0]
		if d.ID != "ce-1" || d.Source != "/desk/7" || !d.OccurredAt.Equal(noon.Add(-60e9)) || d.AmountMinor != 500 ||
			d.Kind != "gift" || d.Props != "" {
			t.Errorf("%q: got %+v", kind, d)
		}
	}
}

func TestTheDataOfACloudEventWins(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, event(`{"id":"mine","source":"here","occurred_at":1790000000,"amount":1,"kind":"gift"}`,
		`"type2":"x"`), "Content-Type", cloudEvent).is(202, 1, 0, 0)
	if d := r.donations()[0]; d.ID != "mine" || d.Source != "here" || d.OccurredAt.Unix() != 1790000000 {
		t.Errorf("got %+v", d)
	}
}

func TestCloudEventsBatch(t *testing.T) {
	r := newRig(t)
	second := strings.Replace(event(`{"amount":2}`), "ce-1", "ce-2", 1)
	plain := gift("plain") // a batch holds CloudEvents only
	r.post(campaign.Donations, "["+event(`{"amount":1}`)+","+second+","+event(`{"amount":3}`)+","+plain+"]",
		"Content-Type", cloudEvents).
		is(202, 2, 1, 1).rejects(0, 3, "specversion", `want a CloudEvent with specversion "1.0"`)
	r.post(campaign.Donations, "["+event(`{"amount":1}`)+","+gift("plain")+"]").is(202, 2, 0, 0)
	r.post(campaign.Donations, "[]", "Content-Type", cloudEvents).is(422, 0, 0, 0)
}

func TestTheTypeOfACloudEventSaysWhatHappened(t *testing.T) {
	r := newRig(t)
	for kind, want := range map[string]int64{
		"org.example.donation.refund": -100, "refund": -100, "org.example.chargeback": -100,
		"org.example.donation.created": 100,
		"org.example.gift":             100, "org.example.": 100,
	} {
		r.post(campaign.Donations, strings.Replace(event(`{"amount":1}`), "org.example.thing", kind, 1)).is(202, 1, 0, 0)
		if got := r.donations()[0].AmountMinor; got != want {
			t.Errorf("%s: got %d, want %d", kind, got, want)
		}
	}
	r.post(campaign.Donations, strings.Replace(event(`{"amount":1,"kind":"gift"}`), "thing", "refund", 1)).is(202, 1, 0, 0)
	if got := r.donations()[0].AmountMinor; got != 100 {
		t.Errorf("the data's own kind doesn't win: got %d", got)
	}
	r.post(campaign.Emails, strings.Replace(event(`{}`), "thing", "mail.open", 1)).is(202, 1, 0, 0)
	if got := r.emails()[0]; got.Type != "open" || got.ID != "ce-1" {
		t.Errorf("got %+v", got)
	}
	r.post(campaign.Emails, event(`{}`)).is(422, 0, 0, 1).rejects(0, 0, "type", "is missing")
}

func TestExtensionsBecomeProps(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Traffic, event(`{"app":"donate","x":1}`, `"subject":"page"`, `"traceparent":"00-ab"`,
		`"datacontenttype":"application/json"`,
		`"dataschema":"https://example.org/s"`, `"email":"ada@example.org"`)).is(202, 1, 0, 0)
	if got := r.requests()[0]; got.Props != `{"x":1,"subject":"page","traceparent":"00-ab","email":"[removed]"}` ||
		!got.OccurredAt.Equal(noon.Add(-60e9)) {
		t.Errorf("got %+v", got)
	}
}

func TestBinaryMode(t *testing.T) {
	r := newRig(t)
	r.post(campaign.Donations, `{"amount":"5.00"}`, "Ce-Specversion", "1.0", "Ce-Id", "a%20b", "Ce-Source", "/desk",
		"Ce-Type", "x.refund",
		"Ce-Time", "2026-09-30T15:59:00Z", "Ce-Shard", "7").is(202, 1, 0, 0)
	if d := r.donations()[0]; d.ID != "a b" || d.Source != "/desk" || d.AmountMinor != -500 || d.Props != `{"shard":"7"}` {
		t.Errorf("got %+v", d)
	}
	r.post(campaign.Donations, `{"amount":"5.00"}`, "Ce-Specversion", "0.3", "Ce-Id", "a").is(422, 0, 0, 1).rejects(0, 0,
		"specversion", "1.0")
}

func TestDataInBase64(t *testing.T) {
	r := newRig(t)
	head := `{"specversion":"1.0","id":"x","source":"s","type":"t","time":"2026-09-30T15:59:00Z",`
	r.post(campaign.Donations, head+`"data_base64":"eyJhbW91bnQiOiI1LjAwIn0="}`).is(202, 1, 0, 0)
	r.post(campaign.Donations, head+`"data_base64":"!"}`).is(422, 0, 0, 1).rejects(0, 0, "data_base64", "in base64")
	deep := "W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb" // 45 brackets
	r.post(campaign.Donations, head+`"data_base64":"`+deep+`"}`).is(422, 0, 0, 1).rejects(0, 0, "data_base64", "32 levels")
}

func TestBadCloudEvents(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ event, field, reason string }{
		{`{"specversion":"1.0","id":"x"}`, "data", "is missing"},
		{`{"specversion":"0.3","id":"x","data":{}}`, "specversion", `want a CloudEvent with specversion "1.0"`},
		{`{"specversion":1,"id":"x","data":{}}`, "specversion", "want"},
		{event(`"text"`), "data", "want a JSON object"},
		{event(`[1]`), "data", "want a JSON object"},
		{event(`{"amount":"1.001"}`), "amount", "more decimals"},
		{event(`{"amount":1}`, `"id":"again"`), "", "twice"},
		{`{"specversion":"1.0","id":"x","source":"s","type":"t","data":{"amount":1}}`, "occurred_at", "is missing"},
		{`{"specversion":"1.0","id":"` + strings.Repeat("x", 129) + `","time":1,"data":{"amount":1}}`, "id", "more than 128"},
	} {
		res := r.post(campaign.Donations, c.event, "Content-Type", cloudEvent).is(422, 0, 0, 1)
		if c.field == "" {
			c.field = res.Rejected[0].Field
		}
		res.rejects(0, 0, c.field, c.reason)
	}
	// what was left over from one event must not reach the next
	r.post(campaign.Donations, "["+event(`{"amount":1}`)+",{\"amount\":1}]").is(202, 1, 0, 1).rejects(0, 1, "id",
		"is missing")
}
