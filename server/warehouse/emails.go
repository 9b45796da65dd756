package warehouse

import (
	"context"
	"time"

	"warroom/server/campaign"
)

// StoreEmails stores a batch of email events and returns nil when they were read back. A repeat changes no count; of
// copies that differ the first counts, and the others are kept in email_conflicts. After an error the same batch must
// be stored again before the next.
func (w *Warehouse) StoreEmails(ctx context.Context, b campaign.Batch[campaign.EmailEvent]) error {
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

func emailLedger() ledger[campaign.EmailEvent, emailClaim] {
	return ledger[campaign.EmailEvent, emailClaim]{
		name:     func(e *campaign.EmailEvent) identity { return identity{e.Source, e.ID} },
		occurred: func(e *campaign.EmailEvent) time.Time { return e.OccurredAt },
		claim: func(e *campaign.EmailEvent) emailClaim {
			return emailClaim{e.Type, e.Bounce, moment(e.OccurredAt).UnixMilli()}
		},
		claimed: func(c *emailClaim) []any { return []any{&c.kind, &c.bounce, &c.at} },
		sheet:   []string{"type", "String", "bounce", "String", "at", "Int64"},

		identities: table[campaign.EmailEvent]{"email_identities", append(emailClaimFields(), receiptFields()...)},
		events:     table[campaign.EmailEvent]{"email_events", append(emailClaimFields(), emailFields()...)},
		copies: table[campaign.EmailEvent]{"email_conflicts", append(append(emailClaimFields(), receiptFields()...),
			column("feed", func(r *email) string { return r.event.Feed }),
			column("received_at", func(r *email) time.Time { return moment(r.event.ReceivedAt) }))},
		copied: func(r email) bool { return r.conflict }, // senders repeat themselves far too often to keep all

		known: `SELECT source, id, segment, n, type, bounce, toUnixTimestamp64Milli(occurred_at)
			FROM email_identities FINAL WHERE (source, id) IN (SELECT source, id FROM batch)`,
		recompute: `INSERT INTO email_minutes (minute, send_id, variant, type, bounce, domain, events, version)
			SELECT toStartOfMinute(occurred_at) AS minute, send_id, variant, type, bounce, domain,
			       count(), {version:UInt64}
			FROM email_events FINAL
			WHERE toStartOfMinute(occurred_at) IN
			      (SELECT toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC')) FROM batch WHERE mine)
			GROUP BY minute, send_id, variant, type, bounce, domain`,
		confirm: `SELECT
			(SELECT count() FROM email_identities FINAL
			 WHERE (source, id) IN (SELECT source, id FROM batch)
			   AND (source, id, type, bounce, toUnixTimestamp64Milli(occurred_at)) IN
			       (SELECT source, id, type, bounce, at FROM batch)),
			(SELECT count() FROM email_events FINAL
			 WHERE (occurred_at, source, id) IN (SELECT fromUnixTimestamp64Milli(at, 'UTC'), source, id FROM batch WHERE mine)
			   AND (source, id, type, bounce) IN (SELECT source, id, type, bounce FROM batch)),
			(SELECT uniqExact(minute) FROM email_minutes FINAL
			 WHERE minute IN (SELECT toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC')) FROM batch WHERE mine)
			   AND version = {version:UInt64})`,
	}
}

// emailClaimFields are the columns that all tables of mail share.
func emailClaimFields() []field[campaign.EmailEvent] {
	return []field[campaign.EmailEvent]{
		column("source", func(r *email) string { return r.event.Source }),
		column("id", func(r *email) string { return r.event.ID }),
		column("type", func(r *email) string { return r.event.Type }),
		column("bounce", func(r *email) string { return r.event.Bounce }),
		column("occurred_at", func(r *email) time.Time { return moment(r.event.OccurredAt) }),
	}
}

func receiptFields() []field[campaign.EmailEvent] {
	return []field[campaign.EmailEvent]{
		column("segment", func(r *email) string { return r.segment }),
		column("n", func(r *email) uint32 { return r.n }),
		column("version", func(r *email) uint64 { return precedence(r.event.ReceivedAt, r.n) }),
	}
}

func emailFields() []field[campaign.EmailEvent] {
	return []field[campaign.EmailEvent]{
		column("feed", func(r *email) string { return r.event.Feed }),
		column("received_at", func(r *email) time.Time { return moment(r.event.ReceivedAt) }),
		column("send_id", func(r *email) string { return r.event.SendID }),
		column("variant", func(r *email) string { return r.event.Variant }),
		column("recipient_key", func(r *email) string { return r.event.RecipientKey }),
		column("domain", func(r *email) string { return r.event.Domain }),
		column("message_id", func(r *email) string { return r.event.MessageID }),
		column("link", func(r *email) string { return r.event.Link }),
		column("reason", func(r *email) string { return r.event.Reason }),
		column("props", func(r *email) string { return r.event.Props }),
	}
}
