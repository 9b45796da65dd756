-- As 0010_cuts.sql fills them; the hours are made of the minutes and the days of the hours, as by a batch.
INSERT INTO donation_cuts (span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds,
    given_minor, net_minor, version)
SELECT 60, pair.1 AS c, toStartOfMinute(occurred_at) AS s, toString(currency) AS cur, pair.2 AS v, pair.3 AS d,
       count(), countIf(kind = 'gift'), countIf(kind = 'gift' AND first_gift),
       countIf(kind IN ('refund', 'chargeback')), sumIf(toInt128(amount_minor), kind = 'gift'),
       sum(toInt128(amount_minor)), 1
FROM donations_by_time
ARRAY JOIN
     arrayFilter(p -> NOT (p.1 = 'send' AND p.2 = '') AND NOT (p.1 = 'amount' AND kind != 'gift'),
         [('all', '', ''), ('recurring', toString(recurring), ''), ('source', toString(source), ''),
          ('path', toString(path), ''), ('form', toString(form), ''), ('channel', toString(channel), ''),
          ('refcode', toString(refcode), toString(channel)),
          ('state', if(upper(country) IN ('', 'US', 'USA'), upper(toString(state)), ''), ''),
          ('send', toString(send_id), ''), ('amount', toString(amount_minor), '')]) AS pair
WHERE occurred_at >= {from:DateTime('UTC')} AND occurred_at < {until:DateTime('UTC')}
GROUP BY c, s, cur, v, d
