-- +goose Up

-- What each node knows of its feeds; the newest version of a row counts.
CREATE TABLE IF NOT EXISTS feeds
(
    node             LowCardinality(String),
    feed             LowCardinality(String),
    kind             LowCardinality(String),
    last_event_at    DateTime64(3, 'UTC'),
    last_received_at DateTime64(3, 'UTC'),
    accepted         UInt64,
    rejected         UInt64,
    duplicates       UInt64,
    lag_ms           UInt64,
    version          UInt64 -- grows with every change; about unix ns
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (node, feed, kind);

-- Notes on the timeline; the newest version of a row counts.
CREATE TABLE IF NOT EXISTS annotations
(
    id      String,
    at      DateTime64(3, 'UTC'),
    until   DateTime64(3, 'UTC'),
    kind    LowCardinality(String),
    text    String,
    by      String,
    deleted Bool,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;
