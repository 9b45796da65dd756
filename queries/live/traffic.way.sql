-- title: From a page to a gift
-- every: 10s
-- unit: count
-- params: at DateTime64(3,'UTC'), since DateTime64(3,'UTC'), until DateTime64(3,'UTC')
-- returns: saw UInt64, came UInt64, sent UInt64, gifts UInt64, through_forms UInt64
-- budget: 10ms
-- After since up to until, whole steps of five minutes: how many different visitors saw any page, a page where people
-- give, and sent its form (within about two percent; requests without a visitor don't count); how many gifts were made,
-- of all currencies and roads, and how many of these name the form that they were given through. at is not looked at:
-- until is its last whole step.

WITH (
         SELECT (sum(g.gifts), sumIf(g.gifts, value != ''))
         FROM donation_cuts AS g FINAL
         WHERE span = 60 AND cut = 'form' AND start > {since:DateTime64(3,'UTC')} AND start <= {until:DateTime64(3,'UTC')}
     ) AS given
SELECT uniqCombinedMerge(12)(s.saw) AS saw, uniqCombinedMerge(12)(s.came) AS came, uniqCombinedMerge(12)(s.sent) AS sent,
       assumeNotNull(given.1) AS gifts, assumeNotNull(given.2) AS through_forms
FROM request_steps AS s
WHERE start > {since:DateTime64(3,'UTC')} AND start <= {until:DateTime64(3,'UTC')}
  AND start <= {at:DateTime64(3,'UTC')}
