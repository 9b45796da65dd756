INSERT INTO request_referrers (minute, app, referrer, requests)
SELECT {from:DateTime('UTC')} + 60 * number AS minute, a.1, r.1,
       greatest(1, round(60 * {rate:Float64} * a.2 * r.2 * (0.8 + 0.4 * (cityHash64(number, a.1, r.1) % 1000) / 1000.)))
FROM numbers(toUInt64(dateDiff('minute', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
ARRAY JOIN [('site.example', 0.3), ('google.com', 0.1), ('t.co', 0.04), ('facebook.com', 0.06), ('news.example', 0.02),
            ('mail.google.com', 0.05), ('reddit.com', 0.01), ('bing.com', 0.01)] AS r
WHERE 60 * {rate:Float64} * a.2 * r.2 > cityHash64(number, r.1, a.1) % 1000 / 1000.
