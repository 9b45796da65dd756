// Numbers roll from their old value to the new one, at most 400 ms, in place. A person who asked for less motion, or
// who doesn't look, gets the new number at once.

const within = 400 // ms
const still = matchMedia('(prefers-reduced-motion: reduce)')

/** @type {WeakMap<Element, number>} the animation frame that each rolling element waits for */
const rolling = new WeakMap()
/** @type {WeakMap<Element, string>} where each rolling element is going */
const going = new WeakMap()

/** @returns {string} what a figure shows, or will when it has rolled to its end */
export const settled = (/** @type {Element} */ el) => (going.get(el) ?? el.textContent ?? '').trim()

/**
 * @typedef {{raw: string, text: string}} Shown
 * @param {Element} root
 * @returns {Map<Element, Shown>} what the figures under root show now
 */
export function remember(root) {
  const shown = new Map()
  for (const el of root.querySelectorAll('.fig')) {
    shown.set(el, { raw: el.getAttribute('data-raw') ?? '', text: el.textContent ?? '' })
    cancelAnimationFrame(rolling.get(el) ?? 0)
    going.delete(el)
  }
  return shown
}

/**
 * Rolls the figures that have changed since remember().
 * @param {Map<Element, Shown>} shown
 */
export function roll(shown) {
  if (still.matches || document.hidden) return
  for (const [el, was] of shown) {
    const raw = el.getAttribute('data-raw')
    if (!el.isConnected || !raw || !was.raw) continue
    const from = parse(was.text), to = parse(el.textContent ?? '')
    if (from && to && from.number !== to.number && sameShape(from, to)) animate(el, from.number, to)
  }
}

/**
 * @typedef {{before: string, number: number, decimals: number, after: string}} Parts
 * @param {string} text "$2,041,330", "17.3 %"
 * @returns {Parts|null}
 */
export function parse(text) {
  const found = text.match(/^(\D*)(\d[\d,]*)(?:\.(\d+))?(\D*)$/)
  if (!found) return null
  const [, before, whole, fraction = '', after] = found
  const size = Number(whole.replaceAll(',', '') + (fraction && '.' + fraction))
  const minus = /[-−]/.test(before)
  return { before: before.replace(/[-−]/, ''), number: minus ? -size : size, decimals: fraction.length, after }
}

/** Only what differs in nothing but its number can roll. */
const sameShape = (/** @type {Parts} */ a, /** @type {Parts} */ b) =>
  a.before === b.before && a.after === b.after && a.decimals === b.decimals

/** @param {number} n @param {Parts} like @returns {string} */
export function format(n, like) {
  const digits = Math.abs(n).toLocaleString('en-US', { minimumFractionDigits: like.decimals, maximumFractionDigits: like.decimals })
  return (n < 0 ? '−' : '') + like.before + digits + like.after
}

/** @param {Element} el @param {number} from @param {Parts} to */
function animate(el, from, to) {
  const last = el.textContent ?? ''
  const node = el.firstChild
  const began = performance.now()
  going.set(el, last)
  const step = (/** @type {number} */ now) => {
    const part = Math.min(1, Math.max(0, (now - began) / within))
    if (part === 1 || el.firstChild !== node) {
      el.textContent = last
      going.delete(el)
      return
    }
    const eased = 1 - (1 - part) ** 3
    if (node) node.nodeValue = format(from + (to.number - from) * eased, to)
    rolling.set(el, requestAnimationFrame(step))
  }
  step(began)
}
