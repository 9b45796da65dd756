package warehouse

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"warroom/server/campaign"
)

// processor is what a process has used so far, in seconds.
func processor(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(after)
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / 100
}

// busyGift is one of a busy night: 100 refcodes, 50 states, 300 amounts.
func busyGift(i int, at time.Time) campaign.Donation {
	d := gift(fmt.Sprint(i), int64(100*(1+i*7919%300)), at)
	d.Refcode, d.State, d.DonorKey = fmt.Sprint("em26", i*104729%100), fmt.Sprint("S", i*1299709%50), fmt.Sprint("donor", i%9000)
	d.Channel, d.Form, d.SendID = fmt.Sprint("c", i%6), fmt.Sprint("f", i%4), fmt.Sprint("send", i%3)
	return d
}

// BenchmarkSums stores two gifts at a time, as five batches a second do at 600 gifts a minute, at the end of a day of
// such: engine-ms is the engine's processor time for a batch.
func BenchmarkSums(b *testing.B) {
	w := open(b)
	day := time.Unix(today(), 0).UTC() // whose best hour is not named yet
	n := 0
	for hour := range 24 {
		var rows []campaign.Donation
		for range 3000 + 33000*(hour/23) {
			n++
			rows = append(rows, busyGift(n, day.Add(time.Duration(hour)*time.Hour+time.Duration(n*104729%3_500_000)*time.Millisecond)))
		}
		if err := w.StoreDonations(b.Context(), batchOf(fmt.Sprint("past-", hour), rows...)); err != nil {
			b.Fatal(err)
		}
	}
	pid, batches := child(b), 0
	before := processor(b, pid)
	at := day.Add(24*time.Hour - 100*time.Second)
	for b.Loop() {
		batches++
		n += 2
		at = at.Add(200 * time.Millisecond)
		pair := batchOf(fmt.Sprint("new-", batches), busyGift(n-1, at), busyGift(n, at))
		if err := w.StoreDonations(b.Context(), pair); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor(b, pid)-before)*1000/float64(batches), "engine-ms")
}

// busyMail is one of a blast: three sends, two variants, eight providers.
func busyMail(i int, at time.Time) campaign.EmailEvent {
	e := mail(fmt.Sprint(i), []string{"send", "delivery", "open", "click", "bounce"}[i*7919%5], at)
	e.SendID, e.Variant = fmt.Sprint("send", i%3), []string{"a", "b"}[i/3%2]
	e.Domain = fmt.Sprintf("p%d.example", i*104729%8)
	return e
}

// BenchmarkMailSums stores fifty events at a time in an hour that has 100,000 of three blasts.
func BenchmarkMailSums(b *testing.B) {
	w := open(b)
	hour := now().Truncate(24 * time.Hour).Add(-time.Hour)
	rows := make([]campaign.EmailEvent, 100_000)
	for i := range rows {
		rows[i] = busyMail(i, hour.Add(time.Duration(i*104729%3_600_000)*time.Millisecond))
	}
	if err := w.StoreEmails(b.Context(), batchOf("past", rows...)); err != nil {
		b.Fatal(err)
	}
	pid, batches := child(b), 0
	before := processor(b, pid)
	n, at := len(rows), hour.Add(time.Hour-100*time.Second)
	for b.Loop() {
		batches++
		at = at.Add(200 * time.Millisecond)
		some := make([]campaign.EmailEvent, 50)
		for i := range some {
			n++
			some[i] = busyMail(n, at)
		}
		if err := w.StoreEmails(b.Context(), batchOf(fmt.Sprint("new-", batches), some...)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor(b, pid)-before)*1000/float64(batches), "engine-ms")
}
