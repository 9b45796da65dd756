package campaign

import (
	"bytes"
	"testing"
)

func TestSign(t *testing.T) {
	want := map[string]int64{Gift: 1, DisputeWon: 1, Refund: -1, Chargeback: -1, Cancellation: 0}
	for kind, sign := range want {
		if got, ok := Sign(kind); !ok || got != sign {
			t.Errorf("%s: got %d, %t, want %d", kind, got, ok, sign)
		}
		if got, err := DonationKinds().Check(kind); err != nil || got != kind {
			t.Errorf("%s is no kind: %v", kind, err)
		}
	}
	if _, ok := Sign("present"); ok {
		t.Error("an unknown kind has a sign")
	}
}

func TestWords(t *testing.T) {
	if got, err := DonationKinds().Check(""); got != Gift || err != nil {
		t.Errorf("no kind: got %q, %v, want a gift", got, err)
	}
	_, err := Bounces().Check("Hard")
	if err == nil || err.Error() != "want one of hard, soft" {
		t.Errorf("got %v", err)
	}
	for text, want := range map[string]string{"ia": "IA", "IA": "IA", "us": "US", "Iowa": "Iowa", "": ""} {
		if got := Place(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestIdentity(t *testing.T) {
	a, b := fullDonation(), fullDonation()
	b.AmountMinor, b.Props, b.Path = 1, "", "vendor"
	if !bytes.Equal(Identity(AppendDonation(nil, &a)), Identity(AppendDonation(nil, &b))) {
		t.Error("the identity depends on more than source and id")
	}
	b.Source, b.ID = a.Source+a.ID[:1], a.ID[1:]
	if bytes.Equal(Identity(AppendDonation(nil, &a)), Identity(AppendDonation(nil, &b))) {
		t.Error("the identity doesn't tell source from id")
	}
	q := fullRequest()
	record := AppendDonation(nil, &a)
	for name, record := range map[string][]byte{"request": AppendRequest(nil, &q), "nothing": nil, "cut": record[:9]} {
		if got := Identity(record); got != nil {
			t.Errorf("%s has the identity %x", name, got)
		}
	}
}
