package board

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"warroom/server/campaign"
)

// blasts is mail and gifts of a few blasts, and what is counted of them by hand.
type blasts struct {
	mails []campaign.EmailEvent
	gifts []campaign.Donation
}

func (b *blasts) mail(send, variant, kind, bounce, domain string, at time.Time) {
	b.mails = append(b.mails, campaign.EmailEvent{
		Source: "ses", ID: fmt.Sprintf("m%d", len(b.mails)), Feed: "ses-hook", Type: kind, Bounce: bounce, OccurredAt: at,
		ReceivedAt: at, SendID: send, Variant: variant, Domain: domain,
	})
}

// blast sends mail over ten minutes; what becomes of it and the gifts come over three days.
func (b *blasts) blast(dice *rand.Rand, send string, first time.Time, mails, gifts int) {
	later := func(most time.Duration) time.Time {
		return first.Add(time.Duration(dice.Float64() * dice.Float64() * dice.Float64() * float64(most))).Truncate(time.Millisecond)
	}
	b.mail(send, "a", "send", "", "gmail.example", first)
	for i := range mails {
		variant, domain := []string{"a", "b"}[i%2], []string{"gmail.example", "yahoo.example"}[i%3/2]
		sent := first.Add(time.Duration(dice.IntN(600_000)) * time.Millisecond)
		b.mail(send, variant, "send", "", domain, sent)
		kind := []string{"delivery", "delivery", "bounce", "bounce", "open", "click", "unsubscribe", "complaint", "reject"}[dice.IntN(9)]
		b.mail(send, variant, kind, map[bool]string{true: []string{"hard", "soft"}[dice.IntN(2)]}[kind == "bounce"], domain, later(72*time.Hour))
	}
	for range gifts {
		g := gift(fmt.Sprintf("%s-%d", send, len(b.gifts)), later(72*time.Hour), 1_00+dice.Int64N(200_00))
		g.SendID = send
		if dice.IntN(20) == 0 {
			g.Kind, g.AmountMinor = "refund", -g.AmountMinor
		}
		b.gifts = append(b.gifts, g)
	}
}

// count is what a blast has of a type by a whole minute.
func (b *blasts) count(send, kind, bounce string, until time.Time) (n uint64) {
	for _, m := range b.mails {
		if m.SendID == send && m.Type == kind && m.Bounce == bounce && m.OccurredAt.Before(until.Truncate(time.Minute)) {
			n++
		}
	}
	return n
}

func (b *blasts) counts(send string, until time.Time) mailCounts {
	return mailCounts{
		b.count(send, "send", "", until), b.count(send, "delivery", "", until), b.count(send, "bounce", "hard", until),
		b.count(send, "bounce", "soft", until), b.count(send, "complaint", "", until), b.count(send, "open", "", until),
		b.count(send, "click", "", until), b.count(send, "unsubscribe", "", until),
	}
}

func (b *blasts) raised(send string, until time.Time) (gifts uint64, given int64) {
	for _, g := range b.gifts {
		if g.SendID == send && g.Kind == "gift" && !g.OccurredAt.After(until) {
			gifts, given = gifts+1, given+g.AmountMinor
		}
	}
	return gifts, given
}

func TestSendsOnTheEngine(t *testing.T) {
	h := openHouse(t)
	dice := rand.New(rand.NewPCG(4, 2012))
	at := mustTime(t, "2026-09-07T02:46:12.345Z")
	var b blasts
	for i := range 7 {
		b.blast(dice, fmt.Sprintf("old%d", i), at.Add(-80*time.Hour-time.Duration(i)*7*time.Hour), 30, 60)
	}
	b.blast(dice, "young", at.Add(-50*time.Minute), 400, 200)
	b.blast(dice, "last night", at.Add(-26*time.Hour), 100, 100)
	h.give(t, b.gifts...)
	if err := h.StoreEmails(t.Context(), batch(h, b.mails...)); err != nil {
		t.Fatal(err)
	}
	for _, when := range []time.Time{at, at.Add(-49 * time.Minute), at.Add(-30 * time.Hour), at.Add(20 * time.Hour), mustTime(t, "2026-09-07T00:00:00Z")} {
		h.testSendsAt(t, &b, when)
	}
	h.testOneSend(t, &b, at)
	h.testMailOfTheDay(t, &b, at)
}

func (h *house) testSendsAt(t *testing.T, b *blasts, when time.Time) {
	t.Helper()
	rows := h.ask(t, "sends.list", when).Rows.([]sendRow)
	listed := map[string]bool{}
	for i, r := range rows {
		if i > 0 && r.FirstAt.After(rows[i-1].FirstAt) {
			t.Errorf("%s: %s stands after an older one", when, r.SendID)
		}
		listed[r.SendID] = true
		gifts, given := b.raised(r.SendID, when)
		if r.mailCounts != b.counts(r.SendID, when) || r.Gifts != gifts || r.Minor != given {
			t.Errorf("%s, %s: %+v %d %d, want %+v %d %d", when, r.SendID, r.mailCounts, r.Gifts, r.Minor,
				b.counts(r.SendID, when), gifts, given)
		}
		if r.Final != (when.Sub(r.FirstAt) >= finalAge) || r.Ongoing || r.Final && r.Projection != nil {
			t.Errorf("%s: %+v", when, r)
		}
	}
	for _, m := range b.mails {
		if left := m.Type == "send" && m.OccurredAt.Before(when.Truncate(time.Minute)); left && !listed[m.SendID] {
			t.Fatalf("%s: %s isn't listed", when, m.SendID)
		}
	}
}

func (h *house) testOneSend(t *testing.T, b *blasts, at time.Time) {
	one := func(topic, id string) Answer { return h.answer(t, h.panels[topic].About(id), Moment{At: at}) }
	v := one("send.summary", "young").Value.(sendValue)
	gifts, given := b.raised("young", at)
	if v.mailCounts != b.counts("young", at) || v.Gifts != gifts || v.Minor != given || v.Refunds == 0 || v.Net.Minor >= given {
		t.Errorf("so far: %+v", v)
	}
	curve := one("send.curve", "young").Series
	first := time.Unix(curve.Times[0], 0)
	for _, minutes := range []int{0, 7, 49} {
		_, want := b.raised("young", first.Add(time.Duration(minutes)*time.Minute-time.Millisecond))
		if got := curve.Columns[0].Values[minutes]; got == nil || *got != newMoney(want, "USD").major() {
			t.Errorf("the curve at +%d min: %v, want %d", minutes, got, want)
		}
	}
	if curve.Columns[0].Values[55] != nil || curve.Columns[1].Values[55] == nil {
		t.Error("the send's own line ends at the moment, that of the earlier ones goes on")
	}
	p := one("send.projection", "young").Value.(projectionsValue)
	if p.Earlier != 7 || len(p.At) != 3 || p.At[2].Projection == nil || p.At[2].Projection.Sends > 7 {
		t.Errorf("projection: %+v", p)
	}
	total := 0.0
	for _, n := range one("send.gifts", "young").Series.Columns[0].Values {
		if n != nil {
			total += *n
		}
	}
	if total != float64(gifts) {
		t.Errorf("%v gifts in the chart, want %d", total, gifts)
	}
	list := one("send.variants", "young").Value.(variantsValue).Variants
	if len(list) != 2 || list[0].Sent+list[1].Sent != b.count("young", "send", "", at) ||
		list[0].Opens+list[1].Opens != b.count("young", "open", "", at) || list[1].LeftAt.Before(first) {
		t.Errorf("variants: %+v", list)
	}
}

// testMailOfTheDay compares the mail board with the events of 24 hours.
func (h *house) testMailOfTheDay(t *testing.T, b *blasts, at time.Time) {
	since := func(span time.Duration, kind, bounce, domain string) (n uint64) {
		for _, m := range b.mails {
			if end := at.Truncate(time.Minute); m.Type == kind && (bounce == "" || m.Bounce == bounce) && (domain == "" || m.Domain == domain) &&
				!m.OccurredAt.Before(end.Add(-span)) && m.OccurredAt.Before(end) {
				n++
			}
		}
		return n
	}
	const day = 24 * time.Hour
	l := h.ask(t, "mail.limits", at).Value.(limitsValue)
	if l.Sends != since(day, "send", "", "") || l.HardBounces != since(day, "bounce", "hard", "") ||
		l.Complaints != since(day, "complaint", "", "") || l.RecentHardBounces != since(15*time.Minute, "bounce", "hard", "") {
		t.Errorf("limits: %+v", l)
	}
	if q := h.ask(t, "mail.quota", at).Value.(quotaValue); q.Day != l.Sends || q.PerSecond != float64(since(time.Minute, "send", "", ""))/60 {
		t.Errorf("quota: %+v", q)
	}
	if v := h.ask(t, "mail.lag", at).Value.(lagValue); v.Sends != since(time.Hour, "send", "", "") || v.SoftBounces != since(time.Hour, "bounce", "soft", "") {
		t.Errorf("lag: %+v", v)
	}
	for _, r := range h.ask(t, "mail.providers", at).Rows.([]providerRow) {
		if r.Sends != since(day, "send", "", r.Domain) || r.Rejects != since(day, "reject", "", r.Domain) || r.Deliveries != since(day, "delivery", "", r.Domain) {
			t.Errorf("%+v", r)
		}
	}
	for _, window := range []time.Duration{time.Hour, day} {
		s := h.answer(t, h.panels["mail.rate"].Over(window), Moment{At: at, Window: window}).Series
		total := 0.0
		for _, rate := range s.Columns[0].Values {
			total += *rate * float64(s.Step)
		}
		var want float64
		for _, m := range b.mails {
			if from := time.Unix(s.Times[0], 0); m.Type == "send" && !m.OccurredAt.Before(from) && m.OccurredAt.Before(from.Add(window)) {
				want++
			}
		}
		if d := total - want; d > 0.01 || d < -0.01 {
			t.Errorf("%s of mail: %v, want %v", window, total, want)
		}
	}
}
