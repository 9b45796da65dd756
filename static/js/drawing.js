// How a chart is drawn: its voices, its axes, the size of their steps. uPlot gets its options from here.
import { short } from './words.js'

/**
 * @typedef {{colour: string, area?: boolean, dash?: number[]}} Voice
 * @typedef {{kind: string, unit: string, zone: import('./times.js').Zone, series: import('./series.js').Series|null, em: () => number, read: () => void}} Drawn
 */

// The voice of each lane, by its place.
/** @type {Record<string, Voice[]>} */
const voices = {
  bars: [{ colour: 'money' }, { colour: 'money-2' }, { colour: 'traffic' }, { colour: 'mail' }],
  lines: [{ colour: 'traffic', area: true }, { colour: 'traffic-2' }, { colour: 'ink-2', dash: [4, 3] }, { colour: 'bad' }],
  mail: [{ colour: 'mail', area: true }, { colour: 'ink-2' }, { colour: 'ink-3', dash: [4, 3] }, { colour: 'ink-3', dash: [1, 3] }],
  curve: [{ colour: 'money', area: true }, { colour: 'ink-2', dash: [4, 3] }, { colour: 'money-2' }, { colour: 'money-2' }],
  apps: [{ colour: 'traffic', area: true }, { colour: 'ink' }, { colour: 'ink-2', dash: [4, 3] }, { colour: 'ink-3', dash: [1, 3] }],
}

/** @returns {Voice} */
export const voiceOf = (/** @type {string} */ kind, /** @type {number} */ i) => voices[kind]?.[i] ?? { colour: 'ink-3' }

/** @param {string} name @returns {string} a colour of the theme */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim()

/** @param {Drawn} chart @param {number} width @param {number} height */
export function options(chart, width, height) {
  const em = chart.em(), size = Math.max(11, Math.round(em * 0.82)) // uPlot reads whole pixels only
  const { step, columns } = /** @type {import('./series.js').Series} */ (chart.series)
  const bars = chart.kind === 'bars'
  const axis = { stroke: colour('ink-3'), font: `400 ${size}px "Inter Variable", sans-serif`, ticks: { show: false } }
  let by = 60 // seconds between the labels of the time axis
  return {
    width, height, padding: [size * 0.7, size * 0.3, 0, 0], legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: !bars, size: 6 } },
    scales: {
      x: { time: true, range: (/** @type {any} */ _, /** @type {number} */ a, /** @type {number} */ b) => [a, b + (bars ? step : 0)] },
      y: { range: (/** @type {any} */ _, /** @type {number} */ low, /** @type {number} */ top) => [low < 0 ? low * 1.04 : 0, ceiling(top, chart.unit)] },
    },
    axes: [
      {
        ...axis, grid: { show: false }, size: size * 1.9, gap: size * 0.5,
        splits: (/** @type {any} */ u) => {
          const ticks = moments(u, chart.zone, size * (width < 600 ? 6.4 : 9))
          by = ticks.by
          return ticks.at
        },
        values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((t) => chart.zone.label(t, by)),
      },
      {
        ...axis, grid: { stroke: colour('line'), width: 1 }, size: size * (chart.unit === 'ms' ? 4.8 : 3.6), gap: size * 0.5,
        splits: (/** @type {any} */ u) => levels(u.scales.y.max, height < em * 8 ? 2 : 3),
        values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((v) => short(v, chart.unit)),
      },
    ],
    bands: chart.kind === 'curve' ? [{ series: [4, 3], fill: colour('money-2') + '38' }] : [], // from the low end to the high one
    series: [{}, ...columns.map((c, i) => lane(c.label, voiceOf(chart.kind, i), bars, em))],
    hooks: { setCursor: [() => chart.read()] },
  }
}

function lane(/** @type {string} */ label, /** @type {Voice} */ voice, /** @type {boolean} */ bars, /** @type {number} */ em) {
  const tint = colour(voice.colour)
  if (bars) return { label, fill: tint, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.76, 60], align: 1 }) }
  const fill = voice.area ? tint + '26' : undefined
  return { label, stroke: tint, width: Math.max(1.5, em / 9), dash: voice.dash, fill, points: { show: false }, spanGaps: false }
}

/** @returns {number} the size of a step on the way to top that reads well, with at most n steps */
function stride(/** @type {number} */ top, /** @type {number} */ n) {
  const raw = top / n
  const power = 10 ** Math.floor(Math.log10(raw))
  return (/** @type {number} */ ([1, 1.5, 2, 2.5, 3, 4, 5, 10].find((m) => m * power >= raw * 0.999))) * power
}

/** The end of the y axis: a little above the highest point, and not so low that a few cents fill the picture. */
function ceiling(/** @type {number} */ top, /** @type {string} */ unit) {
  return Math.max({ usd: 30, percent: 1 }[unit] ?? 3, (top || 0) * 1.04)
}

function levels(/** @type {number} */ top, /** @type {number} */ n) {
  const by = stride(top, n)
  const out = []
  for (let v = 0; v <= top * 1.0001; v += by) out.push(v)
  return out
}

/** Round moments, as close as their labels allow. */
function moments(/** @type {any} */ u, /** @type {import('./times.js').Zone} */ zone, /** @type {number} */ room) {
  const { min, max } = u.scales.x
  const wide = u.bbox.width / devicePixelRatio
  const last = max - ((max - min) * room * 0.3) / wide // a later label would be cut
  return zone.moments(min, Math.max(min, last), Math.max(1, Math.floor(wide / room)))
}
