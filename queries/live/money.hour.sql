-- title: Dollars in the last hour
-- every: 1s
-- unit: usd
-- params: at DateTime64(3,'UTC')
-- returns: currency LowCardinality(String), net_minor Int128, given_minor Int128, gifts UInt64,
--   before_minor Int128
-- budget: 50ms
-- Per currency: what moved in the 60 minutes up to the moment, exact to the millisecond and the cent; net is gifts less
-- refunds and chargebacks plus won disputes, given is the gifts alone, before is the net of the hour before.

SELECT currency,
       sumIf(toInt128(amount_minor), occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR) AS net_minor,
       sumIf(toInt128(amount_minor), kind = 'gift' AND occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR)
           AS given_minor,
       countIf(kind = 'gift' AND occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR) AS gifts,
       sumIf(toInt128(amount_minor), occurred_at <= {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR) AS before_minor
FROM donations_by_time FINAL
WHERE occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 2 HOUR AND occurred_at <= {at:DateTime64(3,'UTC')}
GROUP BY currency
ORDER BY currency
