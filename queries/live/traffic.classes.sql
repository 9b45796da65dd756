-- title: What became of them
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), step UInt32
-- returns: start DateTime('UTC'), fine Float64, redirected Float64, refused Float64, failed Float64
-- budget: 10ms
-- Requests in each step of so many seconds (not a second) by status class 2xx, 3xx, 4xx and 5xx, weighted where a
-- sender samples; answers without a status count as fine; steps shorter than a minute from the sums of seconds, others
-- from those of minutes; steps without requests have no row, the last step is the last whole one that ended two seconds
-- before the moment.

WITH toDateTime(intDiv(toUnixTimestamp({at:DateTime64(3,'UTC')} - INTERVAL 2 SECOND), {step:UInt32}) * {step:UInt32},
                'UTC') AS last
SELECT toDateTime(intDiv(toUnixTimestamp(at), {step:UInt32}) * {step:UInt32}, 'UTC') AS start,
       sumIf(r, class < 3) AS fine,
       sumIf(r, class = 3) AS redirected,
       sumIf(r, class = 4) AS refused,
       sumIf(r, class > 4) AS failed
FROM
(
    SELECT second AS at, class, requests AS r
    FROM request_seconds
    WHERE {step:UInt32} < 60 AND second >= {from:DateTime64(3,'UTC')} AND second < last
    UNION ALL
    SELECT minute AS at, class, requests AS r
    FROM request_minutes
    WHERE {step:UInt32} >= 60 AND minute >= {from:DateTime64(3,'UTC')} AND minute < last
)
GROUP BY start
ORDER BY start
