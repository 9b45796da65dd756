-- title: Time to answer
-- every: 10s
-- unit: ms
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), step UInt32
-- returns: start DateTime('UTC'), p50_ms Float32, p95_ms Float32, p99_ms Float32
-- budget: 10ms
-- The time within which half, 95 and 99 percent of the requests of each step of so many seconds (whole minutes) were
-- answered, over all apps; estimates from digests, which leave weights out; 0 or not a number where nothing was timed;
-- the last step is the last whole one that ended two seconds before the moment.

WITH toDateTime(intDiv(toUnixTimestamp({at:DateTime64(3,'UTC')} - INTERVAL 2 SECOND), {step:UInt32}) * {step:UInt32},
                'UTC') AS last
SELECT toDateTime(intDiv(toUnixTimestamp(minute), {step:UInt32}) * {step:UInt32}, 'UTC') AS start,
       quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[1] AS p50_ms,
       quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[2] AS p95_ms,
       quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[3] AS p99_ms
FROM request_minutes
WHERE minute >= {from:DateTime64(3,'UTC')} AND minute < last
GROUP BY start
ORDER BY start
