package saved

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"warroom/server/problem"
)

// post asks over HTTP.
func post(t *testing.T, r http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/sql", strings.NewReader(body)))
	return w
}

func TestServeHTTPFormats(t *testing.T) {
	r := newRig(t)
	const sql = `"sql":"SELECT n, state FROM gifts WHERE n < {top:Int64} ORDER BY n","params":{"top":3}`
	for _, c := range []struct{ format, contentType, want string }{
		{"", "application/json", `{"meta":[{"name":"n","type":"Int64"},{"name":"state","type":"String"}],"data":[{"n":0,"state":"NY"},{"n":1,"state":"PA"},{"n":2,"state":"NY"}],"rows":3,"truncated":false}` + "\n"},
		{"NDJSON", "application/x-ndjson", `{"n":0,"state":"NY"}` + "\n" + `{"n":1,"state":"PA"}` + "\n" + `{"n":2,"state":"NY"}` + "\n"},
		{"csv", "text/csv; charset=utf-8", "n,state\n0,NY\n1,PA\n2,NY\n"},
	} {
		w := post(t, r, `{`+sql+`,"format":"`+c.format+`"}`)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != c.contentType || w.Body.String() != c.want {
			t.Errorf("%q: %d %s\n%s", c.format, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if w.Header().Get("X-Warroom-Truncated") != "" {
			t.Errorf("%q says truncated", c.format)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%q: headers %v", c.format, w.Header())
		}
		if c.format == "" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("no JSON: %s", w.Body)
		}
	}
	for _, format := range []string{"JSON", "NDJSON", "CSV"} {
		w := post(t, r, `{"sql":"SELECT n FROM gifts","limit":2,"format":"`+format+`"}`)
		if w.Code != http.StatusOK || w.Header().Get("X-Warroom-Truncated") != "true" {
			t.Errorf("%s does not say that it was cut: %d %v", format, w.Code, w.Header())
		}
	}
}

func TestServeHTTPParameters(t *testing.T) {
	r := newRig(t)
	w := post(t, r, `{"sql":"SELECT {s:String} AS s, {b:Bool} AS b, {f:Float64} AS f, {l:Array(String)} AS l, {m:Array(Int64)} AS m",
		"params":{"s":"a\\b\n'c'\t\"","b":true,"f":-1.5e3,"l":["it's","\\","x\ny"],"m":[1,-2]},"format":"NDJSON"}`)
	const want = `{"s":"a\\b\n'c'\t\"","b":true,"f":-1500,"l":["it's","\\","x\ny"],"m":[1,-2]}` + "\n"
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s\nwant %s", w.Code, w.Body, want)
	}
}

func TestCSVIsSafeInASpreadsheet(t *testing.T) {
	r := newRig(t)
	texts := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\n=1", " =1", "＝1", `=HYPERLINK("http://x","y")`, "plain", "a=b", "", `quote " and, comma`}
	body, err := json.Marshal(map[string]any{"sql": "SELECT arrayJoin({texts:Array(String)}) AS `=name`, -5 AS number, NULL AS nothing, [-1] AS list", "params": map[string]any{"texts": texts}, "format": "CSV"})
	if err != nil {
		t.Fatal(err)
	}
	w := post(t, r, string(body))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	records, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"'=name", "number", "nothing", "list"}; !slices.Equal(records[0], want) {
		t.Errorf("names %q", records[0])
	}
	records = records[1:]
	if len(records) != len(texts) {
		t.Fatalf("%d records", len(records))
	}
	for i, text := range texts {
		want := text
		if i < 10 {
			want = "'" + text
		}
		if got := records[i]; got[0] != want || got[1] != "-5" || got[2] != "" || got[3] != "[-1]" {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestServeHTTPRefuses(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		body   string
		status int
		field  string
		says   string
	}{
		{`{"sql":"SELEC"}`, http.StatusBadRequest, "sql", "SELEC"},
		{`{"sql":"SELECT * FROM campaign.gifts"}`, http.StatusBadRequest, "sql", "Not enough privileges"},
		{`{"sql":"SELECT file('/etc/hostname')"}`, http.StatusBadRequest, "sql", "the word file"},
		{`{"sql":"  "}`, http.StatusBadRequest, "sql", "is empty"},
		{`{"sql":"SELECT 1","format":"Parquet2"}`, http.StatusBadRequest, "format", "JSON, NDJSON or CSV"},
		{`{"sql":"SELECT 1","limit":-1}`, http.StatusBadRequest, "limit", "100000"},
		{`{"sql":"SELECT 1","limit":100001}`, http.StatusBadRequest, "limit", "100000"},
		{`{"sql":"SELECT {x:Int64}","params":{"x":null}}`, http.StatusBadRequest, "params", "x has no value"},
		{`{"sql":"SELECT 1","nope":1}`, http.StatusBadRequest, "", "nope"},
		{`SELECT 1`, http.StatusBadRequest, "", "want a JSON object"},
		{``, http.StatusBadRequest, "", "want a JSON object"},
		{`{"sql":"` + strings.Repeat(" ", maxQuestion) + `"}`, http.StatusRequestEntityTooLarge, "", "1 MiB"},
	} {
		w := post(t, r, c.body)
		var p problem.Problem
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatalf("%.60s: %v", c.body, err)
		}
		if w.Code != c.status || p.Field != c.field || !strings.Contains(p.Detail, c.says) || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%.60s: %d %+v", c.body, w.Code, p)
		}
	}
	away := New(func() (Account, bool) { return Account{}, false })
	if w := post(t, away, `{"sql":"SELECT 1"}`); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("while the engine is away: %d %v", w.Code, w.Header())
	}
}
