-- title: The fleet
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC'), starts Array(DateTime('UTC')), giving Array(String), currency String
-- returns: part String, app String, host String, start DateTime('UTC'),
--   requests Float64, failed Float64, duration_ms Float64, given_minor Int128
-- budget: 25ms
-- What the panels of the fleet are made of, weighted where a sender samples. By app: seconds, the minute that ended two
-- seconds before the moment, and four, those before it; minutes, the last two hours; day, the 24 hours before the last
-- 15 minutes, and week, the hours that begin at starts; asked, pages where people give in the last 30 whole minutes;
-- host, each with a request in six hours up to the last whole minute, and its last one; sent, requests for those pages
-- by the host that referred them; of the campaign, gifts before refunds in one currency: given by the minute of three
-- hours, usual by the hour.

WITH toStartOfSecond({at:DateTime64(3,'UTC')}) - INTERVAL 2 SECOND AS edge,
     toStartOfMinute({at:DateTime64(3,'UTC')}) AS minute_edge
SELECT part, app, host, start, requests, failed, duration_ms, given_minor
FROM
(
    SELECT if(second >= edge - INTERVAL 1 MINUTE, 'seconds', 'four') AS part, toString(app) AS app, '' AS host,
           toDateTime(0, 'UTC') AS start, sum(s.requests) AS requests, sumIf(s.requests, class > 4) AS failed,
           sum(s.duration_ms) AS duration_ms, toInt128(0) AS given_minor
    FROM request_seconds AS s
    WHERE second >= edge - INTERVAL 5 MINUTE AND second < edge
    GROUP BY part, app
    UNION ALL
    SELECT arrayJoin(arrayFilter(p -> p != '', [
               if(minute >= minute_edge - INTERVAL 2 HOUR, 'minutes', ''),
               multiIf(minute < minute_edge - INTERVAL 1 DAY, 'week', minute < minute_edge - INTERVAL 15 MINUTE, 'day', '')])) AS part,
           toString(app) AS app, '', if(part = 'minutes', minute, toDateTime(0, 'UTC')) AS start, sum(m.requests),
           sumIf(m.requests, class > 4), 0., 0
    FROM request_minutes AS m
    WHERE minute >= minute_edge - INTERVAL 1 DAY AND minute < minute_edge
       OR toStartOfHour(minute) IN {starts:Array(DateTime('UTC'))}
    GROUP BY part, app, start
    UNION ALL
    SELECT 'asked', toString(app) AS app, '', toDateTime(0, 'UTC'), sum(p.requests), 0., 0., 0
    FROM request_pages AS p
    WHERE minute >= minute_edge - INTERVAL 30 MINUTE AND minute < minute_edge AND page != '(assets)'
      AND (app IN {giving:Array(String)} OR match(page, '^/(donate|give|contribute|donations)(/|$)'))
    GROUP BY app
    UNION ALL
    SELECT 'sent', '', toString(referrer) AS host, toDateTime(0, 'UTC'), sum(f.requests) AS n, 0., 0., 0
    FROM request_referrers AS f
    WHERE minute >= minute_edge - INTERVAL 30 MINUTE AND minute < minute_edge AND app IN {giving:Array(String)}
    GROUP BY host
    ORDER BY n DESC
    LIMIT 1000
    UNION ALL
    SELECT 'host', toString(app) AS app, toString(host) AS host, max(minute), 0., 0., 0., 0
    FROM request_hosts
    WHERE minute >= minute_edge - INTERVAL 6 HOUR AND minute < minute_edge AND host != ''
    GROUP BY app, host
    UNION ALL
    SELECT if(span = 60, 'given', 'usual'), '', '', start, 0., 0., 0., argMax(g.given_minor, version)
    FROM donation_cuts AS g
    WHERE cut = 'all' AND currency = {currency:String}
      AND (span = 60 AND start >= minute_edge - INTERVAL 3 HOUR AND start < minute_edge
           OR span = 3600 AND start IN {starts:Array(DateTime('UTC'))})
    GROUP BY span, start
)
ORDER BY part, app, host, start
