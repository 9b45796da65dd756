-- title: The hours of the week
-- every: 1m
-- unit: usd
-- params: at DateTime64(3,'UTC'), from DateTime('UTC'), currency String
-- returns: start DateTime('UTC'), given_minor Int128, gifts UInt64
-- budget: 10ms
-- Gifts before refunds in one currency in each whole hour that began at or after from and ended by the moment, which
-- the page puts in the campaign's hours of the week; an hour without a movement has no row.

SELECT start, given_minor, gifts
FROM donation_cuts FINAL
PREWHERE span = 3600 AND cut = 'all' AND currency = {currency:String} AND start >= {from:DateTime('UTC')}
  AND start < toStartOfHour({at:DateTime64(3,'UTC')})
ORDER BY start
