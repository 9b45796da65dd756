INSERT INTO donation_cuts (span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds,
    given_minor, net_minor, version)
SELECT span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds, given_minor, net_minor, 2
FROM donation_cuts FINAL
WHERE span = 60 AND start = toStartOfMinute({at:DateTime64(3,'UTC')})
   OR span = 3600 AND start = toStartOfHour({at:DateTime64(3,'UTC')})
   OR span = 86400 AND start = toStartOfDay({at:DateTime64(3,'UTC')})
SETTINGS insert_deduplicate = 0
