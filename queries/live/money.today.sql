-- title: Raised today
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), day DateTime64(3,'UTC')
-- returns: currency LowCardinality(String), net_minor Int128, given_minor Int128, gifts UInt64,
--   gifts_minute UInt64, median_minor Int64, donors UInt64, named_gifts UInt64,
--   recurring_gifts UInt64, first_gifts UInt64, refunds UInt64
-- budget: 150ms
-- Per currency: from the start of the campaign's day (the parameter, so that days of 23 and 25 hours are right) to the
-- moment, exact; the median of an even number of gifts is the lower of the two in the middle, donors are counted where
-- the gift names one, refunds are refunds and chargebacks, gifts_minute are the gifts of the last 60 seconds.

SELECT currency,
       sum(toInt128(amount_minor)) AS net_minor,
       sumIf(toInt128(amount_minor), kind = 'gift') AS given_minor,
       countIf(kind = 'gift') AS gifts,
       countIf(kind = 'gift' AND occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 MINUTE) AS gifts_minute,
       quantileExactLowIf(0.5)(amount_minor, kind = 'gift') AS median_minor,
       uniqExactIf(sipHash64(donor_key), kind = 'gift' AND donor_key != '') AS donors,
       countIf(kind = 'gift' AND donor_key != '') AS named_gifts,
       countIf(kind = 'gift' AND recurring IN ('weekly', 'monthly')) AS recurring_gifts,
       countIf(kind = 'gift' AND first_gift) AS first_gifts,
       countIf(kind IN ('refund', 'chargeback')) AS refunds
FROM donations_by_time FINAL
WHERE occurred_at >= {day:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
GROUP BY currency
ORDER BY currency
