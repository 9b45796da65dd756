-- title: Sends
-- every: 5s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String
-- returns: send_id String, first_at DateTime('UTC'), is_listed UInt8, is_earlier UInt8,
--   sent Int64, delivered Int64, hard_bounces Int64, soft_bounces Int64, complaints Int64,
--   opens Int64, clicks Int64, unsubscribes Int64, send_days UInt64, gifts Int64,
--   given_minor Int128, hours Array(UInt32), hour_minor Array(Int64),
--   minutes Array(UInt32), minute_minor Array(Int64)
-- budget: 30ms
-- The fifty newest blasts (is_listed) and the newest that have been out for 72 hours (is_earlier, twenty), by the minute
-- of their first mail. Mail is counted in whole minutes, each event once (a reader who opens twice is two opens); gifts
-- are those with the blast's send_id in one currency, before refunds, up to the moment. send_days are the UTC days on
-- which mail left; hours and minutes are the Unix time of each with gifts, the minutes of the first hour only.

WITH toDateTime64({at:DateTime64(3,'UTC')}, 3, 'UTC') AS until, toStartOfMinute(until) AS last_minute,
     toStartOfHour(last_minute) AS last_hour, toDateTime(toStartOfDay(last_minute), 'UTC') AS last_day,
     (
         SELECT arrayReverseSort(groupArray((first, id)))
         FROM (SELECT send_id AS id, min(first_at) AS first FROM send_spans GROUP BY id HAVING first < last_minute)
     ) AS blasts,
     arraySlice(blasts, 1, 50) AS newest,
     arraySlice(arrayFilter(b -> b.1 <= until - INTERVAL 72 HOUR, blasts), 1, 20) AS finals,
     arrayMin(b -> b.1, arrayConcat(newest, finals)) AS oldest
SELECT toString(id) AS send_id, toDateTime(max(first), 'UTC') AS first_at, max(listed) AS is_listed, max(earlier) AS is_earlier,
       sumIf(n, type = 'send') AS sent,
       sumIf(n, type = 'delivery') AS delivered,
       sumIf(n, type = 'bounce' AND bounce = 'hard') AS hard_bounces,
       sumIf(n, type = 'bounce' AND bounce = 'soft') AS soft_bounces,
       sumIf(n, type = 'complaint') AS complaints,
       sumIf(n, type = 'open') AS opens,
       sumIf(n, type = 'click') AS clicks,
       sumIf(n, type = 'unsubscribe') AS unsubscribes,
       uniqExactIf(toDate(at_start), type = 'send') AS send_days,
       sumIf(n, type = 'gift') AS gifts, sum(minor) AS given_minor,
       groupArrayIf(toUnixTimestamp(at_start), type = 'hour') AS hours,
       groupArrayIf(curve, type = 'hour') AS hour_minor,
       groupArrayIf(toUnixTimestamp(at_start), type = 'minute') AS minutes,
       groupArrayIf(curve, type = 'minute') AS minute_minor
FROM
(
    SELECT b.2 AS id, b.1 AS first, toUInt8(has(newest, b)) AS listed, toUInt8(has(finals, b)) AS earlier, 'blast' AS type, '' AS bounce, toInt64(0) AS n,
           toDateTime(0, 'UTC') AS at_start, toInt128(0) AS minor, toInt64(0) AS curve
    FROM (SELECT arrayJoin(arrayDistinct(arrayConcat(newest, finals))) AS b)
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, 0, type, bounce, toInt64(events), start, 0, 0
    FROM send_cuts FINAL
    WHERE span = 86400 AND send_id IN (SELECT arrayJoin(arrayConcat(newest, finals)).2) AND start <= last_day
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, 0, type, bounce, -toInt64(events), last_day, 0, 0
    FROM email_minutes FINAL
    WHERE minute >= last_minute AND minute < last_day + INTERVAL 1 DAY AND send_id != ''
    UNION ALL
    SELECT value, toDateTime(0, 'UTC'), 0, 0, if(span = 3600, 'hour', 'gift'), '', toInt64(d.gifts), start,
           given_minor * (span != 3600), accurateCast(given_minor, 'Int64')
    FROM donation_cuts AS d FINAL
    WHERE cut = 'send' AND currency = {currency:String}
      AND (span = 86400 AND start >= toStartOfDay(oldest) AND start <= last_day
           OR span = 3600 AND start >= toStartOfHour(oldest) AND start < last_hour)
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, 0, 'gift', '', -toInt64(count()), last_day,
           -sum(toInt128(amount_minor)), 0
    FROM donations_by_time FINAL
    WHERE occurred_at > until AND occurred_at < last_day + INTERVAL 1 DAY AND kind = 'gift'
      AND currency = {currency:String} AND send_id != ''
    GROUP BY send_id
    UNION ALL
    SELECT send_id, toDateTime(0, 'UTC'), 0, 0, 'minute', '', 0, start, 0, accurateCast(given_minor, 'Int64')
    FROM send_gifts FINAL
    WHERE span = 60 AND currency = {currency:String} AND start < last_minute
      AND (send_id, start) IN
          (
              SELECT b.2, b.1 + arrayJoin(range(0, 3600, 60))
              FROM (SELECT arrayJoin(arrayConcat(finals, arrayFilter(b -> b.1 > until - INTERVAL 3 HOUR, newest))) AS b)
          )
)
GROUP BY id
HAVING is_listed OR is_earlier
ORDER BY first_at DESC, send_id
