// Package saved runs analysts' SQL: as the read-only account of the engine, over its HTTP side, with limits. It never
// uses the app's account, never splices text into a query, and holds at most one bounded answer per running query in
// memory. A result that was cut says so.
package saved

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	// DefaultLimit and MaxLimit bound the rows of an answer.
	DefaultLimit = 10_000
	MaxLimit     = 100_000

	maxAnswer   = 64 << 20 // bytes of an answer kept in memory
	maxRow      = 8 << 20
	atOnce      = 4 // queries: the boards share the engine's two cores with analysts
	waitForTurn = 5 * time.Second
	// answerWithin is a little more than the longest query that the engine allows: one that is silent for longer is stuck.
	answerWithin = 75 * time.Second
)

// format is what answers are asked for in; others are made from it.
const format = "JSONCompactEachRowWithNamesAndTypes"

// escaped is how the engine reads the value of a plain parameter.
var escaped = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// errFormat refuses a FORMAT clause.
var errFormat = &QueryError{Message: "leave FORMAT out of the query: the answer's format is chosen beside it"}

// Account is how the read-only account is reached.
type Account struct {
	URL            string // http://127.0.0.1:8123
	User, Password string
}

// Query is one question. Params are native {name:Type} placeholders.
type Query struct {
	SQL    string            `json:"sql"`
	Params map[string]string `json:"params"`
	Limit  int               `json:"limit"`
}

// Column is a result's column with ClickHouse's type.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Result is an answer: each row holds one raw JSON value per column.
type Result struct {
	Columns   []Column
	Rows      [][]json.RawMessage
	Truncated bool // more rows than the limit, or more bytes than one answer may have
}

// QueryError is the engine's refusal of a query, in its own words: the analyst can mend it.
type QueryError struct{ Message string }

func (e *QueryError) Error() string { return e.Message }

// ErrBusy says that too many queries are running; ErrUnavailable that the engine can't be asked now.
var (
	ErrBusy        = errors.New("too many queries are running: try again in a few seconds")
	ErrUnavailable = errors.New("the engine can't be asked right now: try again in a few seconds")
)

// Runner runs queries. Account is asked at each run, since the engine may have moved; ok is false while it is away.
type Runner struct {
	account  func() (a Account, ok bool)
	client   *http.Client
	slots    chan struct{}
	patience time.Duration // for a free slot
	within   time.Duration // for an answer
	most     int           // bytes of an answer
}

// New makes a Runner.
func New(account func() (Account, bool)) *Runner {
	return &Runner{
		account:  account,
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce, IdleConnTimeout: time.Minute}},
		slots:    make(chan struct{}, atOnce),
		patience: waitForTurn,
		within:   answerWithin,
		most:     maxAnswer,
	}
}

// Run answers a query with at most its limit of rows. Cancelling ctx stops it in the engine too.
func (r *Runner) Run(ctx context.Context, q Query) (*Result, error) {
	if q.Limit <= 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	if err := guard(q); err != nil {
		return nil, err
	}
	if err := r.enter(ctx); err != nil {
		return nil, err
	}
	defer func() { <-r.slots }()
	asking, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	result, err := r.answer(asking, q)
	if err != nil && asking.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return result, err
}

func (r *Runner) answer(ctx context.Context, q Query) (*Result, error) {
	body, err := r.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return read(body, q.Limit, r.most)
}

func (r *Runner) enter(ctx context.Context) error {
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	select {
	case r.slots <- struct{}{}:
		return nil
	case <-timer.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask sends the query. One row more than the limit tells whether the answer was cut.
func (r *Runner) ask(ctx context.Context, q Query) (io.ReadCloser, error) {
	account, ok := r.account()
	if !ok {
		return nil, ErrUnavailable
	}
	values := url.Values{"database": {"analyst"}, "default_format": {format}, "limit": {strconv.Itoa(q.Limit + 1)}}
	for name, value := range q.Params {
		values.Set("param_"+name, parameter(q.SQL, name, value))
	}
	address := account.URL + "/?" + values.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(q.SQL))
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	req.Header.Set("X-ClickHouse-User", account.User)
	req.Header.Set("X-ClickHouse-Key", account.Password)
	resp, err := r.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	if resp.StatusCode == http.StatusOK && (resp.Header.Get("X-ClickHouse-Format") == format || resp.ContentLength == 0) {
		return resp.Body, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusOK {
		return nil, errFormat
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRow))
	return nil, refused(resp.Header.Get("X-ClickHouse-Exception-Code"), string(text))
}

// parameter is the value in the form that the engine reads: lists are literals already.
func parameter(sql, name, value string) string {
	list, err := regexp.MatchString(`\{\s*`+regexp.QuoteMeta(name)+`\s*:\s*(?:Array|Map|Tuple)`, sql)
	if err == nil && list {
		return value
	}
	return escaped.Replace(value)
}

// refused tells what the analyst can mend from what is ours. The codes are ClickHouse's.
func refused(code, text string) error {
	switch code {
	case "192", "193", "194", "516": // unknown user, wrong or missing password: the engine is another one by now
		return ErrUnavailable
	case "202": // too many simultaneous queries
		return ErrBusy
	}
	if at := startOfWords.FindStringIndex(text); at != nil { // rows may come before
		text = text[at[0]:]
	}
	return refusal(text)
}

var (
	startOfWords = regexp.MustCompile(`(?m)^(?:Code: \d|Poco::Exception)`)
	versionTail  = regexp.MustCompile(`\s*\(version [^)]*\)+\s*$`)
	codeHead     = regexp.MustCompile(`^(?:Code: \d+\. DB::\w*Exception: |Poco::Exception\. Code: .*?, e\.code.*?, )`)
)

func refusal(text string) error {
	text = versionTail.ReplaceAllString(strings.TrimSpace(text), "")
	return &QueryError{Message: codeHead.ReplaceAllString(text, "")}
}

// read takes the answer line by line: names, types, then a row a line. An engine that fails half way says so in lines
// of their own, after status 200.
func read(body io.Reader, limit, most int) (*Result, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), maxRow)
	var names, types []string
	if err := header(lines, &names); err != nil {
		return nil, err
	}
	if err := header(lines, &types); err != nil {
		return nil, err
	}
	res := &Result{Columns: make([]Column, len(names)), Rows: [][]json.RawMessage{}}
	for i := range names {
		res.Columns[i] = Column{Name: names[i], Type: types[i]}
	}
	size := 0
	for lines.Scan() {
		if size += len(lines.Bytes()); len(res.Rows) == limit || size > most {
			res.Truncated = true
			return res, nil
		}
		var row []json.RawMessage
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil || len(row) != len(names) {
			return nil, lateFailure(lines)
		}
		res.Rows = append(res.Rows, row)
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, &QueryError{Message: "a single row is larger than 8 MiB: select fewer or shorter columns"}
	}
	if lines.Err() != nil {
		return nil, fmt.Errorf("%w (%w)", ErrUnavailable, lines.Err())
	}
	return res, nil
}

func header(lines *bufio.Scanner, into *[]string) error {
	if !lines.Scan() {
		if lines.Err() != nil {
			return fmt.Errorf("%w (%w)", ErrUnavailable, lines.Err())
		}
		return &QueryError{Message: "the statement returns no rows: only SELECT, SHOW, DESCRIBE and EXPLAIN can be run"}
	}
	if json.Unmarshal(lines.Bytes(), into) != nil {
		if strings.Contains(lines.Text(), "Exception") {
			return lateFailure(lines)
		}
		return errFormat
	}
	return nil
}

// lateFailure finds the engine's words in the rest of an answer that broke off.
func lateFailure(lines *bufio.Scanner) error {
	for more := true; more; more = lines.Scan() {
		if at := strings.Index(lines.Text(), "Code: "); at >= 0 {
			return refusal(lines.Text()[at:])
		}
	}
	return fmt.Errorf("%w (the answer broke off)", ErrUnavailable)
}
