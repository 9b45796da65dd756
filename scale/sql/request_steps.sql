INSERT INTO request_steps (start, saw, came, sent)
SELECT start, saw.visitors, came.visitors, sent.visitors
FROM
(
    SELECT {from:DateTime('UTC')} + 300 * number AS start, toUInt8(number % 4) AS turn, toUInt8({level:Int8}) AS level,
           toUInt8(greatest(0, level - 1)) AS level_came, toUInt8(greatest(0, level - 3)) AS level_sent
    FROM numbers(toUInt64(intDiv(dateDiff('second', {from:DateTime('UTC')}, {until:DateTime('UTC')}), 300)))
) AS r
INNER JOIN scale_sketches AS saw ON saw.level = r.level AND saw.turn = r.turn
INNER JOIN scale_sketches AS came ON came.level = r.level_came AND came.turn = r.turn
INNER JOIN scale_sketches AS sent ON sent.level = r.level_sent AND sent.turn = r.turn
SETTINGS max_block_size = 1024, min_insert_block_size_rows = 50000 -- sketches take memory that no limit of bytes sees
