-- title: The send
-- every: 2s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String, send String
-- returns: first_at DateTime('UTC'), sent UInt64, delivered UInt64, hard_bounces UInt64, soft_bounces UInt64,
--   complaints UInt64, opens UInt64, clicks UInt64, unsubscribes UInt64, last_sent DateTime('UTC'), gifts UInt64,
--   given_minor Int128, refunds UInt64, net_minor Int128
-- budget: 10ms
-- One blast so far: mail in whole minutes up to the moment, each event once (a reader who opens twice is two opens),
-- gifts and what was taken back by its send_id in one currency, up to the moment itself; first_at is the minute of the
-- first mail, 1970 when none has left; last_sent is the minute, hour or day in which the newest one left.

WITH toDateTime64({at:DateTime64(3,'UTC')}, 3, 'UTC') AS until, toStartOfMinute(until) AS last_minute,
     toStartOfHour(last_minute) AS last_hour, toDateTime(toStartOfDay(last_minute), 'UTC') AS last_day
SELECT toDateTime(max(first), 'UTC') AS first_at,
       sumIf(events, type = 'send') AS sent,
       sumIf(events, type = 'delivery') AS delivered,
       sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard_bounces,
       sumIf(events, type = 'bounce' AND bounce = 'soft') AS soft_bounces,
       sumIf(events, type = 'complaint') AS complaints,
       sumIf(events, type = 'open') AS opens,
       sumIf(events, type = 'click') AS clicks,
       sumIf(events, type = 'unsubscribe') AS unsubscribes,
       maxIf(begun, type = 'send') AS last_sent,
       sum(g) AS gifts, sum(given) AS given_minor, sum(r) AS refunds, sum(net) AS net_minor
FROM
(
    SELECT if(min(first_at) < last_minute, min(first_at), toDateTime(0, 'UTC')) AS first, '' AS type, '' AS bounce, toUInt64(0) AS events, toDateTime(0, 'UTC') AS begun,
           toUInt64(0) AS g, toInt128(0) AS given, toUInt64(0) AS r, toInt128(0) AS net
    FROM send_spans
    WHERE send_id = {send:String}
    UNION ALL
    SELECT toDateTime(0, 'UTC'), toString(type), toString(bounce), events, start, 0, 0, 0, 0
    FROM send_cuts FINAL
    WHERE send_id = {send:String}
      AND (span = 86400 AND start < last_day OR span = 3600 AND start >= last_day AND start < last_hour
           OR span = 60 AND start >= last_hour AND start < last_minute)
    UNION ALL
    SELECT toDateTime(0, 'UTC'), '', '', 0, toDateTime(0, 'UTC'), gifts, given_minor, refunds, net_minor
    FROM send_gifts FINAL
    WHERE send_id = {send:String} AND currency = {currency:String}
      AND (span = 86400 AND start < last_day OR span = 3600 AND start >= last_day AND start < last_hour
           OR span = 60 AND start >= last_hour AND start < last_minute)
    UNION ALL
    SELECT toDateTime(0, 'UTC'), '', '', 0, toDateTime(0, 'UTC'), countIf(kind = 'gift'),
           sumIf(toInt128(amount_minor), kind = 'gift'), countIf(kind IN ('refund', 'chargeback')),
           sum(toInt128(amount_minor))
    FROM donations_by_time FINAL
    WHERE occurred_at >= last_minute AND occurred_at <= until AND currency = {currency:String} AND send_id = {send:String}
)
