-- title: States
-- every: 2s
-- unit: usd
-- params: at DateTime64(3,'UTC'), currency String
-- returns: state String, given_minor Int128, gifts UInt64
-- budget: 50ms
-- Gifts before refunds in one currency by the giver's state over the last 60 minutes; a state counts as one of the
-- country's when the country is empty or US, and the row with an empty state is everything else.

SELECT if(upper(country) IN ('', 'US', 'USA'), upper(toString(donations_by_time.state)), '') AS state,
       sum(toInt128(amount_minor)) AS given_minor,
       count() AS gifts
FROM donations_by_time FINAL
WHERE occurred_at > {at:DateTime64(3,'UTC')} - INTERVAL 1 HOUR AND occurred_at <= {at:DateTime64(3,'UTC')}
  AND kind = 'gift' AND currency = {currency:String}
GROUP BY state
ORDER BY state
