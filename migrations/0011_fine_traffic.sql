-- +goose Up
-- The sums and sketches of traffic in small granules: a sketch has kilobytes, so that a board that looks at five minutes
-- read and merged those of hours. The statements can be run again from any point, as in 0006: the table that is dropped
-- first is either a copy that was not finished, or the old table whose copy is complete. The new tables get their
-- lifetimes after the migrations, as the operator has set them.

DROP VIEW IF EXISTS request_visitors_from_requests SYNC;
DROP VIEW IF EXISTS request_minutes_from_requests SYNC;

DROP TABLE IF EXISTS request_visitors_moving SYNC;

CREATE TABLE IF NOT EXISTS request_visitors_moving
(
    tick     DateTime('UTC'), -- start of the ten seconds
    app      LowCardinality(String),
    visitors AggregateFunction(uniqCombined(12), String)
)
ENGINE = AggregatingMergeTree
ORDER BY (tick, app)
SETTINGS index_granularity = 128, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

INSERT INTO request_visitors_moving SELECT tick, app, visitors FROM request_visitors;

EXCHANGE TABLES request_visitors AND request_visitors_moving;

DROP TABLE IF EXISTS request_visitors_moving SYNC;

DROP TABLE IF EXISTS request_minutes_moving SYNC;

CREATE TABLE IF NOT EXISTS request_minutes_moving
(
    minute    DateTime('UTC'),
    app       LowCardinality(String),
    class     UInt8,
    requests  SimpleAggregateFunction(sum, Float64),
    bytes     SimpleAggregateFunction(sum, Float64),
    visitors  AggregateFunction(uniqCombined(12), String),
    latency   AggregateFunction(quantilesTDigest(0.5, 0.95, 0.99), Float32)
)
ENGINE = AggregatingMergeTree
ORDER BY (minute, app, class)
SETTINGS index_granularity = 128, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

INSERT INTO request_minutes_moving SELECT minute, app, class, requests, bytes, visitors, latency FROM request_minutes;

EXCHANGE TABLES request_minutes AND request_minutes_moving;

DROP TABLE IF EXISTS request_minutes_moving SYNC;

-- The same views as before, into the new tables.
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
