package queries

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const good = `-- title: Gifts
-- every: 1s
-- unit: count
-- params: at DateTime64(3,'UTC'),
--   day DateTime64(3,'UTC')
-- returns: currency LowCardinality(String), total Decimal(38, 2), n UInt64
-- budget: 50ms
-- What it means,
-- and what it leaves out.

-- a comment with a ; and now() and {nothing} is fine: 'it''s'
SELECT currency, sum(x) AS total, count() AS n
FROM donations
WHERE note != 'now(); today' AND at <= {at:DateTime64(3,'UTC')} AND at >= {day:DateTime64(3,'UTC')}
GROUP BY currency
`

func TestParse(t *testing.T) {
	q, err := parse("live/gifts.sql", good)
	if err != nil {
		t.Fatal(err)
	}
	if q.Title != "Gifts" || q.Every != time.Second || q.Unit != "count" || q.Budget != 50*time.Millisecond {
		t.Errorf("header read as %+v", q)
	}
	if q.Text != "What it means, and what it leaves out." {
		t.Errorf("sentence read as %q", q.Text)
	}
	if want := []Param{{"at", "DateTime64(3,'UTC')"}, {"day", "DateTime64(3,'UTC')"}}; !slices.Equal(q.Params, want) {
		t.Errorf("params %v, want %v", q.Params, want)
	}
	want := []Column{{"currency", "LowCardinality(String)"}, {"total", "Decimal(38, 2)"}, {"n", "UInt64"}}
	if !slices.Equal(q.Returns, want) {
		t.Errorf("returns %v, want %v", q.Returns, want)
	}
	if !strings.HasPrefix(q.SQL, "-- a comment") || !strings.HasSuffix(q.SQL, "GROUP BY currency") {
		t.Errorf("statement read as %q", q.SQL)
	}
}

// Each case breaks the good file in one way. The error must name the line, and say what would be right.
func TestBadFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"no title", "-- title: Gifts\n", "", `:1: found "every: 1s" where the header needs "-- title: …"`},
		{"wrong order", "-- every: 1s\n-- unit: count\n", "-- unit: count\n-- every: 1s\n",
			`:2: found "unit: count" where`},
		{"unknown field", "-- unit: count", "-- units: count",
			`:3: found "units: count" where the header needs "-- unit: …"`},
		{"empty title", "-- title: Gifts", "-- title:", ":1: title is empty"},
		{"no duration", "every: 1s", "every: 1", `:2: every "1" is no duration: write one like 1s or 50ms`},
		{"no time", "budget: 50ms", "budget: 0s", `:7: budget "0s" is no duration`},
		{"negative", "every: 1s", "every: -1s", `:2: every "-1s" is no duration`},
		{"unknown unit", "unit: count", "unit: dollars",
			`:3: unit "dollars" is unknown: use one of usd, count, rate, percent, ms`},
		{"no type", "n UInt64", "n", `:6: returns: "n" is not a name and a type`},
		{"open parenthesis", "Decimal(38, 2)", "Decimal(38, 2", `:6: returns: "total Decimal(38, 2, n UInt64" is not`},
		{"twice", "n UInt64", "total UInt64", `:6: returns: "total" stands there twice`},
		{"comma at the end", "n UInt64\n-- budget: 50ms\n", "n UInt64,\n-- budget: 50ms\n",
			`:7: returns: "budget: 50ms" is not`},
		{"list without end", strings.SplitAfter(good, "n UInt64")[1], ",\nSELECT 1",
			":7: the list of returns ends with a comma"},
		{"no sentence", "-- What it means,\n-- and what it leaves out.\n", "", ":8: the header needs a sentence"},
		{"empty comment line", "-- and what", "--\n-- and what", ":9: an empty -- line"},
		{"field twice", "-- What it", "-- every: 2s\n-- What it", `:8: "every" stands twice in the header`},
		{"cut header", good[strings.Index(good, "-- budget"):], "SELECT 1", `:7: the header ends before "budget"`},
		{"no statement", good[strings.Index(good, "SELECT"):], "", ":11: there is no statement"},
		{"not a question", "SELECT currency", "DROP TABLE currency", ":11: the statement must begin with SELECT or WITH"},
		{"semicolon", "GROUP BY currency\n", "GROUP BY currency;\n", ":15: a semicolon"},
		{"two statements", "GROUP BY", "; SELECT 1 GROUP BY", ":15: a semicolon"},
		{"now", "FROM donations", "FROM donations, (SELECT now())", ":13: now is a clock"},
		{"today", "count() AS n", "toDate(today()) AS n", ":12: today is a clock"},
		{"now64", "count() AS n", "NOW64(3) AS n", ":12: NOW64 is a clock"},
		{"no moment", "at DateTime64(3,'UTC'),\n--  ", "", ":10: every query is as of a moment"},
		{"moment of another type", "at DateTime64(3,'UTC'),", "at DateTime,", ":11: every query is as of a moment"},
		{"unknown parameter", "{day:", "{night:", ":14: {night:DateTime64(3,'UTC')} is not under params"},
		{"type of another parameter", "{day:DateTime64(3,'UTC')}", "{day:DateTime64(3, 'UTC')}",
			":14: {day:DateTime64(3, 'UTC')} is not"},
		{"unused parameter", " AND at >= {day:DateTime64(3,'UTC')}", "", ":11: params names day DateTime64(3,'UTC'), but"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(good, c.old, c.new, 1)
			_, err := load(fstest.MapFS{"live/gifts.sql": {Data: []byte(text)}}, "live")
			if err == nil || !strings.Contains(err.Error(), "queries/live/gifts.sql"+c.want) {
				t.Errorf("got  %v\nwant queries/live/gifts.sql%s", err, c.want)
			}
		})
	}
}

func TestShippedQueries(t *testing.T) {
	live, err := Live()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := fs.Glob(files, "live/*.sql")
	if err != nil || len(live) != len(paths) || len(live) < 10 {
		t.Fatalf("%d queries from %d files (%v)", len(live), len(paths), err)
	}
	for name, q := range live {
		if q.Name != name {
			t.Errorf("%s calls itself %s", name, q.Name)
		}
		if q.Title == "" || q.Unit == "" || q.SQL == "" || len(q.Returns) == 0 || q.Every < time.Second || q.Budget <= 0 {
			t.Errorf("%s has an incomplete header: %+v", name, q)
		}
		if !strings.HasSuffix(q.Text, ".") || len(q.Text) < 40 {
			t.Errorf("%s: no sentence: %q", name, q.Text)
		}
		if strings.Contains(q.SQL, "toFloat") {
			t.Errorf("%s makes floats", name)
		}
		for _, column := range q.Returns {
			if strings.HasSuffix(column.Name, "_minor") && !slices.Contains([]string{"Int64", "Int128", "Array(Int64)"}, column.Type) {
				t.Errorf("%s: money in %s is %s, want an integer", name, column.Name, column.Type)
			}
		}
	}
}

// Sums of money are computed wider than the rows, since the engine's Int64 wraps silently.
func TestMoneyIsSummedWide(t *testing.T) {
	live, err := Live()
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range live {
		for _, m := range regexp.MustCompile(`sum(?:If)?\((\w+\(?)`).FindAllStringSubmatch(q.SQL, -1) {
			if m[1] == "amount_minor" {
				t.Errorf("%s sums amount_minor as it is: write sum(toInt128(amount_minor))", name)
			}
		}
	}
}

func TestNoFileIsNoQuery(t *testing.T) {
	all, err := load(fstest.MapFS{}, "live")
	if err != nil || len(all) != 0 {
		t.Errorf("got %v, %v", all, err)
	}
}
