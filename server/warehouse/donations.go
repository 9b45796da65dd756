package warehouse

import (
	"context"
	"time"

	"github.com/ClickHouse/ch-go/proto"

	"warroom/server/campaign"
)

// StoreDonations stores a batch of movements of money and returns nil when they were read back. A repeat, by any road
// and at any age, changes no total; of copies that differ the first counts, and the others are kept in
// donation_copies. After an error the same batch must be stored again before the next.
func (w *Warehouse) StoreDonations(ctx context.Context, b campaign.Batch[campaign.Donation]) error {
	defer w.own(campaign.Donations)()
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

// donationLedger is the ledger of money.
func donationLedger() ledger[campaign.Donation, donationClaim] {
	return ledger[campaign.Donation, donationClaim]{
		kind: campaign.Donations,
		name: func(d *campaign.Donation) identity { return identity{d.Source, d.ID} },
		claim: func(d *campaign.Donation) donationClaim {
			return donationClaim{d.Kind, d.Currency, d.AmountMinor, millis(d.OccurredAt)}
		},
		sheet: []field[entry[donationClaim]]{
			word("kind", func(e *entry[donationClaim]) string { return e.claim.kind }),
			word("currency", func(e *entry[donationClaim]) string { return e.claim.currency }),
			signed("amount_minor", func(e *entry[donationClaim]) int64 { return e.claim.amount }),
			signed("at", func(e *entry[donationClaim]) int64 { return e.claim.at }),
		},
		answer: func() ([]proto.ColResult, func(i int) donationClaim) {
			var kind, currency proto.ColStr
			var amount, at proto.ColInt64
			return []proto.ColResult{&kind, &currency, &amount, &at}, func(i int) donationClaim {
				return donationClaim{kind.Row(i), currency.Row(i), amount[i], at[i]}
			}
		},

		identities: table[donation]{"donations", append(donationFields(),
			append(receiptFields(func(d *campaign.Donation) time.Time { return d.ReceivedAt }),
				text("props", func(r *donation) string { return r.event.Props }))...)},
		events: table[donation]{"donations_by_time", donationFields()},
		copies: table[donation]{"donation_copies", donationCopyFields()},
		copied: func(donation) bool { return true },

		known: `SELECT source::String, id, segment::String, n, kind::String, currency::String, amount_minor,
			       toUnixTimestamp64Milli(occurred_at)
			FROM donations FINAL WHERE (source, id) IN (SELECT source, id FROM batch)`,
		cuts:      donationCuts,
		recompute: donationSums(touchedValues),
		daily:     closeDays(),
		again:     []string{donorSums},
		confirm: `SELECT
			ifNull((SELECT (count(), sum(toInt128(amount_minor)),
			         sum(cityHash64(source, id, kind, currency, amount_minor, toUnixTimestamp64Milli(occurred_at))))
			 FROM donations FINAL WHERE (source, id) IN (SELECT source, id FROM batch)) =
			(SELECT (count(), sum(toInt128(amount_minor)), sum(cityHash64(source, id, kind, currency, amount_minor, at)))
			 FROM batch), 0),
			ifNull((SELECT (count(), sum(toInt128(amount_minor)),
			         sum(cityHash64(source, id, kind, currency, amount_minor, toUnixTimestamp64Milli(occurred_at))))
			 FROM donations_by_time FINAL
			 WHERE (occurred_at, source, id) IN
			       (SELECT fromUnixTimestamp64Milli(at, 'UTC'), source, id FROM batch WHERE mine)) =
			(SELECT (count(), sum(toInt128(amount_minor)), sum(cityHash64(source, id, kind, currency, amount_minor, at)))
			 FROM batch WHERE mine), 0),
			ifNull((SELECT uniqExact(minute) FROM donation_minutes
			 WHERE minute IN {minutes} AND version = {version}) =
			(SELECT uniqExact(toStartOfMinute(fromUnixTimestamp64Milli(at, 'UTC'))) FROM batch WHERE mine), 0) AND
			ifNull((SELECT (uniqExactIf((span, cut, start), cut != 'send'), countIf(cut = 'send')) FROM donation_cuts
			 WHERE ` + staleTimes + ` AND (cut IN {wholeCuts} OR cut = 'send') AND version = {version}) =
			(8 * {times}, (SELECT count() FROM send_gifts
			 WHERE ` + staleTimes + ` AND version = {version} AND send_id IN
			       (SELECT value FROM donation_cuts WHERE ` + staleTimes + ` AND cut = 'send' AND version = {version}))), 0)`,
	}
}

// donationFields are the columns that the order of identity and the order of time share.
func donationFields() []field[donation] {
	return []field[donation]{
		word("source", func(r *donation) string { return r.event.Source }),
		text("id", func(r *donation) string { return r.event.ID }),
		word("path", func(r *donation) string { return r.event.Path }),
		word("feed", func(r *donation) string { return r.event.Feed }),
		word("kind", func(r *donation) string { return r.event.Kind }),
		text("of", func(r *donation) string { return r.event.Of }),
		at("occurred_at", func(r *donation) time.Time { return r.event.OccurredAt }),
		at("received_at", func(r *donation) time.Time { return r.event.ReceivedAt }),
		signed("amount_minor", func(r *donation) int64 { return r.event.AmountMinor }),
		word("currency", func(r *donation) string { return r.event.Currency }),
		word("recurring", func(r *donation) string { return r.event.Recurring }),
		text("donor_key", func(r *donation) string { return r.event.DonorKey }),
		word("refcode", func(r *donation) string { return r.event.Refcode }),
		word("send_id", func(r *donation) string { return r.event.SendID }),
		word("channel", func(r *donation) string { return r.event.Channel }),
		word("form", func(r *donation) string { return r.event.Form }),
		word("state", func(r *donation) string { return r.event.State }),
		word("country", func(r *donation) string { return r.event.Country }),
		truth("first_gift", func(r *donation) bool { return r.event.FirstGift }),
	}
}

func donationCopyFields() []field[donation] {
	return append(receiptFields(func(d *campaign.Donation) time.Time { return d.ReceivedAt }), []field[donation]{
		word("source", func(r *donation) string { return r.event.Source }),
		text("id", func(r *donation) string { return r.event.ID }),
		word("path", func(r *donation) string { return r.event.Path }),
		word("feed", func(r *donation) string { return r.event.Feed }),
		word("kind", func(r *donation) string { return r.event.Kind }),
		word("currency", func(r *donation) string { return r.event.Currency }),
		signed("amount_minor", func(r *donation) int64 { return r.event.AmountMinor }),
		at("occurred_at", func(r *donation) time.Time { return r.event.OccurredAt }),
		truth("conflict", func(r *donation) bool { return r.conflict }),
		at("received_at", func(r *donation) time.Time { return r.event.ReceivedAt }),
	}...)
}

// receiptFields say which record of the spool became a row, and which of two rows came earlier.
func receiptFields[T any](received func(*T) time.Time) []field[row[T]] {
	return []field[row[T]]{
		word("segment", func(r *row[T]) string { return r.segment }),
		number("n", func(r *row[T]) uint32 { return r.n }),
		large("version", func(r *row[T]) uint64 { return precedence(received(r.event), r.n) }),
	}
}
