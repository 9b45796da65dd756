// Charts over time, drawn by uPlot: bars for amounts, lines for rates, never more than four series, few lines of grid,
// the axis in the campaign's zone, and the same figures as a table.

/**
 * @typedef {{name: string, label: string, unit: string, values: (number|null)[]}} Lane
 * @typedef {{times: number[], step: number, columns: Lane[], doubt?: string}} Series
 */

// The voice of each lane, by its place; a line also differs by its stroke, so that colour is never alone.
const voices = {
  bars: [{ colour: 'money' }, { colour: 'money-2' }],
  lines: [{ colour: 'traffic', area: true }, { colour: 'traffic-2' }, { colour: 'ink-2', dash: [4, 3] }, { colour: 'bad' }],
}

const zone = document.body.dataset.zone || undefined
const minute = new Intl.DateTimeFormat('en-US', { timeZone: zone, hour: 'numeric', minute: '2-digit' })
const clockTime = (/** @type {number} */ s) => minute.format(s * 1000).replace(/\u202f/g, ' ')

/** @param {import('./clock.js').Clock} clock @returns {{update: (topic: string, data: any, at: string) => void}} */
export function startCharts(clock) {
  /** @type {Map<string, Chart>} */
  const charts = new Map()
  for (const panel of document.querySelectorAll('.panel.chart')) {
    const chart = new Chart(panel)
    charts.set(panel.getAttribute('data-topic') ?? '', chart)
    const first = document.getElementById(panel.id + '-series')
    if (first) chart.update(JSON.parse(first.textContent ?? 'null'))
  }
  document.addEventListener('warroom:theme', () => charts.forEach((c) => c.rebuild()))
  document.fonts?.ready.then(() => charts.forEach((c) => c.rebuild()))
  return { update: (topic, data, at) => charts.get(topic)?.update(data, { iso: at, text: clock.time(Date.parse(at)) }) }
}

class Chart {
  /** @param {Element} panel */
  constructor(panel) {
    this.panel = panel
    this.plot = /** @type {HTMLElement} */ (panel.querySelector('.plot'))
    this.legend = /** @type {HTMLElement} */ (panel.querySelector('.legend'))
    this.details = /** @type {HTMLDetailsElement} */ (panel.querySelector('details'))
    this.kind = this.plot.dataset.kind === 'bars' ? 'bars' : 'lines'
    this.unit = this.plot.dataset.unit ?? ''
    /** @type {Series|null} */
    this.series = null
    /** @type {any} */
    this.picture = null
    this.shape = ''
    new ResizeObserver(() => this.resize()).observe(this.plot)
    this.details?.addEventListener('toggle', () => this.table())
  }

  /** @param {Series|null} series @param {{iso: string, text: string}} [at] data time */
  update(series, at) {
    if (!series?.times?.length) return
    this.doubt(series.doubt ?? '')
    if (series.doubt && this.series && isBare(series)) return // nothing is known yet: the last figures stay, in doubt
    this.series = series
    const time = this.panel.querySelector('.foot time')
    if (at && time) {
      this.panel.setAttribute('data-at', at.iso)
      time.setAttribute('datetime', at.iso)
      time.textContent = at.text
    }
    const shape = series.columns.map((c) => c.name).join()
    if (!this.picture || shape !== this.shape) {
      this.shape = shape
      this.rebuild()
    } else {
      this.picture.setData(this.points())
      this.read()
    }
    this.table()
  }

  /** @param {string} reason */
  doubt(reason) {
    const why = /** @type {HTMLElement} */ (this.panel.querySelector('.why'))
    this.panel.classList.toggle('doubt', reason !== '')
    why.hidden = reason === ''
    why.textContent = reason
  }

  /** Bars stand on each other: a layer is its lane and all that follow. */
  points() {
    const { times, columns } = /** @type {Series} */ (this.series)
    const layers = columns.map((c) => [...c.values])
    if (this.kind === 'bars') {
      for (let i = layers.length - 2; i >= 0; i--) {
        layers[i] = layers[i].map((v, k) => (v === null && layers[i + 1][k] === null ? null : (v ?? 0) + (layers[i + 1][k] ?? 0)))
      }
    }
    return [times, ...layers]
  }

  /** Makes the picture anew, with the colours and sizes of this moment. */
  rebuild() {
    if (!this.series) return
    const { width, height } = this.plot.getBoundingClientRect()
    if (width < 40 || height < 40) return
    this.picture?.destroy()
    this.plot.replaceChildren()
    this.picture = new uPlot(this.options(width, height), this.points(), this.plot)
    this.names()
    this.read()
  }

  resize() {
    if (!this.series) return
    const { width, height } = this.plot.getBoundingClientRect()
    if (!this.picture || this.picture.em !== this.em()) this.rebuild()
    else if (width >= 40 && height >= 40) this.picture.setSize({ width, height })
  }

  em() { return parseFloat(getComputedStyle(this.plot).fontSize) }

  /** @param {string} name @returns {string} a colour of the theme */
  colour(name) { return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim() }

  options(/** @type {number} */ width, /** @type {number} */ height) {
    const em = this.em(), size = Math.max(11, Math.round(em * 0.82)) // uPlot reads whole pixels only
    const { step, columns } = /** @type {Series} */ (this.series)
    const axis = { stroke: this.colour('ink-3'), font: `400 ${size}px "Inter Variable", sans-serif`, ticks: { show: false } }
    return {
      width, height, padding: [size * 0.7, size * 0.3, 0, 0], legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: this.kind === 'lines', size: 6 } },
      scales: {
        x: { time: true, range: (/** @type {any} */ _, /** @type {number} */ a, /** @type {number} */ b) => [a, b + (this.kind === 'bars' ? step : 0)] },
        y: { range: (/** @type {any} */ _, /** @type {number} */ __, /** @type {number} */ top) => [0, ceiling(top, this.unit)] },
      },
      axes: [
        { ...axis, grid: { show: false }, size: size * 1.9, gap: size * 0.5, splits: (/** @type {any} */ u) => moments(u, size * (width < 600 ? 6.4 : 9)), values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map(clockTime) },
        {
          ...axis, grid: { stroke: this.colour('line'), width: 1 }, size: size * 3.6, gap: size * 0.5,
          splits: (/** @type {any} */ u) => levels(u.scales.y.max, height < em * 8 ? 2 : 3),
          values: (/** @type {any} */ _, /** @type {number[]} */ at) => at.map((v) => short(v, this.unit)),
        },
      ],
      series: [{}, ...columns.map((c, i) => this.lane(c, i, em))],
      hooks: { init: [(/** @type {any} */ u) => { u.em = em }], setCursor: [() => this.read()] },
    }
  }

  lane(/** @type {Lane} */ column, /** @type {number} */ i, /** @type {number} */ em) {
    const voice = /** @type {{colour: string, area?: boolean, dash?: number[]}} */ (voices[this.kind][i] ?? { colour: 'ink-3' })
    const colour = this.colour(voice.colour)
    if (this.kind === 'bars') {
      return { label: column.label, fill: colour, width: 0, points: { show: false }, paths: uPlot.paths.bars({ size: [0.76, 60], align: 1 }) }
    }
    const fill = voice.area ? colour + '26' : undefined
    return { label: column.label, stroke: colour, width: Math.max(1.5, em / 9), dash: voice.dash, fill, points: { show: false }, spanGaps: false }
  }

  names() {
    const { columns } = /** @type {Series} */ (this.series)
    this.when = element('span', 'when')
    this.values = columns.map(() => element('b', ''))
    this.legend.replaceChildren(this.when, ...columns.map((c, i) => {
      const voice = /** @type {{colour: string, dash?: number[]}} */ (voices[this.kind][i] ?? { colour: 'ink-3' })
      const item = element('span', 'k-' + voice.colour)
      item.append(element('i', this.kind === 'bars' ? '' : voice.dash ? 'dash' : 'line'), c.label, this.values?.[i] ?? '')
      return item
    }))
  }

  /** Writes the figures under the pointer into the legend; without one, the newest rates. */
  read() {
    const { times, columns } = /** @type {Series} */ (this.series)
    const at = this.picture?.cursor.idx ?? null
    const shown = at ?? times.length - 1
    if (this.when) this.when.textContent = at === null ? '' : clockTime(times[at])
    columns.forEach((c, i) => {
      const value = at === null && this.kind === 'bars' ? '' : full(c.values[shown], this.unit)
      const place = this.values?.[i]
      if (!place) return
      place.textContent = value
      place.hidden = value === ''
    })
  }

  /** The same figures as a table, newest first, made when somebody opens it. */
  table() {
    if (!this.details?.open || !this.series) return
    const { times, columns } = this.series
    const table = document.createElement('table')
    const head = table.createTHead().insertRow()
    for (const text of ['Time', ...columns.map((c) => c.label)]) {
      const th = element('th', '')
      th.setAttribute('scope', 'col')
      th.textContent = text
      head.append(th)
    }
    const rows = table.createTBody()
    for (let i = times.length - 1; i >= 0; i--) {
      const row = rows.insertRow()
      for (const text of [clockTime(times[i]), ...columns.map((c) => full(c.values[i], this.unit))]) row.insertCell().textContent = text
    }
    this.details.querySelector('table')?.replaceWith(table)
  }
}

const isBare = (/** @type {Series} */ s) => s.columns.every((c) => c.values.every((v) => !v))

/** @param {string} name @param {string} kind its class */
function element(name, kind) {
  const el = document.createElement(name)
  if (kind) el.className = kind
  return el
}

/** @returns {number} the size of a step on the way to top that reads well, with at most n steps */
function stride(/** @type {number} */ top, /** @type {number} */ n) {
  const raw = top / n
  const power = 10 ** Math.floor(Math.log10(raw))
  return (/** @type {number} */ ([1, 1.5, 2, 2.5, 3, 4, 5, 10].find((m) => m * power >= raw * 0.999))) * power
}

/** The end of the y axis: a little above the highest point, and not so low that a few cents fill the picture. */
function ceiling(/** @type {number} */ top, /** @type {string} */ unit) {
  return Math.max(unit === 'usd' ? 30 : 3, (top || 0) * 1.04)
}

function levels(/** @type {number} */ top, /** @type {number} */ n) {
  const by = stride(top, n)
  const out = []
  for (let v = 0; v <= top * 1.0001; v += by) out.push(v)
  return out
}

/** Round moments, as close as their labels allow. */
function moments(/** @type {any} */ u, /** @type {number} */ room) {
  const { min, max } = u.scales.x
  const fit = Math.max(1, Math.floor(u.bbox.width / devicePixelRatio / room))
  const by = [60, 300, 600, 900, 1800, 3600, 7200, 21600].find((s) => (max - min) / s <= fit) ?? 86400
  const out = []
  const last = max - ((max - min) * room * 0.3) / (u.bbox.width / devicePixelRatio) // a later label would be cut
  for (let t = Math.ceil(min / by) * by; t <= last; t += by) out.push(t)
  return out
}

/** @returns {string} for an axis: "$15k" */
function short(/** @type {number} */ v, /** @type {string} */ unit) {
  const sign = unit === 'usd' && v ? '$' : ''
  if (v >= 1e6) return `${sign}${Number((v / 1e6).toFixed(2))}M`
  if (v >= 1e3) return `${sign}${Number((v / 1e3).toFixed(2))}k`
  return sign + Number(v.toFixed(2))
}

/** @returns {string} for a reader: "$31,200", "9,412", "–" */
function full(/** @type {number|null|undefined} */ v, /** @type {string} */ unit) {
  if (v === null || v === undefined) return '–'
  const decimals = unit === 'usd' ? (Math.abs(v) < 1000 && !Number.isInteger(v) ? 2 : 0) : Math.abs(v) < 10 && v ? 1 : 0
  const digits = Math.abs(v).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
  return (v < 0 ? '−' : '') + (unit === 'usd' ? '$' : '') + digits
}
