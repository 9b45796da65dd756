package board

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/queries"
	"warroom/server/campaign"
	"warroom/server/warehouse"
)

// nothingKnown is a source of a server that has just started.
func nothingKnown() FeedSource {
	return FeedSource{
		States:  func() []campaign.FeedState { return nil },
		Minutes: func(time.Time) []campaign.FeedMinute { return nil },
		Rejects: func() []campaign.FeedReject { return nil },
		Usual:   func() Usual { return Usual{} },
		Letters: func() Letters { return Letters{} },
		Truth:   func() []TruthCheck { return nil },
		Spools:  func() []Spool { return nil },
	}
}

func feedPanels(t testing.TB, from FeedSource) map[string]Panel {
	t.Helper()
	panels, err := Feeds(newYork(t), from)
	if err != nil {
		t.Fatal(err)
	}
	byTopic := map[string]Panel{}
	for _, p := range panels {
		byTopic[p.Topic] = p
	}
	return byTopic
}

// inside answers a panel that needs no engine.
func inside(t *testing.T, from FeedSource, topic string, at time.Time) (Answer, string) {
	t.Helper()
	p := feedPanels(t, from)[topic]
	if !p.Inside || p.Query.SQL != "" {
		t.Fatalf("%s asks the engine", topic)
	}
	a, err := p.Answer(&fake{}, Moment{At: at})
	if err != nil {
		t.Fatal(err)
	}
	return a, html(t, a)
}

func wantTexts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %s", part, text)
		}
	}
}

func TestFeedsBeforeTheFirstEvent(t *testing.T) {
	for topic, p := range feedPanels(t, nothingKnown()) {
		a, err := p.Answer(&fake{}, Moment{At: evening(t).At, Window: p.Window})
		if err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		if a.Value == nil && a.Rows == nil {
			t.Errorf("%s has no value for programs", topic)
		}
		if text := html(t, a); topic != "feeds.spool" && !strings.Contains(text, "none") {
			t.Errorf("%s: %s", topic, text)
		}
	}
	_, text := inside(t, nothingKnown(), "feeds.feeds", evening(t).At)
	wantTexts(t, text, "No feed yet.", "warroom token create", "/v1/donations")
}

// mondayTen is 10:46:12 in New York, so the hour that is compared has 46 whole minutes.
func mondayTen(t *testing.T) time.Time { return mustTime(t, "2026-09-07T14:46:12Z") }

func minutesOf(feed string, from time.Time, counts ...uint64) (list []campaign.FeedMinute) {
	for i, n := range counts {
		list = append(list, campaign.FeedMinute{
			Feed: feed, Kind: campaign.Donations, Minute: from.Add(time.Duration(i) * time.Minute), Accepted: n,
		})
	}
	return list
}

func TestFeedsAgainstTheirUsualRate(t *testing.T) {
	at := mondayTen(t)
	hour, part, before := weekHour(at, newYork(t).Zone)
	if part != 46 || !hour.Equal(mustTime(t, "2026-09-07T14:00:00Z")) || len(before) != 8 ||
		!before[0].Equal(hour.AddDate(0, 0, -7)) {
		t.Fatalf("hour %s, %d minutes, before %v", hour, part, before)
	}
	norm := func(weeks int, part, whole float64) Usual {
		key := FeedKind{"vendor", campaign.Donations}
		return Usual{At: at, Hour: hour, Part: 46, Norms: map[FeedKind]Norm{key: {weeks, part, whole}}}
	}
	for _, c := range []struct {
		name   string
		usual  Usual
		quiet  time.Duration
		want   []string
		silent bool
	}{
		{"never asked", Usual{}, 0, []string{"no usual yet"}, false},
		{"one week", norm(1, 100, 130), 0, []string{"no usual yet"}, false},
		{"usual", norm(8, 100, 130), 0, []string{"93 % of usual", "median of 8 weeks"}, false},
		{"few events say nothing", norm(2, 20, 30), 10 * time.Minute, []string{"4.7× usual"}, false},
		{"low", norm(2, 1000, 1300), 0, []string{"only 9 % of usual", `coverage low`}, false},
		{"silent", norm(2, 100, 1300), 14 * time.Minute, []string{"silent for 14 min: about 300 events would be usual", "alarm"}, true},
		{"silent for long", norm(2, 100, 1300), 5 * time.Hour, []string{"silent for 5 h: about 1,300 events an hour are usual now"}, true},
		{"usually quiet", norm(4, 0, 0), 3 * time.Hour, []string{"usually quiet now"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := nothingKnown()
			from.Usual = func() Usual { return c.usual }
			from.States = func() []campaign.FeedState {
				return []campaign.FeedState{{
					Feed: "vendor", Kind: campaign.Donations, Accepted: 1234, Rejected: 5, LastReceivedAt: at.Add(-c.quiet),
					LastEventAt: at.Add(-c.quiet),
				}}
			}
			// 93 in the compared minutes; the minute that is not over and those before the hour don't count.
			from.Minutes = func(time.Time) []campaign.FeedMinute {
				list := append(minutesOf("vendor", hour.Add(-time.Minute), 500), minutesOf("vendor", hour, 50, 43)...)
				if c.name == "usually quiet" {
					list = nil
				}
				return append(list, minutesOf("vendor", at.Truncate(time.Minute), 7)...)
			}
			a, text := inside(t, from, "feeds.feeds", at)
			wantTexts(t, text, c.want...)
			row := a.Rows.([]feedRow)[0]
			if (row.Silent != "") != c.silent {
				t.Errorf("silent: %q", row.Silent)
			}
			if row.LastHour[59] != 7 || c.name != "usually quiet" && row.LastHour[13] != 50 {
				t.Errorf("last hour %v", row.LastHour)
			}
		})
	}
}

func TestTheRateLooksBackSixtySeconds(t *testing.T) {
	hour := make([]uint64, sparkMinutes)
	hour[58], hour[59] = 100, 10
	if got := perMinute(hour, mustTime(t, "2026-09-07T14:46:15Z")); got != 85 {
		t.Errorf("%v a minute, want 10 + three quarters of 100", got)
	}
}

// While the engine is away, what the process counts goes on, and what the engine knew says how old it is.
func TestFeedsWithoutTheEngine(t *testing.T) {
	at := mondayTen(t)
	from := nothingKnown()
	from.States = func() []campaign.FeedState {
		return []campaign.FeedState{{Feed: "vendor", Kind: campaign.Donations, Accepted: 17, LastReceivedAt: at, Lag: 14 * time.Second}}
	}
	from.Usual = func() Usual { return Usual{Doubt: "the engine is starting"} }
	_, text := inside(t, from, "feeds.feeds", at)
	wantTexts(t, text, ">17<", "14 s", "the engine is starting", "is not known yet", `class="act"`)
	key := FeedKind{"vendor", campaign.Donations}
	from.Usual = func() Usual {
		return Usual{At: at.Add(-5 * time.Minute), Doubt: "the engine does not answer", Came: map[FeedKind]Again{key: {Repeats: 3, Conflicts: 2}}}
	}
	_, text = inside(t, from, "feeds.feeds", at)
	wantTexts(t, text, ">3<", ">2<", "as of 5 min ago")
}

// The hour is the campaign's: a week with another offset has its ten o'clock too.
func TestWeekHourFollowsTheClocks(t *testing.T) {
	_, _, before := weekHour(mustTime(t, "2026-11-03T15:30:00Z"), newYork(t).Zone) // 10:30 EST; clocks went back on 1 November
	if want := mustTime(t, "2026-10-27T14:00:00Z"); !before[0].Equal(want) {
		t.Errorf("a week before is %s, want %s", before[0], want)
	}
	hour, part, _ := weekHour(mustTime(t, "2026-11-03T15:00:30Z"), newYork(t).Zone)
	if part != 60 || !hour.Equal(mustTime(t, "2026-11-03T14:00:00Z")) {
		t.Errorf("in the first minute: %s, %d minutes, want the whole hour before", hour, part)
	}
}

func TestNormsAreMediansOfTheWeeksThatCount(t *testing.T) {
	week := func(n int) time.Time { return mustTime(t, "2026-09-07T14:00:00Z").AddDate(0, 0, -7*n) }
	norms, err := readNorms(&fake{rows: [][]any{
		{"vendor", "donations", week(1), 10, 100}, {"vendor", "donations", week(2), 30, 300}, {"vendor", "donations", week(4), 20, 200},
		{"mirror", "donations", week(2), 7, 8}, {"mirror", "donations", week(1), 8, 9}, {"mirror", "donations", week(3), 9, 10},
	}})
	if err != nil {
		t.Fatal(err)
	}
	// The vendor was silent in week 3, in which the mirror sent; nobody sent anything in weeks 5 to 8.
	if got, want := norms[FeedKind{"vendor", campaign.Donations}], (Norm{4, 15, 150}); got != want {
		t.Errorf("vendor %v, want %v", got, want)
	}
	// The mirror is three weeks old.
	if got, want := norms[FeedKind{"mirror", campaign.Donations}], (Norm{3, 8, 9}); got != want {
		t.Errorf("mirror %v, want %v", got, want)
	}
}

func TestLettersAreGrouped(t *testing.T) {
	at := mondayTen(t)
	letter := func(kind campaign.Kind, feed, reason string, age time.Duration) campaign.DeadLetter {
		return campaign.DeadLetter{Kind: kind, Feed: feed, Reason: reason, At: at.Add(-age)}
	}
	settled := letter(campaign.Donations, "vendor", "record is cut", time.Hour)
	settled.Settled = at
	from := nothingKnown()
	from.Letters = func() Letters {
		return Letters{
			Counts: []LetterCount{
				{campaign.Donations, "vendor", "record is cut", 1, 1}, {campaign.Emails, "mail", "a <b> reason", 1, 0},
				{campaign.Donations, "mirror", "record is cut", 12_345, 0}, {campaign.Traffic, "web", "is over", 0, 4},
			},
			Newest: []campaign.DeadLetter{
				letter(campaign.Emails, "mail", "a <b> reason", time.Minute), letter(campaign.Donations, "vendor", "record is cut", time.Hour),
				letter(campaign.Donations, "mirror", "record is cut", 2*time.Hour), settled,
			},
			Last: SentAgain{At: at, Kind: "donations", Reason: "record is cut", Sent: 1234, Failed: 2},
		}
	}
	a, text := inside(t, from, "feeds.letters", at)
	v := a.Value.(lettersValue)
	if len(v.Groups) != 2 || v.Settled != 5 || v.Groups[0].Count != 12_346 || !v.Groups[0].Oldest.Equal(at.Add(-2*time.Hour)) ||
		!slices.Equal(v.Groups[0].Feeds, []string{"mirror", "vendor"}) {
		t.Errorf("groups %+v", v)
	}
	wantTexts(t, text, "1,234 counted, 2 still refused", "a &lt;b&gt; reason", `name="reason" value="record is cut"`, `name="kind" value="emails"`)
}

func TestTruthAndSpools(t *testing.T) {
	at := mondayTen(t)
	from := nothingKnown()
	from.Truth = func() []TruthCheck {
		return []TruthCheck{
			{Kind: campaign.Donations, At: at, Took: 400 * time.Millisecond, Found: 2, Differences: []TruthDifference{
				{"donation_minutes", "2026-11-03 20:14 USD gift none", "12.50", "25.00", true},
				{"donation_minutes", "2026-11-03 20:15 USD gift none", "1.00", "2.00", false},
			}},
			{Kind: campaign.Emails, At: at}, {Kind: campaign.Traffic, Trouble: "the engine is starting"},
		}
	}
	_, text := inside(t, from, "feeds.truth", at)
	wantTexts(t, text, "2 differences found, 1 not repaired", "400 ms", "20:14 USD", "repaired", "equal", "not yet", "the engine is starting")
	from.Spools = func() []Spool {
		return []Spool{{Kind: campaign.Donations, Events: 1200, Bytes: 3 << 20, Oldest: 90 * time.Second, Trouble: "no space",
			KeptSegments: 7, KeptBytes: 1536, KeptFor: 23 * time.Hour}}
	}
	_, text = inside(t, from, "feeds.spool", at)
	wantTexts(t, text, "1,200", "3 MiB", "90 s", "no space", "7 segments, 1.5 KiB, back 23 h")
}

func TestTextsOfFeeds(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "now", 4 * time.Second: "4 s", 119 * time.Second: "119 s", 3 * time.Minute: "3 min", 119 * time.Minute: "119 min",
		5 * time.Hour: "5 h", 49 * time.Hour: "2 days",
	} {
		if got := ageText(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 5 << 30: "5 GiB", 1<<20 - 1: "1 MiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	for n, want := range map[float64]string{1: "1 event", 12.4: "12 events", 234: "230 events", 98_765: "99,000 events"} {
		if got := roughly(n); got != want {
			t.Errorf("%v: %q, want %q", n, got, want)
		}
	}
}

func TestFeedsOnTheEngine(t *testing.T) {
	h := openHouse(t)
	h.panels = feedPanels(t, nothingKnown())
	t.Run("headers", h.testFeedHeaders)
	t.Run("two paths", h.testPaths)
	t.Run("conflicts", h.testConflicts)
	t.Run("usual", h.testUsual)
}

func (h *house) testFeedHeaders(t *testing.T) {
	live, err := queries.Live()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, q := range live {
		if !strings.HasPrefix(name, "feeds.") {
			continue
		}
		params := map[string]string{"at": engineTime(evening(t).At), "starts": "['2026-09-07 14:00:00']", "part": "7"}
		if p, ok := h.panels[name]; ok {
			params = p.Params(Moment{At: evening(t).At, Window: p.Window})
		}
		seen++
		if got := h.describe(t, "DESCRIBE TABLE (\n"+q.SQL+"\n)", params); !slices.Equal(got, q.Returns) {
			t.Errorf("%s returns  %v\nits header says %v", name, got, q.Returns)
		}
	}
	if seen != 4 {
		t.Errorf("%d queries", seen)
	}
}

// testPaths holds every verdict and every cent.
func (h *house) testPaths(t *testing.T) {
	at := evening(t).At
	old, minute := at.Add(-5*time.Minute), at.Truncate(time.Minute)
	by := func(path, id string, at time.Time, minor int64) campaign.Donation {
		return with(gift(id, at, minor), func(d *campaign.Donation) { d.Path, d.Feed = path, path })
	}
	euros := func(d campaign.Donation) campaign.Donation {
		return with(d, func(d *campaign.Donation) { d.Currency = "EUR" })
	}
	h.give(t,
		by("vendor", "both", old, 2500), by("vendor", "twice", old, 1001), by("vendor", "differs", old, 700),
		by("vendor", "currency", old, 900), by("vendor", "alone", old, 4099), euros(by("vendor", "euros", old, 333)),
		with(by("vendor", "back", old, -250), func(d *campaign.Donation) { d.Kind, d.Of = "refund", "both" }),
		by("vendor", "late", minute, 10_000), by("mirror", "first by the mirror", old, 5), by("vendor", "other time", old, 60),
		with(by("only", "lonely", old, 7), func(d *campaign.Donation) { d.Source = "checks" }),
		by("mirror", "before the window", at.Add(-3*time.Hour), 77),
	)
	h.give(t, // later, by other roads
		by("mirror", "both", old, 2500), by("vendor", "twice", old, 1001), by("mirror", "differs", old, 701),
		euros(by("mirror", "currency", old, 900)), by("vendor", "first by the mirror", old, 5),
		by("mirror", "other time", old.Add(-6*time.Hour), 60), by("phone", "both", old, 2500),
	)
	sources := h.ask(t, "feeds.paths", at).Rows.([]pathSource)
	if len(sources) != 1 || sources[0].Source != "actblue" || !slices.Equal(sources[0].Paths, []string{"vendor", "mirror", "phone"}) {
		t.Fatalf("sources %+v", sources)
	}
	total := sources[0].Total
	if total.Matched != 3 || total.Differ != 2 || fmt.Sprint(total.Only) != "map[mirror:0 phone:0 vendor:5]" {
		t.Errorf("total %+v", total)
	}
	// alone 40.99, twice by the same path 10.01, late 100.00; the refund apart; euros apart.
	want := []unconfirmed{
		{"EUR", newMoney(333, "EUR"), newMoney(0, "EUR")}, {"USD", newMoney(4099+1001+10_000, "USD"), newMoney(-250, "USD")},
	}
	if fmt.Sprint(total.Unconfirmed) != fmt.Sprint(want) {
		t.Errorf("unconfirmed %v\nwant %v", total.Unconfirmed, want)
	}
	steps := sources[0].Steps
	if len(steps) != 60 || !steps[0].Start.Equal(minute) || steps[0].Only["vendor"] != 1 || steps[5].Matched != 3 {
		t.Errorf("%d steps, the newest %+v", len(steps), steps[0])
	}
	wantTexts(t, html(t, h.ask(t, "feeds.paths", at)), "$151.00 given, −$2.50 taken back", "€3.33", "Only mirror", "Amounts differ")

	p := h.panels["feeds.paths"]
	day := h.answer(t, p, Moment{At: at, Window: 24 * time.Hour}).Rows.([]pathSource)[0]
	if len(day.Steps) != 96 || day.StepSeconds != 900 || day.Total.Only["mirror"] != 1 || day.Total.Matched != 3 {
		t.Errorf("a day: %d steps of %d s, total %+v", len(day.Steps), day.StepSeconds, day.Total)
	}
}

// testConflicts sees what testPaths has sent, and mail.
func (h *house) testConflicts(t *testing.T) {
	at := evening(t).At
	mail := campaign.EmailEvent{Source: "ses", ID: "m1", Feed: "mail", Type: "bounce", Bounce: "hard", OccurredAt: at.Add(-time.Minute), ReceivedAt: at.Add(-time.Minute)}
	soft := mail
	soft.Bounce, soft.ReceivedAt = "soft", at
	for _, e := range []campaign.EmailEvent{mail, soft} {
		if err := h.StoreEmails(t.Context(), batch(h, e)); err != nil {
			t.Fatal(err)
		}
	}
	a := h.ask(t, "feeds.conflicts", at)
	list := a.Rows.([]conflictRow)
	differs := map[string]string{}
	for _, r := range list {
		differs[r.ID] = strings.Join(r.Differs, " ")
	}
	want := map[string]string{"differs": "amount", "currency": "currency", "other time": "time", "m1": "kind"}
	if fmt.Sprint(differs) != fmt.Sprint(want) || list[0].ID != "m1" {
		t.Errorf("conflicts %v\nwant %v, the mail first", differs, want)
	}
	wantTexts(t, html(t, a), "$7.00", "$7.01", "USD", "EUR", "bounce hard", "bounce soft")
	u, err := AskUsual(t.Context(), h.query, at, newYork(t).Zone)
	if err != nil {
		t.Fatal(err)
	}
	if got := u.Came[FeedKind{"mirror", campaign.Donations}]; got != (Again{Repeats: 1, Conflicts: 3}) {
		t.Errorf("the mirror's copies: %+v", got)
	}
	if got := u.Came[FeedKind{"mail", campaign.Emails}]; got != (Again{Conflicts: 1}) {
		t.Errorf("the mail's copies: %+v", got)
	}
}

func (h *house) query(ctx context.Context, sql string, params map[string]string, scan func(Rows) error) error {
	return h.Query(ctx, sql, params, func(rows warehouse.Rows) error { return scan(rows) })
}

// testUsual writes the minutes as two nodes, and one minute twice: its newest version counts.
func (h *house) testUsual(t *testing.T) {
	at := mondayTen(t)
	hour, _, before := weekHour(at, newYork(t).Zone)
	save := func(node string, minute time.Time, n uint64) {
		t.Helper()
		m := campaign.FeedMinute{Node: node, Feed: "vendor", Kind: campaign.Donations, Minute: minute, Accepted: n}
		if err := h.SaveFeedMinutes(t.Context(), []campaign.FeedMinute{m}); err != nil {
			t.Fatal(err)
		}
	}
	save("a", before[0], 1)
	save("a", before[0], 100)
	save("b", before[0], 10)
	save("a", before[0].Add(50*time.Minute), 1000) // behind the part
	save("a", before[0].Add(time.Hour), 5000)      // another hour
	save("a", before[1].Add(45*time.Minute), 50)
	save("a", hour, 7) // this week's are no norm
	u, err := AskUsual(t.Context(), h.query, at, newYork(t).Zone)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := u.Norms[FeedKind{"vendor", campaign.Donations}], (Norm{2, 80, (1110 + 50) / 2.0}); got != want || u.Part != 46 {
		t.Errorf("the norm is %+v of %d minutes, want %+v", got, u.Part, want)
	}
}
