-- title: Where it comes from
-- every: 2s
-- unit: usd
-- params: at DateTime64(3,'UTC'), minutes Array(DateTime('UTC')), ends Array(DateTime('UTC')), currency String
-- returns: cut String, value String, channel String, given_minor Int128, gifts UInt64,
--   total_minor Int128
-- budget: 10ms
-- Gifts before refunds in one currency in the last 60 minutes: the ten refcodes that brought most, and what came
-- without one, with the channel that brought most of a refcode's dollars; and all states, one of the country's when the
-- country is empty or US, else an empty one; total is over all values of the cut.

SELECT c AS cut, v AS value, argMax(channel, (minor, channel)) AS channel, sum(minor) AS given_minor,
       sum(pieces) AS gifts, sum(given_minor) OVER (PARTITION BY c) AS total_minor
FROM
(
    SELECT c, v, channel, sum(given) AS minor, sum(n) AS pieces
    FROM
    (
        SELECT toString(cut) AS c, toString(value) AS v, toString(detail) AS channel, given_minor AS given, gifts AS n
        FROM donation_cuts FINAL
        PREWHERE span = 60 AND cut IN ('refcode', 'state') AND start IN {minutes:Array(DateTime('UTC'))}
          AND currency = {currency:String}
        UNION ALL
        SELECT in.1, in.2, in.3, toInt128(amount_minor), toUInt64(1)
        FROM donations_by_time FINAL
        ARRAY JOIN [('refcode', toString(refcode), toString(channel)),
                    ('state', if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''), '')] AS in
        WHERE occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR AND occurred_at <= {at:DateTime64(3,'UTC')}
          AND toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
          AND kind = 'gift' AND currency = {currency:String}
    )
    GROUP BY c, v, channel
    HAVING pieces > 0
)
GROUP BY c, v
ORDER BY given_minor DESC, v
LIMIT 10 BY c, if(c = 'state', v, toString(v = ''))
