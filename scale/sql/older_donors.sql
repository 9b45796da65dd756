INSERT INTO donor_sketches (start, currency, donors)
SELECT start - toIntervalDay({days:UInt32}), currency, donors
FROM donor_sketches
WHERE start >= {from:DateTime('UTC')} AND start < {until:DateTime('UTC')}
SETTINGS max_block_size = 1024, min_insert_block_size_rows = 1000 -- sketches take memory that no limit of bytes sees
