-- +goose Up
-- Every statement can be run again: a migration that was cut in the middle is simply repeated.

-- The truth: one row for each (source, id), the first copy that was stored, kept for ever. Written only for
-- identities that are not here yet, so a repeat changes nothing, whatever it says and however late it comes.
-- segment and n are the receipt: the record of the spool that became this row. The version settles nothing as long as
-- one process writes; it makes the earlier arrival win where two did.
CREATE TABLE IF NOT EXISTS donations
(
    source       LowCardinality(String),
    id           String,
    path         LowCardinality(String),
    feed         LowCardinality(String),
    kind         LowCardinality(String),
    of           String,
    occurred_at  DateTime64(3, 'UTC'),
    received_at  DateTime64(3, 'UTC'),
    amount_minor Int64,
    currency     LowCardinality(String),
    recurring    LowCardinality(String),
    donor_key    String,
    refcode      LowCardinality(String),
    send_id      LowCardinality(String),
    channel      LowCardinality(String),
    form         LowCardinality(String),
    state        LowCardinality(String),
    country      LowCardinality(String),
    first_gift   Bool,
    props        String CODEC(ZSTD(3)),
    segment      LowCardinality(String),
    n            UInt32,
    version      UInt64 -- 2^64 - 1 - (received ms * 2^20 + n mod 2^20): larger is earlier
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- The same rows in the order of time: what boards and analysts read, always with FINAL. Written after donations, by
-- the batch whose copy is there, so an identity is here once.
CREATE TABLE IF NOT EXISTS donations_by_time
(
    occurred_at  DateTime64(3, 'UTC'),
    source       LowCardinality(String),
    id           String,
    path         LowCardinality(String),
    feed         LowCardinality(String),
    kind         LowCardinality(String),
    of           String,
    received_at  DateTime64(3, 'UTC'),
    amount_minor Int64,
    currency     LowCardinality(String),
    recurring    LowCardinality(String),
    donor_key    String,
    refcode      LowCardinality(String),
    send_id      LowCardinality(String),
    channel      LowCardinality(String),
    form         LowCardinality(String),
    state        LowCardinality(String),
    country      LowCardinality(String),
    first_gift   Bool
)
ENGINE = ReplacingMergeTree
ORDER BY (occurred_at, source, id)
SETTINGS index_granularity = 2048,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Every other copy of a movement: the same by another road, or with another amount, currency, kind or time. What
-- differs is a conflict: the first copy counts, and this is the place that shows the other. Read it with FINAL.
CREATE TABLE IF NOT EXISTS donation_copies
(
    source       LowCardinality(String),
    id           String,
    path         LowCardinality(String),
    feed         LowCardinality(String),
    kind         LowCardinality(String),
    currency     LowCardinality(String),
    amount_minor Int64,
    occurred_at  DateTime64(3, 'UTC'),
    conflict     Bool, -- differs from the copy in donations
    received_at  DateTime64(3, 'UTC'),
    segment      LowCardinality(String),
    n            UInt32,
    version      UInt64 -- as in donations
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id, path, feed, kind, currency, amount_minor, occurred_at)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;

-- Sums a minute, recomputed from donations_by_time for the minutes that a batch touched and never incremented: a
-- later recomputation replaces the row. Read it with FINAL. A recomputation is never a duplicate, so the table
-- remembers no tokens.
CREATE TABLE IF NOT EXISTS donation_minutes
(
    minute       DateTime('UTC'),
    currency     LowCardinality(String),
    kind         LowCardinality(String),
    recurring    LowCardinality(String),
    movements    UInt64,
    amount_minor Int128,
    version      UInt64 -- grows with every recomputation; about unix ns
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (minute, currency, kind, recurring)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 0;
