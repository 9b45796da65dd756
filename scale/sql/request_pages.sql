INSERT INTO request_pages (minute, app, page, class, requests, duration_ms)
SELECT {from:DateTime('UTC')} + 60 * number AS minute, a.1, p.1, c.1,
       greatest(1, round(60 * {rate:Float64} * a.2 * p.2 * c.2 * (0.8 + 0.4 * (cityHash64(number, a.1, p.1, c.1) % 1000) / 1000.))) AS n,
       n * 80
FROM numbers(toUInt64(dateDiff('minute', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
ARRAY JOIN [('/', 0.2), ('(assets)', 0.4), ('/about', 0.05), ('/donate', 0.1), ('/donate/thanks', 0.02), ('/event/:id', 0.08),
            ('/issues', 0.05), ('/api/v2/:id', 0.05), ('/search', 0.03), ('/news/:id', 0.02)] AS p
ARRAY JOIN [(2, 0.95), (3, 0.03), (5, 0.005)] AS c
WHERE 60 * {rate:Float64} * a.2 * p.2 * c.2 > cityHash64(number, p.1, c.1, a.1) % 1000 / 1000.
