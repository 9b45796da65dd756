-- title: Mail a second
-- every: 5s
-- unit: rate
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), step UInt32
-- returns: start DateTime('UTC'), sends UInt64, deliveries UInt64, opens UInt64, clicks UInt64
-- budget: 10ms
-- Events (not a second: in each step), each once; steps of 60 s are the whole minutes up to the moment, steps of
-- 3600 s the whole hours; steps without mail have no row.

SELECT toDateTime(begun, 'UTC') AS start,
       sumIf(events, type = 'send') AS sends,
       sumIf(events, type = 'delivery') AS deliveries,
       sumIf(events, type = 'open') AS opens,
       sumIf(events, type = 'click') AS clicks
FROM
(
    SELECT minute AS begun, type, events
    FROM email_minutes FINAL
    WHERE {step:UInt32} = 60 AND minute >= {from:DateTime64(3,'UTC')}
      AND minute < toStartOfMinute({at:DateTime64(3,'UTC')})
    UNION ALL
    SELECT hour AS begun, type, events
    FROM mail_hours FINAL
    WHERE {step:UInt32} = 3600 AND hour >= {from:DateTime64(3,'UTC')} AND hour < toStartOfHour({at:DateTime64(3,'UTC')})
)
GROUP BY start
ORDER BY start
