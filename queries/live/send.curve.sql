-- title: Dollars since the send
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String, send String
-- returns: send_id LowCardinality(String), first_at DateTime('UTC'), send_days UInt64, minutes Array(UInt32),
--   minute_minor Array(Int64), minute_gifts Array(UInt64), hours Array(UInt32), hour_minor Array(Int64)
-- budget: 20ms
-- One blast, in the first row, by the minutes of its first 72 hours as far as the moment; then up to twenty blasts that
-- had been out for 72 hours when it left (or by the moment): the minutes of their first hour, and hours. Gifts with the
-- blast's send_id in one currency, before refunds; times are Unix seconds, minutes and hours without gifts are left
-- out; the first minute is that of the first mail, 1970 when none has left; send_days are UTC days on which mail left.

WITH toDateTime64({at:DateTime64(3,'UTC')}, 3, 'UTC') AS until, toStartOfMinute(until) AS last_minute,
     (
         SELECT if(begun < last_minute, begun, toDateTime(0, 'UTC'))
         FROM (SELECT toDateTime(min(first_at), 'UTC') AS begun FROM send_spans WHERE send_id = {send:String})
     ) AS first,
     (
         SELECT arraySlice(arrayReverseSort(groupArray((f, id))), 1, 20)
         FROM (SELECT send_id AS id, min(first_at) AS f FROM send_spans WHERE send_id != {send:String} GROUP BY id)
         WHERE f < first AND f <= until - INTERVAL 72 HOUR
     ) AS earlier
SELECT id AS send_id, max(toDateTime(began, 'UTC')) AS first_at, sum(sent) AS send_days,
       groupArrayIf(toUnixTimestamp(start), step = 60) AS minutes,
       groupArrayIf(accurateCast(minor, 'Int64'), step = 60) AS minute_minor,
       groupArrayIf(n, step = 60) AS minute_gifts,
       groupArrayIf(toUnixTimestamp(start), step = 3600) AS hours,
       groupArrayIf(accurateCast(minor, 'Int64'), step = 3600) AS hour_minor
FROM
(
    SELECT toLowCardinality({send:String}) AS id, ifNull(first, toDateTime(0, 'UTC')) AS began, toUInt64(0) AS sent, toUInt32(0) AS step, began AS start,
           toUInt64(0) AS n, toInt128(0) AS minor
    UNION ALL
    SELECT toLowCardinality(e.2), e.1, 0, 0, e.1, 0, 0 FROM (SELECT arrayJoin(earlier) AS e)
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, span, start, gifts, given_minor
    FROM send_gifts FINAL
    WHERE span = 60 AND send_id = {send:String} AND currency = {currency:String} AND start >= first
      AND start < last_minute AND start < first + INTERVAL 72 HOUR
    UNION ALL
    SELECT toLowCardinality({send:String}), toDateTime(0, 'UTC'), 0, 60, last_minute, count(), sum(toInt128(amount_minor))
    FROM donations_by_time FINAL
    WHERE occurred_at >= last_minute AND occurred_at <= until AND kind = 'gift' AND currency = {currency:String}
      AND send_id = {send:String}
    HAVING count() > 0 AND last_minute < first + INTERVAL 72 HOUR
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, span, start, gifts, given_minor
    FROM send_gifts FINAL
    WHERE currency = {currency:String}
      AND (span = 3600 AND send_id IN (SELECT arrayJoin(earlier).2)
           OR span = 60 AND (send_id, start) IN
              (SELECT e.2, e.1 + arrayJoin(range(0, 3600, 60)) FROM (SELECT arrayJoin(earlier) AS e)))
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 1, 0, start, 0, 0
    FROM send_cuts FINAL
    WHERE span = 86400 AND send_id IN (SELECT arrayJoin(earlier).2) AND type = 'send'
    GROUP BY send_id, start
)
GROUP BY id
ORDER BY id = {send:String} DESC, first_at DESC, id
