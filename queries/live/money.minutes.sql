-- title: Dollars per minute
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), currency String
-- returns: minute DateTime('UTC'), once_minor Int128, recurring_minor Int128
-- budget: 10ms
-- Gifts before refunds in one currency, by the minute in which they happened, one-time and recurring apart, from the
-- start of a minute to the moment; minutes without a gift have no row, and the last minute is the part of it so far.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS last_minute
SELECT minute,
       sumIf(minor, recurring NOT IN ('weekly', 'monthly')) AS once_minor,
       sumIf(minor, recurring IN ('weekly', 'monthly')) AS recurring_minor
FROM
(
    SELECT minute, recurring, amount_minor AS minor
    FROM donation_minutes FINAL
    WHERE minute >= {from:DateTime64(3,'UTC')} AND minute < last_minute
      AND kind = 'gift' AND currency = {currency:String}
    UNION ALL
    SELECT last_minute AS minute, recurring, sum(toInt128(amount_minor)) AS minor
    FROM donations_by_time FINAL
    WHERE occurred_at >= last_minute AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND kind = 'gift' AND currency = {currency:String}
    GROUP BY recurring
)
GROUP BY minute
ORDER BY minute
