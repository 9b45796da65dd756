// Charts without a page: what a change makes of the points, which moment a label means, how a figure reads.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { changed } from '../static/js/series.js'
import { zoned } from '../static/js/times.js'
import { full, short } from '../static/js/words.js'

const zone = zoned('America/New_York')
const at = (text) => Date.parse(text) / 1000

describe('a change', () => {
  const lane = (values, name = 'a') => ({ name, label: name.toUpperCase(), unit: 'usd', values })
  const series = { step: 60, times: [0, 60, 120], columns: [lane([1, 2, 3]), lane([4, 5, 6], 'b')], doubt: '' }

  test('drops what has left the window, sets what is there, inserts what is new', () => {
    const next = changed(series, { after: 1, start: 60, step: 60, times: [90, 120, 180], columns: [{ name: 'b', values: [7, 8, 9] }, { name: 'a', values: [70, 80, null] }], doubt: 'why' })
    assert.deepEqual(next.times, [60, 90, 120, 180])
    assert.deepEqual(next.columns.map((c) => [c.name, c.label, ...c.values]), [['a', 'A', 2, 70, 80, null], ['b', 'B', 5, 7, 8, 9]])
    assert.equal(next.doubt, 'why')
    assert.deepEqual(series.times, [0, 60, 120], 'the old points were changed')
  })

  test('that speaks of a lane that nobody knows is refused', () => {
    assert.equal(changed(series, { after: 1, start: 0, step: 60, times: [60], columns: [{ name: 'c', values: [1] }] }), null)
  })

  test('leads to the same points as telling all of them, whatever happened', () => {
    let state = 12345
    const dice = (n) => { state = (state * 1103515245 + 12345) % 2147483648; return state % n }
    let truth = { step: 10, times: [], columns: [lane([]), lane([], 'b')], doubt: '' }
    let shown = structuredClone(truth)
    for (let tick = 0; tick < 500; tick++) {
      const start = tick * 10 - 200, known = new Map(truth.times.map((t, i) => [t, truth.columns.map((c) => c.values[i])]))
      const touched = new Set([tick * 10, ...Array.from({ length: dice(4) }, () => (tick - dice(25)) * 10)].filter((t) => t >= start))
      for (const t of touched) known.set(t, [dice(100), dice(9) ? dice(100) : null])
      const times = [...known.keys()].filter((t) => t >= start).sort((a, b) => a - b)
      truth = { ...truth, times, columns: truth.columns.map((c, i) => ({ ...c, values: times.map((t) => known.get(t)[i]) })) }
      const told = [...touched]
      shown = changed(shown, { after: tick, start, step: 10, times: told, columns: truth.columns.map((c, i) => ({ name: c.name, values: told.map((t) => known.get(t)[i]) })), doubt: '' })
      assert.deepEqual(shown, truth)
    }
  })
})

describe('a moment', () => {
  test('names its day, time and zone', () => {
    assert.equal(zone.exact(at('2012-09-07T02:46:00Z'), 60), 'Thu 6 Sep, 10:46 PM EDT')
    assert.equal(zone.exact(at('2012-09-07T02:46:10Z'), 10), 'Thu 6 Sep, 10:46:10 PM EDT')
    assert.equal(zone.exact(at('2012-09-06T04:00:00Z'), 86400), 'Thu 6 Sep')
  })

  test('of the hour that a night has twice says which of both it is', () => {
    const first = at('2012-11-04T05:00:00Z'), second = at('2012-11-04T06:00:00Z')
    assert.equal(zone.exact(first, 3600), 'Sun 4 Nov, 1:00 AM EDT')
    assert.equal(zone.exact(second, 3600), 'Sun 4 Nov, 1:00 AM EST')
    assert.deepEqual([first, second, second + 3600].map((s) => zone.label(s, 3600)), ['1 AM EDT', '1 AM EST', '2 AM'])
    const column = zone.column([first - 7200, first, second], 3600)
    assert.deepEqual([column.head, column.cell(first), column.cell(second)], ['Time', 'Sun 4 Nov, 1:00 AM EDT', 'Sun 4 Nov, 1:00 AM EST'])
    const night = zone.column([first, second], 3600)
    assert.deepEqual([night.head, night.cell(first), night.cell(second)], ['Time', '1:00 AM EDT', '1:00 AM EST'])
  })

  test('that is a day says when it has not 24 hours', () => {
    assert.equal(zone.exact(at('2012-11-04T04:00:00Z'), 86400), 'Sun 4 Nov, 25 hours')
    assert.equal(zone.exact(at('2012-03-11T05:00:00Z'), 86400), 'Sun 11 Mar, 23 hours')
  })

  test('on an axis is a round one of the local day, also over a change of the clocks', () => {
    const hours = zone.moments(at('2012-11-04T03:10:00Z'), at('2012-11-04T18:00:00Z'), 6)
    assert.equal(hours.by, 10800)
    assert.deepEqual(hours.at.map((s) => zone.label(s, hours.by)), ['4 Nov', '3 AM', '6 AM', '9 AM', '12 PM'])
    const days = zone.moments(at('2012-10-30T12:00:00Z'), at('2012-11-08T12:00:00Z'), 10)
    assert.deepEqual(days.at.map((s) => zone.label(s, days.by)), ['31 Oct', '1 Nov', '2 Nov', '3 Nov', '4 Nov', '5 Nov', '6 Nov', '7 Nov', '8 Nov'])
    const weeks = zone.moments(at('2012-10-01T12:00:00Z'), at('2012-11-08T12:00:00Z'), 6)
    assert.deepEqual(weeks.at.map((s) => zone.label(s, weeks.by)), ['8 Oct', '15 Oct', '22 Oct', '29 Oct', '5 Nov'])
    assert.equal(zoned('Asia/Kolkata').label(zoned('Asia/Kolkata').moments(at('2012-09-07T00:10:00Z'), at('2012-09-07T05:00:00Z'), 6).at[0], 3600), '6 AM')
  })
})

test('figures are exact for a reader and short for an axis', () => {
  const cases = [[31200.55, 'usd', '$31,200.55', '$31.2k'], [1250, 'usd', '$1,250', '$1.25k'], [-50.5, 'usd', '−$50.50', '−$50.5'], [null, 'rate', '–', null],
    [9412, 'rate', '9,412', '9.41k'], [0.08, 'percent', '0.08 %', '0.08 %'], [212, 'ms', '212 ms', '212 ms'], [7340032, 'bytes', '7.34 MB', '7.34 MB'], [512, 'bytes', '512 B', '512 B']]
  for (const [value, unit, reader, axis] of cases) {
    assert.equal(full(value, unit), reader)
    if (axis !== null) assert.equal(short(value, unit), axis)
  }
})
