// Charts over time, drawn by uPlot: bars for amounts, lines for rates, never more than four series, few lines of grid,
// the axis in the campaign's zone, the exact figures under the pointer and the arrow keys, and the same as a table.
import { changed, isBare, isChange } from './series.js'
import { options, voiceOf } from './drawing.js'
import { say } from './say.js'
import { zoned } from './times.js'
import { element, full, panelID } from './words.js'

/** @typedef {import('./series.js').Series} Series */

/** @returns {{update: (topic: string, data: any, at: string, seq: number) => void}} */
export function startCharts() {
  const zone = zoned(document.body.dataset.zone || undefined)
  /** @type {Map<string, Chart>} */
  const charts = new Map()
  for (const panel of document.querySelectorAll('.panel.chart')) {
    const chart = new Chart(panel, zone)
    charts.set(panel.id, chart)
    const first = document.getElementById(panel.id + '-series')
    if (first) chart.show(JSON.parse(first.textContent ?? 'null'))
  }
  document.addEventListener('warroom:theme', () => charts.forEach((c) => c.rebuild()))
  document.fonts?.ready.then(() => charts.forEach((c) => c.rebuild()))
  return { update: (topic, data, at, seq) => charts.get(panelID(topic))?.update(data, at, seq) }
}

class Chart {
  /** @param {Element} panel @param {import('./times.js').Zone} zone */
  constructor(panel, zone) {
    this.panel = panel
    this.zone = zone
    this.plot = /** @type {HTMLElement} */ (panel.querySelector('.plot'))
    this.legend = /** @type {HTMLElement} */ (panel.querySelector('.legend'))
    this.details = /** @type {HTMLDetailsElement} */ (panel.querySelector('details'))
    this.kind = this.plot.dataset.kind ?? 'lines' // bars, lines, or apps: lines that are no outcomes
    this.unit = this.plot.dataset.unit ?? ''
    this.reading = element('div', 'reading')
    this.reading.setAttribute('aria-hidden', 'true') // the arrow keys say it, and the table has it
    /** @type {Series|null} what is drawn */
    this.series = null
    /** @type {Series|null} what the server's changes build on; drawn too, unless it is bare and in doubt */
    this.base = null
    this.seq = NaN // of the frame that made base
    /** @type {number|null} the moment that the arrow keys stand on */
    this.held = null
    /** @type {any} */
    this.picture = null
    this.shape = ''
    new ResizeObserver(() => this.resize()).observe(this.plot)
    this.details?.addEventListener('toggle', () => this.table())
    this.listen()
  }

  listen() {
    const { plot } = this
    plot.addEventListener('keydown', (event) => this.key(event))
    plot.addEventListener('blur', () => this.hold(null))
    const scrub = (/** @type {PointerEvent} */ event) => {
      if (event.pointerType !== 'mouse' && this.picture) this.picture.setCursor({ left: event.clientX - this.picture.rect.left, top: 1 })
    }
    plot.addEventListener('pointerdown', scrub)
    plot.addEventListener('pointermove', scrub)
  }

  /**
   * Takes a frame: all points, or those that changed since the frame it names. A change that builds on another state
   * is left: the server sends all points to whoever missed one.
   * @param {any} data @param {string} at data time @param {number} seq
   */
  update(data, at, seq) {
    let next = data
    if (isChange(data)) next = this.base && data.after === this.seq ? changed(this.base, data) : null
    if (!next?.times?.length) {
      this.seq = NaN
      return
    }
    this.base = next
    this.seq = seq
    this.panel.setAttribute('data-at', at)
    this.show(next)
  }

  /** @param {Series|null} series */
  show(series) {
    if (!series?.times?.length) return
    this.doubt(series.doubt ?? '')
    if (series.doubt && this.series && isBare(series)) return // nothing is known yet: the last figures stay, in doubt
    this.series = series
    const shape = series.columns.map((c) => c.name).join() + series.step
    if (!this.picture || shape !== this.shape) {
      this.shape = shape
      this.rebuild()
    } else {
      this.picture.setData(this.points())
      queueMicrotask(() => this.follow()) // uPlot sets its scales in a microtask, too
      this.read()
    }
    this.table()
  }

  /** @param {string} reason */
  doubt(reason) {
    const why = /** @type {HTMLElement} */ (this.panel.querySelector('.why'))
    this.panel.classList.toggle('doubt', reason !== '')
    why.hidden = reason === ''
    if (why.textContent !== reason) why.textContent = reason
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
    this.plot.setAttribute('role', 'application')
    this.plot.setAttribute('aria-roledescription', 'chart')
    this.plot.tabIndex = 0
    this.picture = new uPlot(options(this, width, height), this.points(), this.plot)
    this.picture.em = this.em()
    this.plot.append(this.reading)
    this.names()
    queueMicrotask(() => this.follow())
    this.read()
  }

  resize() {
    if (!this.series) return
    const { width, height } = this.plot.getBoundingClientRect()
    if (!this.picture || this.picture.em !== this.em()) this.rebuild()
    else if (width >= 40 && height >= 40) this.picture.setSize({ width, height })
  }

  em() { return parseFloat(getComputedStyle(this.plot).fontSize) }

  names() {
    const { columns } = /** @type {Series} */ (this.series)
    this.values = columns.map(() => element('b'))
    this.legend.replaceChildren(...columns.map((c, i) => element('span', 'k-' + voiceOf(this.kind, i).colour, this.swatch(i), c.label, this.values?.[i] ?? '')))
  }

  /** A line differs by its stroke, too: colour is never alone. */
  swatch(/** @type {number} */ i) {
    const mark = element('i', this.kind === 'bars' ? '' : voiceOf(this.kind, i).dash ? 'dash' : 'line')
    mark.setAttribute('aria-hidden', 'true')
    return mark
  }

  /** Writes the newest rates into the legend, and the exact figures of the moment under the pointer beside it. */
  read() {
    const { times, columns, step } = /** @type {Series} */ (this.series)
    columns.forEach((c, i) => {
      const place = this.values?.[i]
      const value = this.kind === 'bars' || this.kind === 'curve' ? '' : full(c.values[times.length - 1], c.unit || this.unit)
      if (place && place.textContent !== value) place.textContent = value
      if (place) place.hidden = value === ''
      // A line without a point has no name: earlier sends where there were none.
      const name = place?.closest('span')
      if (name) name.hidden = this.kind === 'curve' && c.values.every((v) => v === null)
    })
    const at = this.picture?.cursor.idx ?? null
    this.reading.classList.toggle('on', at !== null)
    if (at === null) return
    this.reading.classList.toggle('left', this.picture.cursor.left > this.picture.rect.width / 2)
    this.reading.replaceChildren(
      element('b', 'when', this.zone.exact(times[at], step)),
      ...columns.map((c, i) => element('span', 'k-' + voiceOf(this.kind, i).colour, this.swatch(i), c.label, element('b', '', full(c.values[at], c.unit || this.unit)))),
    )
  }

  /** The arrows walk from point to point; Home and End are the ends, with Shift or Page it goes ten at once. */
  key(/** @type {KeyboardEvent} */ event) {
    if (!this.series || event.ctrlKey || event.metaKey || event.altKey) return
    const { times } = this.series
    const last = times.length - 1
    const here = this.held === null ? last + 1 : times.indexOf(this.held)
    const by = event.shiftKey ? 10 : 1
    const to = { ArrowLeft: here - by, ArrowRight: here + by, PageUp: here - 10, PageDown: here + 10, Home: 0, End: last }[event.key]
    if (to === undefined) {
      if (event.key !== 'Escape' || this.held === null) return
      this.hold(null)
    } else {
      this.hold(times[Math.max(0, Math.min(last, to))])
      say(this.words())
    }
    event.preventDefault()
    event.stopPropagation()
  }

  /** @param {number|null} moment */
  hold(moment) {
    this.held = moment
    if (this.picture && moment === null) this.picture.setCursor({ left: -10, top: -10 })
    else this.follow()
  }

  /** Keeps the cursor of the keys on its moment while the picture moves on under it. */
  follow() {
    if (this.held === null || !this.picture || !this.series) return
    if (!this.series.times.includes(this.held)) this.held = this.series.times.find((t) => t > /** @type {number} */ (this.held)) ?? null
    if (this.held !== null) this.picture.setCursor({ left: this.picture.valToPos(this.held, 'x') + 0.5, top: 1 })
  }

  /** @returns {string} the held moment as a sentence */
  words() {
    const { times, columns, step } = /** @type {Series} */ (this.series)
    const at = times.indexOf(/** @type {number} */ (this.held))
    return `${this.zone.exact(times[at], step)}: ${columns.map((c) => `${c.label} ${full(c.values[at], c.unit || this.unit)}`).join(', ')}`
  }

  /** The same figures as a table, newest first, made when somebody opens it. */
  table() {
    if (!this.details?.open || !this.series) return
    const { times, columns, step } = this.series
    const when = this.zone.column(times, step)
    const table = document.createElement('table')
    const head = table.createTHead().insertRow()
    for (const text of [when.head, ...columns.map((c) => c.label)]) {
      const th = element('th', '', text)
      th.setAttribute('scope', 'col')
      head.append(th)
    }
    const rows = table.createTBody()
    for (let i = times.length - 1; i >= 0; i--) {
      const row = rows.insertRow()
      for (const text of [when.cell(times[i]), ...columns.map((c) => full(c.values[i], c.unit || this.unit))]) row.insertCell().textContent = text
    }
    this.details.querySelector('table')?.replaceWith(table)
  }
}
