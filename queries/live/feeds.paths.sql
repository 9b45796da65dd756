-- title: Two paths side by side
-- every: 10s
-- unit: usd
-- params: at DateTime64(3,'UTC'), from DateTime64(3,'UTC'), step UInt32
-- returns: start DateTime('UTC'), source LowCardinality(String), path String, verdict String,
--   currency String, movements UInt64, in_minor Int128, out_minor Int128
-- budget: 250ms
-- Movements of money by the step in which their first copy happened, and by what the paths say: matched (another path
-- said the same amount), differ (another amount or currency), or only, seen on one path, which path names; rows with
-- the verdict path list the paths of each source in the week before; a repeat by the same path is no second path, and
-- a copy whose time is off by more than a day is not found.

WITH {at:DateTime64(3,'UTC')} AS until, {from:DateTime64(3,'UTC')} AS since,
     seen AS
     (
         SELECT toString(source) AS source, id, toString(path) AS path, amount_minor, toString(currency) AS currency,
                occurred_at
         FROM donations_by_time FINAL
         WHERE occurred_at >= since AND occurred_at <= until
     ),
     again AS
     (
         SELECT seen.source AS source, seen.id AS id, count() AS copies,
                countIf(copy.amount_minor != seen.amount_minor OR copy.currency != seen.currency) AS others
         FROM donation_copies AS copy
         INNER JOIN seen ON copy.source = seen.source AND copy.id = seen.id
         WHERE copy.occurred_at >= since - INTERVAL 1 DAY AND copy.occurred_at <= until + INTERVAL 1 DAY
           AND copy.path != seen.path
         GROUP BY source, id
     )
SELECT toDateTime(toStartOfInterval(seen.occurred_at, toIntervalSecond({step:UInt32})), 'UTC') AS start,
       seen.source AS source, if(again.copies = 0, seen.path, '') AS path,
       multiIf(again.copies = 0, 'only', again.others > 0, 'differ', 'matched') AS verdict,
       seen.currency AS currency, count() AS movements,
       sumIf(toInt128(seen.amount_minor), seen.amount_minor > 0) AS in_minor,
       sumIf(toInt128(seen.amount_minor), seen.amount_minor < 0) AS out_minor
FROM seen
LEFT JOIN again ON seen.source = again.source AND seen.id = again.id
GROUP BY start, source, path, verdict, currency
UNION ALL
SELECT toDateTime(0, 'UTC'), toString(source), toString(path), 'path', '', count(), toInt128(0), toInt128(0)
FROM
(
    SELECT source, path FROM donations_by_time WHERE occurred_at > until - INTERVAL 7 DAY AND occurred_at <= until
    UNION ALL
    SELECT source, path FROM donation_copies WHERE occurred_at > until - INTERVAL 7 DAY AND occurred_at <= until
)
GROUP BY source, path
