package warehouse

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

// asAnalyst asks as the read-only account, over HTTP as package saved does.
func asAnalyst(t *testing.T, sql string) (status int, answer string) {
	t.Helper()
	address := "http://" + running.HTTPAddress() + "/?database=analyst&default_format=JSONEachRow"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("analyst", running.AnalystPassword())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func wantAnswer(t *testing.T, sql, wanted string) {
	t.Helper()
	if _, got := asAnalyst(t, sql); got != wanted {
		t.Errorf("%s\ngot  %s\nwant %s", sql, got, wanted)
	}
}

func TestAnalystsSeeWhatTheContractSays(t *testing.T) {
	open(t)
	for view, columns := range map[string]string{
		"donations": `source, id, kind, of, occurred_at, received_at, amount_minor, currency, recurring, donor_key,
			refcode, send_id, channel, form, state, country, first_gift`,
		"email_events": "source, id, type, bounce, occurred_at, received_at, send_id, variant, recipient_key, domain, link",
		"requests": `occurred_at, received_at, app, host, method, path, status, bytes, duration_ms, visitor_key, referrer,
			refcode, region, weight`,
		"sends": `send_id, variant, first_at, sent, delivered, hard_bounced, soft_bounced, complaints, opens, clicks,
			unsubscribes, gifts, raised_minor, currency`,
		"feeds":       "feed, kind, last_event_at, last_received_at, accepted, rejected, lag_ms",
		"annotations": "at, until, kind, text, by",
	} {
		if status, answer := asAnalyst(t, "SELECT "+columns+" FROM "+view+" LIMIT 1"); status != http.StatusOK {
			t.Errorf("%s: %s", view, answer)
		}
	}
}

func TestAnalystsSeeNoMoreThanTheirViews(t *testing.T) {
	w := open(t)
	secret := gift("a", 1, now())
	secret.Props, secret.Feed = `{"note":"canary-props"}`, "canary-feed"
	storeDonations(t, w, batchOf("canary-segment", secret))
	event := mail("a", "send", now())
	event.Props, event.MessageID, event.Reason = "canary-props", "canary-id", "canary-reason"
	storeEmails(t, w, batchOf("canary-segment", event))
	for _, sql := range []string{
		"SELECT * FROM campaign.donations", "SELECT * FROM campaign.requests", "SELECT * FROM system.users",
		"INSERT INTO campaign.annotations (id) VALUES ('x')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", "DROP VIEW analyst.donations",
	} {
		if status, answer := asAnalyst(t, sql); status == http.StatusOK {
			t.Errorf("%s was allowed: %s", sql, answer)
		}
	}
	views := one[[]string](t, w, "SELECT groupArray(name) FROM system.tables WHERE database = 'analyst'")
	if !slices.Contains(views, "donations") {
		t.Fatalf("views: %q", views)
	}
	for _, view := range views {
		if _, answer := asAnalyst(t, "SELECT * FROM analyst."+view); strings.Contains(answer, "canary") {
			t.Errorf("%s shows more than it should: %s", view, answer)
		}
	}
}

func TestSendsAddUp(t *testing.T) {
	w := open(t)
	at := now()
	of := func(e campaign.EmailEvent, send, variant, bounce string) campaign.EmailEvent {
		e.SendID, e.Variant, e.Bounce = send, variant, bounce
		return e
	}
	storeEmails(t, w, batchOf("seg-1",
		of(mail("1", "send", at), "eoq", "a", ""), of(mail("2", "send", at.Add(time.Minute)), "eoq", "b", ""),
		of(mail("3", "delivery", at), "eoq", "a", ""), of(mail("4", "bounce", at), "eoq", "b", "hard"),
		of(mail("5", "bounce", at), "eoq", "b", "soft"), of(mail("6", "open", at), "eoq", "a", ""),
		of(mail("7", "click", at), "eoq", "a", ""), of(mail("8", "unsubscribe", at), "eoq", "a", ""),
		of(mail("9", "complaint", at), "eoq", "a", ""), of(mail("10", "send", at), "plain", "only", ""),
		of(mail("11", "send", at), "", "", "")))
	from := func(send string, d campaign.Donation) campaign.Donation { d.SendID = send; return d }
	euro, refund := gift("e", 999, at), gift("r", -500, at)
	euro.Currency, refund.Kind, refund.Of = "EUR", "refund", "a"
	storeDonations(t, w, batchOf("seg-2", from("eoq", gift("a", 2500, at)), from("eoq", gift("b", 1000, at)),
		from("eoq", euro), from("eoq", refund), from("eoq", gift("a", 9999, at)), gift("n", 7777, at)))
	wantAnswer(t, `SELECT send_id, variant, sent, delivered, hard_bounced, soft_bounced, complaints, opens, clicks,
		unsubscribes, gifts, raised_minor, currency FROM sends ORDER BY send_id FORMAT CSV`,
		`"eoq","",2,1,1,1,1,1,1,1,2,3000,"USD"`+"\n"+`"plain","only",1,0,0,0,0,0,0,0,0,0,""`)
	wantAnswer(t, "SELECT send_id, variant, sent, opens FROM send_variants ORDER BY ALL FORMAT CSV",
		`"eoq","a",1,1`+"\n"+`"eoq","b",1,0`+"\n"+`"plain","only",1,0`)
	wantAnswer(t, "SELECT count(), sum(amount_minor) FROM donations WHERE currency = 'USD' FORMAT CSV", "4,10777")
	wantAnswer(t, "SELECT count() FROM email_events FORMAT CSV", "11")
	_, row := asAnalyst(t, "SELECT * FROM sends WHERE send_id = 'eoq'")
	var send struct {
		FirstAt string `json:"first_at"`
	}
	if err := json.Unmarshal([]byte(row), &send); err != nil || send.FirstAt != at.Format(time.DateTime) {
		t.Errorf("first_at: got %s, %v", row, err)
	}
}
