// Keeps the page current: htmx's websocket extension holds the connection and comes back after a break; here frames are
// put in their places, and the page says whether it is live. Nothing is ever blanked: what was shown stays until there
// is something newer, and a frame older than what is shown is dropped.
import { remember, roll } from './roll.js'

const silence = 3000 // ms without a word from the server, which sends a pulse each second, until the page says so
const hung = 8000 // ms after which a connection that says nothing is given up for a new one
const checkEvery = 5000 // ms between questions whether access has ended

/**
 * @typedef {{topic: string, seq: number, at: string, sent: number, html?: string, data?: any}} Frame
 * @typedef {{clock: import('./clock.js').Clock, charts: {update: (topic: string, data: any, at: string) => void}}} Parts
 * @param {Parts} parts
 */
export function startLive(parts) {
  const body = document.body
  const url = body.dataset.live
  if (!url) return
  const link = new Link(parts)
  const on = (/** @type {string} */ name, /** @type {(detail: any, event: Event) => void} */ does) =>
    body.addEventListener(name, (event) => does(/** @type {CustomEvent} */ (event).detail, event))
  on('htmx:ws:before:connection', (detail, event) => link.connecting(detail, event))
  on('htmx:ws:after:connection', () => link.opened())
  on('htmx:ws:close', (detail) => link.closed(detail.code))
  on('htmx:ws:before:message:incoming', (detail) => link.received(detail))
  setInterval(() => link.look(), 250)
  // The attribute is set here and not by the server, so that no frame can come before somebody listens.
  body.setAttribute('hx-ws:connect', url)
  htmx.process(body)
}

class Link {
  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts
    this.state = 'connecting'
    this.heardAt = performance.now() // when the server last said something
    this.heardTime = 0 // the same on the server's clock, Unix ms; 0: never
    this.triedAt = performance.now()
    this.checkedAt = -Infinity
    this.failures = 0 // connections in a row that never opened
    /** @type {any} htmx's connection */
    this.connection = null
    /** @type {Map<string, number>} */
    this.seen = new Map()
    this.truth = new Truth(parts.clock)
  }

  connecting(/** @type {any} */ detail, /** @type {Event} */ event) {
    this.connection = detail.connection
    this.triedAt = performance.now()
    this.failures++
    if (this.state === 'ended') event.preventDefault()
  }

  opened() {
    this.failures = 0
    this.triedAt = performance.now()
    this.parts.clock.reset()
  }

  /** @param {number|null} code */
  closed(code) {
    if (code === 4401) this.become('ended')
    else if (this.state !== 'ended') {
      if (this.state === 'live') this.become('stale')
      if (this.failures >= 2) this.check()
    }
  }

  /** A frame has come. The next is handed over when this one is in its place. */
  received(/** @type {any} */ detail) {
    detail.cancelled = true // it is placed here, htmx has nothing more to do with it
    const frame = JSON.parse(detail.message.data)
    this.heardAt = this.triedAt = performance.now()
    this.parts.clock.heard(frame.sent)
    this.heardTime = this.parts.clock.now()
    if (this.state !== 'live') this.become('live')
    if (!(frame.seq > (this.seen.get(frame.topic) ?? -1))) return
    this.seen.set(frame.topic, frame.seq)
    if (frame.html !== undefined) detail.waitUntil(place(frame))
    else if (frame.topic === 'pulse') this.truth.take(frame)
    else this.parts.charts.update(frame.topic, frame.data, frame.at)
  }

  /** Looks four times a second whether the server still says something. */
  look() {
    const now = performance.now()
    if (this.state === 'ended') return
    if (now - this.heardAt > silence && this.state !== 'stale') this.become('stale')
    if (this.state === 'stale') this.count()
    else this.truth.show()
    const socket = this.connection?.socket
    if (now - Math.max(this.heardAt, this.triedAt) > hung && socket && socket.readyState < WebSocket.CLOSING) {
      this.triedAt = now
      socket.close() // a dead line says nothing by itself; the extension opens a new one
    }
  }

  /** A refused connection looks like a dead server: asks whether it was refused because access has ended. */
  async check() {
    const now = performance.now()
    if (now - this.checkedAt < checkEvery) return
    this.checkedAt = now
    try {
      const answer = await fetch('/api/v1/boards', { headers: { Accept: 'application/json' }, cache: 'no-store' })
      if (answer.status === 401 || answer.status === 403) this.become('ended')
    } catch { /* the server is away: the connection tries again anyway */ }
  }

  /** @param {'live'|'stale'|'ended'} state */
  become(state) {
    if (this.state === state) return
    this.state = state
    document.documentElement.dataset.state = state
    const words = { live: 'live', stale: 'not live', ended: 'signed out' }
    write('state-word', words[state])
    document.title = document.title.replace(/^(Not live: |Signed out: )?/, { live: '', stale: 'Not live: ', ended: 'Signed out: ' }[state])
    const band = document.getElementById('band')
    if (!band) return
    band.hidden = state === 'live'
    if (state === 'stale') band.replaceChildren(...this.lost())
    if (state === 'ended') band.replaceChildren(...ended())
  }

  /** What the band says. The seconds are for the eye: a screen reader hears the rest once. */
  lost() {
    const { clock } = this.parts
    const since = this.heardTime ? `figures as of ${clock.time(this.heardTime)}` : 'the server does not answer'
    this.seconds = element('span', '')
    this.seconds.setAttribute('aria-hidden', 'true')
    return [element('b', 'Not live'), element('span', since), this.seconds, element('span', 'trying again')]
  }

  count() {
    const age = Math.round((performance.now() - this.heardAt) / 1000)
    if (this.seconds && this.heardTime) this.seconds.textContent = `${duration(age)} ago`
    this.truth.hide()
  }
}

function ended() {
  const link = element('a', 'Sign in')
  link.setAttribute('href', '/sign-in')
  return [element('b', 'Your access has ended'), element('span', 'nothing here moves any more'), link]
}

/** Puts a fragment in the place of the element with its id. Focus and what is around it stay. */
async function place(/** @type {Frame} */ frame) {
  const id = 'p-' + frame.topic.replaceAll('.', '-')
  const target = document.getElementById(id)
  if (!target || keep(target, frame.html ?? '')) return
  const shown = remember(target)
  const keys = gifts(target)
  await htmx.swap({ sourceElement: document.body, target, swap: 'outerMorph', text: frame.html, transition: false })
  roll(shown)
  const placed = document.getElementById(id)
  if (placed && keys.size) light(placed, keys)
}

/**
 * A server that has just started may have no figures yet: the last ones stay, in doubt, with its reason.
 * @returns {boolean} whether the figures were kept
 */
function keep(/** @type {Element} */ target, /** @type {string} */ html) {
  if (target.matches('.none, .waiting')) return false
  const template = document.createElement('template')
  template.innerHTML = html
  const next = template.content.firstElementChild
  const reason = next?.querySelector('.why')
  if (!next?.matches('.none.doubt, .waiting.doubt') || !reason) return false
  target.classList.add('doubt')
  target.querySelector(':scope > .why')?.remove()
  target.append(reason)
  return true
}

/** @returns {Set<string>} the gifts that a ticker shows */
function gifts(/** @type {Element} */ root) {
  return new Set([...root.querySelectorAll('li[data-key]')].map((li) => li.getAttribute('data-key') ?? ''))
}

const calm = 3 // lines that light up at once; when more come, everything would flash all the time

/** Lights the lines that are new, for a moment. */
function light(/** @type {Element} */ root, /** @type {Set<string>} */ known) {
  if (document.hidden || matchMedia('(prefers-reduced-motion: reduce)').matches) return
  const fresh = [...root.querySelectorAll('li[data-key]')].filter((li) => !known.has(li.getAttribute('data-key') ?? ''))
  if (fresh.length > calm) return
  const colour = getComputedStyle(root).getPropertyValue('--tile')
  for (const li of fresh) {
    li.animate([{ backgroundColor: colour }, { backgroundColor: 'transparent' }], { duration: 1200, easing: 'ease-out' })
  }
}

/** The truth strip: how many feeds are behind the board, how old the data is, what it costs. */
class Truth {
  /** @param {import('./clock.js').Clock} clock */
  constructor(clock) {
    this.clock = clock
    /** @type {any} */
    this.pulse = null
  }

  take(/** @type {Frame} */ frame) {
    this.pulse = frame.data
    this.show()
  }

  show() {
    const p = this.pulse
    if (!p) return
    write('truth-feeds', p.of ? `${p.feeds} of ${p.of} feeds` : 'no feed yet')
    const at = Date.parse(p.data_at)
    write('truth-age', at > 0 ? `data ${duration(Math.max(0, (this.clock.now() - at) / 1000))} old` : '')
    write('truth-work', `${plural(p.queries, 'query', 'queries')} a second for ${plural(p.viewers, 'viewer', 'viewers')}`)
    write('truth-doubt', p.doubt ?? '')
  }

  hide() {
    write('truth-age', '')
  }
}

const plural = (/** @type {number} */ n, /** @type {string} */ one, /** @type {string} */ many) =>
  `${(n ?? 0).toLocaleString('en-US')} ${n === 1 ? one : many}`

/** @param {number} seconds @returns {string} "0.4 s", "12 s", "3 min", "5 h" */
function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(Number.isInteger(seconds) ? 0 : 1)} s`
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

function write(/** @type {string} */ id, /** @type {string} */ text) {
  const el = document.getElementById(id)
  if (el && el.textContent !== text) el.textContent = text
}

function element(/** @type {string} */ name, /** @type {string} */ text) {
  const el = document.createElement(name)
  el.textContent = text
  return el
}
