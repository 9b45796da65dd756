package warehouse

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"warroom/server/campaign"
)

func mail(id, kind string, at time.Time) campaign.EmailEvent {
	return campaign.EmailEvent{
		Source: "ses", ID: id, Feed: "ses-hook", Type: kind, OccurredAt: at, ReceivedAt: at.Add(time.Second),
		SendID: "eoq-1", Variant: "a", RecipientKey: "00112233445566778899aabbccddeeff", Domain: "example.org",
	}
}

func storeEmails(t *testing.T, w *Warehouse, batches ...campaign.Batch[campaign.EmailEvent]) {
	t.Helper()
	for _, b := range batches {
		if err := w.StoreEmails(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

func wantMail(t *testing.T, w *Warehouse, events uint64) {
	t.Helper()
	want(t, w, "SELECT count() FROM email_identities FINAL", events)
	want(t, w, "SELECT count() FROM email_events FINAL", events)
	want(t, w, "SELECT uniqExact(source, id) FROM email_events", events)
	want(t, w, "SELECT sum(events) FROM email_minutes FINAL", events)
}

func TestMailCountsOnce(t *testing.T) {
	w := open(t)
	at := now()
	first := batchOf("seg-1", mail("a", "send", at), mail("b", "open", at.Add(time.Minute)), mail("a", "send", at))
	second := batchOf("seg-2", mail("a", "click", at), mail("b", "open", at.Add(time.Hour)), mail("c", "send", at),
		mail("a", "send", at))
	storeEmails(t, w, first, second, second, first)
	storeEmails(t, reopen(t), first, second)
	wantMail(t, w, 3)
	want(t, w, "SELECT sum(events) FROM email_minutes FINAL WHERE type = 'send'", uint64(2))
	want(t, w, "SELECT count() FROM email_conflicts FINAL", uint64(2))
}

func TestPartsOfMailChangeNoCount(t *testing.T) {
	w := open(t)
	var rows []campaign.EmailEvent
	for i := range 100 { // ids come again, some of them with another time
		rows = append(rows, mail(fmt.Sprint(i%60), "send", now().Add(time.Duration(i%60+i/90)*time.Second)))
	}
	partly(t, batchOf("seg-1", rows...), func(b campaign.Batch[campaign.EmailEvent]) error { return w.StoreEmails(t.Context(), b) })
	wantMail(t, w, 60)
}

func TestMailIsExactAfterACutAnywhere(t *testing.T) {
	at := now()
	b := batchOf("seg-1", mail("a", "send", at), mail("b", "open", at.Add(time.Minute)), mail("a", "open", at))
	store := func(w *Warehouse, _ bool) error { return w.StoreEmails(t.Context(), b) }
	cutEverywhere(t, store, func(t *testing.T, w *Warehouse) {
		wantMail(t, w, 2)
		want(t, w, "SELECT count() FROM email_conflicts FINAL", uint64(1))
	})
}

func TestMailRollupsEqualTheTruthForRandomBatches(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 2)) //nolint:gosec // a test's dice
	w := open(t)
	kinds := []string{"send", "delivery", "open", "click", "bounce"}
	expected := map[string]uint64{}
	seen := map[string]bool{}
	for i := range 12 {
		var rows []campaign.EmailEvent
		for range 1 + dice.IntN(80) {
			at := now().Add(time.Duration(dice.IntN(300)) * time.Second)
			e := mail(fmt.Sprint(dice.IntN(400)), kinds[dice.IntN(len(kinds))], at)
			e.Domain = fmt.Sprintf("d%d.example", dice.IntN(3))
			rows = append(rows, e)
			if !seen[e.ID] {
				seen[e.ID] = true
				expected[fmt.Sprintf("%d %s %s", e.OccurredAt.Truncate(time.Minute).Unix(), e.Type, e.Domain)]++
			}
		}
		storeEmails(t, w, batchOf(fmt.Sprintf("seg-%d", i), rows...))
	}
	got := minuteLines(t, w, `SELECT concat(toString(toUnixTimestamp(minute)), ' ', type, ' ', domain),
		toString(sum(events)) FROM email_minutes FINAL GROUP BY minute, type, domain`)
	for key, events := range expected {
		if got[key] != fmt.Sprint(events) {
			t.Errorf("%s: got %q, want %d", key, got[key], events)
		}
	}
	if len(got) != len(expected) {
		t.Errorf("%d lines, want %d", len(got), len(expected))
	}
}
