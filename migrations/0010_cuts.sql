-- +goose Up
-- What the boards sum by, so that a board reads the same little however long the campaign has been running.

-- Money by one thing at a time (a cut: by refcode, by state …), by the minute, the hour and the UTC day. Recomputed
-- for the minutes, hours and days that a batch touched, as donation_minutes; read it with FINAL.
-- cut is all, recurring, source, path, form, channel, refcode (detail: its channel), state (empty: none of the
-- country's), send, or amount (gifts only: the amount in minor units). best has the hour (value: its Unix seconds) with
-- the highest net of each UTC day but today, and perhaps hours that once were: all as they are now, so that the day's
-- highest net is max(net_minor). Today gets it with the first batch of tomorrow: of the last days, read the hours.
CREATE TABLE IF NOT EXISTS donation_cuts
(
    span        UInt32, -- seconds: 60, 3600 or 86400
    cut         LowCardinality(String),
    start       DateTime('UTC'),
    currency    LowCardinality(String),
    value       LowCardinality(String),
    detail      LowCardinality(String),
    movements   UInt64,
    gifts       UInt64,
    first_gifts UInt64,
    refunds     UInt64, -- and chargebacks
    given_minor Int128, -- gifts alone
    net_minor   Int128,
    version     UInt64  -- grows with every recomputation; about unix ns
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (span, cut, start, currency, value, detail)
SETTINGS index_granularity = 128,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

-- The same of one blast, in the order of the blast: its curve. Filled with donation_cuts, from the same rows.
CREATE TABLE IF NOT EXISTS send_gifts
(
    span        UInt32,
    send_id     LowCardinality(String),
    start       DateTime('UTC'),
    currency    LowCardinality(String),
    gifts       UInt64,
    refunds     UInt64,
    given_minor Int128,
    net_minor   Int128,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (span, send_id, start, currency)
SETTINGS index_granularity = 128,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS send_gifts_from_cuts TO send_gifts AS
SELECT span, value AS send_id, start, currency, gifts, refunds, given_minor, net_minor, version
FROM donation_cuts
WHERE cut = 'send';

-- Who gave, in sketches of half an hour: exact up to 2,048 people, then within one percent. A repeat changes
-- nothing in a sketch: it is filled as movements come in, and again where that was cut off.
CREATE TABLE IF NOT EXISTS donor_sketches
(
    start    DateTime('UTC'), -- of the half hour
    currency LowCardinality(String),
    donors   AggregateFunction(uniqCombined64(16), String)
)
ENGINE = AggregatingMergeTree
ORDER BY (start, currency)
SETTINGS index_granularity = 64,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS donor_sketches_from_donations TO donor_sketches AS
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 30 MINUTE) AS start, currency,
       uniqCombined64State(16)(donor_key) AS donors
FROM donations_by_time
WHERE kind = 'gift' AND donor_key != ''
GROUP BY start, currency;

-- Mail of one blast, in the order of the blast. Recomputed from email_minutes for what a batch touched.
CREATE TABLE IF NOT EXISTS send_cuts
(
    span    UInt32,
    send_id LowCardinality(String),
    start   DateTime('UTC'),
    variant LowCardinality(String),
    type    LowCardinality(String),
    bounce  LowCardinality(String),
    events  UInt64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (span, send_id, start, variant, type, bounce)
SETTINGS index_granularity = 128,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

-- Mail by mailbox provider, by the hour (email_minutes has the minutes). Recomputed likewise.
CREATE TABLE IF NOT EXISTS mail_hours
(
    hour    DateTime('UTC'),
    domain  LowCardinality(String),
    type    LowCardinality(String),
    bounce  LowCardinality(String),
    events  UInt64,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (hour, domain, type, bounce)
SETTINGS index_granularity = 128,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

-- When each blast began and what is known of it last: one row each, so that the newest blasts are found at once. Of a
-- blast that is known by its opens alone, first_at is in 2106.
CREATE TABLE IF NOT EXISTS send_spans
(
    send_id  LowCardinality(String),
    first_at SimpleAggregateFunction(min, DateTime('UTC')), -- minute of its first send
    last_at  SimpleAggregateFunction(max, DateTime('UTC'))  -- minute of its last event
)
ENGINE = AggregatingMergeTree
ORDER BY send_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;

CREATE MATERIALIZED VIEW IF NOT EXISTS send_spans_from_cuts TO send_spans AS
SELECT send_id, min(if(type = 'send', start, toDateTime(4294967295, 'UTC'))) AS first_at, max(start) AS last_at
FROM send_cuts
WHERE span = 60
GROUP BY send_id;

-- Traffic by page, host, referrer and step. It has no identity, so these are added up as request_minutes is. Requests
-- are grouped once (request_groups keeps nothing), and the groups go on.
CREATE TABLE IF NOT EXISTS request_groups
(
    minute      DateTime('UTC'),
    app         LowCardinality(String),
    host        LowCardinality(String),
    path        String,
    referrer    String,
    status      UInt16,
    requests    Float64,
    duration_ms Float64,
    last_at     DateTime64(3, 'UTC')
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS request_pages
(
    minute      DateTime('UTC'),
    app         LowCardinality(String),
    page        LowCardinality(String), -- without numbers and keys: /event/:id; (assets) and (not found) are one each
    class       UInt8,
    requests    SimpleAggregateFunction(sum, Float64),
    duration_ms SimpleAggregateFunction(sum, Float64)
)
ENGINE = AggregatingMergeTree
ORDER BY (minute, app, page, class)
TTL minute + toIntervalSecond(7776000)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS request_hosts
(
    minute      DateTime('UTC'),
    app         LowCardinality(String),
    host        LowCardinality(String),
    requests    SimpleAggregateFunction(sum, Float64),
    errors      SimpleAggregateFunction(sum, Float64), -- 5xx
    duration_ms SimpleAggregateFunction(sum, Float64),
    last_at     SimpleAggregateFunction(max, DateTime64(3, 'UTC'))
)
ENGINE = AggregatingMergeTree
ORDER BY (minute, app, host)
TTL minute + toIntervalSecond(7776000)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE TABLE IF NOT EXISTS request_referrers
(
    minute   DateTime('UTC'),
    app      LowCardinality(String),
    referrer LowCardinality(String), -- its host, without www.
    requests SimpleAggregateFunction(sum, Float64)
)
ENGINE = AggregatingMergeTree
ORDER BY (minute, app, referrer)
TTL minute + toIntervalSecond(7776000)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The way from a page to a gift, in sketches of five minutes: who saw any page, who saw one where people give, who sent
-- its form. People give in an app named donate, give, contribute or donations, or under a path that begins so.
CREATE TABLE IF NOT EXISTS request_steps
(
    start DateTime('UTC'),
    saw   AggregateFunction(uniqCombined(12), String),
    came  AggregateFunction(uniqCombined(12), String),
    sent  AggregateFunction(uniqCombined(12), String)
)
ENGINE = AggregatingMergeTree
ORDER BY start
TTL start + toIntervalSecond(7776000)
SETTINGS index_granularity = 256, fsync_after_insert = 1, fsync_part_directory = 1,
         min_rows_to_fsync_after_merge = 1, min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_pages_from_groups TO request_pages AS
SELECT minute, app,
       multiIf(status = 404, '(not found)',
               match(path, '\\.(js|css|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf|map)$'), '(assets)',
               arrayStringConcat(arrayMap(part -> if(match(part, '^([0-9]+|[0-9a-fA-F-]{12,})$'), ':id', part),
                                          splitByChar('/', substring(path, 1, 120))), '/')) AS page,
       toUInt8(intDiv(status, 100)) AS class, sum(g.requests) AS requests, sum(g.duration_ms) AS duration_ms
FROM request_groups AS g
GROUP BY minute, app, page, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_hosts_from_groups TO request_hosts AS
SELECT minute, app, host, sum(g.requests) AS requests, sumIf(g.requests, status >= 500) AS errors,
       sum(g.duration_ms) AS duration_ms, max(g.last_at) AS last_at
FROM request_groups AS g
GROUP BY minute, app, host;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_referrers_from_groups TO request_referrers AS
SELECT minute, app, substring(domainWithoutWWW(g.referrer), 1, 120) AS referrer, sum(g.requests) AS requests
FROM request_groups AS g
WHERE g.referrer != ''
GROUP BY minute, app, referrer;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_groups_from_requests TO request_groups AS
SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, app, host, path, referrer, status,
       sum(weight) AS requests, sum(r.duration_ms * weight) AS duration_ms, max(occurred_at) AS last_at
FROM requests AS r
GROUP BY minute, app, host, path, referrer, status;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_steps_from_requests TO request_steps AS
WITH app IN ('donate', 'give', 'contribute', 'donations')
     OR match(path, '^/(donate|give|contribute|donations)(/|$)') AS giving
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 5 MINUTE) AS start,
       uniqCombinedState(12)(visitor_key) AS saw,
       uniqCombinedStateIf(12)(visitor_key, giving) AS came,
       uniqCombinedStateIf(12)(visitor_key, giving AND method = 'POST' AND status BETWEEN 200 AND 399) AS sent
FROM requests
WHERE visitor_key != ''
GROUP BY start;

-- What is there already, filled once, and again into a table that has gone and was made anew.
CREATE TABLE IF NOT EXISTS backfills
(
    name      String,
    filled_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(filled_at)
ORDER BY name
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1;

-- Money and mail are version 1: whatever was summed since replaces it, so that a fill can be repeated. Minutes from the
-- movements, hours from the minutes, days from the hours; what does not fit into memory goes to the disk.
INSERT INTO donation_cuts
SELECT 60 AS span, pair.1 AS cut, toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS start,
       currency, pair.2 AS value, pair.3 AS detail,
       count() AS movements, countIf(kind = 'gift') AS gifts, countIf(kind = 'gift' AND first_gift) AS first_gifts,
       countIf(kind IN ('refund', 'chargeback')) AS refunds,
       sumIf(toInt128(amount_minor), kind = 'gift') AS given_minor, sum(toInt128(amount_minor)) AS net_minor,
       1 AS version
FROM donations_by_time FINAL
ARRAY JOIN
     arrayFilter(p -> NOT (p.1 = 'send' AND p.2 = '') AND NOT (p.1 = 'amount' AND kind != 'gift'),
         [('all', '', ''), ('recurring', toString(recurring), ''), ('source', toString(source), ''),
          ('path', toString(path), ''), ('form', toString(form), ''), ('channel', toString(channel), ''),
          ('refcode', toString(refcode), toString(channel)),
          ('state', if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''), ''),
          ('send', toString(send_id), ''), ('amount', toString(amount_minor), '')]) AS pair
WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0
      OR (SELECT count() FROM donation_cuts WHERE span = 60) = 0
GROUP BY span, cut, start, currency, value, detail
SETTINGS max_bytes_before_external_group_by = 500000000, max_threads = 2;

INSERT INTO donation_cuts
SELECT 3600 AS span, cut, toStartOfHour(c.start) AS start, currency, value, detail, sum(c.movements), sum(c.gifts),
       sum(c.first_gifts), sum(c.refunds), sum(c.given_minor), sum(c.net_minor), 1 AS version
FROM donation_cuts AS c FINAL
WHERE c.span = 60
      AND ((SELECT count() FROM backfills WHERE name = '0010') = 0
           OR (SELECT count() FROM donation_cuts WHERE span = 3600) = 0)
GROUP BY span, cut, start, currency, value, detail
SETTINGS max_bytes_before_external_group_by = 500000000, max_threads = 2;

INSERT INTO donation_cuts
SELECT 86400 AS span, cut, toStartOfDay(c.start) AS start, currency, value, detail, sum(c.movements), sum(c.gifts),
       sum(c.first_gifts), sum(c.refunds), sum(c.given_minor), sum(c.net_minor), 1 AS version
FROM donation_cuts AS c FINAL
WHERE c.span = 3600
      AND ((SELECT count() FROM backfills WHERE name = '0010') = 0
           OR (SELECT count() FROM donation_cuts WHERE span = 86400) = 0)
GROUP BY span, cut, start, currency, value, detail
SETTINGS max_bytes_before_external_group_by = 500000000, max_threads = 2;

INSERT INTO donation_cuts (span, cut, start, currency, value, movements, gifts, first_gifts, refunds, given_minor,
                           net_minor, version)
SELECT 86400, 'best', toStartOfDay(c.start) AS day, currency, toString(toUnixTimestamp(c.start)), movements, gifts,
       first_gifts, refunds, given_minor, net_minor, 1
FROM donation_cuts AS c FINAL
WHERE span = 3600 AND cut = 'all' AND toStartOfDay(c.start) != toStartOfDay(now('UTC'))
      AND ((SELECT count() FROM backfills WHERE name = '0010') = 0
           OR (SELECT count() FROM donation_cuts WHERE span = 86400 AND cut = 'best') = 0)
ORDER BY net_minor DESC, c.start
LIMIT 1 BY currency, day;

INSERT INTO donor_sketches
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 30 MINUTE) AS start, currency,
       uniqCombined64State(16)(donor_key) AS donors
FROM donations_by_time
WHERE kind = 'gift' AND donor_key != ''
      AND ((SELECT count() FROM backfills WHERE name = '0010') = 0 OR (SELECT count() FROM donor_sketches) = 0)
GROUP BY start, currency
SETTINGS max_bytes_before_external_group_by = 500000000, max_threads = 2;

INSERT INTO send_cuts
SELECT span, send_id, toDateTime(intDiv(toUnixTimestamp(minute), span) * span, 'UTC') AS start, variant, type, bounce,
       sum(m.events) AS events, 1 AS version
FROM email_minutes AS m FINAL
ARRAY JOIN [60, 3600, 86400] AS span
WHERE send_id != ''
      AND ((SELECT count() FROM backfills WHERE name = '0010') = 0 OR (SELECT count() FROM send_cuts) = 0)
GROUP BY span, send_id, start, variant, type, bounce;

INSERT INTO mail_hours
SELECT toStartOfHour(minute) AS hour, domain, type, bounce, sum(m.events) AS events, 1 AS version
FROM email_minutes AS m FINAL
WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0 OR (SELECT count() FROM mail_hours) = 0
GROUP BY hour, domain, type, bounce;

-- Traffic would be added twice: a fill that was cut is taken out and begins anew. A table that was made anew stays
-- empty: the comparison with the requests fills it, and does not touch the sums of those that are not kept any more.
DELETE FROM request_pages WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0;
DELETE FROM request_hosts WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0;
DELETE FROM request_referrers WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0;

INSERT INTO request_groups
SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, app, host, path, referrer, status,
       sum(weight) AS requests, sum(r.duration_ms * weight) AS duration_ms, max(occurred_at) AS last_at
FROM requests AS r
WHERE (SELECT count() FROM backfills WHERE name = '0010') = 0
GROUP BY minute, app, host, path, referrer, status
SETTINGS max_bytes_before_external_group_by = 500000000, max_threads = 2, insert_deduplicate = 0;

INSERT INTO request_steps
WITH app IN ('donate', 'give', 'contribute', 'donations')
     OR match(path, '^/(donate|give|contribute|donations)(/|$)') AS giving
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 5 MINUTE) AS start,
       uniqCombinedState(12)(visitor_key) AS saw,
       uniqCombinedStateIf(12)(visitor_key, giving) AS came,
       uniqCombinedStateIf(12)(visitor_key, giving AND method = 'POST' AND status BETWEEN 200 AND 399) AS sent
FROM requests
WHERE visitor_key != '' AND (SELECT count() FROM backfills WHERE name = '0010') = 0
GROUP BY start
SETTINGS insert_deduplicate = 0;

INSERT INTO backfills SELECT '0010', max(received_at) FROM requests;

-- The movements of money after since up to until, by one cut, in as few rows as tell them: whole days, hours and minutes
-- from the sums, the cut minutes at the ends from the movements. Exact to the millisecond and the cent.
CREATE OR REPLACE VIEW donations_cut AS
WITH toDateTime64({since:DateTime64(3,'UTC')}, 3, 'UTC') AS since, toDateTime64({until:DateTime64(3,'UTC')}, 3, 'UTC') AS until,
     toStartOfMinute(since) + INTERVAL 1 MINUTE AS first_minute, toStartOfMinute(until) AS last_minute,
     toStartOfHour(first_minute - INTERVAL 1 SECOND) + INTERVAL 1 HOUR AS first_hour,
     toStartOfHour(last_minute) AS last_hour,
     toDateTime(toStartOfDay(first_hour - INTERVAL 1 SECOND), 'UTC') + INTERVAL 1 DAY AS first_day,
     toDateTime(toStartOfDay(last_hour), 'UTC') AS last_day
SELECT start, toString(currency) AS currency, toString(value) AS value, toString(detail) AS detail,
       movements, gifts, first_gifts, refunds, given_minor, net_minor
FROM donation_cuts FINAL
WHERE cut = {cut:String}
  AND (span = 86400 AND start >= first_day AND start < last_day
       OR span = 3600 AND start >= first_hour AND start < last_hour AND NOT (start >= first_day AND start < last_day)
       OR span = 60 AND start >= first_minute AND start < last_minute
          AND NOT (start >= first_hour AND start < last_hour))
UNION ALL
SELECT toStartOfMinute(occurred_at) AS start, toString(currency) AS currency,
       multiIf({cut:String} = 'recurring', toString(recurring), {cut:String} = 'source', toString(source),
               {cut:String} = 'path', toString(path), {cut:String} = 'form', toString(form),
               {cut:String} = 'channel', toString(channel), {cut:String} = 'refcode', toString(refcode),
               {cut:String} = 'state', if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''),
               {cut:String} = 'send', toString(send_id), {cut:String} = 'amount', toString(amount_minor), '') AS value,
       if({cut:String} = 'refcode', toString(channel), '') AS detail,
       count(), countIf(kind = 'gift'), countIf(kind = 'gift' AND first_gift), countIf(kind IN ('refund', 'chargeback')),
       sumIf(toInt128(amount_minor), kind = 'gift'), sum(toInt128(amount_minor))
FROM donations_by_time FINAL
WHERE occurred_at > since AND occurred_at <= until AND (occurred_at < first_minute OR occurred_at >= last_minute)
  AND ({cut:String} != 'amount' OR kind = 'gift') AND ({cut:String} != 'send' OR send_id != '')
GROUP BY start, currency, value, detail;
