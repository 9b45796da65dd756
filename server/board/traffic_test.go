package board

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

// asked is a request as these tests tell it.
type asked struct {
	ago     time.Duration
	app     string
	host    string
	path    string
	status  uint16
	ms      float64
	bytes   uint64
	visitor string
	from    string // referrer
	method  string
	weight  float64
}

func (h *house) visit(t *testing.T, at time.Time, list ...asked) {
	t.Helper()
	var rows []campaign.Request
	for _, a := range list {
		when := at.Add(-a.ago).UTC()
		rows = append(rows, campaign.Request{
			Feed: "edge", OccurredAt: when, ReceivedAt: when, App: a.app, Host: a.host, Method: a.method, Path: a.path,
			Status: a.status, DurationMS: a.ms, Bytes: a.bytes, VisitorKey: a.visitor, Referrer: a.from, Weight: max(a.weight, 1),
		})
	}
	if err := h.StoreTraffic(t.Context(), batch(h, rows...)); err != nil {
		t.Fatal(err)
	}
}

func TestTrafficOnTheEngine(t *testing.T) {
	h := openHouse(t)
	t.Run("charts", h.testTrafficCharts)
	t.Run("figures", h.testTrafficFigures)
	t.Run("lists", h.testTrafficLists)
	t.Run("way", h.testTrafficWay)
	t.Run("fleet", h.testFleet)
	t.Run("risk", h.testRisk)
}

// The same requests by short steps and by long ones, whole and cut by the moment.
func (h *house) testTrafficCharts(t *testing.T) {
	at := mustTime(t, "2026-05-04T15:30:04.500Z")
	var list []asked
	for i := range 600 { // one every six seconds, in turn of six apps, the first of which has most
		app := []string{"a", "b", "a", "c", "a", "d", "a", "e", "a", "b"}[i%10]
		list = append(list, asked{ago: time.Duration(i)*6*time.Second + 100*time.Millisecond, app: app, status: 200 + uint16(i%4)*100, ms: 10, weight: 2})
	}
	h.visit(t, at, list...)
	for window, each := range map[time.Duration]time.Duration{
		15 * time.Minute: 5 * time.Second, time.Hour: 10 * time.Second, 6 * time.Hour: time.Minute, 24 * time.Hour: 5 * time.Minute,
	} {
		m := Moment{At: at, Window: window}
		until := at.Add(-settled).Truncate(each)
		want := map[string]float64{}
		for _, a := range list {
			if when := at.Add(-a.ago); when.Before(until) && !when.Before(until.Add(-window)) {
				name := a.app
				if !slices.Contains([]string{"a", "b", "c"}, name) {
					name = othersLane
				}
				want[name] += 2
				want[fmt.Sprint(a.status/100)+"xx"] += 2
			}
		}
		got := map[string]float64{}
		for _, topic := range []string{"traffic.rates", "traffic.classes"} {
			s := h.answer(t, h.panels[topic].Over(window), m).Series
			if len(s.Times) != int(window/each) || s.Times[len(s.Times)-1] != until.Add(-each).Unix() || len(s.Columns) != 4 {
				t.Fatalf("%s over %s: %d steps of %d s, %d lanes", topic, window, len(s.Times), s.Step, len(s.Columns))
			}
			for _, lane := range s.Columns {
				for _, v := range lane.Values {
					if v != nil {
						got[lane.Name] += *v * each.Seconds()
					}
				}
			}
		}
		for name := range got {
			got[name] = math.Round(got[name]*1e6) / 1e6
		}
		if !maps.Equal(got, want) {
			t.Errorf("over %s: %v, want %v", window, got, want)
		}
	}
	failing := h.ask(t, "fleet.failing", at).Series
	sum := 0.0
	for _, lane := range failing.Columns {
		for _, v := range lane.Values {
			if v != nil {
				sum += *v * 30
			}
		}
	}
	if failing.Step != 30 || sum != 0 { // 2xx to 5xx: status 500 is one in four
		if want := 2.0 * 150; math.Abs(sum-want) > 4 {
			t.Errorf("failed: %v in steps of %d s, want about %v", sum, failing.Step, want)
		}
	}
	latency := h.ask(t, "traffic.latency", at).Series
	if v := latency.Columns[0].Values[58]; len(latency.Times) != 60 || v == nil || *v != 10 {
		t.Errorf("half within %v, want 10 ms", v)
	}
	if early := h.ask(t, "traffic.latency", at.Add(30*time.Minute)).Series; early.Columns[2].Values[58] != nil {
		t.Error("where nothing was timed there is a point")
	}
}

func (h *house) testTrafficFigures(t *testing.T) {
	at := mustTime(t, "2026-05-05T15:30:04.500Z") // whole minutes: 15:25 to 15:30; seconds: 15:25:04 to 15:30:04
	h.visit(t, at,
		asked{ago: 3 * time.Second, app: "site", status: 200, bytes: 4_000, ms: 100, visitor: "1"},
		asked{ago: 20 * time.Second, app: "site", status: 503, bytes: 90, ms: 100, visitor: "1"},
		asked{ago: 20 * time.Second, app: "site", status: 404, bytes: 90, ms: 100, visitor: "2", weight: 3},
		asked{ago: 70 * time.Second, app: "donate", status: 200, bytes: 90, ms: 100, visitor: "2"},
		asked{ago: 6 * time.Minute, app: "old", status: 500, bytes: 90, ms: 100, visitor: "3"},
	)
	v := h.ask(t, "traffic.load", at).Value.(loadValue)
	if v.BytesPerSecond != 400 || v.Requests != 6 || *v.Failed != 1.0/6 || *v.Refused != 0.5 || *v.P50 != 100 || *v.P99 != 100 {
		t.Errorf("load: %+v", v)
	}
	rows := h.ask(t, "traffic.apps", at).Rows.([]appRow)
	if len(rows) != 2 || rows[0].App != "site" || rows[0].PerSecond != 4.0/300 || rows[0].Visitors != 2 ||
		*rows[0].Failed != 0.25 || *rows[0].Refused != 0.75 || rows[1].Visitors != 1 || *rows[1].P95 != 100 {
		t.Errorf("apps: %+v", rows)
	}
}

func (h *house) testTrafficLists(t *testing.T) {
	at := mustTime(t, "2026-05-06T15:30:04.500Z") // the last 15 whole minutes: 15:15 to 15:30
	minute := func(n int) time.Duration {
		return time.Duration(n)*time.Minute + 4500*time.Millisecond - time.Millisecond
	}
	h.visit(t, at,
		asked{ago: minute(0) - time.Millisecond, app: "site", host: "www.example.org", path: "/young", status: 200},
		asked{ago: minute(1), app: "site", host: "www.example.org", path: "/event/17", status: 200, ms: 20, from: "https://www.news.example/x"},
		asked{ago: minute(1), app: "site", host: "www.example.org", path: "/event/18", status: 302, ms: 40, from: "https://news.example/y"},
		asked{ago: minute(1), app: "site", host: "www.example.org", path: "/a.js", status: 200, from: "https://www.example.org/"},
		asked{ago: minute(2), app: "site", host: "www.example.org", path: "/event/19", status: 500, weight: 2},
		asked{ago: minute(2), app: "site", host: "www.example.org", path: "/gone", status: 404},
		asked{ago: minute(2), app: "site", host: "www.example.org", path: "/closed", status: 403},
		asked{ago: minute(14), app: "donate", host: "give.example.org", path: "/", status: 200, from: "https://example.org/"},
		asked{ago: minute(16), app: "site", host: "www.example.org", path: "/before", status: 500, from: "https://old.example/"},
	)
	m := Moment{At: at, Window: 15 * time.Minute}
	pages := h.answer(t, h.panels["traffic.pages"].Over(m.Window), m).Rows.([]pageRow)
	if len(pages) != 2 || pages[0].Page != "/event/:id" || pages[0].Requests != 2 || *pages[0].MeanMS != 30 ||
		pages[0].Share != 2.0/3 || pages[1].App != "donate" {
		t.Errorf("pages: %+v", pages)
	}
	failing := h.answer(t, h.panels["traffic.errors"], m).Rows.([]errorRow)
	want := []errorRow{
		{"site", "/event/:id", 4, 0, 2}, {"site", "(not found)", 1, 1, 0}, {"site", "/closed", 1, 1, 0},
	}
	if !slices.Equal(failing, want) {
		t.Errorf("errors: %+v, want %+v", failing, want)
	}
	sites := h.answer(t, h.panels["traffic.referrers"].Over(m.Window), m).Rows.([]referrerRow)
	if wantSites := []referrerRow{{"news.example", 2, 0.5}, {"", 2, 0.5}}; !slices.Equal(sites, wantSites) {
		t.Errorf("referrers: %+v, want %+v", sites, wantSites)
	}
	hour := h.ask(t, "traffic.errors", at.Add(-time.Hour))
	if !strings.Contains(html(t, hour), "No page failed or refused anything in the last 15 minutes.") {
		t.Error("an hour before it doesn't say that nothing failed")
	}
}

func (h *house) testTrafficWay(t *testing.T) {
	at := mustTime(t, "2026-05-07T15:33:00Z") // steps to 15:30
	end := mustTime(t, "2026-05-07T15:30:00Z")
	ago := func(d time.Duration) time.Duration { return at.Sub(end) + d }
	h.visit(t, at,
		asked{ago: ago(time.Millisecond), app: "site", path: "/", status: 200, visitor: "1", method: "GET"},
		asked{ago: ago(15 * time.Minute), app: "site", path: "/donate/now", status: 200, visitor: "2", method: "GET"},
		asked{ago: ago(time.Minute), app: "donate", path: "/card", status: 201, visitor: "3", method: "POST"},
		asked{ago: ago(time.Minute), app: "donate", path: "/card", status: 422, visitor: "4", method: "POST"},
		asked{ago: ago(0), app: "donate", path: "/card", status: 201, visitor: "later", method: "POST"},
		asked{ago: ago(15*time.Minute + time.Millisecond), app: "donate", path: "/card", status: 201, visitor: "before", method: "POST"},
	)
	form := func(d *campaign.Donation) { d.Form = "now" }
	h.give(t,
		with(gift("way 1", end.Add(-time.Millisecond), 5_00), form),
		with(gift("way 2", end.Add(-15*time.Minute), 5_00), func(d *campaign.Donation) { d.Currency = "EUR" }),
		with(gift("way 3", end, 5_00), form), with(gift("way 4", end.Add(-15*time.Minute-time.Millisecond), 5_00), form),
		with(gift("way 5", end.Add(-time.Minute), -5_00), func(d *campaign.Donation) { d.Kind = "refund" }),
	)
	m := Moment{At: at, Window: 15 * time.Minute}
	a := h.answer(t, h.panels["traffic.way"].Over(m.Window), m)
	v := a.Value.(wayValue)
	if v.Saw != 4 || v.Came != 3 || v.Sent != 1 || v.Gifts != 2 || v.ThroughForms != 1 || *v.Conversion != 1.0/3 {
		t.Errorf("got %+v", v)
	}
	wantParts(t, html(t, a), "gifts through a form", "33.3 %", `data-topic="traffic.way@900"`)
}
