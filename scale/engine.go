package scale

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed sql/*.sql
var statements embed.FS

// Cost is what the engine says of a statement that it has run.
type Cost struct {
	Time  time.Duration // in the engine, from reading the statement to the last row
	CPU   time.Duration // spent by the engine meanwhile; only where it is measured
	Rows  int64         // read
	Bytes int64         // read, before the columns are packed
}

// slow is what is worth a line while the tables are filled.
const slow = 2 * time.Second

// work is the engine time that counts: by the clock, or what was spent of the processors when that is less. A machine
// that has other work makes a query wait, and the waiting is none of its cost; on a quiet machine both are much the same.
func (c Cost) work() time.Duration {
	if c.CPU > 0 {
		return min(c.Time, c.CPU)
	}
	return c.Time
}

// values are the {name:Type} parameters of a statement.
type values map[string]string

func (v values) with(more values) values {
	all := maps.Clone(v)
	maps.Copy(all, more)
	return all
}

// run runs a file of sql/.
func (g *Ground) run(ctx context.Context, file string, v values) error {
	text, err := statements.ReadFile("sql/" + file + ".sql")
	if err != nil {
		return err
	}
	started := time.Now()
	cost, err := g.ask(ctx, string(text), v)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if took := time.Since(started); took > slow {
		g.say("%s %s: %d rows read in %s", file, v["from"], cost.Rows, took.Round(time.Millisecond))
	}
	return nil
}

// ask runs a statement, reads its rows to the end and says what that cost. HTTP, because only there the engine tells.
func (g *Ground) ask(ctx context.Context, sql string, v values, settings ...string) (Cost, error) {
	answer, err := g.post(ctx, sql, v, settings...)
	if err != nil {
		return Cost{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return Cost{}, err
	}
	return readCost(answer.Header.Get("X-Clickhouse-Summary"))
}

// text is the answer of a statement as text.
func (g *Ground) text(ctx context.Context, sql string) (string, error) {
	answer, err := g.post(ctx, sql, nil)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return strings.TrimSpace(string(text)), err
}

// post sends a statement; settings are names and values in turn.
func (g *Ground) post(ctx context.Context, sql string, v values, settings ...string) (*http.Response, error) {
	params := url.Values{"database": {"campaign"}, "wait_end_of_query": {"1"}}
	for pair := range slices.Chunk(settings, 2) {
		params.Set(pair[0], pair[1])
	}
	for name, value := range v {
		params.Set("param_"+name, value)
	}
	address := url.URL{Scheme: "http", Host: g.engine.HTTPAddress(), Path: "/", RawQuery: params.Encode()}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	r.SetBasicAuth("app", g.engine.AppPassword())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer func() { _ = answer.Body.Close() }()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 2000))
		return nil, fmt.Errorf("the engine says: %s", strings.TrimSpace(string(text)))
	}
	return answer, nil
}

// readCost reads the engine's summary, whose numbers are texts.
func readCost(summary string) (Cost, error) {
	told := map[string]string{}
	if err := json.Unmarshal([]byte(summary), &told); err != nil {
		return Cost{}, fmt.Errorf("the engine's summary %q: %w", summary, err)
	}
	var numbers [3]int64
	for i, name := range []string{"elapsed_ns", "read_rows", "read_bytes"} {
		n, err := strconv.ParseInt(told[name], 10, 64)
		if err != nil {
			return Cost{}, fmt.Errorf("the engine's summary says no %s: %s", name, summary)
		}
		numbers[i] = n
	}
	return Cost{Time: time.Duration(numbers[0]), Rows: numbers[1], Bytes: numbers[2]}, nil
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

func second(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
