package ingest

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What is personal never touches the disk:
//   - donor, recipient and visitor become keyed hashes, one key for each of the three, so that the lists can't be
//     joined without the install's secret. Addresses are trimmed and lower-cased first, and taken out of
//     "Name <address>"; other identities are only trimmed.
//   - In every free text, in links, paths and referrers, and in props, what looks like a mail address is replaced by
//     [removed]. Query strings and fragments of links, paths and referrers are dropped altogether.
//   - In props, at any depth, the values of fields whose names say that they are personal or secret (name, first_name,
//     email, phone, address, ip, password … see personal) are replaced by [removed]; true, false and null stay.
//
// What this can't find is a name or a number inside a text whose field doesn't say so, and what a sender puts into id,
// source, of and message_id: those are kept as they came, because they must match.

const removed = "[removed]"

const minSecret = 16 // bytes; what the server makes itself has 64

// keys are the secrets of the three purposes.
type keys struct{ donor, recipient, visitor []byte }

func newKeys(secret []byte) (k keys, err error) {
	if len(secret) < minSecret {
		return keys{}, errors.New("want at least 16 characters")
	}
	for purpose, key := range map[string]*[]byte{"donor": &k.donor, "recipient": &k.recipient, "visitor": &k.visitor} {
		if *key, err = hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size); err != nil {
			return keys{}, err
		}
	}
	return k, nil
}

// pseudonyms hash for one reading; they keep state and serve one goroutine.
type pseudonyms struct{ donor, recipient, visitor pseudonym }

func (k keys) pseudonyms() *pseudonyms {
	p := &pseudonyms{donor: newPseudonym(k.donor), recipient: newPseudonym(k.recipient), visitor: newPseudonym(k.visitor)}
	p.visitor.repeats = true
	return p
}

// pseudonym is HMAC-SHA-256 (RFC 2104) cut to 128 bits. It is written out because crypto/hmac takes twice the time for
// texts as short as these.
type pseudonym struct {
	inner, outer []byte // a block each: the key with its padding; what is hashed follows
	last         hashed
	repeats      bool         // the same come again soon: a visitor makes several requests
	lately       *[256]hashed // with repeats: those who came, by their hash
	seed         maphash.Seed
}

// hashed is an identity and what became of it.
type hashed struct {
	who    []byte
	digits [32]byte
}

func newPseudonym(key []byte) pseudonym {
	p := pseudonym{seed: maphash.MakeSeed(),
		inner: bytes.Repeat([]byte{0x36}, sha256.BlockSize), outer: bytes.Repeat([]byte{0x5c}, sha256.BlockSize)}
	for i, c := range key { // shorter than a block
		p.inner[i] ^= c
		p.outer[i] ^= c
	}
	return p
}

// of is the keyed hash of an identity in 32 hex digits, valid until the next call; empty for an empty one.
func (p *pseudonym) of(who string) string {
	who = normal(who)
	if who == "" {
		return ""
	}
	h := p.slot(who)
	if string(h.who) == who {
		return sameBytes(h.digits[:])
	}
	h.who = append(h.who[:0], who...)
	p.inner = append(p.inner[:sha256.BlockSize], who...)
	sum := sha256.Sum256(p.inner)
	p.outer = append(p.outer[:sha256.BlockSize], sum[:]...)
	sum = sha256.Sum256(p.outer)
	hex.Encode(h.digits[:], sum[:len(h.digits)/2])
	return sameBytes(h.digits[:])
}

// slot is where who is remembered, if at all.
func (p *pseudonym) slot(who string) *hashed {
	if !p.repeats {
		return &p.last
	}
	if p.lately == nil {
		p.lately = new([256]hashed)
	}
	return &p.lately[maphash.String(p.seed, who)%uint64(len(p.lately))]
}

// normal is the form of an identity that is hashed.
func normal(who string) string {
	who = strings.TrimSpace(who)
	if !strings.Contains(who, "@") {
		return who
	}
	if open := strings.LastIndexByte(who, '<'); open >= 0 && strings.HasSuffix(who, ">") {
		who = strings.TrimSpace(who[open+1 : len(who)-1])
	}
	return strings.ToLower(who)
}

// domain is the mailbox provider of an address, in lower case; empty when there is none.
func domain(address string) string {
	address = normal(address)
	name := address[strings.LastIndexByte(address, '@')+1:]
	if len(name) == len(address) || len(name) > 253 {
		return ""
	}
	for _, c := range name {
		if c != '.' && c != '-' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return ""
		}
	}
	return name
}

// withoutAddresses replaces what looks like a mail address, also in its percent-encoded forms.
func withoutAddresses(text string) string {
	if strings.IndexByte(text, '@') < 0 && strings.IndexByte(text, '%') < 0 {
		return text
	}
	at, size := nextAt(text, 0)
	if at < 0 {
		return text
	}
	var out strings.Builder
	done := 0
	for at >= 0 {
		from, to := at, at+size
		for from > done {
			c, n := utf8.DecodeLastRuneInString(text[done:from])
			if !inLocalPart(c) {
				break
			}
			from -= n
		}
		for to < len(text) {
			c, n := utf8.DecodeRuneInString(text[to:])
			if !inDomain(c) {
				break
			}
			to += n
		}
		if from < at && isHost(text[at+size:to]) {
			out.WriteString(text[done:from])
			out.WriteString(removed)
			done = to
		}
		at, size = nextAt(text, max(to, at+size))
	}
	out.WriteString(text[done:])
	return out.String()
}

// nextAt finds the next @, plain or percent-encoded once or twice.
func nextAt(text string, from int) (at, size int) {
	at = -1
	for _, sign := range [...]string{"@", "%40", "%2540"} {
		if i := strings.Index(text[from:], sign); i >= 0 && (at < 0 || from+i < at) {
			at, size = from+i, len(sign)
		}
	}
	return at, size
}

func inLocalPart(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("!#$&'*+-=?^_`{|}~.%", c)
}

// isHost says whether the text behind an @ is a host with a dot in it.
func isHost(text string) bool {
	dot := strings.IndexByte(text, '.')
	return dot > 0 && dot+1 < len(text)
}

func inDomain(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || c == '.' || c == '-'
}

// personal says whether a field's name says that its value is personal or secret. It reads firstName, first_name and
// First-Name alike.
func personal(name string) bool {
	joined, last := plainName(name)
	switch joined {
	case "name", "names", "ip", "ips", "ipv", "mail", "fax", "cell", "user", "person", "donor", "donors", "recipient",
		"recipients",
		"visitor", "visitors", "customer", "addressline", "streetline", "ssn", "dob", "birth", "pan", "cvv", "cvc":
		return true
	}
	if last == "ip" {
		return true
	}
	for _, end := range [...]string{
		"email", "emails", "address", "addresses", "addr", "street", "phone", "phonenumber", "mobile", "mobilenumber",
		"msisdn",
		"firstname", "lastname", "fullname", "middlename", "givenname", "familyname", "surname", "nickname", "username",
		"realname", "displayname", "donorname", "recipientname", "visitorname", "customername", "contactname", "personname",
		"cardholdername", "holdername", "cardholder", "clientip", "remoteip", "userip", "realip", "sourceip", "forwardedfor",
		"birthdate", "birthday", "dateofbirth", "passport", "iban", "cardnumber", "accountnumber",
		"password", "passwd", "secret", "cookie", "cookies", "authorization",
	} {
		if strings.HasSuffix(joined, end) {
			return true
		}
	}
	return false
}

// plainName is a name in lower case without separators and digits at its end, and its last part.
func plainName(name string) (joined, last string) {
	name = strings.TrimRightFunc(strings.ToLower(name), func(c rune) bool { return !unicode.IsLetter(c) })
	parts := strings.FieldsFunc(name, func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) })
	if len(parts) == 0 {
		return "", ""
	}
	return strings.Join(parts, ""), parts[len(parts)-1]
}
