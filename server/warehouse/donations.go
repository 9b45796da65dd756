package warehouse

import (
	"context"
	"time"

	"warroom/server/campaign"
)

// StoreDonations stores a batch of movements of money and returns nil when they were read back. A repeat, by any road
// and at any age, changes no total; of copies that differ the first counts, and the others are kept in
// donation_copies. After an error the same batch must be stored again before the next.
func (w *Warehouse) StoreDonations(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
	money := donationLedger()
	return storeChunks(ctx, w, b, func(ctx context.Context, c chunk[campaign.Donation]) error {
		return money.store(ctx, w, c)
	})
}

// donationClaim is what a copy says happened.
type donationClaim struct {
	kind, currency string
	amount         int64 // minor units
	at             int64 // Unix ms
}

type donation = row[campaign.Donation]

func donationLedger() ledger[campaign.Donation, donationClaim] {
	return ledger[campaign.Donation, donationClaim]{
		name:     func(d *campaign.Donation) identity { return identity{d.Source, d.ID} },
		occurred: func(d *campaign.Donation) time.Time { return d.OccurredAt },
		claim: func(d *campaign.Donation) donationClaim {
			return donationClaim{d.Kind, d.Currency, d.AmountMinor, moment(d.OccurredAt).UnixMilli()}
		},
		claimed: func(c *donationClaim) []any { return []any{&c.kind, &c.currency, &c.amount, &c.at} },
		sheet:   []string{"kind", "String", "currency", "String", "amount_minor", "Int64", "at", "Int64"},

		identities: table[campaign.Donation]{"donations", append(donationFields(),
			column("props", func(r *donation) string { return r.event.Props }),
			column("segment", func(r *donation) string { return r.segment }),
			column("n", func(r *donation) uint32 { return r.n }),
			column("version", func(r *donation) uint64 { return precedence(r.event.ReceivedAt, r.n) }),
		)},
		events: table[campaign.Donation]{"donations_by_time", donationFields()},
		copies: table[campaign.Donation]{"donation_copies", donationCopyFields()},
		copied: func(donation) bool { return true },

		known: `SELECT source, id, segment, n, kind, currency, amount_minor, toUnixTimestamp64Milli(occurred_at)
			FROM donations FINAL WHERE (source, id) IN (SELECT source, id FROM batch)`,
		recompute: `INSERT INTO donation_minutes (minute, currency, kind, recurring, movements, amount_minor, version)
			SELECT toStartOfMinute(occurred_at) AS minute, currency, kind, recurring,
			       count(), sum(toInt128(amount_minor)), {version:UInt64}
			FROM donations_by_time FINAL
			WHERE toStartOfMinute(occurred_at) IN
			      (SELECT toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC')) FROM batch WHERE mine)
			GROUP BY minute, currency, kind, recurring`,
		confirm: `SELECT
			(SELECT count() FROM donations FINAL
			 WHERE (source, id) IN (SELECT source, id FROM batch)
			   AND (source, id, kind, currency, amount_minor, toUnixTimestamp64Milli(occurred_at)) IN
			       (SELECT source, id, kind, currency, amount_minor, at FROM batch)),
			(SELECT count() FROM donations_by_time FINAL
			 WHERE (occurred_at, source, id) IN (SELECT fromUnixTimestamp64Milli(at, 'UTC'), source, id FROM batch WHERE mine)
			   AND (source, id, kind, currency, amount_minor) IN (SELECT source, id, kind, currency, amount_minor FROM batch)),
			(SELECT uniqExact(minute) FROM donation_minutes FINAL
			 WHERE minute IN (SELECT toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC')) FROM batch WHERE mine)
			   AND version = {version:UInt64})`,
	}
}

// donationFields are the columns that the order of identity and the order of time share.
func donationFields() []field[campaign.Donation] {
	return []field[campaign.Donation]{
		column("source", func(r *donation) string { return r.event.Source }),
		column("id", func(r *donation) string { return r.event.ID }),
		column("path", func(r *donation) string { return r.event.Path }),
		column("feed", func(r *donation) string { return r.event.Feed }),
		column("kind", func(r *donation) string { return r.event.Kind }),
		column("of", func(r *donation) string { return r.event.Of }),
		column("occurred_at", func(r *donation) time.Time { return moment(r.event.OccurredAt) }),
		column("received_at", func(r *donation) time.Time { return moment(r.event.ReceivedAt) }),
		column("amount_minor", func(r *donation) int64 { return r.event.AmountMinor }),
		column("currency", func(r *donation) string { return r.event.Currency }),
		column("recurring", func(r *donation) string { return r.event.Recurring }),
		column("donor_key", func(r *donation) string { return r.event.DonorKey }),
		column("refcode", func(r *donation) string { return r.event.Refcode }),
		column("send_id", func(r *donation) string { return r.event.SendID }),
		column("channel", func(r *donation) string { return r.event.Channel }),
		column("form", func(r *donation) string { return r.event.Form }),
		column("state", func(r *donation) string { return r.event.State }),
		column("country", func(r *donation) string { return r.event.Country }),
		column("first_gift", func(r *donation) bool { return r.event.FirstGift }),
	}
}

func donationCopyFields() []field[campaign.Donation] {
	return []field[campaign.Donation]{
		column("source", func(r *donation) string { return r.event.Source }),
		column("id", func(r *donation) string { return r.event.ID }),
		column("path", func(r *donation) string { return r.event.Path }),
		column("feed", func(r *donation) string { return r.event.Feed }),
		column("kind", func(r *donation) string { return r.event.Kind }),
		column("currency", func(r *donation) string { return r.event.Currency }),
		column("amount_minor", func(r *donation) int64 { return r.event.AmountMinor }),
		column("occurred_at", func(r *donation) time.Time { return moment(r.event.OccurredAt) }),
		column("conflict", func(r *donation) bool { return r.conflict }),
		column("received_at", func(r *donation) time.Time { return moment(r.event.ReceivedAt) }),
		column("segment", func(r *donation) string { return r.segment }),
		column("n", func(r *donation) uint32 { return r.n }),
		column("version", func(r *donation) uint64 { return precedence(r.event.ReceivedAt, r.n) }),
	}
}
