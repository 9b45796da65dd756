-- title: How it answers
-- every: 2s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: bytes_10s Float64, requests_5m Float64, refused_5m Float64, failed_5m Float64, quantiles Array(Float32)
-- budget: 10ms
-- Bytes sent in the ten seconds that ended two seconds before the moment; all, refused (4xx) and failed (5xx) requests
-- of the last five minutes, weighted where a sender samples; the time within which half, 95 and 99 percent were
-- answered in the last five whole minutes, an estimate that leaves weights out, not a number when nothing was timed.

WITH toStartOfSecond({at:DateTime64(3,'UTC')}) AS edge, toStartOfMinute(edge) AS minute_edge,
     (
         SELECT quantilesTDigestMerge(0.5, 0.95, 0.99)(latency)
         FROM request_minutes
         WHERE minute >= minute_edge - INTERVAL 5 MINUTE AND minute < minute_edge
     ) AS times
SELECT sumIf(bytes, second >= edge - INTERVAL 12 SECOND AND second < edge - INTERVAL 2 SECOND) AS bytes_10s,
       sum(requests) AS requests_5m,
       sumIf(requests, class = 4) AS refused_5m,
       sumIf(requests, class > 4) AS failed_5m,
       times AS quantiles
FROM request_seconds
WHERE second >= edge - INTERVAL 5 MINUTE AND second < edge
