package story

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// gifts are all gifts of some feeds, each once.
func giftsOf(feeds map[string][]told) []told {
	seen := map[string]bool{}
	var list []told
	for _, name := range []string{"vendor", "mirror", "desk"} {
		for _, e := range feeds[name] {
			if e.Type == "gift" && !seen[e.ID] {
				seen[e.ID] = true
				list = append(list, e)
			}
		}
	}
	return list
}

func share(list []told, is func(told) bool) float64 {
	n := 0
	for _, e := range list {
		if is(e) {
			n++
		}
	}
	return float64(n) / float64(len(list))
}

func dollars(list []told, is func(told) bool) float64 {
	var cents int64
	for _, e := range list {
		if is(e) {
			cents += e.AmountMinor
		}
	}
	return float64(cents) / 100
}

func all(told) bool { return true }

func checkSizes(t *testing.T, list []told) {
	t.Helper()
	amounts := make([]int64, 0, len(list))
	for _, e := range list {
		amounts = append(amounts, e.AmountMinor)
	}
	slices.Sort(amounts)
	between(t, "mean gift", dollars(list, all)/float64(len(list)), 51, 59)
	between(t, "median gift", float64(amounts[len(amounts)/2])/100, 23, 27)
	between(t, "smallest gift", float64(amounts[0])/100, 1, 3)
	between(t, "largest gift", float64(amounts[len(amounts)-1])/100, 500, 3500)
	between(t, "gifts of 5, 10, 25, 50, 100 or 250", share(list, func(e told) bool {
		return slices.Contains([]int64{500, 1000, 2500, 5000, 10_000, 25_000}, e.AmountMinor)
	}), 0.65, 0.85)
	between(t, "recurring share", share(list, func(e told) bool { return e.wire.Recurring != "" }), 0.145, 0.19)
}

// A whole quiet day, from midnight to midnight in the campaign's zone.
func TestQuietDay(t *testing.T) {
	midnight := time.Date(2026, 11, 25, 0, 0, 0, 0, nightfall.Location())
	p := planned(t, Options{Seed: 2012, Start: midnight, Backfill: 24 * time.Hour})
	feeds := read(t, p, time.Second, "vendor", "desk")
	list := giftsOf(feeds)
	checkSizes(t, list)

	inside := 0
	for hour := range 24 {
		raised := dollars(list, func(e told) bool { return int(e.At.Sub(p.Begin()).Hours()) == hour })
		between(t, fmt.Sprintf("dollars in hour %d", hour), raised, 7_000, 25_000)
		if raised >= 10_000 && raised <= 20_000 {
			inside++
		}
	}
	between(t, "hours between 10 and 20 thousand dollars", float64(inside), 20, 24)
	between(t, "dollars an hour", dollars(list, all)/24, 12_500, 17_000)

	between(t, "recurring gifts that come from 5 to 6", share(
		slices.DeleteFunc(slices.Clone(list), func(e told) bool { return e.wire.Recurring == "" }),
		func(e told) bool { return e.At.In(p.eastern).Hour() == 5 }), 0.25, 0.5)

	for _, d := range feeds["desk"] {
		if hour := d.At.In(p.eastern).Hour(); hour < 8 || hour > 18 || d.Source != "check-desk" {
			t.Errorf("a check of %s at %v", d.Source, d.At)
		}
	}
	between(t, "checks", float64(len(feeds["desk"])), 50, 140)
}

func TestConventionNight(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Seed: 2012, Backfill: 30 * time.Minute, MailRate: 2})
	feeds := read(t, p, 25*time.Minute, "vendor", "desk", "mail")
	list := giftsOf(feeds)
	rate := func(from, until time.Duration) float64 {
		return dollars(list, func(e told) bool {
			at := e.At.Sub(p.Start())
			return from <= at && at < until
		}) / (until - from).Hours()
	}
	between(t, "dollars an hour before", rate(-30*time.Minute, 0), 8_000, 24_000)
	between(t, "dollars an hour five minutes after the step", rate(6*time.Minute, 8*time.Minute), 1_700_000, 2_300_000)
	between(t, "dollars an hour at the top", rate(8*time.Minute, 22*time.Minute), 1_850_000, 2_150_000)
	top := p.Start().Add(3 * time.Minute)
	night := slices.DeleteFunc(slices.Clone(list), func(e told) bool { return e.At.Before(top) })
	checkSizes(t, night)

	// The mail of the night goes out from the fourth to the nineteenth minute.
	mailed := map[string]bool{}
	for _, e := range feeds["mail"] {
		mailed[e.wire.SendID] = true
	}
	var speech string
	for _, b := range p.extras() {
		if !mailed[b.id] {
			t.Errorf("nobody sends %s", b.id)
		}
		if b.at > p.start {
			speech = b.id
			break
		}
	}
	for _, e := range list {
		if w := e.wire; w.SendID != "" && (w.Refcode != w.SendID || w.Channel != "email") {
			t.Fatalf("a gift of %s has refcode %s, channel %s", w.SendID, w.Refcode, w.Channel)
		}
	}
	from := func(start, end time.Duration) float64 {
		part := slices.DeleteFunc(slices.Clone(list), func(e told) bool {
			return e.At.Before(p.Start().Add(start)) || e.At.After(p.Start().Add(end))
		})
		counts := map[string]int{}
		for _, e := range part {
			counts[e.wire.Refcode]++
		}
		for code, n := range counts {
			if start > 15*time.Minute && n > counts[speech] {
				t.Errorf("%s brings more than the mail that has just gone out", code)
			}
		}
		return float64(counts[speech]) / float64(len(part))
	}
	between(t, "gifts of the mail before it goes out", from(0, 90*time.Second), 0, 0)
	between(t, "gifts of the mail just after it", from(16*time.Minute+30*time.Second, 22*time.Minute+30*time.Second), 0.45, 0.75)
}

func TestSpikeTakesSeconds(t *testing.T) {
	p := planned(t, Options{Scenario: "spike", Seed: 3, Backfill: time.Minute})
	list := giftsOf(read(t, p, 3*time.Minute, "vendor", "mirror"))
	raised := dollars(list, func(e told) bool { return e.At.After(p.Start().Add(time.Minute)) })
	between(t, "dollars an hour after a minute", raised*30, 1_600_000, 2_400_000)
}

func TestDonors(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Seed: 5, Start: nightfall, Backfill: 3 * time.Hour})
	list := giftsOf(read(t, p, 75*time.Minute, "vendor", "mirror", "desk"))
	given, times, firsts := map[string]int64{}, map[string]int{}, map[string]int{}
	homes := map[string]string{}
	states := map[string]int{}
	for _, e := range list {
		w := e.wire
		given[w.Donor] += e.AmountMinor
		times[w.Donor]++
		if w.FirstGift {
			firsts[w.Donor]++
		}
		if home, ok := homes[w.Donor]; ok && home != w.State+w.Country {
			t.Errorf("%s lives in %s and %s", w.Donor, home, w.State+w.Country)
		}
		homes[w.Donor] = w.State + w.Country
		states[w.State]++
	}
	again := 0
	for donor, cents := range given {
		if cents > MaxGift {
			t.Errorf("%s gave $%d", donor, cents/100)
		}
		if firsts[donor] > 1 || firsts[donor] == 1 && times[donor] > 1 {
			t.Errorf("%s gave %d times, %d of them for the first time", donor, times[donor], firsts[donor])
		}
		if times[donor] > 1 {
			again++
		}
	}
	n := float64(len(list))
	between(t, "donors who give again", float64(again)/float64(len(given)), 0.05, 0.25)
	between(t, "donors to gifts", float64(len(given))/n, 0.7, 0.95)
	between(t, "gifts from California", float64(states["CA"])/n, 0.1, 0.135)
	between(t, "gifts from Wyoming", float64(states["WY"])/n, 0.0005, 0.004)
	between(t, "gifts from abroad", float64(states[""])/n, 0.004, 0.02)
}

func TestRoadsAndAftermath(t *testing.T) {
	p := planned(t, Options{Scenario: "convention", Seed: 5, Backfill: time.Hour})
	feeds := read(t, p, 60*time.Minute, "vendor", "mirror")
	roads := map[string]map[string]told{"vendor": {}, "mirror": {}}
	repeats, kinds := map[string]int{}, map[string]int{}
	for name, events := range feeds {
		for _, e := range events {
			if _, twice := roads[name][e.ID]; twice {
				repeats[name]++
			}
			roads[name][e.ID] = e
			if e.wire.Path != name {
				t.Fatalf("%s carries path %s", name, e.wire.Path)
			}
		}
	}
	vendor, mirror := roads["vendor"], roads["mirror"]
	both := 0
	for id, e := range vendor {
		kinds[e.Type]++
		if m, ok := mirror[id]; ok {
			both++
			if m.AmountMinor != e.AmountMinor || !m.At.Equal(e.At) {
				t.Fatalf("%s is told differently by the mirror", id)
			}
		}
		checkAftermath(t, e, vendor, mirror)
	}
	between(t, "vendor's gifts that the mirror has", float64(both)/float64(len(vendor)), 0.93, 0.985)
	between(t, "gifts that only the mirror has", float64(len(mirror)-both)/float64(len(mirror)), 0.001, 0.02)
	for name, n := range repeats {
		between(t, name+"'s duplicates", float64(n)/float64(len(roads[name])), 0.002, 0.01)
	}
	between(t, "refunds to gifts", float64(kinds["refund"])/float64(kinds["gift"]), 0.001, 0.01)
	for _, kind := range []string{"cancellation", "refund"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s in an hour of convention", kind)
		}
	}
}

// checkAftermath follows a refund, chargeback, … to its gift.
func checkAftermath(t *testing.T, e told, roads ...map[string]told) {
	t.Helper()
	if e.Type == "gift" {
		return
	}
	i := slices.IndexFunc(roads, func(road map[string]told) bool { _, ok := road[e.wire.Of]; return ok })
	if i < 0 {
		// The gift itself may be on its way for hours.
		return
	}
	gift := roads[i][e.wire.Of]
	switch {
	case gift.Type != "gift" || !e.At.After(gift.At):
		t.Errorf("%s at %v follows %s at %v", e.ID, e.At, gift.ID, gift.At)
	case e.Type == "cancellation" && (e.AmountMinor != 0 || e.wire.Recurring == ""):
		t.Errorf("%s moves %d cents", e.ID, e.AmountMinor)
	case (e.Type == "refund" || e.Type == "chargeback") && (e.AmountMinor >= 0 || -e.AmountMinor > gift.AmountMinor):
		t.Errorf("%s takes %d of %d cents", e.ID, e.AmountMinor, gift.AmountMinor)
	}
}
