package board

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"warroom/server/campaign"
	"warroom/views"
)

// Letters are the dead letters of all kinds, and what became of the last try to send some again.
type Letters struct {
	Counts []LetterCount         // of all letters
	Newest []campaign.DeadLetter // as many as are held, settled ones included: when they were put aside
	Last   SentAgain
}

// LetterCount says how many letters of a feed have one reason.
type LetterCount struct {
	Kind          campaign.Kind
	Feed, Reason  string
	Open, Settled int
}

// SentAgain is the outcome of one try.
type SentAgain struct {
	At           time.Time // zero: there was none
	By           string    // the person or token
	Kind, Reason string    // of the letters
	Sent, Failed int       // counted after all, and still refused
	Trouble      string    // why it did not get to its end, in words; empty when it did
}

// open counts the letters that wait for a person, by feed and kind.
func (l Letters) open() map[FeedKind]int {
	n := map[FeedKind]int{}
	for _, c := range l.Counts {
		n[FeedKind{c.Feed, c.Kind}] += c.Open
	}
	return n
}

// letters groups the dead letters by what is wrong with them.
func (d feedDesk) letters() Panel {
	p := d.inside("feeds.letters", "Dead letters", "kept, not counted", func(p Panel, m Moment) Answer {
		l := d.from.Letters()
		value := lettersValue{Groups: l.groups()}
		for _, c := range l.Counts {
			value.Settled += c.Settled
		}
		if !l.Last.At.IsZero() {
			value.Last = &againRow{
				l.Last.At.UTC(), l.Last.Kind, l.Last.Reason, l.Last.Sent, l.Last.Failed, l.Last.Trouble,
			}
		}
		return Answer{Value: value, Fragment: views.LettersPanel(d.letterList(p, m, value))}
	})
	p.Kinds = campaign.Kinds() // a batch that is stored may settle some
	return p
}

// lettersValue is the API's answer.
type lettersValue struct {
	Groups  []letterGroup `json:"groups"` // open ones, most first
	Settled int           `json:"settled"`
	Last    *againRow     `json:"last_sent_again"` // null: never since the start
}

type letterGroup struct {
	Kind   string     `json:"kind"`
	Reason string     `json:"reason"`
	Feeds  []string   `json:"feeds"`
	Count  int        `json:"count"`
	Oldest *time.Time `json:"oldest"` // put aside, of those that are held in memory (10,000 of a kind)
	Newest *time.Time `json:"newest"`
}

type againRow struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Reason  string    `json:"reason"`
	Sent    int       `json:"sent"`
	Failed  int       `json:"failed"`
	Trouble string    `json:"trouble,omitempty"`
}

func (l Letters) groups() []letterGroup {
	at := map[[2]string]int{}
	groups := []letterGroup{}
	for _, c := range l.Counts {
		if c.Open == 0 {
			continue
		}
		key := [2]string{c.Kind.String(), c.Reason}
		i, known := at[key]
		if !known {
			i, at[key] = len(groups), len(groups)
			groups = append(groups, letterGroup{Kind: key[0], Reason: key[1], Feeds: []string{}})
		}
		groups[i].Count += c.Open
		if c.Feed != "" {
			groups[i].Feeds = append(groups[i].Feeds, c.Feed)
		}
	}
	for _, letter := range l.Newest {
		i, known := at[[2]string{letter.Kind.String(), letter.Reason}]
		if known && letter.Settled.IsZero() {
			groups[i].span(letter.At.UTC())
		}
	}
	for i := range groups {
		slices.Sort(groups[i].Feeds)
	}
	slices.SortFunc(groups, func(a, b letterGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Reason, b.Reason))
	})
	return groups
}

// span notes when a letter was put aside.
func (g *letterGroup) span(at time.Time) {
	if g.Oldest == nil || at.Before(*g.Oldest) {
		g.Oldest = &at
	}
	if g.Newest == nil || at.After(*g.Newest) {
		g.Newest = &at
	}
}

func (d feedDesk) letterList(p Panel, m Moment, v lettersValue) views.Letters {
	view := views.Letters{Panel: still(p)}
	if len(v.Groups) == 0 {
		view.Empty = "None: everything that was acknowledged could be counted."
		if v.Settled > 0 {
			view.Empty = "None is open. " + counted(uint64(v.Settled), "was", "were") + " sent again and counted."
		}
	}
	if v.Last != nil {
		view.Result, view.Failed = d.againText(*v.Last, m.At), v.Last.Failed > 0 || v.Last.Trouble != ""
	}
	for _, g := range v.Groups {
		feeds := strings.Join(g.Feeds, ", ")
		if feeds == "" {
			feeds = "unknown"
		}
		view.Groups = append(view.Groups, views.LetterGroup{
			Kind: g.Kind, Reason: g.Reason, Feeds: feeds, Count: countText(uint64(g.Count)),
			Oldest: d.someClock(g.Oldest, m.At), Newest: d.someClock(g.Newest, m.At),
		})
	}
	return view
}

func (d desk) someClock(t *time.Time, now time.Time) string {
	if t == nil {
		return nothing
	}
	return d.clock(*t, now)
}

// againText says what became of the last try.
func (d desk) againText(a againRow, now time.Time) string {
	what := a.Kind
	if a.Reason != "" {
		what += " (" + a.Reason + ")"
	}
	text := fmt.Sprintf("Sent again at %s: %s: %s counted, %s still refused.", d.clock(a.At, now), what,
		countText(uint64(a.Sent)), countText(uint64(a.Failed)))
	if a.Trouble != "" {
		text += " It did not get to its end: " + a.Trouble + "."
	}
	return text
}
