INSERT INTO email_minutes (minute, send_id, variant, type, bounce, domain, events, version)
SELECT minute, send_id, variant, type, bounce, domain, events, 2
FROM email_minutes FINAL
WHERE minute = toStartOfMinute({at:DateTime64(3,'UTC')})
SETTINGS insert_deduplicate = 0
