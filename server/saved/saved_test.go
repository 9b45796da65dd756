package saved

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"warroom/server/engine"
)

func TestMain(m *testing.M) {
	engine.ChildMain()
	os.Exit(m.Run())
}

// rig is a real engine with a table, a view on it and a runner.
type rig struct {
	*Runner
	engine *engine.Engine
	dir    string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	e, err := engine.Open(t.Context(), engine.Options{Dir: r.dir, MemoryBytes: 512 << 20, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.client.CloseIdleConnections()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	r.engine = e
	r.Runner = New(func() (Account, bool) {
		return Account{URL: "http://" + e.HTTPAddress(), User: "analyst", Password: e.AnalystPassword()}, true
	})
	for _, sql := range []string{
		"CREATE DATABASE campaign ENGINE = Atomic",
		"CREATE TABLE campaign.gifts (n Int64, state String, donor String) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO campaign.gifts SELECT number, if(number % 2 = 0, 'NY', 'PA'), 'hidden' FROM numbers(200000)",
		"CREATE DATABASE analyst ENGINE = Atomic",
		"CREATE VIEW analyst.gifts DEFINER = app SQL SECURITY DEFINER AS SELECT n, state FROM campaign.gifts",
	} {
		r.app(t, sql)
	}
	return r
}

// app runs a statement as the account that may do everything.
func (r *rig) app(t *testing.T, sql string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.engine.HTTPAddress(), strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-ClickHouse-User", "app")
	req.Header.Set("X-ClickHouse-Key", r.engine.AppPassword())
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", sql, text, err)
	}
	return strings.TrimSpace(string(text))
}

// rows are the answer's rows as text, in the contract's NDJSON without the names.
func rows(res *Result) string {
	var lines []string
	for _, row := range res.Rows {
		var cells []string
		for _, cell := range row {
			cells = append(cells, string(cell))
		}
		lines = append(lines, strings.Join(cells, " "))
	}
	return strings.Join(lines, "\n")
}

func TestRunAnswers(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		name string
		q    Query
		want string
	}{
		{"the analysts' database is the default", Query{SQL: "SELECT count() FROM gifts"}, "200000"},
		{"a limit cuts the answer and nothing within", Query{SQL: "SELECT count(), sum(c) FROM (SELECT n, count() AS c FROM gifts GROUP BY n)", Limit: 1}, "200000 200000"},
		{"a join is whole", Query{SQL: "SELECT count() FROM gifts AS a JOIN gifts AS b USING n", Limit: 1}, "200000"},
		{"a smaller limit in the query holds", Query{SQL: "SELECT n FROM gifts ORDER BY n LIMIT 2"}, "0\n1"},
		{"no rows", Query{SQL: "SELECT n FROM gifts WHERE n < 0"}, ""},
		{"a semicolon", Query{SQL: "SELECT 1;"}, "1"},
		{"SHOW", Query{SQL: "SHOW DATABASES"}, `"analyst"`},
		{"DESCRIBE", Query{SQL: "DESCRIBE TABLE gifts"}, `"n" "Int64" "" "" "" "" ""` + "\n" + `"state" "String" "" "" "" "" ""`},
		{"types", Query{SQL: "SELECT toInt128(-5), toDecimal64('1.50', 2), 18446744073709551615, true, NULL, nan, [1, 2], ('a', 1), toDateTime64('2026-11-24 01:02:03.004', 3, 'UTC')"},
			`-5 1.5 18446744073709551615 true null null [1,2] ["a",1] "2026-11-24 01:02:03.004"`},
		{"parameters", Query{SQL: "SELECT {n:Int64} + 1, {s:String}, {d:Date}", Params: map[string]string{"n": "41", "s": "it's \"q\"\\ \t \n ÿ", "d": "2026-11-24"}},
			`42 "it's \"q\"\\ \t \n ÿ" "2026-11-24"`},
		{"a list", Query{SQL: "SELECT {l:Array(String)}", Params: map[string]string{"l": `['a','it\'s']`}}, `["a","it's"]`},
		{"an unused parameter", Query{SQL: "SELECT 1", Params: map[string]string{"x": "1"}}, "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := r.Run(t.Context(), c.q)
			if err != nil {
				t.Fatal(err)
			}
			if got := rows(res); got != c.want || res.Truncated {
				t.Errorf("%s (truncated %t), want %s", got, res.Truncated, c.want)
			}
		})
	}
	res, err := r.Run(t.Context(), Query{SQL: "SELECT n, state AS s FROM gifts LIMIT 0"})
	if err != nil || fmt.Sprint(res.Columns) != "[{n Int64} {s String}]" {
		t.Errorf("columns of an empty answer: %v, %v", res, err)
	}
}

func TestRunCutsAtTheLimit(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct {
		sql       string
		limit     int
		rows      int
		truncated bool
	}{
		{"SELECT n FROM gifts ORDER BY n", 3, 3, true},
		{"SELECT n FROM gifts ORDER BY n LIMIT 3", 3, 3, false},
		{"SELECT n FROM gifts ORDER BY n LIMIT 4", 3, 3, true},
		{"SELECT n FROM gifts WHERE n < 2 UNION ALL SELECT n FROM gifts WHERE n < 9", 3, 3, true},
		{"SELECT n FROM gifts SETTINGS limit = 50", 3, 3, true},
		{"SELECT n FROM gifts", 0, DefaultLimit, true},
		{"SELECT n FROM gifts", 10 * MaxLimit, MaxLimit, true},
		{"SELECT number FROM numbers(1000000) SETTINGS limit = 0", 1000, 1000, true},
	} {
		res, err := r.Run(t.Context(), Query{SQL: c.sql, Limit: c.limit})
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if len(res.Rows) != c.rows || res.Truncated != c.truncated {
			t.Errorf("%s with limit %d: %d rows, truncated %t", c.sql, c.limit, len(res.Rows), res.Truncated)
		}
	}
	r.most = 1 << 20
	res, err := r.Run(t.Context(), Query{SQL: "SELECT repeat('x', 2000) FROM gifts"})
	if err != nil || !res.Truncated || len(res.Rows) > r.most/2000 || len(res.Rows) == 0 {
		t.Errorf("20 MB of text where 1 MiB is allowed: %v", err)
	}
}

func TestRunReportsTheEnginesWords(t *testing.T) {
	r := newRig(t)
	for sql, want := range map[string]string{
		"SELEC 1":                "Syntax error",
		"SELECT nope FROM gifts": "nope",
		"SELECT throwIf(number = 3, 'too many') FROM numbers(10)":                                                                "too many",
		"SELECT repeat('x', 10), throwIf(n = 90000, 'in a buffer') FROM gifts ORDER BY n":                                        "in a buffer",
		"SELECT repeat('x', 50), sleep(0.5), throwIf(number = 150000, 'half way') FROM numbers(200000) SETTINGS limit = 1000000": "half way",
		"SELECT sum(sipHash64(number)) FROM numbers(100000000000) SETTINGS max_execution_time = 1":                               "imeout",
		"SELECT length(groupArray(number)) FROM numbers(100000000)":                                                              "emory limit",
		"SELECT 1 FORMAT CSV": "leave FORMAT out",
		"SELECT 'a' FROM numbers(5) FORMAT JSONCompactEachRow":                    "leave FORMAT out",
		"SELECT 1 INTO OUTFILE '/tmp/x'":                                          "INTO OUTFILE is not allowed",
		"SELECT {x:Int64}":                                                        "x",
		"SELECT arrayStringConcat(arrayMap(x -> repeat('x', 1000000), range(9)))": "larger than 8 MiB",
	} {
		res, err := r.Run(t.Context(), Query{SQL: sql, Limit: MaxLimit})
		var wrong *QueryError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v, %v", sql, res, err)
			continue
		}
		if !strings.Contains(wrong.Message, want) {
			t.Errorf("%s: %q does not say %q", sql, wrong.Message, want)
		}
		for _, noise := range []string{"version", "Code:", "DB::", "__exception__"} {
			if strings.Contains(wrong.Message, noise) {
				t.Errorf("%s: %q has %q in it", sql, wrong.Message, noise)
			}
		}
	}
}

func TestRunRefusesAttacks(t *testing.T) {
	r := newRig(t)
	const canary = "canary-7e1f"
	path := filepath.Join(r.dir, "data", "canary")
	if err := os.WriteFile(path, []byte(canary), 0o600); err != nil {
		t.Fatal(err)
	}
	if said := r.app(t, "SELECT file('"+path+"')"); said != canary {
		t.Fatalf("the bait can't be read at all: %s", said)
	}
	hidden := "'a Int8, b String ALIAS fi'||'le(''" + path + "'')'"
	for _, sql := range []string{
		"SELECT file('" + path + "')",
		"SELECT file/**/('" + path + "')",
		"SELECT `file`('" + path + "')",
		"SELECT `fi\\x6ce`('" + path + "')",
		"SELECT \"f\\ile\"('" + path + "')",
		"SELECT arrayMap(file, ['" + path + "'])",
		"SELECT * APPLY(file) FROM (SELECT '" + path + "')",
		"SELECT * APPLY(x -> file(x)) FROM (SELECT '" + path + "')",
		"SELECT '/*', file('" + path + "') -- '*/'",
		"SELECT toInt64(file('" + path + "'))",
		"EXPLAIN SELECT file('" + path + "')",
		"WITH file('" + path + "') AS x SELECT x",
		"SELECT b FROM generateRandom(" + hidden + ") LIMIT 1",
		"SELECT b FROM `generate\\x52andom`(" + hidden + ") LIMIT 1",
		"SELECT b FROM null(" + hidden + ")",
		"SELECT b FROM NULL (" + hidden + ")",
		"SELECT b FROM null/**/(" + hidden + ")",
		"SELECT b FROM null -- x\n(" + hidden + ")",
		"SELECT b FROM `null`(" + hidden + ")",
		"SELECT b FROM \"nul\\x6c\" (" + hidden + ")",
		"SELECT b FROM null\u00a0(" + hidden + ")",
		"DESCRIBE TABLE null(" + hidden + ")",
		"SELECT b FROM input(" + hidden + ")",
		"SELECT 1 IN generateRandom(" + hidden + ")",
		"SELECT * FROM file('" + path + "', 'LineAsString')",
		"SELECT * FROM url('file://" + path + "', 'LineAsString', 'x String')",
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString', 'x String')",
		"SELECT * FROM remote('127.0.0.1', campaign.gifts)",
		"SELECT * FROM remote('127.0.0.1:1', 'campaign', 'gifts', 'app', '')",
		"SELECT * FROM s3('http://127.0.0.1:1/bucket/k', 'CSV', 'x String')",
		"SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
		"SELECT * FROM executable('x', 'TSV', 'x String')",
		"SELECT donor FROM campaign.gifts",
		"SELECT donor FROM gifts",
		"SELECT * FROM merge('campaign', '.*')",
		"SELECT * FROM mergeTreeIndex('campaign', 'gifts')",
		"SELECT * FROM loop('campaign', 'gifts') LIMIT 1",
		"SELECT * FROM system.users",
		"SELECT * FROM system.processes",
		"SELECT * FROM information_schema.tables",
		"SELECT * FROM default.gifts",
		"INSERT INTO gifts VALUES (1, 'x')",
		"INSERT INTO campaign.gifts SELECT 1, 'x', 'y'",
		"INSERT INTO FUNCTION file('/tmp/warroom-x', 'CSV', 'x Int8') SELECT 1",
		"CREATE TABLE x (n Int8) ENGINE = Memory",
		"CREATE TEMPORARY TABLE x (n Int8)",
		"CREATE FUNCTION x AS n -> n",
		"ALTER TABLE campaign.gifts DELETE WHERE 1",
		"DROP VIEW gifts",
		"TRUNCATE TABLE campaign.gifts",
		"SYSTEM STOP LISTEN TCP",
		"SYSTEM SHUTDOWN",
		"KILL QUERY WHERE 1",
		"GRANT SELECT ON *.* TO analyst",
		"SET readonly = 0",
		"SELECT 1 SETTINGS readonly = 0",
		"SELECT 1 SETTINGS max_execution_time = 0",
		"SELECT 1 SETTINGS max_memory_usage = 0",
		"SELECT 1 SETTINGS allow_experimental_eval_table_function = 1",
		"SELECT * FROM eval('SELECT 1')",
		"SELECT 1; SELECT 2",
		"SELECT 1; DROP VIEW gifts",
		"BACKUP TABLE gifts TO File('x')",
		"ATTACH TABLE x FROM '/tmp'",
	} {
		res, err := r.Run(t.Context(), Query{SQL: sql})
		var wrong *QueryError
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v, %v", sql, res, err)
			continue
		}
		if strings.Contains(wrong.Message, canary) {
			t.Errorf("%s: the refusal gives it away: %s", sql, wrong.Message)
		}
	}
	for _, params := range []map[string]string{{"f": "file"}, {"f": `fi\x6ce`}} {
		if res, err := r.Run(t.Context(), Query{SQL: "SELECT arrayMap({f:Identifier}, ['" + path + "'])", Params: params}); err == nil {
			t.Errorf("by a parameter: %v", rows(res))
		}
	}
	for table := range strings.FieldsSeq(r.app(t, "SELECT name FROM system.table_functions")) {
		for _, args := range []string{hidden, "'x', " + hidden, "'x', 'CSV', " + hidden, "'CSV', " + hidden + ", '1'", "1, 2, " + hidden, hidden + ", (1, 'x')"} {
			res, err := r.Run(t.Context(), Query{SQL: "SELECT b FROM " + table + "(" + args + ") LIMIT 1"})
			if err == nil && strings.Contains(rows(res), canary) || err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s(%s) reads files", table, args)
			}
		}
	}
	if said := r.app(t, "SELECT count() FROM campaign.gifts"); said != "200000" {
		t.Errorf("an attack changed the table: %s rows", said)
	}
}

func TestGuardLetsOrdinaryQueriesPass(t *testing.T) {
	for _, sql := range []string{
		"SELECT * FROM requests WHERE path LIKE '/files/%' AND referrer IS NOT NULL",
		"SELECT coalesce(refcode, NULL), profile_file, if(x IS NULL, 0, 1) FROM t",
		"SELECT nullIf(a, ''), isNull(b), toNullable(c) FROM t",
		"SELECT NULL, 1 -- a comment",
		"SELECT inputs, file_name FROM t WHERE s = 'it''s \\\\ \\x41'",
	} {
		if err := guard(Query{SQL: sql, Params: map[string]string{"x": "file"}}); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestCancellingStopsTheQueryInTheEngine(t *testing.T) {
	r := newRig(t)
	const running = "SELECT count() FROM system.processes WHERE user = 'analyst'"
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, Query{SQL: "SELECT sum(sipHash64(number)) FROM numbers(1000000000000)"})
		ended <- err
	}()
	eventually(t, "the query runs", func() bool { return r.app(t, running) == "1" })
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the runner ended with %v", err)
	}
	eventually(t, "the engine has stopped the query", func() bool { return r.app(t, running) == "0" })
}

func TestTooManyQueriesAtOnce(t *testing.T) {
	r := newRig(t)
	r.patience = 10 * time.Millisecond
	for range atOnce {
		r.slots <- struct{}{}
	}
	if _, err := r.Run(t.Context(), Query{SQL: "SELECT 1"}); !errors.Is(err, ErrBusy) {
		t.Errorf("with every slot taken: %v", err)
	}
	for range atOnce {
		<-r.slots
	}
	for range 3 * atOnce { // a slot comes back after every kind of end
		for _, sql := range []string{"SELECT 1", "SELEC", "SELECT file('x')", "SELECT n FROM gifts"} {
			if _, err := r.Run(t.Context(), Query{SQL: sql, Limit: 1}); errors.Is(err, ErrBusy) {
				t.Fatalf("%s: %v", sql, err)
			}
		}
	}
}

func TestAnEngineThatIsAway(t *testing.T) {
	away := New(func() (Account, bool) { return Account{}, false })
	if _, err := away.Run(t.Context(), Query{SQL: "SELECT 1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("without an account: %v", err)
	}
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // or the server doesn't see the client leave
		<-r.Context().Done()
	}))
	defer silent.Close()
	stuck := New(func() (Account, bool) { return Account{URL: silent.URL}, true })
	stuck.within = 50 * time.Millisecond
	if _, err := stuck.Run(t.Context(), Query{SQL: "SELECT 1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("with an engine that is stuck: %v", err)
	}
	closed := New(func() (Account, bool) { return Account{URL: "http://127.0.0.1:1"}, true })
	if _, err := closed.Run(t.Context(), Query{SQL: "SELECT 1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("with nobody listening: %v", err)
	}
	r := newRig(t)
	wrong := New(func() (Account, bool) {
		return Account{URL: "http://" + r.engine.HTTPAddress(), User: "analyst", Password: "old"}, true
	})
	if _, err := wrong.Run(t.Context(), Query{SQL: "SELECT 1"}); !errors.Is(err, ErrUnavailable) {
		t.Errorf("with a wrong password: %v", err)
	}
}

// eventually waits for a condition, and fails the test when it stays away for a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited a minute in vain: %s", what)
		case <-tick.C:
		}
	}
}
