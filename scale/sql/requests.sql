-- Single requests, evenly over time, a segment a minute.
INSERT INTO requests (day, segment, n, occurred_at, received_at, feed, app, host, method, path, status, bytes, duration_ms,
    visitor_key, referrer, refcode, region, weight)
SELECT toDate(occurred_at), concat('s', toString(toUnixTimestamp(toStartOfMinute(occurred_at)))), number, occurred_at, occurred_at,
       'edge', ['site', 'site', 'site', 'site', 'donate', 'donate', 'events', 'api', 'shop', 'volunteer'][1 + h % 10] AS app,
       concat(app, '-', toString(1 + intDiv(h, 16) % 4)), if(h2 % 20 = 0, 'POST', 'GET'),
       ['/', '/main.js', '/style.css', '/about', '/donate', '/donate/thanks', '/event/1234', '/issues', '/api/v2/9876543', '/news/77']
           [1 + intDiv(h, 128) % 10],
       [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 302, 304, 404, if(h2 % 10 = 0, 503, 200)]
           [1 + intDiv(h2, 64) % 20],
       18000, 20 + h2 % 150, lower(hex(sipHash128(intHash64(h2) % 40000))),
       ['', '', 'https://www.site.example/', 'https://www.google.com/', 'https://t.co/abc'][1 + intDiv(h2, 4096) % 5],
       '', 'US', {weight:Float64}
FROM
(
    SELECT number, cityHash64(number, 5) AS h, intHash64(h) AS h2,
           toDateTime64({from:DateTime('UTC')}, 3, 'UTC') + toIntervalMillisecond(toUInt64(number * 1000 / {rate:Float64})) AS occurred_at
    FROM numbers(toUInt64({rate:Float64} * dateDiff('second', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
)
WHERE occurred_at <= {at:DateTime64(3,'UTC')}
SETTINGS max_partitions_per_insert_block = 0
