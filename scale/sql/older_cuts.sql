-- The campaign once more, some days earlier: the same sums, its blasts under other names.
INSERT INTO donation_cuts (span, cut, start, currency, value, detail, movements, gifts, first_gifts, refunds,
    given_minor, net_minor, version)
SELECT span, cut, start - toIntervalDay({days:UInt32}), currency,
       multiIf(cut = 'send', concat({name:String}, value),
               cut = 'best', toString(toUInt32OrZero(toString(value)) - 86400 * {days:UInt32}), toString(value)),
       detail, movements, gifts, first_gifts, refunds, given_minor, net_minor, 1
FROM donation_cuts
WHERE span = {span:UInt32} AND start >= {from:DateTime('UTC')} AND start < {until:DateTime('UTC')}
