INSERT INTO donation_minutes (minute, currency, kind, recurring, movements, amount_minor, version)
SELECT toStartOfMinute(occurred_at) AS minute, currency, kind, recurring, count(), sum(toInt128(amount_minor)), 1
FROM donations_by_time
WHERE occurred_at >= {from:DateTime('UTC')} AND occurred_at < {until:DateTime('UTC')}
GROUP BY minute, currency, kind, recurring
