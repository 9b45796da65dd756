-- title: Where it comes from
-- every: 2s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String
-- returns: refcode LowCardinality(String), channel String, given_minor Int128, gifts UInt64,
--   total_minor Int128
-- budget: 50ms
-- The ten refcodes that brought most in the last 60 minutes, and what came without one: gifts before refunds in one
-- currency; channel is the one that brought most of a refcode's dollars, total is over all refcodes.

WITH by_channel AS
(
    SELECT refcode, channel, sum(toInt128(amount_minor)) AS minor, count() AS n
    FROM donations_by_time FINAL
    WHERE occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR AND occurred_at <= {at:DateTime64(3,'UTC')}
      AND kind = 'gift' AND currency = {currency:String}
    GROUP BY refcode, channel
)
SELECT refcode, argMax(channel, (minor, channel)) AS channel, sum(minor) AS given_minor, sum(n) AS gifts,
       sum(given_minor) OVER () AS total_minor
FROM by_channel
GROUP BY refcode
ORDER BY given_minor DESC, refcode
LIMIT 10 BY refcode = ''
