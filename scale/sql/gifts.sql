-- Movements of money of some whole minutes, a row each: rate a minute on average by the hour of the day, night a minute
-- from night_from on. Amounts have about 300 values, 40 refcodes are live at a time, sends bring gifts for three days.
INSERT INTO donations_by_time (occurred_at, source, id, path, feed, kind, of, received_at, amount_minor, currency,
    recurring, donor_key, refcode, send_id, channel, form, state, country, first_gift)
WITH {sends:Array(String)} AS sends,
     [0.3, 0.2, 0.15, 0.1, 0.1, 0.2, 0.4, 0.8, 1.2, 1.5, 1.5, 1.4, 1.5, 1.4, 1.3, 1.3, 1.3, 1.4, 1.5, 1.7, 1.9, 1.8, 1.3, 0.7]
         AS shape, -- of the day in New York
     [300, 500, 500, 1000, 1000, 1500, 2000, 2500, 2500, 2700, 3500, 5000, 5000, 10000, 10000, 25000] AS usual,
     ['', 'CA', 'NY', 'TX', 'FL', 'IL', 'PA', 'OH', 'MA', 'WA', 'NJ', 'VA', 'MI', 'MD', 'GA', 'NC', 'CO', 'MN', 'OR', 'AZ',
      'WI', 'MO', 'CT', 'TN', 'IN', 'DC', 'NM', 'NV', 'SC', 'KY', 'IA', 'ME', 'NH', 'LA', 'AL', 'KS', 'OK', 'UT', 'VT', 'RI',
      'HI', 'AR', 'ID', 'MS', 'NE', 'MT', 'DE', 'AK', 'WV', 'SD', 'ND', 'WY'] AS states
SELECT occurred_at,
       if(h2 % 10 = 0, 'stripe', 'actblue') AS source,
       concat(toString(toUnixTimestamp(minute)), '-', toString(k)) AS id,
       if(h2 % 7 = 0, 'mirror', 'vendor') AS path,
       concat(source, '-', path) AS feed,
       multiIf(h % 200 = 0, 'refund', h % 2000 = 1, 'chargeback', 'gift') AS kind,
       '' AS of,
       occurred_at AS received_at,
       if(kind = 'gift', 1, -1)
           * if(h3 % 100 < 93, usual[1 + intDiv(h3, 128) % 16], 100 * (1 + intDiv(h3, 128) % 290)) AS amount_minor,
       'USD' AS currency,
       multiIf(h4 % 100 < 18, 'monthly', h4 % 100 = 18, 'weekly', 'none') AS recurring,
       lower(hex(sipHash128(intHash64(h + 11) % 4000000))) AS donor_key,
       multiIf(rank = 3, '',
               rank % 2 = 0, concat('site-', toString(rank)),
               concat('em', toString(intDiv(toUnixTimestamp(minute), 604800)), '-', toString(rank))) AS refcode,
       if(channel = 'email' AND newest > 0 AND (h4 % 1000) / 1000. < 0.05 + 0.6 * exp(-age / 10800), sends[newest], '')
           AS send_id,
       ['email', 'email', 'sms', 'social', 'web', 'ads', 'phone'][1 + if(h5 % 50 = 0, h5 % 7, rank % 7)] AS channel,
       ['main', 'main', 'short', 'monthly', 'event'][1 + intDiv(h5, 64) % 5] AS form,
       states[1 + toUInt32(52 * pow((intDiv(h5, 1024) % 10000) / 10000., 2))] AS state,
       multiIf(h5 % 97 = 0, 'CA', h5 % 101 = 0, '', 'US') AS country,
       intDiv(h2, 32) % 7 = 0 AS first_gift
FROM
(
    SELECT minute, k, newest, age, cityHash64(minute, k) AS h, intHash64(h) AS h2, intHash64(h2) AS h3,
           intHash64(h3) AS h4, intHash64(h4) AS h5,
           toUInt32(40 * pow((intHash64(h5) % 100000) / 100000., 2)) AS rank,
           toDateTime64(minute, 3, 'UTC') + toIntervalMillisecond(intDiv(k * 60000 + h % 60000, n)) AS occurred_at
    FROM
    (
        SELECT {from:DateTime('UTC')} + 60 * number AS minute,
               intHash64(toUnixTimestamp(minute)) % 1000 / 1000. AS dice,
               toInt64(floor(if(minute >= {night_from:DateTime('UTC')}, {night:Float64} * (0.9 + 0.2 * dice),
                                {rate:Float64} * 0.96 * shape[1 + toHour(minute - 14400)]) + dice)) AS n,
               arrayLastIndex(s -> s <= minute AND s > minute - 259200, {starts:Array(DateTime('UTC'))}) AS newest,
               if(newest > 0, minute - {starts:Array(DateTime('UTC'))}[newest], 0) AS age
        FROM numbers(toUInt64(dateDiff('minute', {from:DateTime('UTC')}, {until:DateTime('UTC')})))
    )
    ARRAY JOIN range(n) AS k
)
WHERE occurred_at <= {at:DateTime64(3,'UTC')}
