-- title: Dollars over the span
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), span UInt32, last DateTime('UTC'), starts Array(UInt32),
--   currency String
-- returns: start DateTime('UTC'), once_minor Int128, recurring_minor Int128
-- budget: 10ms
-- Gifts before refunds in one currency by the step in which they happened, one-time and recurring apart, from the start
-- of a step to the moment: starts are the beginnings of all steps in Unix seconds, span is the length of the sums that
-- they consist of (60 or 3600), last the beginning of the span that the moment is in; steps without a gift have no row.

SELECT toDateTime(roundDown(toUnixTimestamp(start), {starts:Array(UInt32)}), 'UTC') AS start,
       sumIf(given, value NOT IN ('weekly', 'monthly')) AS once_minor,
       sumIf(given, value IN ('weekly', 'monthly')) AS recurring_minor
FROM
(
    SELECT start, value, given_minor AS given
    FROM donation_cuts FINAL
    PREWHERE cut = 'recurring' AND currency = {currency:String} AND start >= {from:DateTime64(3,'UTC')}
      AND (span = {span:UInt32} AND start < {last:DateTime('UTC')}
           OR span = 60 AND start >= {last:DateTime('UTC')} AND start < toStartOfMinute({at:DateTime64(3,'UTC')}))
    UNION ALL
    SELECT toStartOfMinute(occurred_at), recurring, toInt128(amount_minor)
    FROM donations_by_time FINAL
    WHERE occurred_at >= toStartOfMinute({at:DateTime64(3,'UTC')}) AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND kind = 'gift' AND currency = {currency:String}
)
GROUP BY start
HAVING once_minor != 0 OR recurring_minor != 0
ORDER BY start
