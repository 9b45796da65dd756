-- title: From sending to the mailbox
-- every: 5s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: sends UInt64, deliveries UInt64, hard_bounces UInt64, soft_bounces UInt64, rejects UInt64, delays UInt64,
--   recently_ended UInt64
-- budget: 10ms
-- Events of the 60 whole minutes before the moment, each once: mails that left, and what became of mails; recently_ended
-- are deliveries, bounces and rejects of the last five minutes.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS last_minute
SELECT sumIf(events, type = 'send') AS sends,
       sumIf(events, type = 'delivery') AS deliveries,
       sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard_bounces,
       sumIf(events, type = 'bounce' AND bounce != 'hard') AS soft_bounces,
       sumIf(events, type = 'reject') AS rejects,
       sumIf(events, type = 'delay') AS delays,
       sumIf(events, type IN ('delivery', 'bounce', 'reject') AND minute >= last_minute - INTERVAL 5 MINUTE) AS recently_ended
FROM email_minutes FINAL
WHERE minute >= last_minute - INTERVAL 1 HOUR AND minute < last_minute
