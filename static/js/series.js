// The points of a chart, and what a frame that carries only a change makes of them.

/**
 * @typedef {{name: string, label: string, unit: string, values: (number|null)[]}} Lane
 * @typedef {{times: number[], step: number, columns: Lane[], doubt?: string}} Series
 * @typedef {{after: number, start: number, step: number, times: number[], columns: {name: string, values: (number|null)[]}[], doubt?: string}} Change
 */

/** @param {any} data @returns {data is Change} whether a frame builds on an earlier one */
export const isChange = (data) => data?.after !== undefined

/**
 * @param {Series} series is left as it is
 * @param {Change} change
 * @returns {Series|null} the points after the change; null when it speaks of lanes that nobody knows
 */
export function changed(series, change) {
  const lanes = change.columns.map((c) => series.columns.findIndex((known) => known.name === c.name))
  if (lanes.includes(-1)) return null
  /** @type {Map<number, (number|null)[]>} */
  const rows = new Map()
  series.times.forEach((t, i) => { if (t >= change.start) rows.set(t, series.columns.map((c) => c.values[i])) })
  change.times.forEach((t, i) => {
    if (t < change.start) return
    const row = rows.get(t) ?? series.columns.map(() => null)
    lanes.forEach((lane, k) => { row[lane] = change.columns[k].values[i] })
    rows.set(t, row)
  })
  const times = [...rows.keys()].sort((a, b) => a - b)
  const columns = series.columns.map((c, i) => ({ ...c, values: times.map((t) => rows.get(t)?.[i] ?? null) }))
  return { ...series, times, columns, step: change.step ?? series.step, doubt: change.doubt ?? '' }
}

/** A server that has just started may send its points before it has any. */
export const isBare = (/** @type {Series} */ s) => s.columns.every((c) => c.values.every((v) => !v))
