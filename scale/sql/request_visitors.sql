INSERT INTO request_visitors (tick, app, visitors)
SELECT tick, app, s.visitors
FROM
(
    SELECT {from:DateTime('UTC')} + 10 * number AS tick, a.1 AS app, toUInt8(if(a.2 > 0.2, 3, 2)) AS level,
           toUInt8(cityHash64(number, a.1) % 4) AS turn
    FROM numbers(toUInt64(intDiv(dateDiff('second', {from:DateTime('UTC')}, {until:DateTime('UTC')}), 10)))
    ARRAY JOIN [('site', 0.4), ('donate', 0.25), ('events', 0.15), ('api', 0.1), ('shop', 0.06), ('volunteer', 0.04)] AS a
) AS r
INNER JOIN scale_sketches AS s USING (level, turn)
SETTINGS max_block_size = 1024, min_insert_block_size_rows = 50000 -- sketches take memory that no limit of bytes sees
