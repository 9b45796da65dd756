package ingest

import (
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"warroom/server/campaign"
)

// The longest texts, in characters. The contract gives maxIdentity; the others hold what real senders send.
const (
	maxIdentity = 128
	maxWord     = 256  // refcodes, sends, forms, apps …
	maxPerson   = 512  // donor, recipient, visitor; only their hash is kept
	maxMessage  = 998  // a message id fills a header line at most
	maxLocation = 2048 // links, paths and free text are cut here, nothing is refused for them
)

// field is one row of the contract's table: where a value goes once it is good.
type field[T any] struct {
	name     string
	required bool
	read     func(in *reading, event *T, v value) error
}

// native is the native format of one kind. Fields are read in their order, whatever the order in the JSON.
type native[T any] struct {
	fields  []field[T]
	known   *places
	begin   func(in *reading) *T // an event with its defaults
	check   func(event *T) (field string, err error)
	finish  func(event *T, props string) (occurred time.Time)
	encode  func(dst []byte, event *T) []byte
	says    string // the field that says what happened
	sayings campaign.Word
}

func (n *native[T]) places() *places                { return n.known }
func (n *native[T]) words() (string, campaign.Word) { return n.says, n.sayings }

func (n *native[T]) record(in *reading, dst []byte) ([]byte, time.Time, *fault) {
	event := n.begin(in)
	for i := range n.fields {
		f, v := &n.fields[i], in.native.known[i]
		if v.absent() {
			if f.required {
				return nil, time.Time{}, &fault{field: f.name, reason: "is missing"}
			}
			continue
		}
		if err := f.read(in, event, v); err != nil {
			return nil, time.Time{}, &fault{field: f.name, reason: err.Error()}
		}
	}
	if name, err := n.check(event); err != nil {
		return nil, time.Time{}, &fault{field: name, reason: err.Error()}
	}
	occurred := n.finish(event, in.props())
	return n.encode(dst, event), occurred, nil
}

func (n *native[T]) indexed() *native[T] {
	names := make([]string, len(n.fields))
	for i, f := range n.fields {
		names[i] = f.name
	}
	n.known = placesOf(names...)
	return n
}

func nativeForm(kind campaign.Kind) form {
	switch kind {
	case campaign.Donations:
		return donations()
	case campaign.Emails:
		return emails()
	default:
		return requests()
	}
}

func donations() form {
	type donation = campaign.Donation
	kinds := campaign.DonationKinds()
	return (&native[donation]{
		fields: []field[donation]{
			required(identity("id", func(d *donation) *string { return &d.ID })),
			identity("source", func(d *donation) *string { return &d.Source }),
			word("kind", kinds, func(d *donation) *string { return &d.Kind }),
			required(moment(func(d *donation) *time.Time { return &d.OccurredAt })),
			{name: "currency", read: func(_ *reading, d *donation, v value) (err error) {
				text, err := v.text(maxWord)
				if err != nil || text == "" {
					return err
				}
				d.Currency, err = campaign.Currency(text)
				return err
			}},
			{name: "amount", read: readAmount},
			text("path", func(d *donation) *string { return &d.Path }),
			identity("of", func(d *donation) *string { return &d.Of }),
			word("recurring", campaign.Recurrences(), func(d *donation) *string { return &d.Recurring }),
			person("donor", func(p *pseudonyms) *pseudonym { return &p.donor },
				func(d *donation) *string { return &d.DonorKey }),
			text("refcode", func(d *donation) *string { return &d.Refcode }),
			text("send_id", func(d *donation) *string { return &d.SendID }),
			text("channel", func(d *donation) *string { return &d.Channel }),
			text("form", func(d *donation) *string { return &d.Form }),
			place("state", func(d *donation) *string { return &d.State }),
			place("country", func(d *donation) *string { return &d.Country }),
			{name: "first_gift", read: func(_ *reading, d *donation, v value) (err error) {
				d.FirstGift, err = v.bool()
				return err
			}},
			props[donation](),
		},
		begin: func(in *reading) *donation {
			in.donations = donation{Source: in.feed, Path: "vendor", Feed: in.feed, Kind: kinds.Default, ReceivedAt: in.received,
				Currency: "USD", Recurring: "none"}
			return &in.donations
		},
		check: func(d *donation) (string, error) {
			if d.AmountMinor == 0 && d.Kind != campaign.Cancellation {
				return "amount", errors.New("is missing")
			}
			return "", nil
		},
		finish: func(d *donation, props string) time.Time { d.Props = props; return d.OccurredAt },
		encode: campaign.AppendDonation,
		says:   "kind", sayings: kinds,
	}).indexed()
}

// readAmount gives the amount the sign of its kind.
func readAmount(_ *reading, d *campaign.Donation, v value) error {
	sign, _ := campaign.Sign(d.Kind)
	read := campaign.ParseAmount
	if sign == 0 {
		read = campaign.ParseAmountOrZero
	}
	minor, err := v.amount(read, d.Currency)
	d.AmountMinor = sign * minor
	return err
}

func emails() form {
	type event = campaign.EmailEvent
	types := campaign.EmailTypes()
	return (&native[event]{
		fields: []field[event]{
			required(identity("id", func(e *event) *string { return &e.ID })),
			identity("source", func(e *event) *string { return &e.Source }),
			required(word("type", types, func(e *event) *string { return &e.Type })),
			required(moment(func(e *event) *time.Time { return &e.OccurredAt })),
			word("bounce", campaign.Bounces(), func(e *event) *string { return &e.Bounce }),
			text("send_id", func(e *event) *string { return &e.SendID }),
			text("variant", func(e *event) *string { return &e.Variant }),
			{name: "domain", read: func(_ *reading, e *event, v value) error {
				name, err := v.text(maxWord)
				e.Domain = domain("@" + name)
				return err
			}},
			{name: "recipient", read: func(in *reading, e *event, v value) error {
				who, err := v.text(maxPerson)
				e.RecipientKey = in.keys.recipient.of(who)
				if d := domain(who); d != "" {
					e.Domain = d
				}
				return err
			}},
			{name: "message_id", read: func(_ *reading, e *event, v value) (err error) {
				e.MessageID, err = v.text(maxMessage)
				return err
			}},
			location("link", func(e *event) *string { return &e.Link }),
			{name: "reason", read: func(_ *reading, e *event, v value) error {
				why, err := v.text(maxEvent)
				e.Reason = cut(withoutAddresses(why))
				return err
			}},
			props[event](),
		},
		begin: func(in *reading) *event {
			in.emails = event{Source: in.feed, Feed: in.feed, ReceivedAt: in.received}
			return &in.emails
		},
		check: func(e *event) (string, error) {
			if e.Type == "" {
				return "type", errBlank
			}
			if e.Type != "bounce" {
				e.Bounce = ""
			}
			return "", nil
		},
		finish: func(e *event, props string) time.Time { e.Props = props; return e.OccurredAt },
		encode: campaign.AppendEmail,
		says:   "type", sayings: types,
	}).indexed()
}

const (
	maxDuration = 7 * 24 * 3600 * 1000 // ms: nothing answers for longer than a week
	maxWeight   = 1_000_000
)

func requests() form {
	type request = campaign.Request
	return (&native[request]{
		fields: []field[request]{
			required(moment(func(q *request) *time.Time { return &q.OccurredAt })),
			required(text("app", func(q *request) *string { return &q.App })),
			{name: "host", read: func(_ *reading, q *request, v value) error {
				host, err := v.text(maxWord)
				q.Host = strings.ToLower(withoutAddresses(host))
				return err
			}},
			{name: "method", read: func(_ *reading, q *request, v value) error {
				method, err := v.text(maxWord)
				q.Method = strings.ToUpper(withoutAddresses(method))
				return err
			}},
			location("path", func(q *request) *string { return &q.Path }),
			{name: "status", read: readStatus},
			{name: "bytes", read: func(_ *reading, q *request, v value) (err error) {
				q.Bytes, err = v.count(63)
				return err
			}},
			{name: "duration_ms", read: func(_ *reading, q *request, v value) (err error) {
				q.DurationMS, err = v.float()
				if err == nil && (q.DurationMS < 0 || q.DurationMS > maxDuration) {
					return errors.New("want milliseconds, from 0 to a week's")
				}
				return err
			}},
			person("visitor", func(p *pseudonyms) *pseudonym { return &p.visitor },
				func(q *request) *string { return &q.VisitorKey }),
			location("referrer", func(q *request) *string { return &q.Referrer }),
			text("refcode", func(q *request) *string { return &q.Refcode }),
			text("region", func(q *request) *string { return &q.Region }),
			{name: "weight", read: func(_ *reading, q *request, v value) (err error) {
				q.Weight, err = v.float()
				if err == nil && (q.Weight <= 0 || q.Weight > maxWeight) {
					return errors.New("want 1/sampling: more than 0, a million at most")
				}
				return err
			}},
			props[request](),
		},
		begin: func(in *reading) *request {
			in.requests = request{Feed: in.feed, ReceivedAt: in.received, Weight: 1}
			return &in.requests
		},
		check: func(q *request) (string, error) {
			if strings.TrimSpace(q.App) == "" {
				return "app", errBlank
			}
			return "", nil
		},
		finish: func(q *request, props string) time.Time { q.Props = props; return q.OccurredAt },
		encode: campaign.AppendRequest,
		says:   "", sayings: campaign.Word{},
	}).indexed()
}

// readStatus takes what servers log, 499 and 0 (no answer) included.
func readStatus(_ *reading, q *campaign.Request, v value) error {
	status, err := v.count(16)
	if err != nil || status != 0 && (status < 100 || status > 999) {
		return errors.New("want an HTTP status, 100 to 999, or 0 when there was no answer")
	}
	q.Status = uint16(status)
	return nil
}

func required[T any](f field[T]) field[T] {
	f.required = true
	return f
}

// identity is a field that names something for ever. Its text is kept as it came: it must hold nothing personal.
func identity[T any](name string, to func(*T) *string) field[T] {
	optional := name != "id"
	return field[T]{name: name, read: func(_ *reading, event *T, v value) error {
		if optional && v == `""` {
			return nil
		}
		text, err := v.identity()
		*to(event) = text
		return err
	}}
}

// text is a field of free words.
func text[T any](name string, to func(*T) *string) field[T] {
	return field[T]{name: name, read: func(_ *reading, event *T, v value) error {
		words, err := v.text(maxWord)
		if words != "" {
			*to(event) = withoutAddresses(words)
		}
		return err
	}}
}

// place is a state or a country.
func place[T any](name string, to func(*T) *string) field[T] {
	return field[T]{name: name, read: func(_ *reading, event *T, v value) error {
		code, err := v.text(maxWord)
		*to(event) = campaign.Place(withoutAddresses(code))
		return err
	}}
}

// word is a field with a closed list of words; an empty text means the default.
func word[T any](name string, words campaign.Word, to func(*T) *string) field[T] {
	return field[T]{name: name, read: func(_ *reading, event *T, v value) error {
		text, ok := v.string()
		if !ok {
			return errText
		}
		known, err := words.Check(text)
		*to(event) = known
		return err
	}}
}

func moment[T any](to func(*T) *time.Time) field[T] {
	return field[T]{name: "occurred_at", read: func(in *reading, event *T, v value) (err error) {
		*to(event), err = v.time(in)
		return err
	}}
}

// person is a field whose text becomes a keyed hash and is forgotten.
func person[T any](name string, by func(*pseudonyms) *pseudonym, to func(*T) *string) field[T] {
	return field[T]{name: name, read: func(in *reading, event *T, v value) error {
		who, err := v.text(maxPerson)
		*to(event) = by(in.keys).of(who)
		return err
	}}
}

// location is a URL or a path, kept without query string and fragment: those hold addresses, tokens and searches.
func location[T any](name string, to func(*T) *string) field[T] {
	return field[T]{name: name, read: func(_ *reading, event *T, v value) error {
		where, err := v.text(maxEvent)
		if i := strings.IndexAny(where, "?#"); i >= 0 {
			where = where[:i]
		}
		*to(event) = cut(withoutAddresses(where))
		return err
	}}
}

func props[T any]() field[T] {
	return field[T]{name: "props", read: func(in *reading, _ *T, v value) error {
		if v[0] != '{' {
			return errObject
		}
		in.given = v
		return nil
	}}
}

// cut shortens a text to maxLocation bytes, at the end of a character.
func cut(text string) string {
	if len(text) <= maxLocation {
		return text
	}
	end := maxLocation
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
