-- title: By mailbox provider
-- every: 10s
-- unit: percent
-- params: at DateTime64(3,'UTC')
-- returns: domain String, providers UInt64, sends UInt64, deliveries UInt64, hard_bounces UInt64,
--   soft_bounces UInt64, complaints UInt64, delays UInt64, rejects UInt64
-- budget: 10ms
-- Events of the last 24 hours in whole minutes, each once, by the domain of the recipient: the ten to which most was
-- sent, and one row for all others together, whose domain is empty and which says how many they are.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS last_minute, last_minute - INTERVAL 24 HOUR AS since,
     toStartOfHour(last_minute) AS last_hour, toStartOfHour(since - INTERVAL 1 SECOND) + INTERVAL 1 HOUR AS first_hour
SELECT if(place <= 10, toString(d), '') AS domain, count() AS providers, sum(sent) AS sends, sum(delivered) AS deliveries,
       sum(hard) AS hard_bounces, sum(soft) AS soft_bounces, sum(complained) AS complaints,
       sum(delayed) AS delays, sum(rejected) AS rejects
FROM
(
    SELECT d, sumIf(events, type = 'send') AS sent, sumIf(events, type = 'delivery') AS delivered,
           sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard,
           sumIf(events, type = 'bounce' AND bounce != 'hard') AS soft,
           sumIf(events, type = 'complaint') AS complained, sumIf(events, type = 'delay') AS delayed,
           sumIf(events, type = 'reject') AS rejected,
           if(d = '', 1000000, row_number() OVER (ORDER BY d = '', sent DESC, d)) AS place
    FROM
    (
        SELECT email_minutes.domain AS d, type, bounce, events
        FROM email_minutes FINAL
        WHERE minute >= since AND minute < first_hour OR minute >= last_hour AND minute < last_minute
        UNION ALL
        SELECT mail_hours.domain AS d, type, bounce, events
        FROM mail_hours FINAL
        WHERE hour >= first_hour AND hour < last_hour
    )
    WHERE type IN ('send', 'delivery', 'bounce', 'complaint', 'delay', 'reject')
    GROUP BY d
)
GROUP BY domain
ORDER BY domain = '', sends DESC, domain
