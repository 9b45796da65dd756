-- title: Hosts
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC')
-- returns: app LowCardinality(String), host LowCardinality(String), requests Float64, failed Float64,
--   duration_ms Float64, before Float64, active_minutes UInt64, last_at DateTime64(3,'UTC')
-- budget: 10ms
-- Each host of each app with a request in the last six hours: all and failed (5xx) requests of the last five whole
-- minutes and the time they took together, weighted where a sender samples; its requests of the hour before those, and
-- in how many of its minutes there were any; its last request, at the moment when it is later in the moment's minute.

WITH {at:DateTime64(3,'UTC')} AS moment, toStartOfMinute(moment) AS edge, edge - INTERVAL 5 MINUTE AS load_from
SELECT app, host,
       sumIf(h.requests, minute >= load_from AND minute < edge) AS requests,
       sumIf(h.errors, minute >= load_from AND minute < edge) AS failed,
       sumIf(h.duration_ms, minute >= load_from AND minute < edge) AS duration_ms,
       sumIf(h.requests, minute >= load_from - INTERVAL 1 HOUR AND minute < load_from) AS before,
       uniqExactIf(minute, minute >= load_from - INTERVAL 1 HOUR AND minute < load_from) AS active_minutes,
       toDateTime64(least(max(h.last_at), moment), 3, 'UTC') AS last_at
FROM request_hosts AS h
WHERE minute >= edge - INTERVAL 6 HOUR AND minute <= moment AND host != ''
GROUP BY app, host
ORDER BY app, host
