package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"
	"time"
)

// ledger is what an auditor writes down who reads the simulator's journal and trusts nobody: the events as they were
// sent, each once. It is the journal's Writer.
type ledger struct {
	mu        sync.Mutex // guards what follows until settle
	rest      []byte     // of a line
	moved     map[string]*movement
	posted    map[string]*mailing
	movements []*movement // by time
	mailings  []*mailing
	hits      []*hit
}

// wire holds the fields of all kinds, as they are on the wire.
type wire struct {
	ID, Source, Path, Kind, Of, Amount, Currency, Recurring, Donor string
	Refcode, Channel, Form, State, Country                         string
	Type, Bounce, Variant, Recipient                               string
	App, Host, Method, Visitor, Referrer                           string

	OccurredAt time.Time `json:"occurred_at"`
	SendID     string    `json:"send_id"`
	MessageID  string    `json:"message_id"`
	FirstGift  bool      `json:"first_gift"`
	Status     int
	Bytes      float64
	DurationMS float64 `json:"duration_ms"`
	Weight     float64
}

// movement is one movement of money.
type movement struct {
	wire
	minor int64           // signed
	paths map[string]bool // the roads by which it came
}

type mailing struct{ wire }

type hit struct{ wire }

func newLedger() *ledger {
	return &ledger{moved: map[string]*movement{}, posted: map[string]*mailing{}}
}

// Write takes the journal's lines.
func (l *ledger) Write(text []byte) (int, error) {
	lines := append(l.rest, text...)
	for {
		line, after, whole := bytes.Cut(lines, []byte{'\n'})
		if !whole {
			break
		}
		var entry struct {
			Kind         string
			Acknowledged bool
			AmountMinor  int64 `json:"amount_minor"`
			Event        json.RawMessage
		}
		if err := json.Unmarshal(line, &entry); err != nil || !entry.Acknowledged {
			return 0, fmt.Errorf("%w in %s", err, line)
		}
		l.note(entry.Kind, entry.Event)
		lines = after
	}
	l.rest = slices.Clone(lines)
	return len(text), nil
}

// note enters one event.
func (l *ledger) note(kind string, event []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := wire{Kind: "gift", Currency: "USD", Recurring: "none", Path: "vendor", Weight: 1}
	if err := json.Unmarshal(event, &f); err != nil {
		panic(err) // the server took it
	}
	key := f.Source + "\x00" + f.ID
	switch kind {
	case "donations":
		if m := l.moved[key]; m != nil {
			m.paths[f.Path] = true
			return
		}
		l.moved[key] = &movement{wire: f, minor: signedMinor(f), paths: map[string]bool{f.Path: true}}
	case "emails":
		l.posted[key] = &mailing{f}
	default:
		l.hits = append(l.hits, &hit{f})
	}
}

// signedMinor reads decimal text as the contract means it.
func signedMinor(f wire) int64 {
	amount, ok := new(big.Rat).SetString(f.Amount)
	each := int64(100)
	if f.Currency == "JPY" {
		each = 1
	}
	minor := new(big.Rat).Mul(amount, big.NewRat(each, 1))
	switch {
	case !ok || !minor.IsInt():
		panic("an amount of " + f.Amount)
	case f.Kind == "cancellation":
		return 0
	case f.Kind == "refund" || f.Kind == "chargeback":
		return -minor.Num().Int64()
	}
	return minor.Num().Int64()
}

// settle puts everything in order of time. Nothing is noted any more.
func (l *ledger) settle() {
	for _, m := range l.moved {
		l.movements = append(l.movements, m)
	}
	for _, m := range l.posted {
		l.mailings = append(l.mailings, m)
	}
	slices.SortFunc(l.movements, func(a, b *movement) int {
		return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(a.Source, b.Source), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(l.mailings, func(a, b *mailing) int { return a.OccurredAt.Compare(b.OccurredAt) })
	slices.SortFunc(l.hits, func(a, b *hit) int { return a.OccurredAt.Compare(b.OccurredAt) })
}

// part cuts a sorted list: after since, up to until.
func part[T any](all []T, at func(T) time.Time, since, until time.Time) []T {
	find := func(t time.Time) int {
		i, _ := slices.BinarySearchFunc(all, t, func(x T, t time.Time) int {
			if at(x).After(t) {
				return 1
			}
			return -1
		})
		return i
	}
	if from, to := find(since), find(until); from < to {
		return all[from:to]
	}
	return nil
}

// money lists what moved after since up to until.
func (l *ledger) money(since, until time.Time) []*movement {
	return part(l.movements, func(m *movement) time.Time { return m.OccurredAt }, since, until)
}

// mails lists mail events after since up to until.
func (l *ledger) mails(since, until time.Time) []*mailing {
	return part(l.mailings, func(m *mailing) time.Time { return m.OccurredAt }, since, until)
}

// requests lists requests from since to before until.
func (l *ledger) requests(since, until time.Time) []*hit {
	const grain = time.Millisecond
	return part(l.hits, func(h *hit) time.Time { return h.OccurredAt }, since.Add(-grain), until.Add(-grain))
}

// which keeps those for which all hold.
func which[T any](all []T, holds ...func(T) bool) (kept []T) {
	for _, x := range all {
		if !slices.ContainsFunc(holds, func(hold func(T) bool) bool { return !hold(x) }) {
			kept = append(kept, x)
		}
	}
	return kept
}

func usd(m *movement) bool  { return m.Currency == "USD" }
func gave(m *movement) bool { return m.Kind == "gift" }
func again(m *movement) bool {
	return m.Recurring == "weekly" || m.Recurring == "monthly"
}
func takenBack(m *movement) bool { return m.Kind == "refund" || m.Kind == "chargeback" }

func netOf(all []*movement) (minor int64) {
	for _, m := range all {
		minor += m.minor
	}
	return minor
}

// groups sorts things into heaps by a name.
func groups[T any](all []T, name func(T) string) map[string][]T {
	heaps := map[string][]T{}
	for _, x := range all {
		heaps[name(x)] = append(heaps[name(x)], x)
	}
	return heaps
}

// kinds counts different names, the empty one left out.
func kinds[T any](all []T, name func(T) string) int {
	heaps := groups(all, name)
	delete(heaps, "")
	return len(heaps)
}

// home is the state of the country that a movement came from, or "".
func home(m *movement) string {
	if slices.Contains([]string{"", "US", "USA"}, m.Country) {
		return strings.ToUpper(m.State)
	}
	return ""
}

// weight is how many requests they stand for.
func weight(all []*hit) (sum float64) {
	for _, h := range all {
		sum += h.Weight
	}
	return sum
}

func mailed(kind, bounce string) func(*mailing) bool {
	return func(m *mailing) bool { return m.Type == kind && m.Bounce == bounce }
}

// eastern is the campaign's zone, and midnight the beginning of a day there.
func eastern() *time.Location {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return zone
}

func midnight(at time.Time, days int) time.Time {
	at = at.In(eastern())
	return time.Date(at.Year(), at.Month(), at.Day()+days, 0, 0, 0, 0, eastern())
}

// sameClock is when clocks there show the same, so many days away.
func sameClock(at time.Time, days int) time.Time {
	at = at.In(eastern())
	return time.Date(at.Year(), at.Month(), at.Day()+days, at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), eastern())
}
