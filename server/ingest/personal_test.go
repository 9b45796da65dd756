package ingest

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"warroom/server/campaign"
)

// The hashes are on disk for ever: they must stay those of RFC 2104, whether somebody comes again or not.
func TestPseudonymsAreHMACs(t *testing.T) {
	k, err := newKeys([]byte("a secret for tests, long enough"))
	if err != nil {
		t.Fatal(err)
	}
	p := k.pseudonyms()
	for round := range 2 {
		for i := range 1000 { // more than are remembered
			who := strings.Repeat("v", i/4) + fmt.Sprint(i)
			for key, by := range map[*[]byte]*pseudonym{&k.visitor: &p.visitor, &k.donor: &p.donor} {
				mac := hmac.New(sha256.New, *key)
				mac.Write([]byte(who))
				want := hex.EncodeToString(mac.Sum(nil)[:16])
				if got, again := strings.Clone(by.of(who)), by.of(who); got != want || again != want {
					t.Fatalf("round %d: %q is %s, then %s; want %s", round, who, got, again, want)
				}
			}
		}
	}
}

func TestPeopleBecomeKeyedHashes(t *testing.T) {
	r := newRig(t)
	key := func(kind campaign.Kind, who string) string {
		t.Helper()
		quoted := fmt.Sprintf("%q", who)
		switch kind {
		case campaign.Donations:
			r.post(kind, gift("a", `"donor":`+quoted)).is(202, 1, 0, 0)
			return r.donations()[0].DonorKey
		case campaign.Emails:
			r.post(kind, mail("a", `"recipient":`+quoted)).is(202, 1, 0, 0)
			return r.emails()[0].RecipientKey
		default:
			r.post(kind, hit(`"visitor":`+quoted)).is(202, 1, 0, 0)
			return r.requests()[0].VisitorKey
		}
	}
	ada := key(campaign.Donations, "ada@example.org")
	if len(ada) != 32 || strings.Trim(ada, "0123456789abcdef") != "" {
		t.Errorf("the key is %q, want 32 hex digits", ada)
	}
	for _, same := range []string{"Ada@Example.ORG", "  ada@example.org\t", "Ada Poe <ADA@example.org>"} {
		if got := key(campaign.Donations, same); got != ada {
			t.Errorf("%q is another person", same)
		}
	}
	for _, other := range []string{"ada@example.com", "bob@example.org", "ada"} {
		if got := key(campaign.Donations, other); got == ada {
			t.Errorf("%q is the same person", other)
		}
	}
	if key(campaign.Donations, "cus_A") == key(campaign.Donations, "cus_a") {
		t.Error("identities that aren't addresses lost their case")
	}
	if key(campaign.Donations, "") != "" || key(campaign.Donations, "  ") != "" {
		t.Error("nobody has a key")
	}
	if mail, visit := key(campaign.Emails, "ada@example.org"), key(campaign.Traffic, "ada@example.org"); mail == ada ||
		visit == ada || mail == visit {
		t.Error("two purposes share a key")
	}
	r.open() // the same install after a restart
	if got := key(campaign.Donations, "ada@example.org"); got != ada {
		t.Error("a restart made another person")
	}
	other, err := newKeys([]byte("another install's secret"))
	if err != nil {
		t.Fatal(err)
	}
	if other.pseudonyms().donor.of("ada@example.org") == ada {
		t.Error("another install gives the same key")
	}
	if _, err := newKeys([]byte("short")); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestDomains(t *testing.T) {
	for address, want := range map[string]string{
		"ada@Example.org": "example.org", "Ada <ada@example.org>": "example.org", "a@b@c.org": "c.org", "ada": "", "": "",
		"ada@":             "",
		"ada@exa mple.org": "", "ada@x.org,bob@y.org": "y.org", "ada@" + strings.Repeat("x", 300): "",
	} {
		if got := domain(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	}
}

func TestWithoutAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                        "",
		"em260930a":                               "em260930a",
		"550 <ada.poe+x@mail.example.org>: no":    "550 <[removed]>: no",
		"ada@example.org, bob@example.org.":       "[removed], [removed]",
		"/u/ada%40example.org/x":                  "/u/[removed]/x",
		"/u/ada%2540example.org/x":                "/u/[removed]/x",
		"https://example.org/@handle":             "https://example.org/@handle",
		"https://user:pass@example.org/x":         "https://user:[removed]/x",
		"bounce+ada=example.org@mail.example.org": "[removed]",
		"ädä@exämple.org":                         "[removed]",
		"50 @ 3.5":                                "50 @ 3.5",
		"a@b":                                     "a@b",
		"@":                                       "@",
		"a@@b.org":                                "a@@b.org",
		"x@y@z.org":                               "x@[removed]",
	} {
		if got := withoutAddresses(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestPersonalNames(t *testing.T) {
	for _, name := range []string{
		"email", "Email", "e-mail", "e_mail", "email_address", "emailAddress", "donor_email", "email2", "name", "first_name",
		"firstName",
		"First Name", "lastname", "full-name", "donorName", "phone", "phone_number", "mobile", "address", "addr1",
		"address_line_2",
		"street", "street_address", "ip", "client_ip", "IP", "remote_addr", "ip_address", "ipv4", "x-forwarded-for", "donor",
		"recipient",
		"visitor", "ssn", "date_of_birth", "dob", "card_number", "password", "Authorization", "cookie", "username",
	} {
		if !personal(name) {
			t.Errorf("%q is kept", name)
		}
	}
	for _, name := range []string{
		"", "form_name", "campaign_name", "committeeName", "email_id", "ip_pool", "trip", "zip", "membership", "amount",
		"tip", "utm_source",
		"employer", "city", "user_agent", "event_name", "line_item", "recurring_period", "donor_count", "filename",
	} {
		if personal(name) {
			t.Errorf("%q is removed", name)
		}
	}
}

func TestPersonalValuesInProps(t *testing.T) {
	r := newRig(t)
	for more, want := range map[string]string{
		`"email":"ada@example.org","x":1`:                            `{"email":"[removed]","x":1}`,
		`"donor_info":{"first_name":"Ada","zip":"50309"}`:            `{"donor_info":{"first_name":"[removed]","zip":"50309"}}`,
		`"props":{"a":[{"phone":5155550100},{"phone":null}]}`:        `{"a":[{"phone":"[removed]"},{"phone":null}]}`,
		`"note":"call ada@example.org"`:                              `{"note":"call [removed]"}`,
		`"note":"ada\u0040example.org"`:                              `{"note":"[removed]"}`,
		`"\u0065mail":"x"`:                                           `{"email":"[removed]"}`,
		`"ada@example.org":1,"x":2`:                                  `{"x":2}`,
		`"is_mobile":true,"email":false`:                             `{"is_mobile":true,"email":false}`,
		`"address":{"street":"1 Main St","lines":["a","b"]},"y":[1]`: `{"address":"[removed]","y":[1]}`,
		`"recipient":"ada@example.org","visitor":"v"`:                `{"recipient":"[removed]","visitor":"[removed]"}`,
	} {
		r.post(campaign.Donations, gift("a", more)).is(202, 1, 0, 0)
		if got := r.donations()[0].Props; got != want {
			t.Errorf("%s became %s, want %s", more, got, want)
		}
	}
}

// Canaries in every field that may hold something personal, in good and bad events, in keys and headers: none may reach
// a record, a file, an answer or the log.
func TestNoCanaryEscapes(t *testing.T) {
	const canary = "canary-7f3a@birds.example.org"
	r := newRig(t)
	text := map[campaign.Kind][]string{
		campaign.Donations: {"donor", "path", "refcode", "send_id", "channel", "form", "state", "country", "unknown",
			"email"},
		campaign.Emails:  {"recipient", "send_id", "variant", "link", "reason", "unknown", "email", "domain"},
		campaign.Traffic: {"visitor", "app", "host", "method", "path", "referrer", "refcode", "region", "unknown", "email"},
	}
	shapes := []string{canary, "Canary <" + canary + ">", strings.ToUpper(canary), "https://x.example.org/a?e=" + canary,
		"https://x.example.org/" + canary + "/b", strings.Replace(canary, "@", "%40", 1)}
	good := map[campaign.Kind]func(...string) string{
		campaign.Donations: func(more ...string) string { return gift("g", more...) },
		campaign.Emails:    func(more ...string) string { return mail("g", more...) },
		campaign.Traffic:   func(more ...string) string { return hit(more...) },
	}
	var seen bytes.Buffer
	look := func(res *result) {
		seen.WriteString(res.body)
		_ = res.Header().Write(&seen)
	}
	for kind, fields := range text {
		for _, field := range fields {
			for n, shape := range shapes {
				event := good[kind](`"` + field + `":"` + shape + `"`)
				if field == "app" {
					event = strings.Replace(event, `"app":"donate",`, "", 1)
				}
				look(r.post(kind, event, "Idempotency-Key", fmt.Sprintf("%s-%s-%d-%s", kind, field, n, canary)).is(202, 1, 0, 0))
			}
		}
		every := append(fields, "id", "source", "of", "kind", "type", "bounce", "occurred_at", "amount", "currency",
			"recurring",
			"first_gift", "status", "bytes", "duration_ms", "weight", "props", "specversion", "data")
		for _, field := range every {
			for _, wrong := range []string{`{"x":"` + canary + `"}`, `["` + canary + `"]`, `"` + strings.Repeat(canary, 100) +
				`"`} {
				look(r.post(kind, `{"`+field+`":`+wrong+`,"`+field+`":1}`))
				look(r.post(kind, `{"`+field+`":`+wrong+`}`, "Idempotency-Key", canary))
				look(r.post(kind, `{"`+field+`":`+wrong, "Content-Type", "application/x-ndjson"))
			}
		}
		look(r.post(kind, `{"`+canary+`":1,"`+canary+`":2}`))
		look(r.post(kind, canary))
		look(r.post(kind, good[kind](), "Content-Type", canary))
		look(r.post(kind, good[kind](), "Content-Encoding", canary))
		look(r.post(kind, good[kind](), "Authorization", "Bearer "+canary))
		look(r.post(kind, good[kind](), "Idempotency-Key", `"`+canary))
		for _, record := range r.spools[kind].taken() {
			seen.Write(record)
		}
	}
	seen.Write(r.log.Bytes())
	err := filepath.WalkDir(r.state, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		seen.WriteString(path)
		seen.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	low := bytes.ToLower(seen.Bytes())
	for _, part := range []string{"canary-7f3a", everything} {
		if i := bytes.Index(low, []byte(part)); i >= 0 {
			t.Errorf("%s escaped: …%q…", part, low[max(0, i-200):min(len(low), i+100)])
		}
	}
}
