-- title: What the feeds usually send
-- every: 15s
-- unit: count
-- params: at DateTime64(3,'UTC'), starts Array(DateTime('UTC')), part UInt8
-- returns: feed LowCardinality(String), kind LowCardinality(String), start DateTime('UTC'), part UInt64, whole UInt64
-- budget: 50ms
-- Accepted events of each feed and kind in each of the hours that begin at starts: in its first minutes, as many as
-- part says, and in the whole hour; an hour in which a feed sent nothing has no row.

SELECT feed, kind,
       arrayFirst(s -> minute >= s AND minute < s + INTERVAL 1 HOUR, {starts:Array(DateTime('UTC'))}) AS start,
       sumIf(accepted, minute < start + toIntervalMinute({part:UInt8})) AS part, sum(accepted) AS whole
FROM feed_minutes FINAL
WHERE minute IN
      (
          SELECT hour + toIntervalMinute(number)
          FROM (SELECT arrayJoin({starts:Array(DateTime('UTC'))}) AS hour) AS hours
          CROSS JOIN numbers(60) AS minutes
      )
  AND minute <= {at:DateTime64(3,'UTC')}
GROUP BY feed, kind, start
ORDER BY feed, kind, start
