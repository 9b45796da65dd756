// Package campaign is the vocabulary: what a gift, an email event, a request and a feed are, and when one value
// of them is valid. It knows no HTTP, no disk and no database, and holds no state.
// Every value here is already free of personal data: whoever builds one has replaced donor, recipient and visitor
// by keyed hashes first.
package campaign

import "time"

// Kind is one of the three streams that warroom takes in.
type Kind uint8

// The three streams. Their order is the order of importance: gifts go first.
const (
	Donations Kind = iota + 1
	Emails
	Traffic
)

// Kinds lists all streams, the most important first.
func Kinds() []Kind { return []Kind{Donations, Emails, Traffic} }

// String is the word that URLs, tokens and files use: "donations", "emails", "traffic".
func (k Kind) String() string {
	switch k {
	case Donations:
		return "donations"
	case Emails:
		return "emails"
	case Traffic:
		return "traffic"
	}
	return "unknown"
}

// ParseKind reads what String writes; ok is false for any other word.
func ParseKind(word string) (k Kind, ok bool) {
	for _, k := range Kinds() {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

// Donation is one movement of money as it arrived on one road. (Source, ID) names it for ever.
type Donation struct {
	Source, ID string
	Path       string // which redundant road: "vendor", "mirror", …
	Feed       string // the feed whose token brought it
	Kind       string // gift, refund, chargeback, dispute_won, cancellation
	Of         string // the gift's id, for the other kinds
	OccurredAt time.Time
	ReceivedAt time.Time
	// AmountMinor is signed as it counts: gifts and won disputes positive, refunds and chargebacks negative,
	// cancellations zero. In minor units of Currency (cents for USD).
	AmountMinor int64
	Currency    string // ISO 4217
	Recurring   string // none, weekly, monthly
	DonorKey    string // keyed hash, 32 hex digits, or empty
	Refcode     string
	SendID      string
	Channel     string
	Form        string
	State       string
	Country     string
	FirstGift   bool
	Props       string // JSON object of the fields that the format doesn't know, or empty
}

// EmailEvent is one thing that happened to one mail. (Source, ID) names it for ever.
type EmailEvent struct {
	Source, ID   string
	Feed         string
	Type         string // send, delivery, bounce, complaint, open, click, unsubscribe, reject, delay
	Bounce       string // hard or soft, with Type bounce
	OccurredAt   time.Time
	ReceivedAt   time.Time
	SendID       string
	Variant      string
	RecipientKey string // keyed hash, 32 hex digits, or empty
	Domain       string // the recipient's mailbox provider
	MessageID    string
	Link         string
	Reason       string
	Props        string
}

// Request is one web request that some app answered. It has no identity; Weight is 1/sampling.
type Request struct {
	Feed       string
	OccurredAt time.Time
	ReceivedAt time.Time
	App        string
	Host       string
	Method     string
	Path       string // without its query string
	Status     uint16
	Bytes      uint64
	DurationMS float64
	VisitorKey string // keyed hash, 32 hex digits, or empty
	Referrer   string
	Refcode    string
	Region     string
	Weight     float64
	Props      string
}
