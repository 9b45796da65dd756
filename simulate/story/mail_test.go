package story

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMailBlast(t *testing.T) {
	const quota = 10
	p := planned(t, Options{Scenario: "convention", Seed: 11, Backfill: 2 * time.Hour, MailRate: quota})
	events := read(t, p, 4*time.Hour, "mail")["mail"]
	first := map[string]told{}
	counts := map[string]float64{}
	seconds := map[int64]int{}
	for _, e := range events {
		if e.Repeat {
			counts["repeat"]++
			continue
		}
		first[e.ID] = e
		counts[e.Type+e.wire.Bounce]++
		if e.Type == "send" {
			seconds[e.At.Unix()]++
		}
	}
	for second, n := range seconds {
		if n > quota+2 {
			t.Fatalf("%d mails in second %d, the quota is %d", n, second, quota)
		}
	}
	sends := counts["send"]
	between(t, "sends", sends, 12_000, 60_000)
	between(t, "hard bounces", counts["bouncehard"]/sends, 0.004, 0.008)
	between(t, "soft bounces", counts["bouncesoft"]/sends, 0.006, 0.012)
	between(t, "complaints", counts["complaint"]/sends, 0.0001, 0.0007)
	between(t, "deliveries", counts["delivery"]/sends, 0.96, 0.99)
	between(t, "opens", counts["open"]/sends, 0.25, 0.45)
	between(t, "clicks", counts["click"]/sends, 0.008, 0.03)
	between(t, "unsubscribes", counts["unsubscribe"]/sends, 0.0003, 0.003)
	between(t, "reported twice", counts["repeat"]/float64(len(events)), 0.001, 0.006)
	for _, e := range first {
		checkStep(t, e, first)
	}
}

// checkStep follows an event of a mail back to what must have come before it.
func checkStep(t *testing.T, e told, first map[string]told) {
	t.Helper()
	message, mark, _ := strings.Cut(e.ID, ".")
	if message != e.wire.MessageID {
		t.Fatalf("%s is about message %s", e.ID, e.wire.MessageID)
	}
	_, domain, _ := strings.Cut(e.wire.Recipient, "@")
	if !strings.HasSuffix(domain, ".example") && !strings.HasPrefix(domain, "example.") {
		t.Fatalf("%s could be somebody's address", e.wire.Recipient)
	}
	before := map[string]string{
		"s": "", "j": "s", "b": "s", "w": "s", "d": "s", "o": "d", "o2": "o", "c": "o", "u": "o", "x": "d",
	}
	need, known := before[mark]
	if !known {
		t.Fatalf("%s: no mark %q", e.ID, mark)
	}
	if need == "" {
		return
	}
	if cause, ok := first[message+"."+need]; !ok || cause.At.After(e.At) {
		t.Fatalf("%s at %v comes before its %s", e.ID, e.At, need)
	}
}

// Half of those who open a mail by hand have done so within the hour, and hardly anybody does on the next day.
func TestOpensDecay(t *testing.T) {
	p := planned(t, Options{Seed: 4, Start: nightfall, Backfill: 30 * time.Hour, MailRate: 2})
	events := read(t, p, 0, "mail")["mail"]
	sent := map[string]time.Time{}
	var ages []time.Duration
	for _, e := range events {
		message := e.wire.MessageID
		if e.Repeat {
			continue
		}
		switch e.Type {
		case "send":
			sent[message] = e.At
		case "open":
			// A provider's machine has opened it within two minutes; a day must have passed for the last to open.
			age, early := e.At.Sub(sent[message]), sent[message].Before(p.Begin().Add(6*time.Hour))
			if strings.HasSuffix(e.ID, ".o") && early && age > 2*time.Minute {
				ages = append(ages, age)
			}
		}
	}
	slices.Sort(ages)
	if len(ages) < 200 {
		t.Fatalf("only %d opens", len(ages))
	}
	between(t, "minutes until half have opened", ages[len(ages)/2].Minutes(), 25, 70)
	day, _ := slices.BinarySearch(ages, 24*time.Hour)
	between(t, "opens after a day", 1-float64(day)/float64(len(ages)), 0, 0.03)
}

func TestRegularMailsGoOutByDay(t *testing.T) {
	p := planned(t, Options{Seed: 4})
	list := newCalendar(p).between(p.start-7*24*hourMS, p.start)
	for i, b := range list {
		if hour := time.UnixMilli(b.at).In(p.eastern).Hour(); hour < firstMailHour || hour > lastMailHour {
			t.Errorf("%s leaves at %d o'clock", b.id, hour)
		}
		if i > 0 && list[i-1].overlaps(b) {
			t.Errorf("%s and %s are sent at once", list[i-1].id, b.id)
		}
	}
	if n := len(list); n < 50 || n > 56 {
		t.Errorf("%d mails in a week, want 8 a day", n)
	}
}

// The night's mails take the provider's quota: regular ones make way.
func TestMailsOfANightDoNotOverlap(t *testing.T) {
	for start := nightfall; start.Before(nightfall.Add(24 * time.Hour)); start = start.Add(37 * time.Minute) {
		p := planned(t, Options{Scenario: "convention", Start: start})
		list := newCalendar(p).between(p.start-3*hourMS, p.start+3*hourMS)
		for i, b := range list {
			if i > 0 && list[i-1].overlaps(b) {
				t.Errorf("start %v: %s and %s are sent at once", start, list[i-1].id, b.id)
			}
		}
	}
}

// Of the two texts of some blasts one is clicked more often, and blasts differ in what they bring.
func TestTextsAndBlastsDiffer(t *testing.T) {
	p := planned(t, Options{Seed: 4})
	list := newCalendar(p).between(p.start-7*24*hourMS, p.start)
	var even, a, b int
	weakest, strongest := math.Inf(1), 0.0
	for _, blast := range list {
		weakest, strongest = min(weakest, blast.force), max(strongest, blast.force)
		switch ahead := blast.charm("a") - blast.charm("b"); {
		case ahead == 0:
			even++
		case ahead > 0:
			a++
		default:
			b++
		}
		between(t, "mean of both texts", (blast.charm("a")+blast.charm("b"))/2, 1, 1)
	}
	if even < 5 || a < 5 || b < 5 {
		t.Errorf("%d blasts with equal texts, in %d a is better, in %d b", even, a, b)
	}
	between(t, "strongest blast to the weakest", strongest/weakest, 2, 9)
}
