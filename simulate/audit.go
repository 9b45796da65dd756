package simulate

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Sum counts movements of money in one currency, each once, in minor units.
type Sum struct {
	Movements uint64 `json:"movements"`
	Net       int64  `json:"net_minor"`
}

// Books are what a journal says of one currency.
type Books struct {
	Acknowledged Sum
	// Unknown movements were sent, but no answer came: the server has each of them, or not.
	Unknown   Sum
	low, high int64 // what the unknown ones can add at the least and at the most
}

// Agree tells whether the server's sum can be right: it has everything that was acknowledged, and nothing else but
// what may have arrived.
func (b Books) Agree(server Sum) bool {
	more, added := server.Movements-b.Acknowledged.Movements, server.Net-b.Acknowledged.Net
	return server.Movements >= b.Acknowledged.Movements && more <= b.Unknown.Movements && b.low <= added && added <= b.high
}

// ReadJournal adds up the movements of a journal by currency. A line that was cut off, by a kill of the sender, is
// left out; the sender had not been through with its batch.
func ReadJournal(r io.Reader) (map[string]Books, error) {
	type fact struct {
		amount       int64
		currency     string
		acknowledged bool
	}
	facts := map[string]fact{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		var line struct {
			Kind, Source, ID, Currency string
			AmountMinor                int64 `json:"amount_minor"`
			Acknowledged               bool
		}
		if json.Unmarshal(lines.Bytes(), &line) != nil || line.Kind != "donations" {
			continue
		}
		key := line.Source + "\n" + line.ID
		was, again := facts[key]
		if again && (was.amount != line.AmountMinor || was.currency != line.Currency) {
			return nil, fmt.Errorf("line %d: %s of %s had another amount before", n, line.ID, line.Source)
		}
		facts[key] = fact{line.AmountMinor, line.Currency, was.acknowledged || line.Acknowledged}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	all := map[string]Books{}
	for _, f := range facts {
		b := all[f.currency]
		if f.acknowledged {
			b.Acknowledged.add(f.amount)
		} else {
			b.Unknown.add(f.amount)
			b.low, b.high = b.low+min(f.amount, 0), b.high+max(f.amount, 0)
		}
		all[f.currency] = b
	}
	return all, nil
}

func (s *Sum) add(amount int64) {
	s.Movements++
	s.Net += amount
}
