INSERT INTO donation_minutes (minute, currency, kind, recurring, movements, amount_minor, version)
SELECT minute - toIntervalDay({days:UInt32}), currency, kind, recurring, movements, amount_minor, 1
FROM donation_minutes
WHERE minute >= {from:DateTime('UTC')} AND minute < {until:DateTime('UTC')}
