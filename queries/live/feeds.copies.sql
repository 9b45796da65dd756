-- title: What came again
-- every: 15s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: feed LowCardinality(String), kind String, repeats UInt64, conflicts UInt64
-- budget: 100ms
-- By feed and kind: movements of money that came again in the last day and said the same, which are counted once, and
-- all copies ever that said something else than the first one; repeats of mail are not kept.

SELECT feed, kind, sum(same) AS repeats, sum(other) AS conflicts
FROM
(
    SELECT toString(feed) AS feed, 'donations' AS kind, uniqExact(source, id) AS same, toUInt64(0) AS other
    FROM donation_copies
    WHERE NOT conflict AND received_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 DAY
      AND received_at <= {at:DateTime64(3,'UTC')}
    GROUP BY feed
    UNION ALL
    SELECT toString(feed), 'donations', 0, uniqExact(source, id, path, kind, currency, amount_minor, occurred_at)
    FROM donation_copies
    WHERE conflict AND received_at <= {at:DateTime64(3,'UTC')}
    GROUP BY feed
    UNION ALL
    SELECT toString(feed), 'emails', 0, uniqExact(source, id, type, bounce, occurred_at)
    FROM email_conflicts
    WHERE received_at <= {at:DateTime64(3,'UTC')}
    GROUP BY feed
)
GROUP BY feed, kind
ORDER BY feed, kind
