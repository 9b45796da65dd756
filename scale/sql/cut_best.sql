INSERT INTO donation_cuts (span, cut, start, currency, value, movements, gifts, given_minor, net_minor, version)
SELECT 86400, 'best', day, c, toString(toUnixTimestamp(best.3)), best.4, best.5, best.6, best.1, 1
FROM
(
    SELECT toString(currency) AS c, toDateTime(toStartOfDay(start), 'UTC') AS day,
           max((net_minor, -toUnixTimestamp(start), start, movements, gifts, given_minor)) AS best
    FROM donation_cuts
    WHERE span = 3600 AND cut = 'all' AND start >= {from:DateTime('UTC')} AND start < {until:DateTime('UTC')}
    GROUP BY c, day
)
