// The clock in the campaign's zone. It goes by the server's time, not by this machine's, which may be wrong.

/**
 * @typedef {object} Clock
 * @property {(sent: number) => void} heard takes the server's time from a frame, Unix ms
 * @property {() => void} reset forgets the server's time: the next frames may come from another server
 * @property {() => number} now the server's time, Unix ms
 * @property {(ms: number) => string} time "10:46:12 PM EDT"
 * @property {(ms: number) => string} exact "10:46:12 PM EDT, Thu 6 Sep", with the year unless it is this one
 */

/** @returns {Clock} */
export function startClock() {
  const timeZone = document.body.dataset.zone || undefined
  const zoned = (/** @type {Intl.DateTimeFormatOptions} */ o) => new Intl.DateTimeFormat('en-US', { timeZone, ...o })
  const time = zoned({ hour: 'numeric', minute: '2-digit', second: '2-digit', timeZoneName: 'short' })
  const day = zoned({ weekday: 'short', day: 'numeric', month: 'short' })
  const year = zoned({ year: 'numeric' })
  const date = (/** @type {number} */ ms) => {
    const parts = Object.fromEntries(day.formatToParts(ms).map((p) => [p.type, p.value]))
    return `${parts.weekday} ${parts.day} ${parts.month}`
  }
  let ahead = -Infinity // ms that the server's clock is ahead: the quickest frame tells best

  /** @type {Clock} */
  const clock = {
    heard: (sent) => { ahead = Math.max(ahead, sent - Date.now()) },
    reset: () => { ahead = -Infinity },
    now: () => Date.now() + (Number.isFinite(ahead) ? ahead : 0),
    time: (ms) => plain(time.format(ms)),
    exact: (ms) => `${plain(time.format(ms))}, ${date(ms)}${year.format(ms) === year.format(clock.now()) ? '' : ' ' + year.format(ms)}`,
  }
  const face = document.getElementById('clock')
  const today = document.getElementById('date')
  if (!face) return clock
  const tick = () => {
    const now = clock.now()
    write(face, clock.time(now))
    write(today, date(now))
    setTimeout(tick, 1000 - (now % 1000) + 5)
  }
  tick()
  return clock
}

/** Some browsers put a narrow space before PM; the server's texts have a plain one. */
const plain = (/** @type {string} */ text) => text.replace(/\u202f/g, ' ')

/** Writes without touching what is the same already. */
function write(/** @type {HTMLElement|null} */ el, /** @type {string} */ text) {
  if (el && el.textContent !== text) el.textContent = text
}
