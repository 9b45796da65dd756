// Keeps the page current: htmx's websocket extension holds the connection and comes back after a break; here frames are
// put in their places, and the page says whether it is live. Nothing is ever blanked: what was shown stays until there
// is something newer, and a frame older than what is shown is dropped.
import { place } from './panels.js'
import { duration, element, write } from './words.js'

const silence = 3000 // ms without a word from the server, which sends a pulse each second, until the page says so
const hung = 8000 // ms after which a connection that says nothing is given up for a new one
const checkEvery = 5000 // ms between questions whether access has ended

/**
 * @typedef {{topic: string, seq: number, at: string, sent: number, html?: string, data?: any}} Frame
 * @typedef {{clock: import('./clock.js').Clock, charts: {update: (topic: string, data: any, at: string, seq: number) => void}, truth: import('./truth.js').Truth}} Parts
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
    this.truth = parts.truth
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
    if (frame.html !== undefined) detail.waitUntil(place(frame, (fragment) => this.truth.ages(fragment)))
    else if (frame.topic === 'pulse') this.truth.take(frame.data)
    else this.parts.charts.update(frame.topic, frame.data, frame.at, frame.seq)
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
    this.seconds = element('span')
    this.seconds.setAttribute('aria-hidden', 'true')
    return [element('b', '', 'Not live'), element('span', '', since), this.seconds, element('span', '', 'trying again')]
  }

  count() {
    const age = Math.round((performance.now() - this.heardAt) / 1000)
    if (this.seconds && this.heardTime) this.seconds.textContent = `${duration(age)} ago`
    this.truth.hide()
  }
}

function ended() {
  const link = element('a', '', 'Sign in')
  link.setAttribute('href', '/sign-in')
  return [element('b', '', 'Your access has ended'), element('span', '', 'nothing here moves any more'), link]
}
