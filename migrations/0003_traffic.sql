-- +goose Up

-- Raw requests. They have no identity: segment and n say which record of the spool became a row, so that a batch whose
-- outcome is unknown can be looked for before it is sent again. One batch has one day (when its first row was
-- received), so one insert makes one part: all of it is there, or nothing.
-- The lifetimes here and below are the defaults; warroom changes them at start when it is told others.
CREATE TABLE IF NOT EXISTS requests
(
    day          Date,
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
    INDEX by_segment segment TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY day
ORDER BY (toStartOfMinute(occurred_at), app, occurred_at)
TTL day + toIntervalSecond(691200) -- 7 days after the day has ended
SETTINGS ttl_only_drop_parts = 1, fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Sums a second, for rates. requests is the sum of weights: an estimate when a sender samples.
CREATE TABLE IF NOT EXISTS request_seconds
(
    second      DateTime('UTC'),
    app         LowCardinality(String),
    class       UInt8, -- status / 100; 0 when the sender gave none
    requests    SimpleAggregateFunction(sum, Float64),
    bytes       SimpleAggregateFunction(sum, Float64),
    duration_ms SimpleAggregateFunction(sum, Float64)
)
ENGINE = AggregatingMergeTree
ORDER BY (second, app, class)
TTL second + toIntervalSecond(172800)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_seconds_from_requests TO request_seconds AS
SELECT toDateTime(occurred_at, 'UTC') AS second, app, toUInt8(intDiv(status, 100)) AS class,
       sum(weight) AS requests, sum(bytes * weight) AS bytes, sum(duration_ms * weight) AS duration_ms
FROM requests
GROUP BY second, app, class;

-- Who was there, in ten-second sketches: merged for "people in the last five minutes".
CREATE TABLE IF NOT EXISTS request_visitors
(
    tick     DateTime('UTC'), -- start of the ten seconds
    app      LowCardinality(String),
    visitors AggregateFunction(uniqCombined(12), String)
)
ENGINE = AggregatingMergeTree
ORDER BY (tick, app)
TTL tick + toIntervalSecond(172800)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_visitors_from_requests TO request_visitors AS
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 10 SECOND) AS tick, app,
       uniqCombinedState(12)(visitor_key) AS visitors
FROM requests
WHERE visitor_key != ''
GROUP BY tick, app;

-- Sums and sketches a minute: traffic of the last months.
CREATE TABLE IF NOT EXISTS request_minutes
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
TTL minute + toIntervalSecond(7776000)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

CREATE MATERIALIZED VIEW IF NOT EXISTS request_minutes_from_requests TO request_minutes AS
SELECT toStartOfMinute(toDateTime(occurred_at, 'UTC')) AS minute, app, toUInt8(intDiv(status, 100)) AS class,
       sum(weight) AS requests, sum(bytes * weight) AS bytes,
       uniqCombinedState(12)(visitor_key) AS visitors,
       quantilesTDigestState(0.5, 0.95, 0.99)(duration_ms) AS latency
FROM requests
GROUP BY minute, app, class;
