-- title: Against the limits of the last 24 hours
-- every: 5s
-- unit: percent
-- params: at DateTime64(3,'UTC')
-- returns: sends UInt64, deliveries UInt64, hard_bounces UInt64, soft_bounces UInt64, complaints UInt64,
--   recent_sends UInt64, recent_hard_bounces UInt64, recent_complaints UInt64
-- budget: 10ms
-- Events of the last 24 hours in whole minutes, each once, and of the last 15 minutes of them; a complaint event is one
-- complaint, whomever it lists. The provider takes its limits over a volume that it doesn't tell: these are estimates.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS last_minute, last_minute - INTERVAL 24 HOUR AS since,
     toStartOfHour(last_minute) AS last_hour, toStartOfHour(since - INTERVAL 1 SECOND) + INTERVAL 1 HOUR AS first_hour
SELECT sumIf(events, type = 'send' AND counts) AS sends,
       sumIf(events, type = 'delivery' AND counts) AS deliveries,
       sumIf(events, type = 'bounce' AND bounce = 'hard' AND counts) AS hard_bounces,
       sumIf(events, type = 'bounce' AND bounce != 'hard' AND counts) AS soft_bounces,
       sumIf(events, type = 'complaint' AND counts) AS complaints,
       sumIf(events, type = 'send' AND recent) AS recent_sends,
       sumIf(events, type = 'bounce' AND bounce = 'hard' AND recent) AS recent_hard_bounces,
       sumIf(events, type = 'complaint' AND recent) AS recent_complaints
FROM
(
    SELECT type, bounce, events, minute < first_hour OR minute >= last_hour AS counts,
           minute >= last_minute - INTERVAL 15 MINUTE AS recent
    FROM email_minutes FINAL
    WHERE type IN ('send', 'delivery', 'bounce', 'complaint') AND (minute >= since AND minute < first_hour
          OR minute >= least(last_hour, last_minute - INTERVAL 15 MINUTE) AND minute < last_minute)
    UNION ALL
    SELECT type, bounce, events, 1, 0
    FROM mail_hours FINAL
    WHERE type IN ('send', 'delivery', 'bounce', 'complaint') AND hour >= first_hour AND hour < last_hour
)
