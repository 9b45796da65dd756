-- title: Dollars in the last hour
-- every: 1s
-- unit: usd
-- params: at DateTime64(3,'UTC'), week DateTime64(3,'UTC'), minutes Array(DateTime('UTC')), ends Array(DateTime('UTC'))
-- returns: currency LowCardinality(String), net_minor Int128, given_minor Int128, gifts UInt64,
--   before_minor Int128, week_minor Int128
-- budget: 10ms
-- Per currency: what moved in the 60 minutes up to the moment, exact to the millisecond and the cent; net is gifts less
-- refunds and chargebacks plus won disputes, given is the gifts alone, before is the net of the hour before, week that
-- of the 60 minutes up to the parameter: the same time of the campaign's clock a week ago.

WITH {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR AS hour
SELECT currency, sumIf(net, moment > hour) AS net_minor, sumIf(given, moment > hour) AS given_minor,
       sumIf(n, moment > hour) AS gifts,
       sumIf(net, moment <= hour AND moment > {week:DateTime64(3,'UTC')}) AS before_minor,
       sumIf(net, moment <= {week:DateTime64(3,'UTC')}) AS week_minor
FROM
(
    SELECT currency, toDateTime64(start, 3, 'UTC') AS moment, given_minor AS given, net_minor AS net, gifts AS n
    FROM donation_cuts FINAL
    WHERE span = 60 AND cut = 'all' AND start IN {minutes:Array(DateTime('UTC'))}
    UNION ALL
    SELECT currency, occurred_at, if(kind = 'gift', toInt128(amount_minor), 0), toInt128(amount_minor),
           toUInt64(kind = 'gift')
    FROM donations_by_time FINAL
    WHERE toStartOfMinute(occurred_at) IN {ends:Array(DateTime('UTC'))}
      AND (occurred_at > hour - INTERVAL 1 HOUR AND occurred_at <= {at:DateTime64(3,'UTC')}
           OR occurred_at > {week:DateTime64(3,'UTC')} - INTERVAL 1 HOUR AND occurred_at <= {week:DateTime64(3,'UTC')})
)
GROUP BY currency
ORDER BY currency
