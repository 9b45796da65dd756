// How numbers read: short on an axis, exact under a pointer and in a table.

const units = { usd: ['$', ''], percent: ['', ' %'], ms: ['', ' ms'], bytes: ['', 'B'] }
const around = (/** @type {string} */ unit) => units[/** @type {keyof typeof units} */ (unit)] ?? ['', '']

/** @returns {string} for an axis: "$15k" */
export function short(/** @type {number} */ v, /** @type {string} */ unit) {
  const [before, after] = around(unit)
  const size = Math.abs(v)
  const [by, letter] = size >= 1e9 ? [1e9, unit === 'bytes' ? 'G' : 'B'] : size >= 1e6 ? [1e6, 'M'] : size >= 1e3 ? [1e3, 'k'] : [1, '']
  const digits = Number((size / by).toFixed(2))
  if (unit === 'bytes') return v === 0 ? '0' : `${digits} ${letter}${after}`
  return (v < 0 ? '−' : '') + (v ? before : '') + digits + letter + (v && letter === '' || unit === 'percent' ? after : '')
}

/** @returns {string} for a reader, exact: "$31,200.55", "9,412", "212 ms", "–" */
export function full(/** @type {number|null|undefined} */ v, /** @type {string} */ unit) {
  if (v === null || v === undefined) return '–'
  if (unit === 'bytes' && Math.abs(v) >= 1e3) return short(v, unit)
  const [before, after] = around(unit)
  const decimals = unit === 'usd' ? (Number.isInteger(v) ? 0 : 2) : Number.isInteger(v) ? 0 : unit === 'percent' ? 2 : Math.abs(v) < 10 ? 1 : 0
  const digits = Math.abs(v).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return (v < 0 ? '−' : '') + before + digits + (unit === 'bytes' ? ' B' : after)
}

/** @returns {string} "1 query", "312 viewers" */
export const plural = (/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) =>
  `${(n ?? 0).toLocaleString('en-US')} ${n === 1 ? one : many}`

/** @param {number} seconds @returns {string} "0.4 s", "12 s", "3 min", "5 h", "3 days" */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(Number.isInteger(seconds) ? 0 : 1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`
}

/** @returns {HTMLElement} */
export function element(/** @type {string} */ name, /** @type {string} */ kind = '', /** @type {(string|Node)[]} */ ...children) {
  const el = document.createElement(name)
  if (kind) el.className = kind
  el.append(...children)
  return el
}

/** Writes without touching what is the same already. */
export function write(/** @type {HTMLElement|string|null} */ where, /** @type {string} */ text) {
  const el = typeof where === 'string' ? document.getElementById(where) : where
  if (el && el.textContent !== text) el.textContent = text
}

/** @returns {string} the id of the panel's element: what a topic is about and its span are left out, a page has one of each */
export const panelID = (/** @type {string} */ topic) => 'p-' + topic.split(/[@:]/)[0].replaceAll('.', '-')
