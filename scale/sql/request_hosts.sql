INSERT INTO request_hosts (minute, app, host, requests, errors, duration_ms, last_at)
SELECT {from:DateTime('UTC')} + 60 * number AS minute, a.1, concat(a.1, '-', toString(host)),
       greatest(1, round(15 * {rate:Float64} * a.2 * (0.8 + 0.4 * (cityHash64(number, a.1, host) % 1000) / 1000.))) AS n,
       floor(n * 0.005), n * 80, toDateTime64(minute, 3, 'UTC') + toIntervalMillisecond(59000 + cityHash64(number, host) % 1000)
FROM numbers(toUInt64(dateDiff('minute', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
ARRAY JOIN [1, 2, 3, 4] AS host
