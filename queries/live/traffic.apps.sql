-- title: The apps
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC')
-- returns: app LowCardinality(String), requests Float64, refused Float64, failed Float64, bytes Float64,
--   visitors UInt64, quantiles Array(Float32)
-- budget: 10ms
-- Each app in the last five whole minutes: requests, refused (4xx), failed (5xx) and bytes, weighted where a sender
-- samples; different visitors, within about two percent; the time within which half, 95 and 99 percent were answered,
-- an estimate that leaves weights out.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS edge
SELECT app, sum(m.requests) AS requests, sumIf(m.requests, class = 4) AS refused, sumIf(m.requests, class > 4) AS failed,
       sum(m.bytes) AS bytes, uniqCombinedMerge(12)(m.visitors) AS visitors,
       quantilesTDigestMerge(0.5, 0.95, 0.99)(latency) AS quantiles
FROM request_minutes AS m
WHERE minute >= edge - INTERVAL 5 MINUTE AND minute < edge
GROUP BY app
ORDER BY requests DESC, app
