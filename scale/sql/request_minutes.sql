-- level is that of the fine answers of the largest apps; 0 where the sketches are of no interest.
INSERT INTO request_minutes (minute, app, class, requests, bytes, visitors, latency)
SELECT minute, app, class, n, n * 18000, s.visitors, s.latency
FROM
(
    SELECT {from:DateTime('UTC')} + 60 * number AS minute, a.1 AS app, toUInt8(c.1) AS class,
           greatest(1, round(60 * {rate:Float64} * a.2 * c.2 * (0.8 + 0.4 * (cityHash64(number, a.1, c.1) % 1000) / 1000.))) AS n,
           toUInt8(greatest(0, {level:Int8} - multiIf(a.2 > 0.2, 0, a.2 > 0.1, 1, 2) - if(class = 2, 0, 2))) AS level,
           toUInt8(cityHash64(number, a.1) % 4) AS turn
    FROM numbers(toUInt64(dateDiff('minute', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
    ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
    ARRAY JOIN [(2, 0.9), (3, 0.06), (4, 0.035), (5, 0.005)] AS c
) AS r
INNER JOIN scale_sketches AS s USING (level, turn)
SETTINGS max_block_size = 1024, min_insert_block_size_rows = 50000 -- sketches take memory that no limit of bytes sees
