-- title: Sizes of gifts
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC'), before DateTime64(3,'UTC'),
--   minutes Array(DateTime('UTC')), hours Array(DateTime('UTC')), days Array(DateTime('UTC')),
--   ends Array(DateTime('UTC')), edges Array(Int64), currency String
-- returns: whole UInt64, edge Int64, given_minor Int128, gifts UInt64, median_minor Int64,
--   given_before_minor Int128, gifts_before UInt64
-- budget: 10ms
-- Gifts before refunds in one currency by size, after since up to the moment and in the span before: edge is the least
-- amount of a band in minor units, edges are all of them; the row with whole = 1 is all gifts together, whose median is
-- the lower of the two in the middle. Of the sums the last version counts, as with FINAL, which would read more.

SELECT grouping(edge) AS whole, roundDown(amount, {edges:Array(Int64)}) AS edge,
       sumIf(toInt128(amount) * n, fresh) AS given_minor, sumIf(n, fresh) AS gifts,
       quantileExactWeightedIf(0.5)(amount, n, fresh) AS median_minor,
       sumIf(toInt128(amount) * n, NOT fresh) AS given_before_minor, sumIf(n, NOT fresh) AS gifts_before
FROM
(
    SELECT toInt64OrZero(toString(value)) AS amount, start > {since:DateTime64(3,'UTC')} AS fresh, gifts AS n
    FROM donation_cuts
    WHERE cut = 'amount' AND currency = {currency:String}
      AND (span = 60 AND start IN {minutes:Array(DateTime('UTC'))}
           OR span = 3600 AND start IN {hours:Array(DateTime('UTC'))}
           OR span = 86400 AND start IN {days:Array(DateTime('UTC'))})
    ORDER BY version DESC
    LIMIT 1 BY span, donation_cuts.start, value
    UNION ALL
    SELECT amount_minor, occurred_at > {since:DateTime64(3,'UTC')}, toUInt64(1)
    FROM donations_by_time FINAL
    WHERE occurred_at > {before:DateTime64(3,'UTC')} AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
      AND kind = 'gift' AND currency = {currency:String}
)
GROUP BY GROUPING SETS ((edge), ())
ORDER BY whole, edge
