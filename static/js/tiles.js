// The map of the states is one stop for the Tab key; the arrows walk on it.

const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

export function startTiles() {
  document.addEventListener('keydown', (event) => {
    const tile = event.target instanceof Element ? event.target.closest('.tile') : null
    const move = moves[/** @type {keyof typeof moves} */ (event.key)]
    if (!tile || !move) return
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
  const here = place(from)
  let best, least = Infinity
  for (const tile of from.parentElement?.querySelectorAll('.tile') ?? []) {
    const there = place(tile)
    const ahead = (there.col - here.col) * dx + (there.row - here.row) * dy
    const aside = Math.abs((there.col - here.col) * dy) + Math.abs((there.row - here.row) * dx)
    const far = ahead + aside * 3
    if (ahead > 0 && aside <= 4 && far < least) [best, least] = [tile, far]
  }
  return /** @type {HTMLElement|undefined} */ (best)
}

function place(/** @type {Element} */ tile) {
  const number = (/** @type {string} */ kind) => Number(tile.className.match(new RegExp(`\\b${kind}(\\d+)`))?.[1] ?? 0)
  return { col: number('col'), row: number('row') }
}
