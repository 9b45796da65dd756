package warehouse

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

func TestQueryBindsItsParameters(t *testing.T) {
	w := open(t)
	params := map[string]string{
		"at": "2026-09-30 23:59:59.987", "n": "-7", "word": "tab\t, new\nline, \\back, 'quote', é", "list": "['a','b\\'c']",
	}
	var at time.Time
	var n int64
	var word string
	var list []string
	const sql = "SELECT {at:DateTime64(3, 'UTC')}, {n:Int64}, {word:String}, {list:Array(String)}"
	err := w.Query(t.Context(), sql, params, func(rows Rows) error {
		for rows.Next() {
			if err := rows.Scan(&at, &n, &word, &list); err != nil {
				return err
			}
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if !at.Equal(time.Date(2026, 9, 30, 23, 59, 59, 987_000_000, time.UTC)) || n != -7 || word != params["word"] {
		t.Errorf("got %v %v %q", at, n, word)
	}
	if !slices.Equal(list, []string{"a", "b'c"}) {
		t.Errorf("got %q", list)
	}
	if s := w.Stats(); s.Queries == 0 || s.Errors != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestAQueryThatTakesTooLongEnds(t *testing.T) {
	w := open(t)
	const long = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(sipHash64(number))"
	err := w.Query(t.Context(), long, nil, func(rows Rows) error {
		for rows.Next() { //nolint:revive // nothing comes
		}
		return rows.Err()
	})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if s := w.Stats(); s.Errors != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestAQueryErrorKeepsItsText(t *testing.T) {
	err := open(t).Query(t.Context(), "SELECT nothing_of_that_name", nil, func(Rows) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "nothing_of_that_name") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfStoringQuoteNoRow(t *testing.T) {
	w := open(t)
	run(t, w, "ALTER TABLE donations ADD CONSTRAINT canary CHECK id != 'jane@example.org'")
	defer run(t, w, "ALTER TABLE donations DROP CONSTRAINT canary")
	err := w.StoreDonations(t.Context(), batchOf("seg-1", gift("jane@example.org", 1, now())))
	if err == nil || !strings.Contains(err.Error(), "469") || !strings.Contains(err.Error(), "seg-1") {
		t.Fatalf("got %v, want the batch and code 469 (violated constraint)", err)
	}
	if strings.Contains(err.Error(), "jane") {
		t.Errorf("the error quotes the row: %v", err)
	}
}

func TestFeedsAreKeptOverARestart(t *testing.T) {
	w := open(t)
	feeds := []campaign.FeedState{
		{Node: "n1", Feed: "hook", Kind: campaign.Donations, LastEventAt: now(), LastReceivedAt: now().Add(time.Second),
			Accepted: 5, Rejected: 1, Duplicates: 2, Lag: 1500 * time.Millisecond},
		{Node: "n1", Feed: "hook", Kind: campaign.Traffic},
	}
	save := func(w *Warehouse) {
		t.Helper()
		if err := w.SaveFeeds(t.Context(), feeds); err != nil {
			t.Fatal(err)
		}
	}
	save(w)
	w.last += uint64(time.Hour) // as if the clock were set back now
	feeds[0].Accepted = 9
	save(w)
	w = reopen(t)
	got, err := w.LoadFeeds(t.Context(), "n1")
	if err != nil || len(got) != 2 || got[0] != feeds[0] || got[1] != feeds[1] {
		t.Fatalf("got %+v, %v, want %+v", got, err, feeds)
	}
	save(w)
	if n := w.Stats().Inserts; n != 0 {
		t.Errorf("%d inserts although nothing changed", n)
	}
	feeds[1].Rejected = 1
	save(w)
	save(w)
	if n := w.Stats().Inserts; n != 1 {
		t.Errorf("%d inserts for one change", n)
	}
	if other, err := w.LoadFeeds(t.Context(), "n2"); err != nil || len(other) != 0 {
		t.Errorf("another node's feeds: %v, %v", other, err)
	}
}

func TestFeedMinutesAreKeptOverARestart(t *testing.T) {
	w := open(t)
	at := now()
	minutes := []campaign.FeedMinute{
		{Node: "n1", Feed: "hook", Kind: campaign.Donations, Minute: at, Accepted: 5, Rejected: 1, Duplicates: 2},
		{Node: "n1", Feed: "hook", Kind: campaign.Donations, Minute: at.Add(time.Minute), Accepted: 1},
	}
	save := func(w *Warehouse) {
		t.Helper()
		if err := w.SaveFeedMinutes(t.Context(), minutes); err != nil {
			t.Fatal(err)
		}
	}
	save(w)
	w.last += uint64(time.Hour) // as if the clock were set back now
	minutes[1].Accepted = 9
	save(w)
	w = reopen(t)
	got, err := w.LoadFeedMinutes(t.Context(), "n1", at)
	if err != nil || len(got) != 2 || got[0] != minutes[0] || got[1] != minutes[1] {
		t.Fatalf("got %+v, %v, want %+v", got, err, minutes)
	}
	save(w)
	if n := w.Stats().Inserts; n != 0 {
		t.Errorf("%d inserts although nothing changed", n)
	}
	minutes[1].Rejected = 1
	save(w)
	save(w)
	if n := w.Stats().Inserts; n != 1 {
		t.Errorf("%d inserts for one change", n)
	}
	if late, err := w.LoadFeedMinutes(t.Context(), "n1", at.Add(time.Minute)); err != nil || len(late) != 1 {
		t.Errorf("from the second minute on: %v, %v", late, err)
	}
	if other, err := w.LoadFeedMinutes(t.Context(), "n2", at); err != nil || len(other) != 0 {
		t.Errorf("another node's minutes: %v, %v", other, err)
	}
}
