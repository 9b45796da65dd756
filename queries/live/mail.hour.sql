-- title: Mail in the last hour
-- every: 2s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: sends UInt64, hard_bounces UInt64, complaints UInt64
-- budget: 10ms
-- Events of the 60 minutes up to the moment, each once: whole minutes from the recomputed counts, the two cut minutes
-- at the ends from the events; a complaint event is one complaint, whomever it lists.

WITH {at:DateTime64(3,'UTC')} AS until, until - INTERVAL 1 HOUR AS since,
     toStartOfMinute(since) + INTERVAL 1 MINUTE AS first_minute, toStartOfMinute(until) AS last_minute
SELECT sumIf(events, type = 'send') AS sends,
       sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard_bounces,
       sumIf(events, type = 'complaint') AS complaints
FROM
(
    SELECT type, bounce, events
    FROM email_minutes FINAL
    WHERE minute >= first_minute AND minute < last_minute
    UNION ALL
    SELECT type, bounce, count() AS events
    FROM email_events FINAL
    WHERE occurred_at > since AND occurred_at < first_minute OR occurred_at >= last_minute AND occurred_at <= until
    GROUP BY type, bounce
)
