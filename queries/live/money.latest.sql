-- title: Latest gifts
-- every: 10s
-- unit: usd
-- params: at DateTime64(3,'UTC')
-- returns: occurred_at DateTime64(3,'UTC'), source LowCardinality(String), id String, amount_minor Int64,
--   currency LowCardinality(String), recurring LowCardinality(String), state LowCardinality(String),
--   refcode LowCardinality(String)
-- budget: 10ms
-- The last twelve gifts up to the moment by the time they happened, in all currencies, each once; a refund later on
-- doesn't take its gift out of the list.

SELECT occurred_at, source, id, amount_minor, currency, recurring, state, refcode
FROM
(
    -- 500 copies of rows are always twelve gifts: a row has a second copy only until the engine merges it away.
    SELECT occurred_at, source, id, amount_minor, currency, recurring, state, refcode
    FROM donations_by_time
    WHERE occurred_at <= {at:DateTime64(3,'UTC')} AND kind = 'gift'
    ORDER BY occurred_at DESC
    LIMIT 500
)
ORDER BY occurred_at DESC, source DESC, id DESC
LIMIT 1 BY occurred_at, source, id
LIMIT 12
