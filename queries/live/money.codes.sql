-- title: By refcode
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC'), before DateTime64(3,'UTC'),
--   minutes Array(DateTime('UTC')), hours Array(DateTime('UTC')), days Array(DateTime('UTC')),
--   ends Array(DateTime('UTC')), currency String
-- returns: cut String, value LowCardinality(String), given_minor Int128, net_minor Int128, gifts UInt64,
--   first_gifts UInt64, refunds UInt64, given_before_minor Int128, gifts_before UInt64
-- budget: 10ms
-- As money.cuts, by refcode, empty where none was given.

SELECT c AS cut, v AS value, sumIf(given, fresh) AS given_minor, sumIf(net, fresh) AS net_minor, sumIf(n, fresh) AS gifts,
       sumIf(firsts, fresh) AS first_gifts, sumIf(backs, fresh) AS refunds,
       sumIf(given, NOT fresh) AS given_before_minor, sumIf(n, NOT fresh) AS gifts_before
FROM
(
    SELECT toString(cut) AS c, toString(value) AS v, start > {since:DateTime64(3,'UTC')} AS fresh, given_minor AS given, net_minor AS net,
           gifts AS n, first_gifts AS firsts, refunds AS backs
    FROM donation_cuts FINAL
    PREWHERE cut IN ('refcode') AND currency = {currency:String}
      AND (span = 60 AND start IN {minutes:Array(DateTime('UTC'))}
           OR span = 3600 AND start IN {hours:Array(DateTime('UTC'))}
           OR span = 86400 AND start IN {days:Array(DateTime('UTC'))})
    UNION ALL
    SELECT in.1, in.2, occurred_at > {since:DateTime64(3,'UTC')}, if(kind = 'gift', toInt128(amount_minor), 0),
           toInt128(amount_minor), toUInt64(kind = 'gift'), toUInt64(kind = 'gift' AND first_gift),
           toUInt64(kind IN ('refund', 'chargeback'))
    FROM donations_by_time FINAL
    ARRAY JOIN [('refcode', toString(refcode))] AS in
    WHERE occurred_at > {before:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
      AND currency = {currency:String}
)
GROUP BY c, v
ORDER BY given_minor DESC, v
