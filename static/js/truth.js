// How far the figures can be trusted: the strip under the page, the age at the head of every panel, and what opens from
// there: where a panel's figures come from, which feeds are quiet, and what it costs.
import { duration, element, plural, write } from './words.js'

// ms; older data says how old it is. The server sends figures that stay the same again every ten seconds only, and the
// page itself says within three when it hears nothing.
const fresh = 15_000

/**
 * @typedef {{feeds: number, of: number, usual: number|null, quiet?: string[], data_at?: string, counted_to?: string}} Feeding
 * @typedef {{data_at?: string, feeds: number, of: number, doubt: string, viewers: number, queries: number, kinds?: Record<string, Feeding>}} Pulse
 */

export class Truth {
  /** @param {import('./clock.js').Clock} clock */
  constructor(clock) {
    this.clock = clock
    /** @type {Pulse|null} */
    this.pulse = null
    this.details = new Details(this)
  }

  /** @param {Pulse} pulse */
  take(pulse) {
    this.pulse = pulse
    this.show()
    this.details.show()
  }

  show() {
    this.ages(document)
    const p = this.pulse
    if (!p) return
    write('truth-feeds', p.of ? `${p.feeds} of ${p.of} feeds` : 'no feed yet')
    const at = Date.parse(p.data_at ?? '')
    write('truth-age', at > 0 ? `data ${duration(Math.max(0, (this.clock.now() - at) / 1000))} old` : '')
    write('truth-work', `${plural(p.queries, 'query', 'queries')} a second for ${plural(p.viewers, 'viewer', 'viewers')}`)
    write('truth-doubt', p.doubt ?? '')
  }

  hide() {
    write('truth-age', '')
    this.ages(document)
  }

  /** Writes at the head of each panel how old its data is. A page of the past keeps the times that it came with. */
  ages(/** @type {ParentNode} */ root) {
    if (!document.body.dataset.live) return
    for (const button of root.querySelectorAll('button.age')) {
      const panel = button.closest('.panel')
      const place = button.querySelector('time')
      if (panel && place) write(place, this.age(panel))
    }
  }

  /** @returns {string} "now", "12 s old" */
  age(/** @type {Element} */ panel) {
    const at = this.dataTime(panel)
    if (!at) return 'no data yet'
    const old = Math.max(0, this.clock.now() - at)
    return old < fresh ? 'now' : duration(Math.round(old / 1000)) + ' old'
  }

  /**
   * A panel whose figures didn't change isn't sent again: then they hold for what has been counted since.
   * @returns {number} Unix ms; 0: unknown
   */
  dataTime(/** @type {Element} */ panel) {
    const drawn = Date.parse(panel.getAttribute('data-at') ?? '') || 0
    const held = this.kinds(panel).map(([, k]) => Date.parse(k.counted_to ?? '') || 0)
    return held.length ? Math.max(drawn, Math.min(...held)) : drawn
  }

  /** @returns {[string, Feeding][]} the streams behind a panel */
  kinds(/** @type {Element} */ panel) {
    const names = (panel.getAttribute('data-kinds') ?? '').split(' ').filter(Boolean)
    const known = this.pulse?.kinds ?? {}
    return names.flatMap((name) => (known[name] ? [/** @type {[string, Feeding]} */ ([name, known[name]])] : []))
  }
}

/** What opens from a panel's age: one for the page, filled for the panel that was asked. */
class Details {
  /** @param {Truth} truth */
  constructor(truth) {
    this.truth = truth
    /** @type {HTMLElement|null} */
    this.panel = null
    /** @type {any} the panel as the API tells it */
    this.value = null
    this.box = element('div', 'details')
    this.box.id = 'details'
    this.box.setAttribute('popover', 'auto')
    this.box.setAttribute('role', 'dialog')
    this.box.tabIndex = -1
    document.body.append(this.box)
    this.box.addEventListener('toggle', (event) => { if (/** @type {any} */ (event).newState === 'closed') this.panel = null })
    let closing = '' // the panel whose details this press of the pointer is about to close
    document.addEventListener('pointerdown', () => { closing = this.panel?.id ?? '' }, true)
    document.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button.age') : null
      if (!button) return
      const panel = /** @type {HTMLElement} */ (button.closest('.panel'))
      if (event.detail && closing === panel.id) return // a second press closes
      this.open(panel, button)
    })
  }

  open(/** @type {HTMLElement} */ panel, /** @type {Element} */ button) {
    this.panel = panel
    this.value = null
    this.show()
    this.box.showPopover()
    this.box.focus()
    put(this.box, button)
    this.ask(panel)
  }

  async ask(/** @type {HTMLElement} */ panel) {
    const at = document.documentElement.dataset.state === 'past' ? '?at=' + encodeURIComponent(panel.dataset.at ?? '') : ''
    try {
      const answer = await fetch(`/api/v1/panels/${encodeURIComponent(panel.dataset.topic ?? '')}${at}`, { headers: { Accept: 'application/json' }, cache: 'no-store' })
      const value = answer.ok ? await answer.json() : {}
      if (this.panel === panel) this.value = value
    } catch {
      if (this.panel === panel) this.value = {}
    }
    this.show()
  }

  /** Writes the lines anew while it is open: the age goes on. */
  show() {
    const { panel } = this
    if (!panel) return
    const title = panel.querySelector('h2')?.textContent ?? ''
    this.box.setAttribute('aria-label', `Where ${title} comes from`)
    const lines = this.lines(panel).flatMap(([name, ...texts]) => [element('dt', '', name), ...texts.map((t) => element('dd', '', t))])
    const doubt = panel.querySelector(':scope > .why:not([hidden])')?.textContent
    const next = [element('h3', '', title), ...(doubt ? [element('p', 'doubtful', doubt)] : []), element('dl', '', ...lines)]
    if (this.box.textContent !== next.map((n) => n.textContent).join('')) this.box.replaceChildren(...next)
  }

  /** @returns {string[][]} each a name and what there is to say about it */
  lines(/** @type {HTMLElement} */ panel) {
    const { truth, value } = this
    const { clock } = truth
    const at = truth.dataTime(panel)
    const live = document.body.dataset.live
    const kinds = truth.kinds(panel)
    const quiet = kinds.flatMap(([, k]) => k.quiet ?? [])
    const watermark = Date.parse(value?.watermark ?? '')
    const out = [['Figures as of', at ? clock.exact(at) : 'unknown', ...(at && live ? [duration(Math.max(0, (clock.now() - at) / 1000)) + ' ago'] : [])]]
    if (kinds.length) out.push(['Feeds behind it', ...kinds.map(([name, k]) => feeding(name, k))])
    else if (value?.coverage) out.push(['Feeds behind it', value.coverage.of ? `${value.coverage.feeds} of ${value.coverage.of} feeds` : 'no feed yet'])
    if (quiet.length) out.push(['Quiet now', quiet.join(', ')])
    if (value) out.push(['Newest event in it', watermark ? clock.exact(watermark) : 'unknown'])
    else out.push(['Newest event in it', '…'])
    if (value?.work) out.push(['Work', `${plural(value.work.queries, 'query', 'queries')} a second, ${plural(value.work.viewers, 'viewer', 'viewers')}`])
    else if (live && truth.pulse) out.push(['Work', `whole server: ${plural(truth.pulse.queries, 'query', 'queries')} a second, ${plural(truth.pulse.viewers, 'viewer', 'viewers')}`])
    return out
  }
}

/** @returns {string} "donations: 11 of 12 feeds, 93 % of the usual volume for this hour of the week" */
export function feeding(/** @type {string} */ name, /** @type {Feeding} */ k) {
  const usual = k.usual === null || k.usual === undefined ? 'nothing known yet of the usual volume' : `${Math.round(k.usual * 100).toLocaleString('en-US')} % of the usual volume for this hour of the week`
  return `${name}: ${k.of ? `${k.feeds} of ${plural(k.of, 'feed', 'feeds')}` : 'no feed yet'}, ${usual}`
}

/** Puts the box under its button, inside the window. On a phone the stylesheet puts it at the bottom. */
function put(/** @type {HTMLElement} */ box, /** @type {Element} */ button) {
  const from = button.getBoundingClientRect(), own = box.getBoundingClientRect()
  const left = Math.max(8, Math.min(from.right - own.width, innerWidth - own.width - 8))
  const below = from.bottom + 6, room = innerHeight - own.height - 8
  box.style.setProperty('--x', `${left}px`)
  box.style.setProperty('--y', `${Math.max(8, Math.min(below, room))}px`)
}

