INSERT INTO send_cuts (span, send_id, start, variant, type, bounce, events, version)
SELECT span, concat({name:String}, send_id), start - toIntervalDay({days:UInt32}), variant, type, bounce, events, 1
FROM send_cuts
WHERE start >= {from:DateTime('UTC')} AND start < {until:DateTime('UTC')}
