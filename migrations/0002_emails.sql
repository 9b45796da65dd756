-- +goose Up

-- Every acknowledged email event as it arrived; the key is the receipt. Kept for a week: it proves a segment's arrival
-- and can be read again.
CREATE TABLE email_receipts
(
    segment       LowCardinality(String),
    n             UInt32,
    source        LowCardinality(String),
    id            String,
    feed          LowCardinality(String),
    type          LowCardinality(String),
    bounce        LowCardinality(String),
    occurred_at   DateTime64(3, 'UTC'),
    received_at   DateTime64(3, 'UTC'),
    send_id       LowCardinality(String),
    variant       LowCardinality(String),
    recipient_key String,
    domain        LowCardinality(String),
    message_id    String,
    link          String,
    reason        String CODEC(ZSTD(3)),
    props         String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (segment, n)
TTL toDateTime(received_at) + INTERVAL 7 DAY
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000;

-- One row for each (source, id): the first receipt that was stored.
CREATE TABLE email_events
(
    source        LowCardinality(String),
    id            String,
    feed          LowCardinality(String),
    type          LowCardinality(String),
    bounce        LowCardinality(String),
    occurred_at   DateTime64(3, 'UTC'),
    received_at   DateTime64(3, 'UTC'),
    send_id       LowCardinality(String),
    variant       LowCardinality(String),
    recipient_key String,
    domain        LowCardinality(String),
    message_id    String,
    link          String,
    reason        String CODEC(ZSTD(3)),
    props         String CODEC(ZSTD(3)),
    version       UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000;

-- The same in the order of time, only what counting needs.
CREATE TABLE email_events_by_time
(
    occurred_at DateTime64(3, 'UTC'),
    source      LowCardinality(String),
    id          String,
    type        LowCardinality(String),
    bounce      LowCardinality(String),
    send_id     LowCardinality(String),
    variant     LowCardinality(String),
    domain      LowCardinality(String)
)
ENGINE = ReplacingMergeTree
ORDER BY (occurred_at, source, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000;

-- Counts a minute, recomputed from email_events_by_time for the minutes that a batch touched: a later recomputation
-- replaces the row.
CREATE TABLE email_minutes
(
    minute   DateTime('UTC'),
    send_id  LowCardinality(String),
    variant  LowCardinality(String),
    type     LowCardinality(String),
    bounce   LowCardinality(String),
    domain   LowCardinality(String),
    events   UInt64,
    version  UInt64 -- unix ms of the recomputation
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (minute, send_id, variant, type, bounce, domain)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, non_replicated_deduplication_window = 10000;
