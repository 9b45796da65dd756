package board

import (
	"context"
	"encoding/json"
	"errors"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"warroom/queries"
	"warroom/views"
)

// fake is a result that was made up. Whole numbers stand for sums too.
type fake struct {
	rows [][]any
	at   int
	err  error // after the last row
}

func (f *fake) Next() bool {
	f.at++
	return f.at <= len(f.rows)
}

func (f *fake) Err() error { return f.err }

func (f *fake) Scan(dest ...any) error {
	row := f.rows[f.at-1]
	if len(dest) != len(row) {
		return errors.New(strconv.Itoa(len(dest)) + " destinations for " + strconv.Itoa(len(row)) + " columns")
	}
	for i, value := range row {
		if sum, ok := dest[i].(*big.Int); ok {
			sum.SetInt64(int64(value.(int)))
			continue
		}
		into := reflect.ValueOf(dest[i]).Elem()
		into.Set(reflect.ValueOf(value).Convert(into.Type()))
	}
	return nil
}

func leadership(t testing.TB, o Options) map[string]Panel {
	t.Helper()
	boards, err := All(o)
	if err != nil {
		t.Fatal(err)
	}
	byTopic := map[string]Panel{}
	for _, p := range Panels(boards) {
		byTopic[p.Topic] = p
	}
	return byTopic
}

func newYork(t testing.TB) Options {
	return Options{Zone: mustZone(t, "America/New_York"), Currency: "USD"}
}

func deskOf(t testing.TB, o Options) desk {
	t.Helper()
	live, err := queries.Live()
	if err != nil {
		t.Fatal(err)
	}
	return desk{Options: o, queries: live}
}

// evening is the moment of the drawing in the look.
func evening(t testing.TB) Moment { return Moment{At: mustTime(t, "2026-09-07T02:46:12.345Z")} }

func html(t *testing.T, a Answer) string {
	t.Helper()
	var b strings.Builder
	if err := a.Fragment.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// answer runs a panel over made-up rows and gives the API's JSON and the fragment's HTML.
func answer(t *testing.T, p Panel, m Moment, rows ...[]any) (api, fragment string) {
	t.Helper()
	a, err := p.Answer(&fake{rows: rows}, m)
	if err != nil {
		t.Fatal(err)
	}
	value := a.Value
	switch {
	case a.Series != nil:
		value = a.Series
	case a.Rows != nil:
		value = a.Rows
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if a.Fragment == nil {
		return string(encoded), ""
	}
	return string(encoded), html(t, a)
}

func wantJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil || !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s (%v)\nwant %s", got, err, want)
	}
}

func wantParts(t *testing.T, fragment string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(fragment, part) {
			t.Errorf("%q is not in\n%s", part, fragment)
		}
	}
}

func TestLeadership(t *testing.T) {
	boards, err := All(newYork(t))
	if err != nil {
		t.Fatal(err)
	}
	var topics []string
	for _, p := range boards[0].Panels {
		topics = append(topics, p.Topic)
	}
	want := strings.Fields("money.hour money.record money.today money.minutes money.refcodes money.states money.latest " +
		"traffic.now traffic.hour traffic.visitors mail.hour")
	if !slices.Equal(topics, want) {
		t.Errorf("topics %v, want %v", topics, want)
	}
}

func TestLeadershipRefusesWhatItCannotShow(t *testing.T) {
	_, err := All(Options{Zone: time.UTC, Currency: "DOLLARS"})
	if err == nil || !strings.Contains(err.Error(), "USD") {
		t.Errorf("unknown currency: %v", err)
	}
	if _, err := All(Options{Currency: "USD"}); err == nil || !strings.Contains(err.Error(), "zone") {
		t.Errorf("no zone: %v", err)
	}
}

// A panel gives its query exactly the parameters that it has.
func TestParamsAreThoseOfTheQuery(t *testing.T) {
	for topic, p := range leadership(t, newYork(t)) {
		if p.Of != nil {
			p = p.About("em0906a")
		}
		given := p.Params(Moment{At: evening(t).At, Window: p.Window})
		for _, param := range p.Query.Params {
			if given[param.Name] == "" {
				t.Errorf("%s gives no %s", topic, param.Name)
			}
			delete(given, param.Name)
		}
		if len(given) > 0 {
			t.Errorf("%s gives parameters that its query doesn't have: %v", topic, given)
		}
		if at := p.Params(evening(t))["at"]; at != "2026-09-07 02:46:12.345" {
			t.Errorf("%s asks as of %q", topic, at)
		}
	}
}

// Every panel has something to say when there is nothing yet, and says its doubt.
func TestPanelsWithoutRows(t *testing.T) {
	for topic, p := range leadership(t, newYork(t)) {
		t.Run(topic, func(t *testing.T) {
			m := evening(t)
			m.Window = p.Window
			api, fragment := answer(t, p, m)
			if api == "null" || strings.Contains(api, "NaN") {
				t.Errorf("the API says %s", api)
			}
			if (p.Chart == "") != (fragment != "") {
				t.Errorf("chart %q, fragment %q", p.Chart, fragment)
			}
			if p.Chart != "" {
				return
			}
			wantParts(t, fragment, `id="p-`+strings.ReplaceAll(topic, ".", "-")+`"`, `data-topic="`+topic+`"`,
				"10:46:12 PM EDT", "2026-09-07T02:46:12.345Z", templ.EscapeString(p.Title))
			if !strings.Contains(fragment, "No") {
				t.Errorf("nothing says that there is nothing: %s", fragment)
			}
			m.Doubt = "the engine is starting"
			_, doubtful := answer(t, p, m)
			wantParts(t, doubtful, "the engine is starting", "No figures yet.")
		})
	}
}

// An error in the middle of a result is no answer, whatever came before it.
func TestBrokenResultsAreErrors(t *testing.T) {
	broken := errors.New("connection reset")
	for topic, p := range leadership(t, newYork(t)) {
		m := Moment{At: evening(t).At, Window: p.Window}
		if _, err := p.Answer(&fake{err: broken}, m); !errors.Is(err, broken) || !strings.Contains(err.Error(), topic) {
			t.Errorf("%s: a result that broke off gives %v", topic, err)
		}
		if _, err := p.Answer(&fake{rows: [][]any{{}}}, m); err == nil {
			t.Errorf("%s: rows of another query are no error", topic)
		}
	}
}

func TestMoneyHour(t *testing.T) {
	p := leadership(t, newYork(t))["money.hour"]
	api, fragment := answer(t, p, evening(t),
		[]any{"EUR", 120_000, 125_000, 3, 0, 0},
		[]any{"GBP", 0, 0, 0, 900, 0},
		[]any{"USD", 204_133_000, 204_300_000, 37_114, 5_312_000, 6_100_000})
	wantJSON(t, api, `{"amount_minor":204133000,"currency":"USD","amount":"2041330.00","gifts":37114,
		"given":{"amount_minor":204300000,"currency":"USD","amount":"2043000.00"},
		"refunded":{"amount_minor":167000,"currency":"USD","amount":"1670.00"},
		"hour_before":{"amount_minor":5312000,"currency":"USD","amount":"53120.00"},
		"same_hour_last_week":{"amount_minor":6100000,"currency":"USD","amount":"61000.00"},
		"others":[{"amount_minor":120000,"currency":"EUR","amount":"1200.00"}]}`)
	wantParts(t, fragment, "$2,041,330", `data-raw="204133000"`, `data-unit="usd"`, "33×", "the same hour last week ($61,000)",
		"38×", "the hour before ($53,120)",
		"$2,043,000 given, $1,670 refunded", "€1,200")
	if strings.Contains(fragment, "£") {
		t.Error("a currency that didn't move is listed")
	}
}

func TestMoneyHourOfOnlyOtherMoney(t *testing.T) {
	p := leadership(t, newYork(t))["money.hour"]
	_, fragment := answer(t, p, evening(t), []any{"EUR", 120_000, 125_000, 3, 0, 0})
	wantParts(t, fragment, ">$0<", "€1,200", "nothing in the hour before", "nothing in the same hour last week")
}

func TestMoreTakenBackThanGiven(t *testing.T) {
	p := leadership(t, newYork(t))["money.hour"]
	api, fragment := answer(t, p, evening(t), []any{"USD", -120_500, 5_000, 1, 10_000, 0})
	wantParts(t, api, `"amount_minor":-120500,"currency":"USD","amount":"-1205.00"`)
	wantParts(t, fragment, "−$1,205", "$50.00 given, $1,255 refunded")
	_, fragment = answer(t, p, evening(t), []any{"USD", 7_500, 5_000, 1, 10_000, 0})
	wantParts(t, fragment, "$50.00 given, $25.00 won back")
	_, fragment = answer(t, p, evening(t), []any{"USD", 5_000, 5_000, 1, 10_000, 0})
	wantParts(t, fragment, "$50.00 given, nothing refunded")
}

func TestAnotherCurrency(t *testing.T) {
	o := newYork(t)
	o.Currency = "EUR"
	p := leadership(t, o)["money.hour"]
	if p.Title != "EUR in the last hour" || p.Unit != "eur" {
		t.Errorf("title %q, unit %q", p.Title, p.Unit)
	}
	_, fragment := answer(t, p, evening(t), []any{"EUR", 120_000, 125_000, 3, 0, 0}, []any{"USD", 100, 100, 1, 0, 0})
	wantParts(t, fragment, ">€1,200<", "$1.00", `data-raw=""`)
}

func TestMoneyToday(t *testing.T) {
	p := leadership(t, newYork(t))["money.today"]
	if got := p.Params(evening(t))["day"]; got != "2026-09-06 04:00:00.000" {
		t.Errorf("the day starts at %s", got)
	}
	api, fragment := answer(t, p, evening(t),
		[]any{"EUR", 1_000, 1_000, 1, 0, 1_000, 0, 1, 0, 0, 0, 0},
		[]any{"USD", 203_932_500, 204_053_000, 37_114, 618, 2_500, 31_002, 6_421, 16_367, 12, 100_000_000, 407_865_000})
	wantJSON(t, api, `{"amount_minor":203932500,"currency":"USD","amount":"2039325.00","gifts":37114,"donors":31002,
		"given":{"amount_minor":204053000,"currency":"USD","amount":"2040530.00"},
		"refunded":{"amount_minor":120500,"currency":"USD","amount":"1205.00"},"refunds":12,
		"average":{"amount_minor":5498,"currency":"USD","amount":"54.98"},
		"median":{"amount_minor":2500,"currency":"USD","amount":"25.00"},
		"recurring_gifts":6421,"first_gifts":16367,
		"yesterday_so_far":{"amount_minor":100000000,"currency":"USD","amount":"1000000.00"},
		"yesterday":{"amount_minor":407865000,"currency":"USD","amount":"4078650.00"},
		"others":[{"amount_minor":1000,"currency":"EUR","amount":"10.00"}]}`)
	wantParts(t, fragment, "since midnight EDT", "$2,039,325", "€10.00", "$2,040,530 given, $1,205 refunded",
		"Yesterday by this time", "$1,000,000", "104 %", "Yesterday in all", "$4,078,650", "50.0 % of it so far")
}

func TestCellsOfTheDay(t *testing.T) {
	v := todayValue{
		Given: newMoney(204_053_000, "USD"), Refunded: newMoney(120_500, "USD"), Refunds: 12, Gifts: 37_114,
		Average: newMoney(5498, "USD"), Median: newMoney(2500, "USD"), Donors: 31_002, Recurring: 6_421,
		FirstGifts: 16_367, lastMinute: 618,
	}
	figure := func(text, raw, unit string) views.Figure { return views.Figure{Text: text, Raw: raw, Unit: unit} }
	want := []views.Cell{
		{Label: "Gifts", Figure: figure("37,114", "37114", "count"), Sub: "618 in the last minute"},
		{Label: "Average", Figure: figure("$54.98", "5498", "usd"), Sub: "median $25.00"},
		{Label: "Donors", Figure: figure("31,002", "31002", "count"), Sub: "about (±1 %)"},
		{Label: "New donors", Figure: figure("44.1 %", "44.099", "percent"), Sub: "16,367 first gifts"},
		{Label: "Recurring", Figure: figure("17.3 %", "17.301", "percent"), Sub: "of gifts"},
		{Label: "Refunds", Figure: figure("$1,205", "120500", "usd"), Sub: "12 today"},
	}
	if got := v.cells(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCellsOfADayWithoutGifts(t *testing.T) {
	none := newMoney(0, "USD")
	for _, c := range (todayValue{Given: none, Refunded: none, Average: none, Median: none}).cells() {
		switch c.Label {
		case "Average", "Recurring":
			if c.Figure.Text != nothing {
				t.Errorf("%s: %+v", c.Label, c)
			}
		case "New donors":
			t.Error("new donors are shown, though no feed tells them apart")
		case "Refunds":
			if c.Figure.Text != "$0" || c.Sub != "none today" {
				t.Errorf("refunds: %+v", c)
			}
		}
	}
}

func TestMoneyMinutes(t *testing.T) {
	p := leadership(t, newYork(t))["money.minutes"]
	m := Moment{At: evening(t).At, Window: 3 * time.Minute, Doubt: "late"}
	if got := p.Params(m)["from"]; got != "2026-09-07 02:44:00.000" {
		t.Errorf("from %s", got)
	}
	a, err := p.Answer(&fake{rows: [][]any{
		{mustTime(t, "2026-09-07T02:44:00Z"), 0, 2_500}, {mustTime(t, "2026-09-07T02:46:00Z"), 123_456_789, 1},
	}}, m)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(a.Series)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, string(encoded), `{"times":[1788749040,1788749100,1788749160],"step":60,"doubt":"late","columns":[
		{"name":"once","label":"One-time","unit":"usd","values":[0,0,1234567.89]},
		{"name":"recurring","label":"Recurring","unit":"usd","values":[25,0,0.01]}]}`)
	want := [][]string{
		{"Minute", "One-time", "Recurring"}, {"10:44 PM", "$0.00", "$25.00"}, {"10:45 PM", "$0.00", "$0.00"},
		{"10:46 PM", "$1,234,567.89", "$0.01"},
	}
	if !reflect.DeepEqual(a.Series.Table, want) {
		t.Errorf("table %v, want %v", a.Series.Table, want)
	}
	if _, err := p.Answer(&fake{rows: [][]any{{mustTime(t, "2026-09-07T02:43:00Z"), 1, 1}}}, m); err == nil {
		t.Error("a minute outside of the window is no error")
	}
}

func TestMoneyRefcodes(t *testing.T) {
	p := leadership(t, newYork(t))["money.refcodes"]
	api, fragment := answer(t, p, evening(t),
		[]any{"refcode", "em0906a", "email", 81_240_000, 9_000, 204_133_000},
		[]any{"state", "CA", "", 81_240_000, 9_000, 204_133_000},
		[]any{"refcode", "", "web", 60_000_000, 500, 204_133_000},
		[]any{"refcode", "homepage", "web", 40_211_050, 4_000, 204_133_000})
	var rows []struct {
		Refcode, Channel, Amount string
		Gifts                    int
		Share                    float64
	}
	if err := json.Unmarshal([]byte(api), &rows); err != nil || len(rows) != 3 {
		t.Fatalf("%s (%v)", api, err)
	}
	if rows[0].Refcode != "em0906a" || rows[1].Refcode != "homepage" || rows[2].Refcode != "" {
		t.Errorf("order %v: the row without a refcode is the last", rows)
	}
	if rows[0].Share < 0.3979 || rows[0].Share > 0.3980 || rows[1].Amount != "402110.50" || rows[1].Gifts != 4_000 {
		t.Errorf("rows %v", rows)
	}
	wantParts(t, fragment, "em0906a", "email", "$812,400", "39.8 %", "100.0%",
		"homepage", "$402,111", "49.5%", "(none)", "$600,000")
}

func TestMoneyStates(t *testing.T) {
	p := leadership(t, newYork(t))["money.states"]
	rows := [][]any{{"refcode", "em1", "email", 5, 1, 5}}
	for _, row := range [][]any{{"WY", 576_851 * 4, 3}, {"", 1_000_000, 7}, {"CA", 39_538_223, 1_000}, {"PR", 230_000, 2}} {
		rows = append(rows, []any{"state", row[0], "", row[1], row[2], 0})
	}
	api, fragment := answer(t, p, evening(t), rows...)
	wantJSON(t, api, `[{"state":"CA","amount_minor":39538223,"currency":"USD","amount":"395382.23","gifts":1000},
		{"state":"WY","amount_minor":2307404,"currency":"USD","amount":"23074.04","gifts":3},
		{"state":"","amount_minor":1230000,"currency":"USD","amount":"12300.00","gifts":9}]`)
	wantParts(t, fragment, "$12,300 from elsewhere", "$395,382 · $10.00 per 1,000 people", "Wyoming", "lv9", "lv5", "lv0")

	d := deskOf(t, newYork(t))
	list, err := d.readStates(&fake{rows: rows})
	if err != nil {
		t.Fatal(err)
	}
	levels := map[string]int{}
	for _, tile := range d.tiles(p, evening(t), list).Tiles {
		levels[tile.State] = tile.Level
	}
	if levels["WY"] != 9 || levels["CA"] != 5 || levels["OH"] != 0 || len(levels) != 51 {
		t.Errorf("levels %v", levels)
	}
}

func TestMoneyLatest(t *testing.T) {
	p := leadership(t, newYork(t))["money.latest"]
	row := func(at, id string, minor int, currency, recurring string) []any {
		return []any{mustTime(t, at), "actblue", id, minor, currency, recurring, "OH", "em0906a"}
	}
	rows := [][]any{
		row("2026-09-07T02:46:12.1Z", "700000002", 150_000, "USD", "none"),
		row("2026-09-07T02:46:11.9Z", "700000001", 2_000, "EUR", "monthly"),
	}
	api, fragment := answer(t, p, evening(t), rows...)
	var got []map[string]any
	if err := json.Unmarshal([]byte(api), &got); err != nil || len(got) != 2 {
		t.Fatalf("%s (%v)", api, err)
	}
	if got[0]["amount"] != "1500.00" || got[0]["occurred_at"] != "2026-09-07T02:46:12.1Z" || got[1]["currency"] != "EUR" ||
		got[1]["recurring"] != "monthly" || got[0]["key"] == got[1]["key"] || got[0]["key"] == "" {
		t.Errorf("rows %v", got)
	}
	wantParts(t, fragment, "$1,500.00", "10:46:12", "€20.00", "10:46:11", "monthly", "OH", "em0906a")
	if strings.Contains(fragment+api, "70000000") {
		t.Error("the ledger's id is shown")
	}
	if again, _ := answer(t, p, evening(t), rows...); again != api {
		t.Errorf("the same rows give %s, then %s", api, again)
	}
}

func TestTrafficNow(t *testing.T) {
	p := leadership(t, newYork(t))["traffic.now"]
	api, fragment := answer(t, p, evening(t), []any{94_123.0, 2_500_000.0, 2_000.0, 212.4})
	var v struct {
		PerSecond  float64 `json:"per_second"`
		ErrorShare float64 `json:"error_share"`
		P95        float64 `json:"p95_ms"`
	}
	err := json.Unmarshal([]byte(api), &v)
	if err != nil || v.PerSecond != 9412.3 || v.ErrorShare != 0.0008 || int(v.P95) != 212 {
		t.Errorf("%s (%v)", api, err)
	}
	wantParts(t, fragment, "9,412", "p95 212 ms · 0.08 % errors")

	nan := float64(0)
	nan /= nan
	for _, untimed := range []float64{0, nan} {
		api, fragment = answer(t, p, evening(t), []any{10.0, 300.0, 0.0, untimed})
		wantParts(t, api, `"p95_ms":null`)
		wantParts(t, fragment, ">1<", ">0 % errors<")
	}
}

func TestTrafficHour(t *testing.T) {
	p := leadership(t, newYork(t))["traffic.hour"]
	m := Moment{At: mustTime(t, "2026-09-07T02:46:12.345Z"), Window: 30 * time.Second}
	if got := p.Params(m)["from"]; got != "2026-09-07 02:45:40.000" {
		t.Errorf("from %s: two seconds have to settle", got)
	}
	a, err := p.Answer(&fake{rows: [][]any{{mustTime(t, "2026-09-07T02:45:50Z"), 50_000.0, 5.0, 0.0, 1.0}}}, m)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(a.Series)
	if err != nil {
		t.Fatal(err)
	}
	wantJSON(t, string(encoded), `{"times":[1788749140,1788749150,1788749160],"step":10,"columns":[
		{"name":"2xx","label":"Answered","unit":"rate","values":[null,5000,0]},
		{"name":"3xx","label":"Redirected","unit":"rate","values":[null,0.5,0]},
		{"name":"4xx","label":"Refused (4xx)","unit":"rate","values":[null,0,0]},
		{"name":"5xx","label":"Failed (5xx)","unit":"rate","values":[null,0.1,0]}]}`)
	want := [][]string{
		{"Time", "Answered", "Redirected", "Refused (4xx)", "Failed (5xx)"},
		{"10:45:40 PM", "–", "–", "–", "–"},
		{"10:45:50 PM", "5,000", "0.5", "0", "0.1"},
		{"10:46:00 PM", "0", "0", "0", "0"},
	}
	if !reflect.DeepEqual(a.Series.Table, want) {
		t.Errorf("table %v, want %v", a.Series.Table, want)
	}
}

func TestTrafficVisitors(t *testing.T) {
	api, fragment := answer(t, leadership(t, newYork(t))["traffic.visitors"], evening(t), []any{uint64(214_870)})
	wantJSON(t, api, `{"visitors":214870}`)
	wantParts(t, fragment, "214,870", "in the last 5 minutes")
}

func TestMailHour(t *testing.T) {
	p := leadership(t, newYork(t))["mail.hour"]
	api, fragment := answer(t, p, evening(t), []any{uint64(100_000), uint64(2_600), uint64(55)})
	wantJSON(t, api, `{"sends":100000,"hard_bounces":2600,"complaints":55,
		"hard_bounce_rate":0.026,"complaint_rate":0.00055}`)
	wantParts(t, fragment, "100,000", "2,600", "2.6 %", "0.055 %", "review at 5 %", "review at 0.1 %")
	api, _ = answer(t, p, evening(t), []any{uint64(0), uint64(1), uint64(0)})
	wantJSON(t, api, `{"sends":0,"hard_bounces":1,"complaints":0,"hard_bounce_rate":null,"complaint_rate":null}`)
}

func TestMeter(t *testing.T) {
	rate := func(r float64) *float64 { return &r }
	for _, c := range []struct {
		rate                     *float64
		review, pause            float64
		value, width, mark, text string
		over                     bool
	}{
		{nil, 0.05, 0.1, "–", "0.0", "50.0", "review at 5 %", false},
		{rate(0), 0.05, 0.1, "0 %", "0.0", "50.0", "review at 5 %", false},
		{rate(0.026), 0.05, 0.1, "2.6 %", "26.0", "50.0", "review at 5 %", false},
		{rate(0.05), 0.05, 0.1, "5.0 %", "50.0", "50.0", "over 5 %: review due", true},
		{rate(0.3), 0.05, 0.1, "30.0 %", "100.0", "50.0", "over 10 %: may be paused", true},
		{rate(0.00055), 0.001, 0.005, "0.055 %", "11.0", "20.0", "review at 0.1 %", false},
		{rate(0.0012), 0.001, 0.005, "0.12 %", "24.0", "20.0", "over 0.1 %: review due", true},
		{rate(0.005), 0.001, 0.005, "0.5 %", "100.0", "20.0", "over 0.5 %: may be paused", true},
	} {
		want := views.Meter{
			Label: "Bounces", Value: c.value, Width: c.width, Mark: c.mark, MarkText: c.text, Over: c.over,
		}
		if got := meter("Bounces", c.rate, c.review, c.pause); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
}
