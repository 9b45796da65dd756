-- title: Top pages
-- every: 10s
-- unit: count
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC')
-- returns: app LowCardinality(String), page LowCardinality(String), requests Float64, ms Float64, total Float64
-- budget: 10ms
-- The twelve pages with the most requests that were answered (2xx and 3xx) from since, a whole minute, up to the last
-- whole minute, with their mean time to answer; scripts, pictures and the like are left out, also in the total;
-- numbers and keys in a path are one page.

SELECT app, page, sum(p.requests) AS requests, sum(duration_ms) / requests AS ms, sum(requests) OVER () AS total
FROM request_pages AS p
WHERE minute >= {since:DateTime64(3,'UTC')} AND minute < toStartOfMinute({at:DateTime64(3,'UTC')})
  AND class < 4 AND page NOT IN ('(assets)', '(not found)')
GROUP BY app, page
HAVING requests > 0
ORDER BY requests DESC, app, page
LIMIT 12
