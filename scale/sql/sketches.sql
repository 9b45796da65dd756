-- Sketches to choose from: of so many visitors and times to answer as the level says, four of each.
CREATE OR REPLACE TABLE scale_sketches
(
    level    UInt8,
    turn     UInt8,
    visitors AggregateFunction(uniqCombined(12), String),
    latency  AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)
)
ENGINE = Memory AS
SELECT level, turn, uniqCombinedState(12)(lower(hex(sipHash128(turn * 1000 + who)))),
       quantilesTDigestState(0.5, 0.95, 0.99)(toFloat32(20 + pow(intHash32(who * 7 + turn) % 1000 / 100., 2.7)))
FROM
(
    SELECT toUInt8(l.1) AS level, toUInt8(turn) AS turn, who
    FROM numbers(1)
    ARRAY JOIN [(0, 2), (1, 20), (2, 120), (3, 600), (4, 3000), (5, 12000)] AS l
    ARRAY JOIN range(4) AS turn
    ARRAY JOIN range(l.2) AS who
)
GROUP BY level, turn
