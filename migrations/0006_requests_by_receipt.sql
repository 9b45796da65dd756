-- +goose Up
-- Requests in the order of their receipts instead of the order of time. A batch arrives in this order, so the engine
-- needn't sort it, merges are cheap, and a batch is found again by the primary key. Segments are named in the order of
-- time, so a range of time is still found: the index by_time leaves out what is outside of it.
--
-- The statements below can be run again from any point: the table that is dropped first is either a copy that was not
-- finished, or the old table whose copy is complete. The new table gets its lifetime after the migrations, as the
-- operator has set it: until then nothing that is carried over may be dropped.

DROP VIEW IF EXISTS request_seconds_from_requests SYNC;
DROP VIEW IF EXISTS request_visitors_from_requests SYNC;
DROP VIEW IF EXISTS request_minutes_from_requests SYNC;

DROP TABLE IF EXISTS requests_moving SYNC;

CREATE TABLE IF NOT EXISTS requests_moving
(
    day          Date, -- when the first row of its insert was received: one insert has one day, and so makes one part
    segment      LowCardinality(String),
    n            UInt32,
    occurred_at  DateTime64(3, 'UTC'),
    received_at  DateTime64(3, 'UTC'),
    feed         LowCardinality(String),
    app          LowCardinality(String),
    host         LowCardinality(String),
    method       LowCardinality(String),
    path         String,
    status       UInt16,
    bytes        UInt64,
    duration_ms  Float32,
    visitor_key  String,
    referrer     String,
    refcode      LowCardinality(String),
    region       LowCardinality(String),
    weight       Float64,
    props        String CODEC(ZSTD(3)),
    INDEX by_time occurred_at TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY day
ORDER BY (segment, n)
-- An insert of 100,000 rows stays in one file (compact): a file for each column costs more than the rows.
SETTINGS ttl_only_drop_parts = 1, min_bytes_for_wide_part = 134217728,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

INSERT INTO requests_moving
SELECT day, segment, n, occurred_at, received_at, feed, app, host, method, path, status, bytes, duration_ms,
       visitor_key, referrer, refcode, region, weight, props
FROM requests;

EXCHANGE TABLES requests AND requests_moving;

DROP TABLE IF EXISTS requests_moving SYNC;

-- The same views as before, on the new table.
CREATE MATERIALIZED VIEW IF NOT EXISTS request_seconds_from_requests TO request_seconds AS
SELECT toDateTime(occurred_at, 'UTC') AS second, app, toUInt8(intDiv(status, 100)) AS class,
       sum(weight) AS requests, sum(bytes * weight) AS bytes, sum(duration_ms * weight) AS duration_ms
FROM requests
GROUP BY second, app, class;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_visitors_from_requests TO request_visitors AS
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 10 SECOND) AS tick, app,
       uniqCombinedState(12)(visitor_key) AS visitors
FROM requests
WHERE visitor_key != ''
GROUP BY tick, app;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_from_requests TO request_minutes AS
SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, app, toUInt8(intDiv(status, 100)) AS class,
       sum(weight) AS requests, sum(bytes * weight) AS bytes,
       uniqCombinedState(12)(visitor_key) AS visitors,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS latency
FROM requests
GROUP BY minute, app, class;
