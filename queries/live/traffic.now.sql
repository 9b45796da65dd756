-- title: Requests a second
-- every: 1s
-- unit: rate
-- params: at DateTime64(3,'UTC')
-- returns: requests_10s Float64, requests_5m Float64, errors_5m Float64, p95_ms Float32
-- budget: 10ms
-- Requests of the ten seconds that ended two seconds before the moment (what a busy server's log needs to get here),
-- all and failed (5xx) requests of the last five minutes, and the 95th percentile of their time to answer over the last
-- five whole minutes, which leaves weights out and is not a number when nothing was timed.

WITH toStartOfSecond({at:DateTime64(3,'UTC')}) AS edge, toStartOfMinute(edge) AS minute_edge,
     (
         SELECT quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)[2]
         FROM request_minutes
         WHERE minute >= minute_edge - INTERVAL 5 MINUTE AND minute < minute_edge
     ) AS p95
SELECT sumIf(requests, second >= edge - INTERVAL 12 SECOND AND second < edge - INTERVAL 2 SECOND) AS requests_10s,
       sum(requests) AS requests_5m,
       sumIf(requests, class = 5) AS errors_5m,
       assumeNotNull(p95) AS p95_ms
FROM request_seconds
WHERE second >= edge - INTERVAL 5 MINUTE AND second < edge
