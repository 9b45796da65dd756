-- title: The record hour
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String
-- returns: start DateTime('UTC'), span UInt32, net_minor Int128
-- budget: 10ms
-- The hour of the clock with the highest net ever in one currency before the present one, as a row with span 3600, the
-- earliest when several are level, and the minutes of the present hour up to the moment, with span 60: their sum is a
-- new record as soon as it is higher. Days name their best hours once they are over; those of the last week tell theirs.

WITH toStartOfMinute({at:DateTime64(3,'UTC')}) AS minute, toStartOfHour(minute) AS hour,
     toStartOfInterval(hour, INTERVAL 1 DAY) - INTERVAL 7 DAY AS week
SELECT at AS start, length AS span, net AS net_minor
FROM
(
    SELECT if(cut = 'best', toDateTime(toUInt32OrZero(toString(value)), 'UTC'), start) AS at,
           toUInt32(if(span = 60, 60, 3600)) AS length, net_minor AS net
    FROM donation_cuts FINAL
    PREWHERE currency = {currency:String}
      AND (span = 86400 AND cut = 'best' AND start < week
           OR span = 3600 AND cut = 'all' AND start >= week AND start < hour
           OR span = 60 AND cut = 'all' AND start >= hour AND start < minute)
    UNION ALL
    SELECT toStartOfMinute(occurred_at) AS at, toUInt32(60), sum(toInt128(amount_minor))
    FROM donations_by_time FINAL
    WHERE occurred_at >= minute AND occurred_at <= {at:DateTime64(3,'UTC')} AND currency = {currency:String}
    GROUP BY at
)
ORDER BY span DESC, net_minor DESC, start
LIMIT 1 BY if(span = 60, start, toDateTime(0, 'UTC'))
