package warehouse

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"warroom/server/campaign"
)

// child is the process id of the engine: the one child of this test program that listens.
func child(t testing.TB) int {
	t.Helper()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		text, _ := os.ReadFile("/proc/self/task/" + task.Name() + "/children")
		for _, pid := range strings.Fields(string(text)) {
			n, err := strconv.Atoi(pid)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	return 0
}

// kill ends the engine as a power button would and returns when it answers again.
func kill(t *testing.T, w *Warehouse) {
	t.Helper()
	before := running.Restarts()
	if err := syscall.Kill(child(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(time.Minute)
	for running.Restarts() == before || w.Ping(t.Context()) != nil {
		if time.Now().After(deadline) {
			t.Fatal("the engine does not come back")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestAllIsExactAfterTheEngineWasKilled(t *testing.T) {
	w := open(t)
	at := now()
	const batches, rows = 30, 40
	money, traffic := make(chan struct{}), make(chan struct{})
	// Like the sinks: the same batch until it is stored, then the next.
	persist := func(store func(ctx context.Context) error) {
		for store(context.WithoutCancel(t.Context())) != nil { //nolint:revive // again
		}
	}
	go func() {
		defer close(money)
		for i := range batches {
			var gifts []campaign.Donation
			for k := range rows {
				gifts = append(gifts, gift(fmt.Sprint(i*rows/2+k), int64(100+i*rows/2+k), at.Add(time.Duration(k)*time.Second)))
			}
			b := batchOf(fmt.Sprintf("money-%d", i), gifts...)
			persist(func(ctx context.Context) error { return w.StoreDonations(ctx, b) })
		}
	}()
	go func() {
		defer close(traffic)
		for i := range batches {
			b := batchOf(fmt.Sprintf("traffic-%d", i), hits(rows, at)...)
			persist(func(ctx context.Context) error { return w.StoreTraffic(ctx, b) })
		}
	}()
	for range 2 {
		for start := w.Stats().Rows; w.Stats().Rows < start+4*rows; {
			time.Sleep(time.Millisecond)
		}
		kill(t, w)
	}
	<-money
	<-traffic
	const ids = (batches-1)*rows/2 + rows // neighbouring batches share half of their gifts
	wantCents(t, w, ids, ids*100+ids*(ids-1)/2)
	wantHits(t, w, batches*rows)
}

// A stopped engine answers nothing: boards must hear so soon, and nothing is lost.
func TestAStoppedEngineHoldsUpNobodyForEver(t *testing.T) {
	w := open(t)
	pid := child(t)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	stopped := true
	resume := func() {
		if stopped {
			stopped = false
			_ = syscall.Kill(pid, syscall.SIGCONT)
		}
	}
	defer resume()
	if err := w.Query(t.Context(), "SELECT 1", nil, func(Rows) error { return nil }); err == nil {
		t.Error("a stopped engine answered")
	}
	gone, cancel := context.WithCancel(t.Context())
	b := batchOf("seg-1", gift("a", 2500, now()))
	stored := make(chan error)
	go func() { stored <- w.StoreDonations(gone, b) }()
	cancel()
	if err := <-stored; err == nil {
		t.Error("a stopped engine stored something")
	}
	resume()
	storeDonations(t, w, b)
	wantCents(t, w, 1, 2500)
}

// BenchmarkStoreDonations stores a batch so that its rows are exact and proven; the peer is a plain insert of the same
// rows, which proves nothing: x-insert is how many times as long the proof takes.
func BenchmarkStoreDonations(b *testing.B) {
	for _, size := range []int{10, 1_000, 20_000} {
		b.Run(fmt.Sprintf("rows=%d", size), func(b *testing.B) {
			w, i := open(b), 0
			gifts := func(who string) campaign.Batch[campaign.Donation] {
				rows := make([]campaign.Donation, size)
				for k := range rows {
					rows[k] = gift(fmt.Sprintf("%s-%d-%d", who, i, k), 2500, now().Add(time.Duration(k)*time.Millisecond))
				}
				return batchOf(fmt.Sprintf("%s-%d", who, i), rows...)
			}
			table := donationLedger().identities
			var ours, theirs time.Duration
			for b.Loop() {
				i++
				mine, peers := gifts("seg"), chunkOf(gifts("peer"))
				started := time.Now()
				if err := w.StoreDonations(b.Context(), mine); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(started)
				b.StopTimer()
				started = time.Now()
				if err := insert(b.Context(), w, campaign.Donations, table, peers, peers.rows); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(started)
				b.StartTimer()
			}
			b.ReportMetric(float64(size*i)/ours.Seconds(), "rows/s")
			b.ReportMetric(float64(ours)/float64(theirs), "x-insert")
		})
	}
}
