package board

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// sendVariants are the versions of a send side by side.
func (d desk) sendVariants(id string) Panel {
	p := d.ofSend("send.variants", id, campaign.Emails)
	p.Note = "per delivered mail"
	p.Params = func(m Moment) map[string]string { return map[string]string{"at": engineTime(m.At), "send": id} }
	p.Answer = func(rows Rows, m Moment) (Answer, error) {
		list, err := readVariants(rows)
		if err != nil {
			return Answer{}, err
		}
		value := variantsValue{Variants: list, Differences: differences(list, m.At)}
		return Answer{Value: value, Fragment: views.VariantsPanel(d.variantsView(p, m, value))}, nil
	}
	return p
}

// variantsValue is the API's answer: the versions, and each against the first.
type variantsValue struct {
	Variants    []variantRow `json:"variants"`
	Differences []difference `json:"differences"`
}

type variantRow struct {
	Variant      string    `json:"variant"`
	Sent         uint64    `json:"sent"`
	Delivered    uint64    `json:"delivered"`
	Opens        uint64    `json:"opens"`
	Clicks       uint64    `json:"clicks"`
	Unsubscribes uint64    `json:"unsubscribes"`
	Complaints   uint64    `json:"complaints"`
	LeftAt       time.Time `json:"left_at"` // on average
}

// difference is a version's rate against the first one's. Ratio and its always-valid 95 % interval are null while one
// of them has none.
type difference struct {
	What    string   `json:"what"` // "opens"
	Variant string   `json:"variant"`
	Against string   `json:"against"`
	Ratio   *float64 `json:"ratio"`
	Low     *float64 `json:"ratio_low"`
	High    *float64 `json:"ratio_high"`
	Luck    float64  `json:"always_valid_p"`
	// Uneven says that the two left at different times, so that their rates can't be compared yet.
	Uneven bool `json:"left_at_different_times"`
	a, b   outcome
}

// outcome is a count of something per mail.
type outcome struct{ n, mails uint64 }

func (o outcome) text() string {
	if ratio, ok := share(float64(o.n), float64(o.mails)); ok {
		return percentText(ratio)
	}
	return nothing
}

func readVariants(rows Rows) ([]variantRow, error) {
	list := []variantRow{}
	err := each(rows, "send.variants", func() error {
		var (
			v      variantRow
			leftAt float64
		)
		err := rows.Scan(&v.Variant, &v.Sent, &v.Delivered, &v.Opens, &v.Clicks, &v.Unsubscribes, &v.Complaints, &leftAt)
		v.LeftAt = time.UnixMilli(int64(leftAt * 1000)).UTC()
		list = append(list, v)
		return err
	})
	return list, err
}

// measure is something that versions are compared by.
type measure struct {
	what, label string
	of          func(v variantRow) uint64
	each        float64 // see pair
}

// A reader who opens or clicks at all does so up to twice on average; nobody leaves or complains twice.
func measures() []measure {
	return []measure{
		{"opens", "Opens", func(v variantRow) uint64 { return v.Opens }, 2},
		{"clicks", "Clicks", func(v variantRow) uint64 { return v.Clicks }, 2},
		{"unsubscribes", "Unsubscribed", func(v variantRow) uint64 { return v.Unsubscribes }, 1},
		{"complaints", "Complaints", func(v variantRow) uint64 { return v.Complaints }, 1},
	}
}

// differences compare each version with the first. Where there are several, luck has that many chances.
func differences(list []variantRow, now time.Time) []difference {
	found := []difference{}
	for _, by := range measures() {
		for _, v := range list[min(1, len(list)):] {
			found = append(found, differ(by, list[0], v, float64(len(list)-1), now))
		}
	}
	return found
}

func differ(by measure, a, b variantRow, chances float64, now time.Time) difference {
	x := difference{
		What: by.what, Variant: b.Variant, Against: a.Variant, Uneven: uneven(a, b, now),
		a: outcome{by.of(a), a.Delivered}, b: outcome{by.of(b), b.Delivered},
	}
	p := pair{float64(x.a.n), float64(x.b.n), float64(x.a.mails), float64(x.b.mails), by.each}
	x.Luck = min(1, p.luck()*chances)
	if low, high, ok := p.between(sure / chances); ok {
		ratio := p.ratio()
		x.Ratio, x.Low, x.High = &ratio, &low, &high
	}
	return x
}

// uneven says that one version has had noticeably more time: mail that left a minute later is about one per cent
// behind in opens after an hour, and that much less the older it is.
func uneven(a, b variantRow, now time.Time) bool {
	apart := a.LeftAt.Sub(b.LeftAt).Abs()
	return apart > 30*time.Second && apart > now.Sub(a.LeftAt)/60
}

func (d desk) variantsView(p Panel, m Moment, v variantsValue) views.Variants {
	empty := ""
	switch len(v.Variants) {
	case 0:
		empty = "No mail has left yet."
	case 1:
		empty = "One version only: nothing to compare."
	}
	view := views.Variants{Panel: d.head(p, m, empty), Small: howSure}
	if empty != "" {
		return view
	}
	view.First = nameOf(v.Variants[0].Variant) + ", " + countText(v.Variants[0].Delivered) + " delivered"
	for _, other := range v.Variants[1:] {
		view.Others = append(view.Others, nameOf(other.Variant)+", "+countText(other.Delivered)+" delivered")
	}
	for i, x := range v.Differences {
		view.Rows = append(view.Rows, x.row(measures()[i/(len(v.Variants)-1)].label, len(v.Variants) > 2))
	}
	return view
}

const howSure = "Look as often as you like: a difference is called sure only when luck alone would ever show one like it, " +
	"looked at every minute, in at most 5 tests of 100 (mixture sequential test; opens and clicks count as half as many people)."

// nameOf is a version's name; mail without one has none.
func nameOf(variant string) string {
	if variant == "" {
		return "no name"
	}
	return variant
}

// row draws a difference on a scale from half to twice the first one's rate.
func (x difference) row(label string, several bool) views.VariantRow {
	row := views.VariantRow{Label: label, First: x.a.text(), Other: x.b.text(), Difference: nothing, Sure: x.words(), IsSure: x.isSure()}
	if several {
		row.Label += ", " + nameOf(x.Variant)
	}
	if x.Ratio == nil {
		return row
	}
	place := func(ratio float64) float64 { return (math.Log2(ratio) + 1) / 2 }
	if row.Difference, row.Band = signed(*x.Ratio), "too few to say"; *x.Low > 0.1 && *x.High < 10 {
		row.Band = signed(*x.Low) + " to " + signed(*x.High)
	}
	low, high := max(0, place(*x.Low)), min(1, place(*x.High))
	row.From, row.Width, row.Mark = width(low), width(high-low), width(place(*x.Ratio))
	return row
}

func (x difference) isSure() bool { return x.Luck <= sure && !x.Uneven }

// words say how sure a difference is.
func (x difference) words() string {
	switch {
	case x.a.mails == 0 || x.b.mails == 0:
		return "nothing delivered yet"
	case x.Uneven:
		return "left at different times: wait"
	case x.Luck <= 0.001:
		return "sure: luck 1 in 1,000 or less"
	case x.Luck <= sure:
		return fmt.Sprintf("sure: luck 1 in %.0f", math.Floor(1/x.Luck))
	case x.Luck < 0.5:
		return "not sure yet: luck 1 in " + trimZeros(1/x.Luck, 1)
	}
	return "not sure yet"
}

// signed writes a ratio as a change in per cent.
func signed(ratio float64) string {
	percent := (ratio - 1) * 100
	text := strconv.FormatFloat(math.Abs(percent), 'f', 1, 64)
	switch {
	case ratio >= timesFrom:
		return times(ratio)
	case text == "0.0":
		return "±0 %"
	case percent < 0:
		return "−" + text + " %"
	}
	return "+" + text + " %"
}
