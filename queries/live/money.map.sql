-- title: Where they live
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC'), before DateTime64(3,'UTC'),
--   minutes Array(DateTime('UTC')), hours Array(DateTime('UTC')), days Array(DateTime('UTC')),
--   ends Array(DateTime('UTC')), currency String
-- returns: value String, given_minor Int128, gifts UInt64, given_before_minor Int128, gifts_before UInt64
-- budget: 10ms
-- Gifts before refunds in one currency by the giver's state, after since up to the moment and in the span before; a
-- state counts as one of the country's when the country is empty or US, and an empty value is everything else.

SELECT value, sumIf(given, fresh) AS given_minor, sumIf(n, fresh) AS gifts, sumIf(given, NOT fresh) AS given_before_minor,
       sumIf(n, NOT fresh) AS gifts_before
FROM
(
    SELECT toString(value) AS value, start > {since:DateTime64(3,'UTC')} AS fresh, given_minor AS given, gifts AS n
    FROM donation_cuts FINAL
    PREWHERE cut = 'state' AND currency = {currency:String}
      AND (span = 60 AND start IN {minutes:Array(DateTime('UTC'))}
           OR span = 3600 AND start IN {hours:Array(DateTime('UTC'))}
           OR span = 86400 AND start IN {days:Array(DateTime('UTC'))})
    UNION ALL
    SELECT if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''),
           occurred_at > {since:DateTime64(3,'UTC')}, toInt128(amount_minor), toUInt64(1)
    FROM donations_by_time FINAL
    WHERE occurred_at > {before:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
      AND kind = 'gift' AND currency = {currency:String}
)
GROUP BY value
ORDER BY value
