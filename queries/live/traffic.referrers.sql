-- title: Where people come from
-- every: 10s
-- unit: count
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC')
-- returns: site String, requests Float64, total Float64
-- budget: 10ms
-- The ten sites that sent the most requests from since, a whole minute, up to the last whole minute, and (without a
-- name) the campaign's own hosts together; total is over all sites; requests that name no referrer are left out.

WITH {since:DateTime64(3,'UTC')} AS first, toStartOfMinute({at:DateTime64(3,'UTC')}) AS edge,
     (
         SELECT groupUniqArray(if(startsWith(host, 'www.'), substring(host, 5), toString(host)))
         FROM request_hosts
         WHERE minute >= first AND minute < edge
     ) AS ours
SELECT if(has(ours, toString(referrer)), '', toString(referrer)) AS site, sum(r.requests) AS requests,
       sum(requests) OVER () AS total
FROM request_referrers AS r
WHERE minute >= first AND minute < edge AND referrer != ''
GROUP BY site
ORDER BY requests DESC, site
LIMIT 10 BY site = ''
