INSERT INTO mail_hours (hour, domain, type, bounce, events, version)
SELECT hour - toIntervalDay({days:UInt32}), domain, type, bounce, events, 1
FROM mail_hours
WHERE hour >= {from:DateTime('UTC')} AND hour < {until:DateTime('UTC')}
