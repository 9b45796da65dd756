// Times in the campaign's zone: labels that say exactly which moment they mean, also in the hour that a night in autumn
// has twice, and round moments of the local day for an axis. Knows no page: seconds in, words out.

/** @typedef {ReturnType<typeof zoned>} Zone */

const hour = 3600, day = 86400
const steps = [60, 300, 600, 900, 1800, hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour]
const days = [1, 2, 7, 14, 28, 56]

/** @param {string|undefined} timeZone */
export function zoned(timeZone) {
  const form = (/** @type {Intl.DateTimeFormatOptions} */ o) => {
    const f = new Intl.DateTimeFormat('en-US', { timeZone, ...o })
    return (/** @type {number} */ s) => f.format(s * 1000).replace(/\u202f/g, ' ')
  }
  const wall = new Intl.DateTimeFormat('en-US', {
    timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  })
  const named = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'short' })
  const dated = new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', day: 'numeric', month: 'short' })

  const clock = form({ hour: 'numeric', minute: '2-digit' })
  const second = form({ hour: 'numeric', minute: '2-digit', second: '2-digit' })
  const oclock = form({ hour: 'numeric' })
  const part = (/** @type {Intl.DateTimeFormat} */ f, /** @type {number} */ s) =>
    Object.fromEntries(f.formatToParts(s * 1000).map((p) => [p.type, p.value]))

  /** Seconds that the local clock is ahead of UTC. */
  const offset = (/** @type {number} */ s) => {
    const p = part(wall, s)
    return Date.UTC(+p.year, p.month - 1, +p.day, +p.hour, +p.minute, +p.second) / 1000 - Math.floor(s)
  }
  /** "EDT" */
  const name = (/** @type {number} */ s) => part(named, s).timeZoneName
  const weekday = (/** @type {number} */ s) => { const p = part(dated, s); return `${p.weekday} ${p.day} ${p.month}` }
  const date = (/** @type {number} */ s) => { const p = part(dated, s); return `${p.day} ${p.month}` }
  /** The day's number; two moments have the same one when they are on the same local day. */
  const dayOf = (/** @type {number} */ s) => Math.floor((s + offset(s)) / day)
  /** When a local day begins. */
  const midnight = (/** @type {number} */ d) => {
    const guess = d * day - offset(d * day)
    return d * day - offset(guess)
  }
  const isMidnight = (/** @type {number} */ s) => midnight(dayOf(s)) === s
  /** Is the same time of day there twice? */
  const twice = (/** @type {number} */ s) => offset(s - hour) - offset(s) === hour || offset(s) - offset(s + hour) === hour

  /** A day's length says so when it isn't 24 hours. */
  const length = (/** @type {number} */ s) => {
    const hours = (midnight(dayOf(s) + 1) - s) / hour
    return hours === 24 ? '' : `, ${hours} hours`
  }

  /** @returns {string} exactly which moment: "Thu 6 Sep, 10:46 PM EDT", "Sun 4 Nov, 25 hours" */
  const exact = (/** @type {number} */ s, /** @type {number} */ step) => {
    if (step >= day && isMidnight(s)) return weekday(s) + length(s)
    return `${weekday(s)}, ${(step < 60 ? second : clock)(s)} ${name(s)}`
  }

  /** The first column of a table: only what differs from row to row, the rest is in its head. */
  const column = (/** @type {number[]} */ times, /** @type {number} */ step) => {
    const first = times[0], last = times[times.length - 1]
    if (step >= day) return { head: 'Day', cell: (/** @type {number} */ s) => exact(s, step) }
    const oneZone = offset(first) === offset(last), oneDay = dayOf(first) === dayOf(last)
    const text = step < 60 ? second : clock
    return {
      head: oneZone ? `Time, ${name(last)}` + (oneDay ? `, ${weekday(last)}` : '') : 'Time',
      cell: (/** @type {number} */ s) => (oneDay ? '' : weekday(s) + ', ') + text(s) + (oneZone ? '' : ' ' + name(s)),
    }
  }

  /** @returns {string} for an axis with a label every so many seconds */
  const label = (/** @type {number} */ s, /** @type {number} */ by) => {
    if (by >= day || (by >= hour && isMidnight(s))) return date(s)
    return (by >= hour ? oclock : clock)(s) + (twice(s) ? ' ' + name(s) : '')
  }

  /**
   * Round moments of the local day from min to max, not more than fit.
   * @returns {{by: number, at: number[]}}
   */
  const moments = (/** @type {number} */ min, /** @type {number} */ max, /** @type {number} */ fit) => {
    const by = steps.find((s) => (max - min) / s <= fit)
    const at = []
    if (by === undefined) {
      const n = days.find((d) => (max - min) / d / day <= fit) ?? 364
      for (let d = dayOf(min); midnight(d) <= max; d++) {
        if ((d + 3) % n === 0 && midnight(d) >= min) at.push(midnight(d)) // day 0 was a Thursday: weeks begin on Mondays
      }
      return { by: n * day, at }
    }
    const small = Math.min(by, hour), ahead = offset(min)
    for (let s = Math.ceil((min + ahead) / small) * small - ahead; s <= max; s += small) {
      if ((s + offset(s)) % by === 0) at.push(s)
    }
    return { by, at }
  }

  return { offset, name, exact, column, label, moments, dayOf, midnight }
}
