-- +goose Up

-- What analysts may read: no personal data, each event once. The views run with the rights of the account that
-- migrates, because the analysts' account may read nothing else.
CREATE DATABASE IF NOT EXISTS analyst ENGINE = Atomic;

CREATE OR REPLACE VIEW analyst.donations DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT source, id, kind, of, occurred_at, received_at, amount_minor, currency, recurring, donor_key, refcode, send_id,
       channel, form, state, country, first_gift
FROM campaign.donations_by_time FINAL;

CREATE OR REPLACE VIEW analyst.email_events DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT source, id, type, bounce, occurred_at, received_at, send_id, variant, recipient_key, domain, link
FROM campaign.email_events FINAL;

CREATE OR REPLACE VIEW analyst.requests DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT occurred_at, received_at, app, host, method, path, status, bytes, duration_ms, visitor_key, referrer, refcode,
       region, weight
FROM campaign.requests;

-- One blast and variant a row: the mail's figures only, since a gift names its blast and not the variant.
CREATE OR REPLACE VIEW analyst.send_variants DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT send_id, variant, min(minute) AS first_at,
       sumIf(events, type = 'send') AS sent, sumIf(events, type = 'delivery') AS delivered,
       sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard_bounced,
       sumIf(events, type = 'bounce' AND bounce = 'soft') AS soft_bounced,
       sumIf(events, type = 'complaint') AS complaints, sumIf(events, type = 'open') AS opens,
       sumIf(events, type = 'click') AS clicks, sumIf(events, type = 'unsubscribe') AS unsubscribes
FROM campaign.email_minutes FINAL
WHERE send_id != ''
GROUP BY send_id, variant;

-- One blast a row, so that adding up a column counts each mail and each gift once. variant names the only one, or is
-- empty: send_variants has them apart. gifts, raised_minor (net of refunds) and currency are of the one currency that
-- brought the most gifts; others are in donations, never added.
CREATE OR REPLACE VIEW analyst.sends DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT m.send_id AS send_id, m.variant AS variant, m.first_at AS first_at, m.sent AS sent, m.delivered AS delivered,
       m.hard_bounced AS hard_bounced, m.soft_bounced AS soft_bounced, m.complaints AS complaints, m.opens AS opens,
       m.clicks AS clicks, m.unsubscribes AS unsubscribes,
       d.gifts AS gifts, d.raised_minor AS raised_minor, d.currency AS currency
FROM
(
    SELECT send_id, if(uniqExact(variant) = 1, any(variant), '') AS variant, min(minute) AS first_at,
           sumIf(events, type = 'send') AS sent, sumIf(events, type = 'delivery') AS delivered,
           sumIf(events, type = 'bounce' AND bounce = 'hard') AS hard_bounced,
           sumIf(events, type = 'bounce' AND bounce = 'soft') AS soft_bounced,
           sumIf(events, type = 'complaint') AS complaints, sumIf(events, type = 'open') AS opens,
           sumIf(events, type = 'click') AS clicks, sumIf(events, type = 'unsubscribe') AS unsubscribes
    FROM campaign.email_minutes FINAL
    WHERE send_id != ''
    GROUP BY send_id
) AS m
LEFT JOIN
(
    SELECT send_id, tupleElement(best, 1) AS gifts, tupleElement(best, 2) AS raised_minor,
           tupleElement(best, 3) AS currency
    FROM
    (
        SELECT send_id, max((gifts, raised_minor, currency)) AS best
        FROM
        (
            SELECT send_id, toString(currency) AS currency, countIf(kind = 'gift') AS gifts,
                   accurateCast(sum(toInt128(amount_minor)), 'Int64') AS raised_minor
            FROM campaign.donations_by_time FINAL
            WHERE send_id != ''
            GROUP BY send_id, currency
        )
        GROUP BY send_id
    )
) AS d ON d.send_id = m.send_id;

CREATE OR REPLACE VIEW analyst.feeds DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT feed, kind, max(f.last_event_at) AS last_event_at, max(f.last_received_at) AS last_received_at,
       sum(f.accepted) AS accepted, sum(f.rejected) AS rejected, max(f.lag_ms) AS lag_ms
FROM campaign.feeds AS f FINAL
GROUP BY feed, kind;

CREATE OR REPLACE VIEW analyst.annotations DEFINER = CURRENT_USER SQL SECURITY DEFINER AS
SELECT at, until, kind, text, by FROM campaign.annotations FINAL WHERE NOT deleted;
