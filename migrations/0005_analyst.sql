-- +goose Up

-- What analysts may read: no personal data, each event once. The views run with the app's rights, because the
-- analysts' account may read nothing else.
CREATE DATABASE IF NOT EXISTS analyst ENGINE = Atomic;

CREATE VIEW analyst.donations DEFINER = app SQL SECURITY DEFINER AS
SELECT source, id, kind, of, occurred_at, received_at, amount_minor, currency, recurring, donor_key, refcode, send_id,
       channel, form, state, country, first_gift
FROM campaign.donations FINAL;

CREATE VIEW analyst.email_events DEFINER = app SQL SECURITY DEFINER AS
SELECT source, id, type, bounce, occurred_at, received_at, send_id, variant, recipient_key, domain, link
FROM campaign.email_events FINAL;

CREATE VIEW analyst.requests DEFINER = app SQL SECURITY DEFINER AS
SELECT occurred_at, received_at, app, host, method, path, status, bytes, duration_ms, visitor_key, referrer, refcode,
       region, weight
FROM campaign.requests;

-- One blast a row. raised_minor is in the currency that brought the most gifts; variant is named when there is one.
CREATE VIEW analyst.sends DEFINER = app SQL SECURITY DEFINER AS
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
    SELECT send_id, argMax(currency, gifts) AS currency, argMax(raised_minor, gifts) AS raised_minor,
           max(gifts) AS gifts
    FROM
    (
        SELECT send_id, currency, countIf(kind = 'gift') AS gifts, sum(amount_minor) AS raised_minor
        FROM campaign.donations FINAL
        WHERE send_id != ''
        GROUP BY send_id, currency
    )
    GROUP BY send_id
) AS d ON d.send_id = m.send_id;

CREATE VIEW analyst.feeds DEFINER = app SQL SECURITY DEFINER AS
SELECT feed, kind, max(f.last_event_at) AS last_event_at, max(f.last_received_at) AS last_received_at,
       sum(f.accepted) AS accepted, sum(f.rejected) AS rejected, max(f.lag_ms) AS lag_ms
FROM campaign.feeds AS f FINAL
GROUP BY feed, kind;

CREATE VIEW analyst.annotations DEFINER = app SQL SECURITY DEFINER AS
SELECT at, until, kind, text, by FROM campaign.annotations FINAL WHERE NOT deleted;
