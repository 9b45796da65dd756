package views_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/a-h/templ"

	"warroom/views"
)

func html(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPanelIDIsItsTopic(t *testing.T) {
	if got := (views.Panel{Topic: "money.hour"}).ID(); got != "p-money-hour" {
		t.Errorf("ID() = %q, want p-money-hour", got)
	}
}

// What senders write reaches the page as text, never as HTML.
func TestTextIsEscaped(t *testing.T) {
	const evil = `<img src=x onerror=alert(1)>"'</script>`
	p := views.Panel{Topic: "money.latest", Title: "Latest gifts"}
	for name, c := range map[string]templ.Component{
		"ticker": views.TickerPanel(views.Ticker{Panel: p, Gifts: []views.Gift{{Key: evil, Time: "10:46:12", Amount: "$5.00", State: evil, Refcode: evil}}}),
		"bars":   views.BarsPanel(views.Bars{Panel: p, Rows: []views.Bar{{Label: evil, Kind: evil, Width: evil}}}),
		"doubt":  views.CountPanel(views.Count{Panel: views.Panel{Topic: "t", Title: evil, Doubt: evil}, Figure: views.Figure{Text: evil, Raw: evil}}),
		"chart":  views.ChartPanel(views.Chart{Panel: p, Series: map[string]string{"label": evil}, Table: [][]string{{evil}, {evil}}}),
	} {
		got := html(t, c)
		if strings.Contains(got, "<img") {
			t.Errorf("%s lets HTML through: %s", name, got)
		}
		if n := strings.Count(got, "</script>"); n != strings.Count(got, "<script") {
			t.Errorf("%s lets a script end early: %s", name, got)
		}
	}
}

func TestEmptyPanelShowsWordsInsteadOfFigures(t *testing.T) {
	got := html(t, views.CountPanel(views.Count{
		Panel: views.Panel{Topic: "traffic.now", Title: "Requests a second", Empty: "No requests yet."}, Figure: views.Figure{Text: "17"},
	}))
	if !strings.Contains(got, "No requests yet.") || strings.Contains(got, "17") {
		t.Errorf("an empty panel shows %s", got)
	}
}

func TestDoubtIsHatchedAndSaysWhy(t *testing.T) {
	got := html(t, views.CountPanel(views.Count{
		Panel: views.Panel{Topic: "traffic.now", Title: "Requests a second", Doubt: "the engine is starting"}, Figure: views.Figure{Text: "17", Raw: "17"},
	}))
	for _, want := range []string{`class="panel count doubt"`, "the engine is starting", ">17<"} {
		if !strings.Contains(got, want) {
			t.Errorf("a panel in doubt has no %s: %s", want, got)
		}
	}
}

func TestFiguresCanRoll(t *testing.T) {
	got := html(t, views.HeadlinePanel(views.Headline{
		Panel: views.Panel{Topic: "money.hour", Title: "Dollars"}, Dollars: views.Figure{Text: "$2,041,330", Raw: "204133000", Unit: "usd"},
		Change: views.Change{Sign: -1, Text: "12 %", Against: "the hour before"}, Others: []string{"€1,200"},
	}))
	for _, want := range []string{`data-raw="204133000"`, `data-unit="usd"`, `aria-label="down"`, "€1,200"} {
		if !strings.Contains(got, want) {
			t.Errorf("the headline has no %s: %s", want, got)
		}
	}
}
