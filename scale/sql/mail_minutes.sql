-- The mail of one blast by the minute: sent evenly for an hour, delivered a minute later, opened for three days, most in
-- the first hour. mails are those of both variants.
INSERT INTO email_minutes (minute, send_id, variant, type, bounce, domain, events, version)
WITH [('gmail.com', 0.46), ('yahoo.com', 0.17), ('aol.com', 0.09), ('hotmail.com', 0.08), ('icloud.com', 0.07),
      ('comcast.net', 0.06), ('outlook.com', 0.04), ('other', 0.03)] AS domains,
     1 / 60. AS even
SELECT {start:DateTime('UTC')} + 60 * age AS minute, {send:String} AS send_id, if(b, 'b', 'a') AS variant, what.1, what.2,
       domain.1, toUInt64(floor({mails:Float64} / 2 * domain.2 * what.3 + dice)) AS n, 1
FROM
(
    SELECT number AS age, b, domain, what, cityHash64({send:String}, number, b, domain.1, what.1, what.2) % 100000 / 100000. AS dice
    FROM numbers(4320)
    ARRAY JOIN [0, 1] AS b
    ARRAY JOIN domains AS domain
    ARRAY JOIN [('send', '', if(age < 60, even, 0)),
                ('delivery', '', if(age BETWEEN 1 AND 60, 0.975 * even, 0)),
                ('bounce', 'hard', if(age BETWEEN 1 AND 60, if(domain.1 = 'aol.com', 0.03, 0.006) * even, 0)),
                ('bounce', 'soft', if(age BETWEEN 2 AND 120, 0.005 * even, 0)),
                ('delay', '', if(age < 60, 0.01 * even, 0)),
                ('reject', '', if(age < 60, 0.0002 * even, 0)),
                ('open', '', if(b, 0.25, 0.24) * (exp(-age / 90.) / 180 + exp(-age / 1000.) / 2000)),
                ('click', '', if(b, 0.013, 0.011) * (exp(-age / 60.) / 120 + exp(-age / 600.) / 1200)),
                ('complaint', '', 0.0006 * exp(-age / 240.) / 240),
                ('unsubscribe', '', 0.0015 * exp(-age / 240.) / 240)] AS what
)
WHERE n > 0 AND minute <= toStartOfMinute({at:DateTime64(3,'UTC')})
