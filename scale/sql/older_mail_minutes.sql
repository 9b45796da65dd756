INSERT INTO email_minutes (minute, send_id, variant, type, bounce, domain, events, version)
SELECT minute - toIntervalDay({days:UInt32}), concat({name:String}, send_id), variant, type, bounce, domain, events, 1
FROM email_minutes
WHERE minute >= {from:DateTime('UTC')} AND minute < {until:DateTime('UTC')}
