-- title: Raised
-- every: 2s
-- unit: usd
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC'), before DateTime64(3,'UTC'),
--   minutes Array(DateTime('UTC')), hours Array(DateTime('UTC')), days Array(DateTime('UTC')),
--   ends Array(DateTime('UTC'))
-- returns: currency LowCardinality(String), net_minor Int128, given_minor Int128, gifts UInt64, first_gifts UInt64,
--   refunds UInt64, recurring_gifts UInt64, recurring_minor Int128, net_before_minor Int128, given_before_minor Int128,
--   gifts_before UInt64
-- budget: 10ms
-- Per currency: what moved after since up to the moment, and in the span before; net is gifts less refunds and
-- chargebacks plus won disputes, recurring are gifts that repeat by the week or the month, before refunds.

SELECT currency, sumIf(net, fresh) AS net_minor, sumIf(given, fresh) AS given_minor, sumIf(n, fresh) AS gifts,
       sumIf(firsts, fresh) AS first_gifts, sumIf(backs, fresh) AS refunds,
       sumIf(n, fresh AND value IN ('weekly', 'monthly')) AS recurring_gifts,
       sumIf(given, fresh AND value IN ('weekly', 'monthly')) AS recurring_minor,
       sumIf(net, NOT fresh) AS net_before_minor, sumIf(given, NOT fresh) AS given_before_minor,
       sumIf(n, NOT fresh) AS gifts_before
FROM
(
    SELECT currency, value, start > {since:DateTime64(3,'UTC')} AS fresh, given_minor AS given, net_minor AS net,
           gifts AS n, first_gifts AS firsts, refunds AS backs
    FROM donation_cuts FINAL
    PREWHERE cut = 'recurring'
      AND (span = 60 AND start IN {minutes:Array(DateTime('UTC'))}
           OR span = 3600 AND start IN {hours:Array(DateTime('UTC'))}
           OR span = 86400 AND start IN {days:Array(DateTime('UTC'))})
    UNION ALL
    SELECT currency, recurring, occurred_at > {since:DateTime64(3,'UTC')}, if(kind = 'gift', toInt128(amount_minor), 0),
           toInt128(amount_minor), toUInt64(kind = 'gift'), toUInt64(kind = 'gift' AND first_gift),
           toUInt64(kind IN ('refund', 'chargeback'))
    FROM donations_by_time FINAL
    WHERE occurred_at > {before:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
)
GROUP BY currency
ORDER BY currency
