package ingest

import (
	"fmt"
	"testing"
	"time"

	"warroom/server/campaign"
)

// half is a moment in the middle of a minute.
var half = time.Date(2026, 11, 3, 12, 0, 30, 0, time.UTC)

func refused(n int, field, reason string) *verdict {
	v := &verdict{}
	for i := range n {
		v.Rejected = append(v.Rejected, rejection{i, field, reason})
	}
	return v
}

func TestFeedsAreCountedByTheMinute(t *testing.T) {
	f := newFeeds()
	f.count("vendor", campaign.Donations, &verdict{Accepted: 3, Duplicates: 1}, half, half)
	f.count("vendor", campaign.Donations, &verdict{Accepted: 2}, half, half.Add(20*time.Second))
	f.count("vendor", campaign.Donations, refused(4, "amount", "is missing"), half, half.Add(2*time.Minute))
	got := f.allMinutes(half.Add(-time.Hour))
	want := []campaign.FeedMinute{
		{Feed: "vendor", Kind: campaign.Donations, Minute: half.Truncate(time.Minute).Add(2 * time.Minute), Rejected: 4},
		{Feed: "vendor", Kind: campaign.Donations, Minute: half.Truncate(time.Minute), Accepted: 5, Duplicates: 1},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := f.allMinutes(half.Add(time.Minute)); len(got) != 1 || got[0].Rejected != 4 {
		t.Errorf("since a minute later: %v", got)
	}
}

// What an earlier process of the same minute counted is added, wherever it stands in time.
func TestMinutesOfAnEarlierProcessAreAdded(t *testing.T) {
	f := newFeeds()
	f.count("vendor", campaign.Donations, &verdict{Accepted: 1}, half, half)
	f.restoreMinutes([]campaign.FeedMinute{
		{Node: "a", Feed: "vendor", Kind: campaign.Donations, Minute: half.Add(-time.Hour).Truncate(time.Minute), Accepted: 10},
		{Node: "a", Feed: "vendor", Kind: campaign.Donations, Minute: half.Truncate(time.Minute), Accepted: 7},
	})
	got := f.allMinutes(half.Add(-2 * time.Hour))
	if len(got) != 2 || got[0].Accepted != 8 || got[1].Accepted != 10 {
		t.Errorf("got %v", got)
	}
}

func TestOldMinutesAreForgotten(t *testing.T) {
	f := newFeeds()
	const twoDays = 2 * 24 * 60
	for i := range twoDays {
		f.count("vendor", campaign.Donations, &verdict{Accepted: 1}, half, half.Add(time.Duration(i)*time.Minute))
	}
	if n := len(f.allMinutes(time.Time{})); n > 24*60+1 {
		t.Errorf("%d minutes are remembered", n)
	}
}

func TestReasonsAreBoundedAndTheNewestStay(t *testing.T) {
	f := newFeeds()
	at := half
	f.count("vendor", campaign.Donations, refused(2, "amount", "is missing"), at, at)
	for i := range 3 * maxReasons {
		at = at.Add(time.Second)
		f.count("vendor", campaign.Donations, refused(1, fmt.Sprint("field-", i), "is missing"), at, at)
		f.count("vendor", campaign.Donations, refused(1, "amount", "is missing"), at, at)
	}
	f.count("mirror", campaign.Donations, refused(1, "id", "is missing"), at, at.Add(time.Second))
	got := f.allRejects()
	if len(got) != maxReasons+1 || got[0].Feed != "mirror" {
		t.Fatalf("%d reasons, the newest is %v", len(got), got[0])
	}
	counts := map[string]uint64{}
	for _, r := range got {
		counts[r.Field] = r.Count
	}
	if counts["amount"] != 2+3*maxReasons || counts["field-59"] != 1 || counts["field-0"] != 0 {
		t.Errorf("counts %v", counts)
	}
	if f.all()[0].Rejected == 0 {
		t.Error("the sum is missing")
	}
}
