-- Single events, as many as the minutes count.
INSERT INTO email_events (occurred_at, source, id, feed, type, bounce, received_at, send_id, variant, recipient_key,
    domain, message_id)
SELECT toDateTime64(minute, 3, 'UTC') + toIntervalMillisecond(intDiv(k * 60000 + h % 60000, events)) AS occurred_at, 'ses',
       concat(lower(hex(h)), '-', substring(type, 1, 2)), 'ses-hook', type, bounce, occurred_at, send_id, variant,
       lower(hex(intHash64(mail))), domain, lower(hex(mail))
FROM
(
    SELECT minute, send_id, type, bounce, variant, domain, events, k,
           cityHash64(minute, send_id, type, bounce, variant, domain, k) AS h,
           cityHash64(if(type = 'delivery', minute - 60, minute), send_id, variant, domain, k) AS mail
    FROM
    (
        SELECT minute, toString(send_id) AS send_id, toString(type) AS type, toString(bounce) AS bounce,
               toString(variant) AS variant, toString(domain) AS domain, events
        FROM email_minutes
        WHERE minute >= {from:DateTime('UTC')} AND minute < {until:DateTime('UTC')}
    )
    ARRAY JOIN range(events) AS k
)
SETTINGS min_insert_block_size_rows = 2000000, max_insert_threads = 1, min_insert_block_size_bytes = 1000000000
