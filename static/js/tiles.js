// A map of squares (states, the hours of the week) is one stop for the Tab key; the arrows walk on it.

const maps = '.tiles, .heat'
const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export function startTiles() {
  document.addEventListener('keydown', (event) => {
    const tile = event.target instanceof HTMLElement && event.target.closest(maps) ? event.target.closest('[tabindex]') : null
    const move = moves[/** @type {keyof typeof moves} */ (event.key)]
    if (!tile?.closest(maps) || !move || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    nearest(tile, move)?.focus()
  })
}

/**
 * @param {Element} from
 * @param {number[]} move
 * @returns {HTMLElement|undefined} the next tile in that direction, at most four places to the side
 */
function nearest(from, [dx, dy]) {
  const here = from.getBoundingClientRect()
  let best, least = Infinity
  for (const tile of from.closest(maps)?.querySelectorAll('[tabindex]') ?? []) {
    const there = tile.getBoundingClientRect()
    const right = (there.x - here.x) / here.width, down = (there.y - here.y) / here.height
    const ahead = right * dx + down * dy, aside = Math.abs(right * dy) + Math.abs(down * dx)
    const far = ahead + aside * 3
    if (ahead > 0.5 && aside <= 4.7 && far < least) [best, least] = [tile, far]
  }
  return /** @type {HTMLElement|undefined} */ (best)
}
