INSERT INTO donor_sketches
SELECT toStartOfInterval(toDateTime(occurred_at, 'UTC'), INTERVAL 30 MINUTE) AS start, currency,
       uniqCombined64State(16)(donor_key) AS donors
FROM donations_by_time
WHERE kind = 'gift' AND donor_key != '' AND occurred_at >= {from:DateTime('UTC')} AND occurred_at < {until:DateTime('UTC')}
GROUP BY start, currency
