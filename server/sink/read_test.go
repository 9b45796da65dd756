package sink

import (
	"fmt"
	"strings"
	"testing"

	"warroom/server/campaign"
)

// fill gives a segment of many small donations.
func (r *rig) fill(rows int) {
	r.t.Helper()
	records := make([][]byte, rows)
	for i := range records {
		records[i] = campaign.AppendDonation(nil, &campaign.Donation{Source: "s", ID: fmt.Sprint(i), Props: strings.Repeat("p", 50)})
	}
	if err := r.spool.Append(r.t.Context(), records...); err != nil {
		r.t.Fatal(err)
	}
}

func TestReadingAllocatesPerSegmentAndNotPerEvent(t *testing.T) {
	r := newRig(t, 0)
	const rows = 20_000
	r.fill(rows)
	segment, err := r.spool.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(5, func() {
		batch, unreadable, err := r.stream.decode(segment)
		if err != nil || len(batch.Rows) != rows || len(unreadable) != 0 {
			t.Errorf("%d rows, %v", len(batch.Rows), err)
		}
		if batch.Rows[7].ID != "7" || batch.Rows[rows-1].ID != fmt.Sprint(rows-1) {
			t.Errorf("rows %q and %q", batch.Rows[7].ID, batch.Rows[rows-1].ID)
		}
		r.stream.release()
	})
	if n > 50 {
		t.Errorf("%v allocations for a segment of %d events", n, rows)
	}
}

// The memory of a backlog is given back, and the strings of a batch at once.
func TestABacklogsMemoryIsGivenBack(t *testing.T) {
	r := newRig(t, 0)
	for _, rows := range []int{20_000, 2} {
		r.fill(rows)
		segment, err := r.spool.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		batch, _, err := r.stream.decode(segment)
		if err != nil || len(batch.Rows) != rows {
			t.Fatalf("%d rows, %v", len(batch.Rows), err)
		}
		r.stream.release()
		if batch.Rows[0].ID != "" || batch.Rows[rows-1].ID != "" {
			t.Error("a row that was stored still holds its segment")
		}
		if err := segment.Done(); err != nil {
			t.Fatal(err)
		}
	}
	if n := cap(r.stream.rows); n > fewRows {
		t.Errorf("room for %d rows is kept after a batch of 2", n)
	}
}
