package campaign

import (
	"errors"
	"strings"
)

// The kinds of a movement of money.
const (
	Gift         = "gift"
	Refund       = "refund"
	Chargeback   = "chargeback"
	DisputeWon   = "dispute_won"
	Cancellation = "cancellation"
)

// Sign is how an amount of that kind counts in a total: 1, -1, or 0 when no money moves. ok is false for words that
// are no kind.
func Sign(kind string) (sign int64, ok bool) {
	switch kind {
	case Gift, DisputeWon:
		return 1, true
	case Refund, Chargeback:
		return -1, true
	case Cancellation:
		return 0, true
	}
	return 0, false
}

// Word is a closed list of words that one field may hold.
type Word struct {
	// Default is what an empty field means.
	Default string
	words   []string
	err     error
}

// Check returns the word itself, or the default for an empty one. The error lists what would be right.
func (w Word) Check(text string) (string, error) {
	if text == "" {
		return w.Default, nil
	}
	for _, known := range w.words {
		if text == known {
			return known, nil
		}
	}
	return "", w.err
}

func oneOf(standard string, words ...string) Word {
	return Word{Default: standard, words: words, err: errors.New("want one of " + strings.Join(words, ", "))}
}

// DonationKinds are the words of Donation.Kind.
func DonationKinds() Word { return oneOf(Gift, Gift, Refund, Chargeback, DisputeWon, Cancellation) }

// Recurrences are the words of Donation.Recurring.
func Recurrences() Word { return oneOf("none", "none", "weekly", "monthly") }

// EmailTypes are the words of EmailEvent.Type. There is no default.
func EmailTypes() Word {
	return oneOf("", "send", "delivery", "bounce", "complaint", "open", "click", "unsubscribe", "reject", "delay")
}

// Bounces are the words of EmailEvent.Bounce. Without one a bounce counts as neither.
func Bounces() Word { return oneOf("", "hard", "soft") }

// Place writes a code of a state or country in capitals ("ia" becomes "IA"); anything longer than a code stays as it
// is.
func Place(text string) string {
	if len(text) <= 3 {
		return strings.ToUpper(text)
	}
	return text
}
