package story

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

// nightfall is when the tests' nights begin: half past eight in the campaign's zone.
var nightfall = time.Date(2026, 11, 24, 20, 30, 0, 0, time.FixedZone("EST", -5*3600))

func planned(t *testing.T, o Options) *Plan {
	t.Helper()
	if o.Start.IsZero() {
		o.Start = nightfall
	}
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// told is an event with the moment at which its feed would send it.
type told struct {
	Event
	sent time.Time
	wire wire
}

// wire holds every field that the contract knows of the three kinds. What it doesn't know fails the test.
type wire struct {
	ID, Source, Path, Kind, Of, Amount, Currency, Recurring, Donor string
	Refcode, Channel, Form, State, Country                         string
	Type, Bounce, Variant, Recipient, Link, Reason                 string
	App, Host, Method, Visitor, Referrer, Region                   string

	OccurredAt time.Time `json:"occurred_at"`
	SendID     string    `json:"send_id"`
	MessageID  string    `json:"message_id"`
	FirstGift  bool      `json:"first_gift"`
	Status     int
	Bytes      int64
	DurationMS float64 `json:"duration_ms"`
	Weight     float64
}

// read tells the feeds of these names until live time has gone on for so long.
func read(t *testing.T, p *Plan, live time.Duration, names ...string) map[string][]told {
	t.Helper()
	all := map[string][]told{}
	for _, f := range p.Feeds() {
		if !slices.Contains(names, f.Name) {
			continue
		}
		for !f.Due().After(p.Start().Add(live)) {
			sent := f.Due()
			for _, e := range f.Next() {
				x := told{Event: e, sent: sent}
				decoder := json.NewDecoder(bytes.NewReader(e.Body))
				decoder.DisallowUnknownFields()
				if err := decoder.Decode(&x.wire); err != nil {
					t.Fatalf("%s: %v in %s", f.Name, err, e.Body)
				}
				all[f.Name] = append(all[f.Name], x)
			}
		}
	}
	return all
}

// script is all that a plan's feeds send, byte for byte.
func script(p *Plan, live time.Duration) map[string]string {
	all := map[string]string{}
	for _, f := range p.Feeds() {
		var b strings.Builder
		for !f.Due().After(p.Start().Add(live)) {
			b.WriteString(f.Due().String())
			for _, e := range f.Next() {
				b.Write(append(e.Body, '\n'))
			}
		}
		all[f.Name] = b.String()
	}
	return all
}

func TestSameSeedSameEvents(t *testing.T) {
	for _, name := range []string{"quiet", "convention", "spike"} {
		o := Options{Scenario: name, Seed: 7, Backfill: 30 * time.Minute, Rate: 20, MailRate: 3}
		first, again := script(planned(t, o), 6*time.Minute), script(planned(t, o), 6*time.Minute)
		o.Seed = 8
		other := script(planned(t, o), 6*time.Minute)
		for _, feed := range []string{"vendor", "mirror", "mail", "web"} {
			if first[feed] != again[feed] {
				t.Errorf("%s: %s differs between two readings of one story", name, feed)
			}
			if first[feed] == other[feed] {
				t.Errorf("%s: %s is the same with another seed", name, feed)
			}
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	for what, o := range map[string]Options{
		"no start":         {},
		"no such scenario": {Start: nightfall, Scenario: "riot"},
		"negative rate":    {Start: nightfall, Rate: -1},
		"negative past":    {Start: nightfall, Backfill: -1},
	} {
		if _, err := New(o); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

func TestFeedsKnowTheirDoor(t *testing.T) {
	want := map[string]campaign.Kind{
		"vendor": campaign.Donations, "mirror": campaign.Donations, "desk": campaign.Donations,
		"mail": campaign.Emails, "web": campaign.Traffic,
	}
	feeds := planned(t, Options{Rate: 1, MailRate: 1}).Feeds()
	if len(feeds) != len(want) {
		t.Errorf("%d feeds, want %d", len(feeds), len(want))
	}
	for _, f := range feeds {
		if f.Kind != want[f.Name] {
			t.Errorf("%s knocks at %v, want %v", f.Name, f.Kind, want[f.Name])
		}
	}
	if n := len(planned(t, Options{}).Feeds()); n != 3 {
		t.Errorf("%d feeds without mail and traffic, want 3", n)
	}
}

// Whatever is told, by any road, in any scenario, with any dice, from any start: an id is one amount at one time.
func TestAnIDIsOneMovement(t *testing.T) {
	type fact struct {
		amount int64
		at     time.Time
	}
	known := map[string]fact{}
	check := func(o Options) {
		first := map[string]bool{}
		for feed, events := range read(t, planned(t, o), 7*time.Minute, "vendor", "mirror", "desk", "mail") {
			for _, e := range events {
				id := e.Source + "/" + e.ID
				now := fact{e.AmountMinor, e.At}
				if was, ok := known[id]; ok && was != now {
					t.Fatalf("%s is %v and %v", id, was, now)
				}
				known[id] = now
				if e.Repeat {
					continue
				}
				if first[id] {
					t.Fatalf("%s told twice as the first copy, by %s", id, feed)
				}
				first[id] = true
				if len(e.ID) > 128 || e.ID != e.wire.ID || e.Source != e.wire.Source || !e.At.Equal(e.wire.OccurredAt) {
					t.Fatalf("the event says %s %s %v, its body %s", e.Source, e.ID, e.At, e.Body)
				}
			}
		}
	}
	for _, seed := range []uint64{1, 2} {
		for _, name := range []string{"quiet", "convention", "spike"} {
			for _, later := range []time.Duration{0, 5*time.Minute + 300*time.Millisecond} {
				check(Options{Scenario: name, Seed: seed, Start: nightfall.Add(later), Backfill: 10 * time.Minute, MailRate: 3})
			}
		}
	}
	check(Options{Seed: 1, Backfill: 20 * time.Minute, MailRate: 4})
}

func TestOverlappingRunsTellTheSameGifts(t *testing.T) {
	early := read(t, planned(t, Options{Backfill: 2 * time.Hour}), time.Hour, "vendor")["vendor"]
	later := Options{Start: nightfall.Add(40 * time.Minute), Backfill: time.Hour}
	late := read(t, planned(t, later), 20*time.Minute, "vendor")["vendor"]
	bodies := map[string]string{}
	for _, e := range early {
		bodies[e.ID] = string(e.Body)
	}
	n := 0
	for _, e := range late {
		if e.Type == "gift" && e.At.Before(nightfall.Add(30*time.Minute)) {
			n++
			if bodies[e.ID] != string(e.Body) {
				t.Fatalf("%s: the earlier run told %q, the later one %q", e.ID, bodies[e.ID], e.Body)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d gifts in the overlap", n)
	}
}

func TestTimesAreOfTheirTick(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Backfill: time.Hour, Rate: 30, MailRate: 5})
	for name, events := range read(t, p, 10*time.Minute, "vendor", "mirror", "desk", "mail", "web") {
		late, last := 0, time.Time{}
		for _, e := range events {
			if e.At.After(e.sent) {
				t.Fatalf("%s sends at %v what happens at %v", name, e.sent, e.At)
			}
			if e.At.Before(p.Begin().Add(-time.Duration(pileEvery) * time.Millisecond)) {
				t.Fatalf("%s tells of %v, before the beginning", name, e.At)
			}
			if e.sent.Before(last) {
				t.Fatalf("%s goes back from %v to %v", name, last, e.sent)
			}
			last = e.sent
			if e.sent.Sub(e.At) > time.Minute {
				late++
			}
		}
		share := float64(late) / float64(len(events))
		switch {
		case (name == "vendor" || name == "mirror") && (share == 0 || share > 0.02):
			t.Errorf("%s: %.2f %% are late, want a few", name, 100*share)
		case name == "web" && late > 0:
			t.Errorf("web: %d requests are late", late)
		}
	}
}

// between fails unless low <= got <= high.
func between(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if math.IsNaN(got) || got < low || got > high {
		t.Errorf("%s: got %.4g, want %.4g to %.4g", what, got, low, high)
	}
}
