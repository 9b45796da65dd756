INSERT INTO donation_cuts (span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds,
    given_minor, net_minor, version)
SELECT {span:UInt32} AS into, toString(cut) AS c, toDateTime(intDiv(toUnixTimestamp(start), into) * into, 'UTC') AS since,
       toString(currency) AS cur, toString(value) AS v, toString(detail) AS d, sum(movements), sum(gifts),
       sum(first_gifts), sum(refunds), sum(given_minor), sum(net_minor), 1
FROM donation_cuts
WHERE span = {of:UInt32} AND start >= {from:DateTime('UTC')} AND start < {until:DateTime('UTC')}
  AND cut IN ('all', 'recurring', 'source', 'path', 'form', 'channel', 'refcode', 'state', 'send', 'amount')
GROUP BY c, since, cur, v, d
