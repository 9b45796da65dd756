package warehouse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"warroom/server/campaign"
)

// Comparison is what one look at a kind's tables found: whether its rollups, and the tables that hold the same rows,
// say what the truth says.
type Comparison struct {
	Kind        campaign.Kind
	At          time.Time // when it began
	Took        time.Duration
	Rows        uint64       // of the truth: identities of money and mail; requests that were looked at
	Found       int          // differences, also those that Differences has no room for
	Left        int          // those of them that could not be repaired
	Differences []Difference // the first listedDifferences
}

// Difference is one place where a table did not say what the truth says. It holds no personal data.
type Difference struct {
	Table, Where  string // as "donation_minutes", "2026-11-03 20:14 USD gift none"
	Rollup, Truth string // what the table said, and what it has to say
	Repaired      bool   // false when the truth itself has gone from the warehouse
}

// listedDifferences bounds what a broken table's comparison remembers.
const listedDifferences = 200

func (c *Comparison) add(found ...Difference) {
	c.Found += len(found)
	for _, d := range found {
		if !d.Repaired {
			c.Left++
		}
	}
	c.Differences = append(c.Differences, found[:min(len(found), listedDifferences-len(c.Differences))]...)
}

// Compare looks whether a kind's tables agree with each other and with the truth, at any age, and repairs what does
// not. It first looks without holding anybody up; what differs then may only be a batch that is being stored, so it is
// looked at again with the kind's tables held, and only what still differs is a difference. Traffic is looked at as
// far back as its single requests are kept; many of them in slices, all within five calls.
//
// The cost is about 0.4 s of CPU a million gifts. Where the engine meets damaged bytes, the parts are set aside (see
// BrokenParts) and the error says so: compare again.
func (w *Warehouse) Compare(ctx context.Context, kind campaign.Kind) (Comparison, error) {
	c := Comparison{Kind: kind, At: time.Now()}
	var err error
	switch kind {
	case campaign.Donations:
		err = moneyBooks().compare(ctx, w, &c)
	case campaign.Emails:
		err = mailBooks().compare(ctx, w, &c)
	case campaign.Traffic:
		err = w.compareTraffic(ctx, &c)
	}
	c.Took = time.Since(c.At)
	if err == nil {
		return c, nil
	}
	err = fmt.Errorf("compare %s: %w", kind, err)
	if damaged(err) {
		n, aside := w.Scrub(ctx, kind)
		if aside != nil {
			return c, fmt.Errorf("%w; set damaged parts aside: %w", err, aside)
		}
		return c, fmt.Errorf("%w; %d damaged parts were set aside", err, n)
	}
	return c, err
}

const (
	// atOnce bounds the minutes of one round of a repair: the kind is held for some seconds at most.
	atOnce = 20_000
	// textAtOnce bounds the texts for them: three of their lists have to fit into a statement of 256 KiB.
	textAtOnce = 3000
)

// span is a row of minutes without a gap, in Unix seconds; first and last are included.
type span struct{ first, last uint32 }

func spansOf(minutes []uint32) (spans []span) {
	for _, m := range minutes { // in order
		if n := len(spans); n > 0 && spans[n-1].last+60 == m {
			spans[n-1].last = m
			continue
		}
		spans = append(spans, span{m, m})
	}
	return spans
}

// rounds divides minutes, which are in order, by what a repair takes at once.
func rounds(minutes []uint32) (all [][]uint32) {
	const single, more = 1, 5 // texts: a span is about as long as six single minutes
	start, texts, run := 0, 0, 0
	for i, m := range minutes {
		switch {
		case i == start || minutes[i-1]+60 != m:
			run, texts = 1, texts+single
		case run == 1:
			run, texts = 2, texts+more
		}
		if texts > textAtOnce || i-start == atOnce {
			all = append(all, minutes[start:i])
			start, texts, run = i, single, 1
		}
	}
	if start < len(minutes) {
		all = append(all, minutes[start:])
	}
	return all
}

// spans is the condition that an expression is one of some minutes, which are in order.
func spans(expression string, minutes []uint32) string {
	var single []uint32
	var parts []string
	for _, s := range spansOf(minutes) {
		if s.first == s.last {
			single = append(single, s.first)
			continue
		}
		parts = append(parts, fmt.Sprintf("%s >= '%s:00' AND %s <= '%s:00'", expression, minuteText(s.first), expression, minuteText(s.last)))
	}
	if len(single) > 0 {
		parts = append(parts, expression+" IN "+minutesList(single))
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// minutesList writes minutes, in Unix seconds, as a list for IN.
func minutesList(minutes []uint32) string {
	var list strings.Builder
	for i, m := range minutes {
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteString(time.Unix(int64(m), 0).UTC().Format("'2006-01-02 15:04:05'"))
	}
	return "(" + list.String() + ")"
}

func minuteText(unix uint32) string {
	return time.Unix(int64(unix), 0).UTC().Format("2006-01-02 15:04")
}
