package warehouse

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"warroom/server/campaign"
)

// The engine refuses one row of a batch, whatever it is asked: the others can be stored without it.
func TestRefusedIsSaidOfRows(t *testing.T) {
	w := open(t)
	poison := gift("poison-canary", 666, now())
	for _, table := range []string{"donations", "email_identities", "requests"} {
		run(t, w, "ALTER TABLE "+table+" ADD CONSTRAINT poisoned CHECK n != 2")
	}
	defer func() {
		for _, table := range []string{"donations", "email_identities", "requests"} {
			run(t, w, "ALTER TABLE "+table+" DROP CONSTRAINT poisoned")
		}
	}()
	money := batchOf("seg-1", gift("a", 1, now()), gift("b", 2, now()), poison, gift("c", 4, now()))
	letters := batchOf("seg-1", mail("a", "send", now()), mail("b", "send", now()), mail("poison-canary", "send", now()))
	web := batchOf("seg-1", hits(4, now())...)
	for name, err := range map[string]error{
		"donations": w.StoreDonations(t.Context(), money),
		"emails":    w.StoreEmails(t.Context(), letters),
		"traffic":   w.StoreTraffic(t.Context(), web),
	} {
		if !Refused(err) || errors.Is(err, ErrPermanent) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, part := range []campaign.Batch[campaign.Donation]{only(money, 0, 1), only(money, 3)} {
		storeDonations(t, w, part)
	}
	if err := w.StoreDonations(t.Context(), only(money, 2)); !Refused(err) {
		t.Errorf("the poison alone: got %v", err)
	}
	wantCents(t, w, 3, 7)
	storeTraffic(t, w, only(web, 0, 1, 3))
	want(t, w, "SELECT toUInt64(sum(requests)) FROM request_seconds", uint64(3))
}

// What may pass is waited for and never put aside.
func TestRefusedIsNotSaidOfTheMoment(t *testing.T) {
	for _, code := range []int32{241, 243, 252, 159, 202, 209, 210, 319, 1000, 1002, 516, 497, 164, 117, 81, 60} {
		if Refused(outcome("try", &clickhouse.Exception{Code: code})) || Refused(outcome("try", refusal(code))) {
			t.Errorf("code %d is said of the moment", code)
		}
	}
	for _, code := range []int32{6, 53, 69, 70, 321, 349, 407, 469, 691} {
		if !Refused(fmt.Errorf("batch: %w", outcome("try", refusal(code)))) {
			t.Errorf("code %d is said of rows", code)
		}
	}
	for _, err := range []error{nil, errUnconfirmed, errRunning, errProtocol, &net.OpError{Op: "read", Err: net.ErrClosed}} {
		if Refused(outcome("try", err)) {
			t.Errorf("%v is said of the moment", err)
		}
	}
}
