-- title: Raised today
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), day DateTime64(3,'UTC'), day_before DateTime64(3,'UTC'), same DateTime64(3,'UTC'),
--   half DateTime('UTC'), minutes Array(DateTime('UTC')), hours Array(DateTime('UTC')), days Array(DateTime('UTC')),
--   ends Array(DateTime('UTC')), currency String
-- returns: currency LowCardinality(String), net_minor Int128, given_minor Int128, gifts UInt64,
--   gifts_minute UInt64, median_minor Int64, donors UInt64,
--   recurring_gifts UInt64, first_gifts UInt64, refunds UInt64, same_minor Int128, yesterday_minor Int128
-- budget: 25ms
-- Per currency: from the start of the campaign's day (the parameter, so that days of 23 and 25 hours are right) to the
-- moment, exact; the median of an even number of gifts is the lower of the two in the middle, donors are counted in the
-- one currency where the gift names one (exact up to 2,048, then within one percent), refunds are refunds and
-- chargebacks, gifts_minute are the gifts of the last 60 seconds; same is the net of yesterday up to the same time of
-- the clock, yesterday_minor that of the whole day before.

WITH {day:DateTime64(3,'UTC')} AS day,
     toStartOfInterval(day + INTERVAL 1799 SECOND, INTERVAL 30 MINUTE) AS first_half,
     {half:DateTime('UTC')} + INTERVAL 30 MINUTE AS next_half,
     (
         SELECT if(count() > 0, {half:DateTime('UTC')}, next_half)
         FROM donations_by_time
         WHERE occurred_at > {at:DateTime64(3,'UTC')} AND occurred_at < next_half
     ) AS sketched,
     (
         SELECT uniqCombined64Merge(16)(donors)
         FROM
         (
             SELECT donors
             FROM donor_sketches
             WHERE start >= first_half AND start < sketched AND currency = {currency:String}
             UNION ALL
             SELECT uniqCombined64State(16)(donor_key)
             FROM donations_by_time
             WHERE (occurred_at >= sketched OR occurred_at < first_half)
               AND occurred_at >= day AND occurred_at <= {at:DateTime64(3,'UTC')}
               AND kind = 'gift' AND donor_key != '' AND currency = {currency:String}
         )
     ) AS named
SELECT currency,
       sumIf(net, whole AND moment >= day) AS net_minor, sumIf(given, whole AND moment >= day) AS given_minor,
       sumIf(n, whole AND moment >= day) AS gifts,
       sumIf(n, whole AND moment > {at:DateTime64(3,'UTC')} - INTERVAL 1 MINUTE) AS gifts_minute,
       quantileExactWeightedIf(0.5)(amount, n, sized AND moment >= day) AS median_minor,
       if(currency = {currency:String}, assumeNotNull(named), 0) AS donors,
       sumIf(n, repeats AND moment >= day) AS recurring_gifts, sumIf(firsts, whole AND moment >= day) AS first_gifts,
       sumIf(backs, whole AND moment >= day) AS refunds,
       sumIf(net, whole AND moment <= {same:DateTime64(3,'UTC')} AND moment < day) AS same_minor,
       sumIf(net, whole AND moment < day) AS yesterday_minor
FROM
(
    SELECT currency, toDateTime64(start, 3, 'UTC') AS moment, cut = 'all' AS whole, cut = 'amount' AS sized,
           cut = 'recurring' AND value IN ('weekly', 'monthly') AS repeats,
           if(cut = 'amount', toInt64OrZero(toString(value)), 0) AS amount,
           given_minor AS given, net_minor AS net, gifts AS n, first_gifts AS firsts, refunds AS backs
    FROM donation_cuts FINAL
    WHERE (cut = 'all' OR cut IN ('recurring', 'amount') AND start >= day)
      AND (span = 60 AND start IN {minutes:Array(DateTime('UTC'))}
           OR span = 3600 AND start IN {hours:Array(DateTime('UTC'))}
           OR span = 86400 AND start IN {days:Array(DateTime('UTC'))})
    UNION ALL
    SELECT currency, occurred_at, 1, kind = 'gift', recurring IN ('weekly', 'monthly'), amount_minor,
           if(kind = 'gift', toInt128(amount_minor), 0), toInt128(amount_minor), toUInt64(kind = 'gift'),
           toUInt64(kind = 'gift' AND first_gift), toUInt64(kind IN ('refund', 'chargeback'))
    FROM donations_by_time FINAL
    WHERE occurred_at >= {day_before:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
)
GROUP BY currency
ORDER BY currency
