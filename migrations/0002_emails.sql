-- +goose Up

-- Who was first: one row for each (source, id), written only for identities that are not here yet. The event itself
-- is in email_events; here is what tells a repeat from a conflict. segment and n are the receipt in the spool.
CREATE TABLE IF NOT EXISTS email_identities
(
    source      LowCardinality(String),
    id          String,
    type        LowCardinality(String),
    bounce      LowCardinality(String),
    occurred_at DateTime64(3, 'UTC'),
    segment     LowCardinality(String),
    n           UInt32,
    version     UInt64 -- as in donations
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The truth, in the order of time: each event once, read with FINAL. Written after email_identities, by the batch
-- whose copy is there.
CREATE TABLE IF NOT EXISTS email_events
(
    occurred_at   DateTime64(3, 'UTC'),
    source        LowCardinality(String),
    id            String,
    feed          LowCardinality(String),
    type          LowCardinality(String),
    bounce        LowCardinality(String),
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
ORDER BY (occurred_at, source, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Copies that say another type, bounce or time than the first one of the same (source, id). The first counts.
CREATE TABLE IF NOT EXISTS email_conflicts
(
    source      LowCardinality(String),
    id          String,
    feed        LowCardinality(String),
    type        LowCardinality(String),
    bounce      LowCardinality(String),
    occurred_at DateTime64(3, 'UTC'),
    received_at DateTime64(3, 'UTC'),
    segment     LowCardinality(String),
    n           UInt32,
    version     UInt64 -- as in donations
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id, feed, type, bounce, occurred_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Counts a minute, recomputed from email_events for the minutes that a batch touched, as donation_minutes.
CREATE TABLE IF NOT EXISTS email_minutes
(
    minute   DateTime('UTC'),
    send_id  LowCardinality(String),
    variant  LowCardinality(String),
    type     LowCardinality(String),
    bounce   LowCardinality(String),
    domain   LowCardinality(String),
    events   UInt64,
    version  UInt64 -- grows with every recomputation; about unix ns
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (minute, send_id, variant, type, bounce, domain)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;
