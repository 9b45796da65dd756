-- title: Errors by page
-- every: 10s
-- unit: count
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC')
-- returns: app LowCardinality(String), page LowCardinality(String), requests Float64, refused Float64, failed Float64,
--   pages UInt64
-- budget: 10ms
-- The ten pages with the most failed (5xx) requests, then those with the most refused (4xx), from since, a whole
-- minute, up to the last whole minute; requests are all of the page; whatever was not found (404) is one page of its
-- app; pages is how many had any.

SELECT app, page, sum(p.requests) AS requests, sumIf(p.requests, class = 4) AS refused,
       sumIf(p.requests, class > 4) AS failed, count() OVER () AS pages
FROM request_pages AS p
WHERE minute >= {since:DateTime64(3,'UTC')} AND minute < toStartOfMinute({at:DateTime64(3,'UTC')})
GROUP BY app, page
HAVING refused > 0 OR failed > 0
ORDER BY failed DESC, refused DESC, app, page
LIMIT 10
