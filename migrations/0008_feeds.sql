-- +goose Up

-- What each node took from its feeds in a minute, by when it answered: rates, and what is usual at an hour of the week.
-- The newest version of a row counts; the counts of a minute only grow.
CREATE TABLE IF NOT EXISTS feed_minutes
(
    node       LowCardinality(String),
    feed       LowCardinality(String),
    kind       LowCardinality(String),
    minute     DateTime('UTC'),
    accepted   UInt64,
    rejected   UInt64,
    duplicates UInt64,
    version    UInt64 -- grows with every change; about unix ns
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY toYYYYMM(minute)
ORDER BY (minute, feed, kind, node)
TTL minute + toIntervalDay(400);

-- Copies lie in the order of identity; the page that lays two paths side by side asks for an hour of them. Where ids
-- grow with time, as ledgers' do, the index spares reading the rest; where they are random it costs next to nothing.
ALTER TABLE donation_copies ADD INDEX IF NOT EXISTS by_time occurred_at TYPE minmax GRANULARITY 1;
ALTER TABLE donation_copies MATERIALIZE INDEX by_time;
