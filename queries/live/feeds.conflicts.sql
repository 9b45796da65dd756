-- title: Conflicts
-- every: 10s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: stream String, source LowCardinality(String), id String, feed LowCardinality(String),
--   path String, received_at DateTime64(3,'UTC'), kind String, currency String, amount_minor Int64,
--   occurred_at DateTime64(3,'UTC'), first_feed String, first_path String, first_kind String,
--   first_currency String, first_amount_minor Int64, first_occurred_at DateTime64(3,'UTC')
-- budget: 100ms
-- The newest hundred copies up to the moment that say another amount, currency, kind or time than the first copy of
-- the same source and id, which is the one that counts; a mail's kind is its type with its bounce, and it has no path.

WITH gifts AS
     (
         SELECT toString(source) AS source, id, toString(feed) AS feed, toString(path) AS path, received_at,
                toString(kind) AS kind, toString(currency) AS currency, amount_minor, occurred_at
         FROM donation_copies
         WHERE conflict AND received_at <= {at:DateTime64(3,'UTC')}
         ORDER BY received_at DESC
         LIMIT 1 BY source, id, path, feed, kind, currency, amount_minor, occurred_at
         LIMIT 100
     ),
     mails AS
     (
         SELECT toString(source) AS source, id, toString(feed) AS feed, received_at,
                trimRight(concat(type, ' ', bounce)) AS kind, occurred_at
         FROM email_conflicts
         WHERE received_at <= {at:DateTime64(3,'UTC')}
         ORDER BY received_at DESC
         LIMIT 1 BY source, id, feed, type, bounce, occurred_at
         LIMIT 100
     )
SELECT stream, source, id, feed, path, received_at, kind, currency, amount_minor, occurred_at,
       first_feed, first_path, first_kind, first_currency, first_amount_minor, first_occurred_at
FROM
(
    SELECT 'donations' AS stream, g.source AS source, g.id AS id, g.feed AS feed, g.path AS path,
           g.received_at AS received_at, g.kind AS kind, g.currency AS currency, g.amount_minor AS amount_minor,
           g.occurred_at AS occurred_at,
           toString(d.feed) AS first_feed, toString(d.path) AS first_path, toString(d.kind) AS first_kind,
           toString(d.currency) AS first_currency, d.amount_minor AS first_amount_minor,
           d.occurred_at AS first_occurred_at
    FROM gifts AS g
    INNER JOIN
    (
        SELECT source, id, feed, path, kind, currency, amount_minor, occurred_at
        FROM donations FINAL
        WHERE (source, id) IN (SELECT source, id FROM gifts)
    ) AS d ON d.source = g.source AND d.id = g.id
    UNION ALL
    SELECT 'emails', m.source, m.id, m.feed, '', m.received_at, m.kind, '', toInt64(0), m.occurred_at,
           '', '', trimRight(concat(e.type, ' ', e.bounce)), '', toInt64(0), e.occurred_at
    FROM mails AS m
    INNER JOIN
    (
        SELECT source, id, type, bounce, occurred_at
        FROM email_identities FINAL
        WHERE (source, id) IN (SELECT source, id FROM mails)
    ) AS e ON e.source = m.source AND e.id = m.id
)
ORDER BY received_at DESC, source, id, feed
LIMIT 100
