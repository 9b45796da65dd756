-- title: Requests a second, by app
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), step UInt32
-- returns: start DateTime('UTC'), apps Array(String), requests Array(Float64)
-- budget: 10ms
-- Requests of each app in each step of so many seconds (not a second), weighted where a sender samples; steps shorter
-- than a minute from the sums of seconds, others from those of minutes; steps without requests have no row, the last
-- step is the last whole one that ended two seconds before the moment.

WITH toDateTime(intDiv(toUnixTimestamp({at:DateTime64(3,'UTC')} - INTERVAL 2 SECOND), {step:UInt32}) * {step:UInt32},
                'UTC') AS last
SELECT start, groupArray(toString(app)) AS apps, groupArray(n) AS requests
FROM
(
    SELECT toDateTime(intDiv(toUnixTimestamp(at), {step:UInt32}) * {step:UInt32}, 'UTC') AS start, app, sum(r) AS n
    FROM
    (
        SELECT second AS at, app, requests AS r
        FROM request_seconds
        WHERE {step:UInt32} < 60 AND second >= {from:DateTime64(3,'UTC')} AND second < last
        UNION ALL
        SELECT minute AS at, app, requests AS r
        FROM request_minutes
        WHERE {step:UInt32} >= 60 AND minute >= {from:DateTime64(3,'UTC')} AND minute < last
    )
    GROUP BY start, app
    ORDER BY start, app
)
GROUP BY start
ORDER BY start
