-- title: Variants
-- every: 5s
-- unit: percent
-- params: at DateTime64(3,'UTC'), send String
-- returns: variant LowCardinality(String), sent UInt64, delivered UInt64, opens UInt64, clicks UInt64, unsubscribes UInt64,
--   complaints UInt64, left_at Float64
-- budget: 10ms
-- The versions of one blast, in whole minutes up to the moment, each event once; left_at is the Unix time at which
-- their mail of the first six hours left on average, from its minutes.

WITH toDateTime64({at:DateTime64(3,'UTC')}, 3, 'UTC') AS until, toStartOfMinute(until) AS last_minute,
     toStartOfHour(last_minute) AS last_hour, toDateTime(toStartOfDay(last_minute), 'UTC') AS last_day,
     (SELECT max(f) FROM (SELECT min(first_at) AS f FROM send_spans WHERE send_id = {send:String})) AS first
SELECT v AS variant,
       sumIf(events, type = 'send') AS sent,
       sumIf(events, type = 'delivery') AS delivered,
       sumIf(events, type = 'open') AS opens,
       sumIf(events, type = 'click') AS clicks,
       sumIf(events, type = 'unsubscribe') AS unsubscribes,
       sumIf(events, type = 'complaint') AS complaints,
       if(sum(early) = 0, 0, sum(toUnixTimestamp(start) * early) / sum(early)) AS left_at
FROM
(
    SELECT send_cuts.variant AS v, type, start, events, 0 AS early
    FROM send_cuts FINAL
    WHERE send_id = {send:String}
      AND (span = 86400 AND start < last_day OR span = 3600 AND start >= last_day AND start < last_hour
           OR span = 60 AND start >= last_hour AND start < last_minute)
    UNION ALL
    SELECT send_cuts.variant, '', start, 0, events
    FROM send_cuts FINAL
    WHERE send_id = {send:String} AND span = 60 AND type = 'send' AND start >= first
      AND start < first + INTERVAL 6 HOUR AND start < last_minute
)
GROUP BY v
HAVING sent > 0 OR delivered > 0
ORDER BY variant
