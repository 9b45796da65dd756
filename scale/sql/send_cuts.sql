INSERT INTO send_cuts (span, send_id, start, variant, type, bounce, events, version)
SELECT span, send_id, toDateTime(intDiv(toUnixTimestamp(minute), span) * span, 'UTC') AS start, variant, type, bounce,
       sum(m.events), 1
FROM email_minutes AS m
ARRAY JOIN [60, 3600, 86400] AS span
WHERE send_id != ''
GROUP BY span, send_id, start, variant, type, bounce
