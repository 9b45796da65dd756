-- title: People on the sites
-- every: 2s
-- unit: count
-- params: at DateTime64(3,'UTC')
-- returns: visitors UInt64
-- budget: 10ms
-- How many different visitors made a request in the last five minutes (290 to 300 seconds: up to the moment, from the
-- first whole ten seconds), over all apps; an estimate within about two percent; requests without a visitor don't
-- count.

WITH {at:DateTime64(3,'UTC')} AS moment, toStartOfInterval(moment, INTERVAL 10 SECOND) AS last_tick
SELECT uniqCombinedMerge(12)(visitors) AS visitors
FROM
(
    SELECT visitors
    FROM request_visitors
    WHERE tick >= last_tick - INTERVAL 290 SECOND AND tick < last_tick
    UNION ALL
    SELECT uniqCombinedState(12)(visitor_key) AS visitors
    FROM requests
    WHERE toStartOfMinute(occurred_at) = toStartOfMinute(last_tick) -- finds the place in the table's order
      AND occurred_at >= last_tick AND occurred_at <= moment AND visitor_key != ''
)
