-- +goose Up

-- Events that could not be counted and were put aside, by their receipt; the newest version of a row counts. The
-- events themselves are in warroom's files: nothing here quotes one.
CREATE TABLE IF NOT EXISTS dead_letters
(
    kind       LowCardinality(String),
    feed       LowCardinality(String), -- empty when the record can't be read
    segment    String,
    n          UInt32,
    at         DateTime64(3, 'UTC'), -- when it was put aside
    reason     LowCardinality(String),
    settled_at DateTime64(3, 'UTC'), -- when it was counted after all; 1970 until then
    version    UInt64 -- grows with every change; about unix ns
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (kind, segment, n);

CREATE OR REPLACE VIEW analyst.dead_letters DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT kind, feed, at, reason, settled_at > toDateTime64(0, 3, 'UTC') AS settled, settled_at
FROM campaign.dead_letters FINAL;
