-- title: Requests a second, by outcome
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC')
-- returns: step DateTime('UTC'), fine Float64, redirected Float64, refused Float64, failed Float64
-- budget: 10ms
-- Requests (not a second: in each step of ten seconds) by status class 2xx, 3xx, 4xx and 5xx, weighted where a sender
-- samples; answers without a status count as fine, steps without requests have no row, the last step is the last whole
-- one that ended two seconds before the moment.

SELECT toStartOfInterval(second, INTERVAL 10 SECOND) AS step,
       sumIf(requests, class < 3) AS fine,
       sumIf(requests, class = 3) AS redirected,
       sumIf(requests, class = 4) AS refused,
       sumIf(requests, class > 4) AS failed
FROM request_seconds
WHERE second >= {from:DateTime64(3,'UTC')}
  AND second < toStartOfInterval({at:DateTime64(3,'UTC')} - INTERVAL 2 SECOND, INTERVAL 10 SECOND)
GROUP BY step
ORDER BY step
