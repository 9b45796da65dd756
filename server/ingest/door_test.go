package ingest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"warroom/server/campaign"
)

func TestWhoMaySend(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		authorization string
		status        int
	}{
		{"", 401},
		{"Bearer", 401},
		{"Bearer ", 401},
		{"Bearer nobody", 401},
		{"Basic " + everything, 401},
		{everything, 401},
		{"Bearer " + mailOnly, 403},
		{"bearer  " + everything, 202},
	} {
		res := r.post(campaign.Donations, gift("a"), "Authorization", c.authorization)
		accepted := 0
		if c.status == 202 {
			accepted = 1
		}
		res.is(c.status, accepted, 0, 0)
		if challenge := res.Header().Get("WWW-Authenticate"); (c.status == 401) != strings.HasPrefix(challenge, "Bearer") {
			t.Errorf("%q: WWW-Authenticate is %q", c.authorization, challenge)
		}
	}
	if len(r.donations()) != 1 {
		t.Error("something of a refused request was kept")
	}
	res := r.send(campaign.Donations, http.MethodGet, http.NoBody).is(405, 0, 0, 0)
	if got := res.Header().Get("Allow"); got != "POST" {
		t.Errorf("Allow is %q", got)
	}
}

// unread fails the test when somebody reads from it.
type unread struct{ testing.TB }

func (u unread) Read([]byte) (int, error) {
	u.Error("the body was read before the token was looked at")
	return 0, io.EOF
}

func TestNothingIsReadWithoutAToken(t *testing.T) {
	r := newRig(t)
	r.send(campaign.Donations, http.MethodPost, unread{t}, "Authorization", "Bearer nobody").is(401, 0, 0, 0)
	r.send(campaign.Donations, http.MethodPost, unread{t}, "Authorization", "Bearer "+mailOnly).is(403, 0, 0, 0)
	r.send(campaign.Donations, http.MethodPost, unread{t}, "Content-Type", "text/html").is(415, 0, 0, 0)
}

func TestContentTypes(t *testing.T) {
	r := newRig(t)
	for kind, status := range map[string]int{
		"": 202, "application/json": 202, "APPLICATION/JSON; charset=UTF-8": 202, "application/x-ndjson": 202,
		"application/ndjson": 202, "application/jsonl": 202, `application/json; charset="utf-8"`: 202,
		"application/json;": 202,
		"text/plain":        415, "application/x-www-form-urlencoded": 415, "application/xml": 415, "json": 415, "a/b/c": 415,
		"application/json; charset=latin1": 415, "multipart/form-data": 415,
	} {
		res := r.post(campaign.Donations, gift("a"), "Content-Type", kind)
		if status == 202 {
			res.is(202, 1, 0, 0)
			continue
		}
		res.is(415, 0, 0, 0)
		if res.Header().Get("Accept") == "" || res.Field != "Content-Type" {
			t.Errorf("%q: the answer doesn't say what is accepted: %s", kind, res.body)
		}
	}
}

func TestLayouts(t *testing.T) {
	a, b, c := gift("a"), gift("b"), gift("c")
	pretty := "{\n  \"id\": \"p\",\n  \"occurred_at\": 1,\n  \"amount\":\n  1,\n" +
		"  \"props\": {\n    \"x\": [\n      {\n        \"y\": 1\n      }\n    ]\n  }\n}"
	for name, x := range map[string]struct {
		kind, body         string
		accepted, rejected int
	}{
		"object":                     {"json", a, 1, 0},
		"object with space":          {"json", " \r\n\t" + a + "\n\n", 1, 0},
		"array":                      {"json", "[" + a + "," + b + "]", 2, 0},
		"array of one":               {"json", "[" + a + "]", 1, 0},
		"back to back":               {"json", a + b + " " + c, 3, 0},
		"values on lines":            {"json", a + "\n" + b + "\r\n" + c + "\n", 3, 0},
		"several arrays":             {"json", "[" + a + "]\n[" + b + "," + c + "]", 3, 0},
		"array, then object":         {"json", "[" + a + "]" + b, 2, 0},
		"pretty":                     {"json", pretty, 1, 0},
		"pretty array":               {"json", "[\n" + pretty + ",\n" + a + "\n]", 2, 0},
		"byte order mark":            {"json", "\xef\xbb\xbf" + a, 1, 0},
		"lines":                      {"x-ndjson", a + "\n" + b + "\n" + c, 3, 0},
		"lines, CRLF, blanks":        {"jsonl", "\n" + a + "\r\n\r\n  \n" + b + "\r\n", 2, 0},
		"lines with mark":            {"x-ndjson", "\xef\xbb\xbf" + a + "\n" + b, 2, 0},
		"a broken line":              {"x-ndjson", a + "\n{\"id\":\n" + b, 2, 1},
		"a broken quote":             {"x-ndjson", a + "\n{\"id\":\"x}\n" + b, 2, 1},
		"two on a line":              {"x-ndjson", a + "\n" + a + b + "\n" + c, 2, 1},
		"a word in lines":            {"x-ndjson", a + "\nhello\n" + b, 2, 1},
		"a broken value":             {"json", a + "\n{\"id\":\"x\",}\n" + b, 2, 1},
		"a cut value":                {"json", a + "\n{\"id\":\"x\",\"amount\":1\n" + b + "\n" + c, 3, 1},
		"cut behind a comma":         {"json", a + "\n{\"id\":\"x\",\n" + b + "\n" + c, 3, 1},
		"cut in a string":            {"json", a + "\n{\"id\":\"x\n" + b + "\n" + c, 3, 1},
		"cut in an inner object":     {"json", a + "\n{\"id\":\"x\",\"props\":{\"y\":1\n" + b, 2, 1},
		"wrong bracket":              {"json", a + "\n{\"id\":[\"x\"}}\n" + b, 2, 1},
		"a word between values":      {"json", a + "\nhello\n" + b, 2, 1},
		"a word in an array":         {"json", "[" + a + ",hello," + b + "]", 2, 1},
		"a text in an array":         {"json", "[" + a + ",\"x,]{\\\"\"," + b + "]", 2, 1},
		"bad object in an array":     {"json", "[" + a + ",{\"id\":\"x\",}," + b + "]", 2, 1},
		"no colon in an array":       {"json", "[" + a + ",{\"id\"}," + b + "]", 2, 1},
		"open object in an array":    {"json", "[" + a + ",{\"id\":\"x\"," + b + "]", 2, 1},
		"open object at the end":     {"json", "[" + a + ",{\"id\":\"x\"]" + b, 2, 1},
		"open bracket in an array":   {"json", "[" + a + ",{\"x\":[1}," + b + "]", 2, 1},
		"stray bracket in an array":  {"json", "[" + a + ",[1}," + b + "]", 2, 1},
		"line end in a string":       {"json", "[" + a + ",{\"id\":\"x\ny\"}," + b + "]", 2, 1},
		"open string in an array":    {"json", "[" + a + ",\n{\"id\":\"x},\n" + b + "]", 2, 1},
		"array not closed":           {"json", "[" + a + "," + b, 2, 1},
		"array cut in an object":     {"json", "[" + a + "," + b + ",{\"id\":\"x\"", 2, 2},
		"stray comma":                {"json", "[" + a + ",," + b + ",]", 2, 0},
		"not UTF-8":                  {"x-ndjson", a + "\n{\"id\":\"\xff\"}\n" + b, 2, 1},
		"lone surrogate":             {"json", "[" + a + ",{\"id\":\"\\ud800\"}]", 1, 1},
		"control character":          {"json", "[" + a + ",{\"id\":\"x\x01\"}]", 1, 1},
		"number that is none":        {"json", "[" + a + ",{\"id\":01}]", 1, 1},
		"brackets and quotes inside": {"json", gift("a", `"refcode":"}]{[\\\"\\\\"`) + b, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			res := r.post(campaign.Donations, x.body, "Content-Type", "application/"+x.kind)
			if res.Code != 202 || res.Accepted != x.accepted || res.rejected() != x.rejected {
				t.Errorf("got %d, %s, want %d accepted and %d rejected", res.Code, res.body, x.accepted, x.rejected)
			}
			if got := len(r.donations()); got != x.accepted {
				t.Errorf("%d are kept, want %d", got, x.accepted)
			}
		})
	}
}

// The body may arrive in pieces of any size.
func TestPieces(t *testing.T) {
	body := "[" + gift("a") + ",\n{\"id\":\"x\"}," + gift("b", `"refcode":"\\\"{["`) + "]"
	for size := 1; size < 60; size++ {
		r := newRig(t)
		r.send(campaign.Donations, http.MethodPost, &pieces{body, size}).is(202, 2, 0, 1)
		lines := gift("a") + "\r\n{}\n\n" + gift("b")
		r.send(campaign.Donations, http.MethodPost, &pieces{lines, size}, "Content-Type", "application/x-ndjson").is(202, 2,
			0, 1)
	}
}

type pieces struct {
	text string
	size int
}

func (p *pieces) Read(b []byte) (int, error) {
	if p.text == "" {
		return 0, io.EOF
	}
	n := copy(b, p.text[:min(p.size, len(p.text))])
	p.text = p.text[n:]
	return n, nil
}

func TestWhatIsNoEvents(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		kind, body string
		status     int
		rejected   int
		says       string
	}{
		{"json", "", 422, 0, "the body is empty"},
		{"json", " \n ", 422, 0, "the body is empty"},
		{"x-ndjson", "\n\n", 422, 0, "the body is empty"},
		{"json", "hello", 422, 1, "not JSON: want a JSON object, an array of them, or one a line"},
		{"json", `{"id":`, 422, 1, "not JSON"},
		{"json", `<gift/>`, 422, 1, "not JSON"},
		{"json", `id=1&amount=5`, 422, 1, "not JSON"},
		{"x-ndjson", "hello\nworld", 422, 2, "not JSON"},
		{"json", "[", 422, 1, "not JSON"},
		{"json", "[]", 422, 0, "the array holds no event"},
		{"json", "[{}]", 422, 1, "no event could be accepted"},
		{"json", "[{},x]", 422, 2, "no event could be accepted"},
		{"json", "{}", 422, 1, "no event could be accepted"},
		{"json", "5", 422, 1, "no event could be accepted"},
	} {
		res := r.post(campaign.Donations, c.body, "Content-Type", "application/"+c.kind).is(c.status, 0, 0, c.rejected)
		if !strings.Contains(res.Detail, c.says) {
			t.Errorf("%q: got %q, want %q", c.body, res.Detail, c.says)
		}
		for _, list := range []string{`"accepted":0`, `"duplicates":0`, `"rejected":[`} {
			if !strings.Contains(res.body, list) {
				t.Errorf("%q: %s is not in %s", c.body, list, res.body)
			}
		}
	}
	if got := r.post(campaign.Donations, gift("a")).body; got != `{"accepted":1,"duplicates":0,"rejected":[]}`+"\n" {
		t.Errorf("got %s", got)
	}
}

func TestCompression(t *testing.T) {
	r := newRig(t)
	body := "[" + gift("a") + "," + gift("b") + "]"
	for encoding, encoded := range map[string]string{
		"gzip": gzipped(t, body), "GZIP": gzipped(t, body), "x-gzip": gzipped(t, body), "zstd": zstandard(t, body),
		"identity": body, "": body,
	} {
		for range 2 { // the second time with decompressors that have been used
			r.post(campaign.Donations, encoded, "Content-Encoding", encoding).is(202, 2, 0, 0)
		}
	}
	two := gzipped(t, gift("a")) + gzipped(t, gift("b")) // concatenated members are one stream
	r.post(campaign.Donations, two, "Content-Encoding", "gzip").is(202, 2, 0, 0)
	for _, encoding := range []string{"br", "deflate", "gzip, gzip", "gzip, zstd", "snappy", "x"} {
		res := r.post(campaign.Donations, body, "Content-Encoding", encoding).is(415, 0, 0, 0)
		if res.Header().Get("Accept-Encoding") != "gzip, zstd" || res.Field != "Content-Encoding" {
			t.Errorf("%s: the answer doesn't say what is accepted: %s", encoding, res.body)
		}
	}
	r.donations()
	for name, c := range map[string]struct{ encoding, body string }{
		"not gzip":     {"gzip", body},
		"not zstd":     {"zstd", body},
		"gzip is cut":  {"gzip", two[:len(two)-5]},
		"zstd is cut":  {"zstd", zstandard(t, body)[:20]},
		"empty gzip":   {"gzip", ""},
		"wrong sum":    {"gzip", corrupt(gzipped(t, body), -6)},
		"plain behind": {"gzip", gzipped(t, body) + body},
	} {
		res := r.post(campaign.Donations, c.body, "Content-Encoding", c.encoding)
		want := http.StatusBadRequest
		if c.body == "" {
			want = http.StatusUnprocessableEntity
		}
		if res.Code != want {
			t.Errorf("%s: got %d, want %d, %s", name, res.Code, want, res.body)
		}
	}
	if got := r.donations(); len(got) != 0 {
		t.Errorf("%d events of damaged bodies were kept", len(got))
	}
}

func corrupt(text string, at int) string {
	b := []byte(text)
	b[len(b)+at] ^= 0x55
	return string(b)
}

// A sender that writes all of its body before it reads must still get to read why it was refused.
func TestRefusedSendersReadTheAnswer(t *testing.T) {
	r := newRig(t)
	site := httptest.NewServer(r.Door(campaign.Donations))
	t.Cleanup(site.Close)
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n", 2*maxWire)
	chunked := fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", 2*maxWire)
	for _, c := range []struct{ token, framing, end, want string }{
		{everything, length, "", "413"}, {everything, chunked, "\r\n0\r\n\r\n", "413"}, {"wrong", length, "", "401"},
	} {
		conn, err := net.Dial("tcp", site.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		head := "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.token + "\r\nContent-Type: application/json\r\n"
		if _, err = io.WriteString(conn, head+c.framing+strings.Repeat(" ", 2*maxWire)+c.end); err != nil {
			t.Errorf("%s: the server hung up on the sender: %v", c.want, err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.want) {
			t.Errorf("want %s, got %.80q, %v", c.want, answer, err)
		}
		_ = conn.Close()
	}
}

func TestTheWireLimit(t *testing.T) {
	r := newRig(t)
	const lines = "application/x-ndjson"
	event := gift("a") + "\n"
	full := event + strings.Repeat("x", maxWire-len(event))
	r.post(campaign.Donations, full, "Content-Type", lines).is(202, 1, 0, 1)
	r.post(campaign.Donations, full+"x", "Content-Type", lines).is(413, 0, 0, 0)
	chunked := struct{ io.Reader }{strings.NewReader(full + "x")} // a length that is not known before
	r.send(campaign.Donations, http.MethodPost, chunked, "Content-Type", lines).is(413, 0, 0, 0)
	if got := r.donations(); len(got) != 1 {
		t.Errorf("%d events are kept, want 1", len(got))
	}
}

// packed is first and then rest again and again, size bytes, compressed.
func packed(t *testing.T, encoding, first, rest string, size int) string {
	t.Helper()
	var out strings.Builder
	var w io.WriteCloser
	var err error
	if encoding == "gzip" {
		w, err = gzip.NewWriterLevel(&out, gzip.BestSpeed)
	} else {
		w, err = zstd.NewWriter(&out, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, first)
	block := strings.Repeat(rest, 4096)
	for left := size - len(first); left > 0; left -= len(block) {
		if _, err := io.WriteString(w, block[:min(left, len(block))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheInflatedLimit(t *testing.T) {
	r := newRig(t)
	const lines = "application/x-ndjson"
	for _, encoding := range []string{"gzip", "zstd"} {
		body := packed(t, encoding, gift("a")+"\n", "x", maxInflated)
		r.post(campaign.Donations, body, "Content-Encoding", encoding, "Content-Type", lines).is(202, 1, 0, 1)
		body = packed(t, encoding, gift("a")+"\n", "x", maxInflated+1)
		r.post(campaign.Donations, body, "Content-Encoding", encoding, "Content-Type", lines).is(413, 0, 0, 0)
	}
	if got := len(r.donations()); got != 2 {
		t.Errorf("%d are kept, want 2", got)
	}
}

// A few KiB that inflate to any size cost no memory, whatever they hold.
func TestBombs(t *testing.T) {
	const size = 8 << 20
	for _, text := range []string{" ", "[", `{"x":`, `"`, "5\n", "[{},", "[["} {
		for _, encoding := range []string{"gzip", "zstd"} {
			bomb := packed(t, encoding, "", text, size+1)
			for _, kind := range []string{"application/json", "application/x-ndjson"} {
				r := newRig(t)
				r.limits = limits{inflated: size, events: 1000, listed: 100}
				runtime.GC()
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				r.post(campaign.Traffic, bomb, "Content-Encoding", encoding, "Content-Type", kind).is(413, 0, 0, 0)
				runtime.ReadMemStats(&after)
				if used := int64(after.TotalAlloc) - int64(before.TotalAlloc); used > size {
					t.Errorf("%d KiB of %q as %s took %d KiB", len(bomb)>>10, text, kind, used>>10)
				}
			}
		}
	}
}

func TestTheEventLimit(t *testing.T) {
	r := newRig(t)
	fill := func(size int) string {
		event := gift("x", `"x":""`)
		return strings.Replace(event, `"x":""`, `"x":"`+strings.Repeat("y", size-len(event))+`"`, 1)
	}
	r.post(campaign.Donations, fill(maxEvent)).is(202, 1, 0, 0)
	res := r.post(campaign.Donations, fill(maxEvent+1)).is(413, 0, 0, 1).rejects(0, 0, "", "64 KiB")
	if !strings.Contains(res.Detail, "64 KiB") {
		t.Errorf("got %s", res.body)
	}
	r.donations()
	for _, size := range []int{maxEvent + 1, 2 * maxEvent, 5*maxEvent + 17} {
		for kind, join := range map[string]string{"application/x-ndjson": "\n", "application/json": ""} {
			r.post(campaign.Donations, gift("a")+join+fill(size)+join+gift("b"), "Content-Type", kind).
				is(202, 2, 0, 1).rejects(0, 1, "", "64 KiB")
		}
		r.post(campaign.Donations, "["+gift("a")+","+fill(size)+","+gift("b")+"]").is(202, 2, 0, 1).rejects(0, 1, "",
			"64 KiB")
	}
	r.post(campaign.Donations, fill(maxEvent+1)+"{}").is(422, 0, 0, 2)
}

func TestTheDepthLimit(t *testing.T) {
	r := newRig(t)
	nested := func(depth int) string { // the event's object is the first level
		return gift("d", `"x":`+strings.Repeat(`[`, depth-1)+strings.Repeat(`]`, depth-1))
	}
	objects := func(depth int) string {
		return gift("d", `"x":`+strings.Repeat(`{"x":`, depth-1)+"1"+strings.Repeat(`}`, depth-1))
	}
	for _, deep := range []func(int) string{nested, objects} {
		r.post(campaign.Donations, deep(32)).is(202, 1, 0, 0)
		for _, depth := range []int{33, 64, 65, 66, 200, 1000, 10_000} {
			r.post(campaign.Donations, "["+gift("a")+","+deep(depth)+","+gift("b")+"]").is(202, 2, 0, 1).rejects(0, 1, "",
				"32 levels")
			r.post(campaign.Donations, gift("a")+"\n"+deep(depth)+"\n"+gift("b"), "Content-Type", "application/x-ndjson").
				is(202, 2, 0, 1).rejects(0, 1, "", "32 levels")
		}
	}
	r.post(campaign.Donations, gift("d", `"refcode":"`+strings.Repeat("[{", 100)+`"`)).is(202, 1, 0,
		0) // brackets in a text
	many := strings.Repeat(`{},`, 200)
	r.post(campaign.Donations, gift("d", `"x":[`+many+`1]`)).is(202, 1, 0, 0) // many, but not deep
}

type away struct{ error }

func (away) RetryAfter() time.Duration { return 1500 * time.Millisecond }

func TestOverload(t *testing.T) {
	r := newRig(t)
	for err, wait := range map[error]string{
		errors.New("disk is full"):                    "5",
		fmt.Errorf("spool: %w", away{errors.New("")}): "2",
	} {
		r.spools[campaign.Donations].fail(err)
		for _, headers := range [][]string{nil, {"Idempotency-Key", "k"}} {
			res := r.post(campaign.Donations, gift("a"), headers...).is(503, 0, 0, 0)
			if got := res.Header().Get("Retry-After"); got != wait {
				t.Errorf("Retry-After is %q, want %q", got, wait)
			}
		}
		r.post(campaign.Donations, "[{}]").is(422, 0, 0, 1) // needs no disk
	}
	r.spools[campaign.Donations].fail(nil)
	r.post(campaign.Donations, gift("a"), "Idempotency-Key", "k").is(202, 1, 0, 0) // a 503 is not kept
}

func TestRequestsTogetherAreBounded(t *testing.T) {
	r := newRig(t)
	r.room.size = 2 * roomStep
	one := gift("a", `"props":{"x":"`+strings.Repeat("y", 60_000)+`"}`) + "\n"
	big := strings.Repeat(one, 40) // one id, so only its first is held
	r.post(campaign.Donations, big).is(202, 1, 39, 0)
	var distinct strings.Builder
	for n := range 60 {
		distinct.WriteString(strings.Replace(one, `"a"`, fmt.Sprintf(`"%d"`, n), 1))
	}
	res := r.post(campaign.Donations, distinct.String()).is(503, 0, 0, 0)
	if res.Header().Get("Retry-After") != "1" {
		t.Errorf("Retry-After is %q", res.Header().Get("Retry-After"))
	}
	if used := r.room.used.Load(); used != 0 {
		t.Errorf("%d bytes of the room were not given back", used)
	}
}

func TestTheListOfRejectionsIsBounded(t *testing.T) {
	r := newRig(t)
	r.limits.listed = 10
	if res := r.post(campaign.Donations, strings.Repeat("{}", 17)).is(422, 0, 0, 17); len(res.Rejected) != 10 ||
		res.Unlisted != 7 {
		t.Errorf("%d listed, %d not", len(res.Rejected), res.Unlisted)
	}
	r.limits.events = 16
	r.post(campaign.Donations, strings.Repeat("{}", 16)).is(422, 0, 0, 16)
	r.post(campaign.Donations, strings.Repeat("{}", 17)).is(413, 0, 0, 0)
	r.post(campaign.Donations, gift("a")+strings.Repeat("{}", 16)).is(413, 0, 0, 0)
	if got := len(r.donations()); got != 0 {
		t.Errorf("%d are kept of a request that was refused", got)
	}
}

// A sender that hangs up in the middle has sent nothing.
func TestAConnectionThatBreaks(t *testing.T) {
	r := newRig(t)
	answered := make(chan *http.Response, 1)
	server := httptest.NewServer(r.Door(campaign.Donations))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	event := gift("a") + "\n"
	fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s",
		everything, 2*len(event), event)
	_ = conn.(*net.TCPConn).CloseWrite()
	go func() {
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			res = &http.Response{StatusCode: 0}
		}
		answered <- res
	}()
	if res := <-answered; res.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", res.StatusCode)
	}
	_ = conn.Close()
	if got := r.donations(); len(got) != 0 {
		t.Errorf("%d events are kept", len(got))
	}
}

func TestNeverGoneNeverElsewhere(t *testing.T) {
	r := newRig(t)
	for _, body := range []string{"", "x", "[]", "{}", gift("a")} {
		for _, header := range []string{"Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key",
			"Ce-Specversion"} {
			for _, text := range []string{"x", `"x"`, "application/json", "gzip", "1.0"} {
				res := r.post(campaign.Donations, body, header, text)
				if res.Code == 410 || res.Code >= 300 && res.Code < 400 || res.Code == 500 {
					t.Errorf("%q with %s: %s is answered with %d", body, header, text, res.Code)
				}
			}
		}
	}
}
