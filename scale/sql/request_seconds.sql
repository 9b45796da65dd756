INSERT INTO request_seconds (second, app, class, requests, bytes, duration_ms)
SELECT {from:DateTime('UTC')} + number AS second, a.1, c.1,
       greatest(1, round({rate:Float64} * a.2 * c.2 * (0.8 + 0.4 * (cityHash64(number, a.1, c.1) % 1000) / 1000.))) AS n,
       n * 18000, n * 80
FROM numbers(toUInt64(dateDiff('second', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
ARRAY JOIN [(2, 0.9), (3, 0.06), (4, 0.035), (5, 0.005)] AS c
WHERE {rate:Float64} * a.2 * c.2 > cityHash64(number, c.1, a.1, 1) % 1000 / 1000.
