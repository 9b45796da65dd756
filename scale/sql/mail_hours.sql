INSERT INTO mail_hours (hour, domain, type, bounce, events, version)
SELECT toStartOfHour(minute) AS hour, domain, type, bounce, sum(m.events), 1
FROM email_minutes AS m
GROUP BY hour, domain, type, bounce
