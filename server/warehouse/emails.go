package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"warroom/server/campaign"
)

// StoreEmails stores a batch of email events and returns nil when they were read back. A repeat changes no count; of
// copies that differ the first counts, and the others are kept in email_conflicts. After an error the same batch must
// be stored again before the next.
func (w *Warehouse) StoreEmails(ctx context.Context, b campaign.Batch[campaign.EmailEvent]) error {
	defer w.own(campaign.Emails)()
	mail := emailLedger()
	return storeChunks(ctx, w, b, func(ctx context.Context, c chunk[campaign.EmailEvent]) error {
		return mail.store(ctx, w, c)
	})
}

// emailClaim is what a copy says happened.
type emailClaim struct {
	kind, bounce string
	at           int64 // Unix ms
}

type email = row[campaign.EmailEvent]

// emailLedger is the ledger of mail.
func emailLedger() ledger[campaign.EmailEvent, emailClaim] {
	receipts := receiptFields(func(e *campaign.EmailEvent) time.Time { return e.ReceivedAt })
	return ledger[campaign.EmailEvent, emailClaim]{
		kind: campaign.Emails,
		name: func(e *campaign.EmailEvent) identity { return identity{e.Source, e.ID} },
		claim: func(e *campaign.EmailEvent) emailClaim {
			return emailClaim{e.Type, e.Bounce, millis(e.OccurredAt)}
		},
		sheet: []field[entry[emailClaim]]{
			word("type", func(e *entry[emailClaim]) string { return e.claim.kind }),
			word("bounce", func(e *entry[emailClaim]) string { return e.claim.bounce }),
			signed("at", func(e *entry[emailClaim]) int64 { return e.claim.at }),
		},
		answer: func() ([]proto.ColResult, func(i int) emailClaim) {
			var kind, bounce proto.ColStr
			var at proto.ColInt64
			return []proto.ColResult{&kind, &bounce, &at}, func(i int) emailClaim {
				return emailClaim{kind.Row(i), bounce.Row(i), at[i]}
			}
		},

		identities: table[email]{"email_identities", append(emailClaimFields(), receipts...)},
		events:     table[email]{"email_events", append(emailClaimFields(), emailFields()...)},
		copies: table[email]{"email_conflicts", append(append(emailClaimFields(), receipts...),
			word("feed", func(r *email) string { return r.event.Feed }),
			at("received_at", func(r *email) time.Time { return r.event.ReceivedAt }))},
		copied: func(r email) bool { return r.conflict }, // senders repeat themselves far too often to keep all

		known: `SELECT source::String, id, segment::String, n, type::String, bounce::String,
			       toUnixTimestamp64Milli(occurred_at)
			FROM email_identities FINAL
			PREWHERE hash IN (SELECT cityHash64(source, id) FROM batch)
			WHERE (source, id) IN (SELECT source, id FROM batch)`,
		cuts:      emailCuts,
		recompute: emailSums(touchedSends),
		confirm: `SELECT
			ifNull((SELECT (count(), sum(said))
			 FROM (SELECT any(cityHash64(source, id, type, bounce, toUnixTimestamp64Milli(occurred_at))) AS said
			       FROM email_identities WHERE segment IN (SELECT segment FROM batch WHERE mine)
			         AND (segment, n) IN (SELECT segment, n FROM batch WHERE mine)
			       GROUP BY segment, n)) =
			(SELECT (count(), sum(cityHash64(source, id, type, bounce, at))) FROM batch WHERE mine), 0),
			ifNull((SELECT (count(), sum(cityHash64(source, id, type, bounce, toUnixTimestamp64Milli(occurred_at))))
			 FROM email_events FINAL
			 WHERE occurred_at IN (SELECT fromUnixTimestamp64Milli(at, 'UTC') FROM batch WHERE mine)
			   AND cityHash64(source, id) IN (SELECT cityHash64(source, id) FROM batch WHERE mine)) =
			(SELECT (count(), sum(cityHash64(source, id, type, bounce, at))) FROM batch WHERE mine), 0),
			ifNull((SELECT uniqExact(minute) FROM email_minutes
			 WHERE minute IN {minutes} AND version = {version}) =
			(SELECT uniqExact(toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC'))) FROM batch WHERE mine), 0) AND
			ifNull((SELECT uniqExact(hour) FROM mail_hours WHERE hour IN {hours} AND version = {version}) =
			(SELECT uniqExact(intDiv(at, 3600000)) FROM batch WHERE mine), 0) AND
			ifNull((SELECT uniqExact(send_id, start) FROM send_cuts
			 WHERE (span, send_id, start) IN (SELECT 60, send_id, minute FROM email_minutes
			        WHERE minute IN {minutes} AND version = {version}) AND version = {version}) =
			(SELECT uniqExact(send_id, minute) FROM email_minutes
			 WHERE minute IN {minutes} AND version = {version} AND send_id != ''), 0)`,
	}
}

// emailClaimFields are the columns that all tables of mail share.
func emailClaimFields() []field[email] {
	return []field[email]{
		word("source", func(r *email) string { return r.event.Source }),
		text("id", func(r *email) string { return r.event.ID }),
		word("type", func(r *email) string { return r.event.Type }),
		word("bounce", func(r *email) string { return r.event.Bounce }),
		at("occurred_at", func(r *email) time.Time { return r.event.OccurredAt }),
	}
}

func emailFields() []field[email] {
	return []field[email]{
		word("feed", func(r *email) string { return r.event.Feed }),
		at("received_at", func(r *email) time.Time { return r.event.ReceivedAt }),
		word("send_id", func(r *email) string { return r.event.SendID }),
		word("variant", func(r *email) string { return r.event.Variant }),
		text("recipient_key", func(r *email) string { return r.event.RecipientKey }),
		word("domain", func(r *email) string { return r.event.Domain }),
		text("message_id", func(r *email) string { return r.event.MessageID }),
		text("link", func(r *email) string { return r.event.Link }),
		text("reason", func(r *email) string { return r.event.Reason }),
		text("props", func(r *email) string { return r.event.Props }),
	}
}
