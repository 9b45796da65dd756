-- +goose Up
-- A blast brings 60 million events. Whether an event is known is asked of all identities for each batch, since ids are
-- in no order: a number is compared ten times as fast as the texts that it stands for.
ALTER TABLE email_identities ADD COLUMN IF NOT EXISTS hash UInt64 MATERIALIZED cityHash64(source, id);

-- Reading a batch back by its receipt: segments grow with time, so only the newest parts can hold the newest segment.
ALTER TABLE email_identities ADD INDEX IF NOT EXISTS by_segment segment TYPE minmax GRANULARITY 1;

-- As in requests: a file for each column costs more than the rows of an insert.
ALTER TABLE email_identities MODIFY SETTING min_bytes_for_wide_part = 134217728;
ALTER TABLE email_events MODIFY SETTING min_bytes_for_wide_part = 134217728;
