-- +goose Up

-- Every acknowledged movement of money as it arrived. The key is the receipt (segment of the spool, number in it), so
-- sending a segment again changes nothing. Kept for ever: it says who saw what on which road, and what conflicted.
CREATE TABLE donation_receipts
(
    segment      LowCardinality(String),
    n            UInt32,
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
    props        String CODEC(ZSTD(3))
)
ENGINE = ReplacingMergeTree
ORDER BY (segment, n)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000;

-- The truth: one row for each (source, id), the first receipt that was stored. Written from the receipts only, and
-- only for identities that are not here yet; the version settles a race of two writers (an earlier receipt wins).
CREATE TABLE donations
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
    version      UInt64 -- bitNot(received ms << 20 | n): larger is earlier
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (source, id)
SETTINGS index_granularity = 1024,
         fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1,
         min_compressed_bytes_to_fsync_after_merge = 1, max_suspicious_broken_parts = 0,
         non_replicated_deduplication_window = 10000;

-- The truth again, in the order of time: what the boards read. A row is a copy of the winner in donations; it can be
-- thrown away and made again.
CREATE TABLE donations_by_time
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
         non_replicated_deduplication_window = 10000;
