-- title: Against the provider's quota
-- every: 2s
-- unit: rate
-- params: at DateTime64(3,'UTC')
-- returns: minute_sends UInt64, peak_sends UInt64, day_sends UInt64
-- budget: 10ms
-- Mails handed to the provider, in whole minutes up to the moment: in the last one, in the busiest of the last five,
-- and in the last 24 hours, which is what a rolling quota counts.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS last_minute, last_minute - INTERVAL 24 HOUR AS since,
     toStartOfHour(last_minute) AS last_hour, toStartOfHour(since - INTERVAL 1 SECOND) + INTERVAL 1 HOUR AS first_hour
SELECT sumIf(n, start = last_minute - INTERVAL 1 MINUTE AND span = 60) AS minute_sends,
       maxIf(n, start >= last_minute - INTERVAL 5 MINUTE AND span = 60) AS peak_sends,
       sumIf(n, span = 3600 OR start < first_hour OR start >= last_hour) AS day_sends
FROM
(
    SELECT 60 AS span, minute AS start, sum(events) AS n
    FROM email_minutes FINAL
    WHERE type = 'send' AND (minute >= since AND minute < first_hour
          OR minute >= least(last_hour, last_minute - INTERVAL 5 MINUTE) AND minute < last_minute)
    GROUP BY start
    UNION ALL
    SELECT 3600 AS span, hour AS start, sum(events) AS n
    FROM mail_hours FINAL
    WHERE type = 'send' AND hour >= first_hour AND hour < last_hour
    GROUP BY start
)
