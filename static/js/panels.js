// Puts the server's fragments in their places. Nothing is ever blanked, and what a reader did to a panel stays: focus,
// an open table, what the pointer is on.
import { announce } from './say.js'
import { dressTables } from './tables.js'
import { remember, roll } from './roll.js'
import { panelID } from './words.js'

/**
 * Puts a fragment in the place of the element with its id.
 * @param {{topic: string, html: string}} frame
 * @param {(fragment: ParentNode) => void} dress writes the panel's age, so that it doesn't change twice
 */
export async function place(frame, dress) {
  const id = panelID(frame.topic)
  const target = document.getElementById(id)
  if (!target) return
  const template = document.createElement('template')
  template.innerHTML = frame.html
  if (keep(target, template.content)) return
  dressTables(template.content, target)
  dress(template.content)
  announce(template.content)
  const shown = remember(target)
  const lines = keys(target)
  await htmx.swap({ sourceElement: document.body, target, swap: 'outerMorph', text: template.innerHTML, transition: false })
  roll(shown)
  const placed = document.getElementById(id)
  if (placed && lines.size) light(placed, lines)
}

/**
 * A server that has just started may have no figures yet: the last ones stay, in doubt, with its reason.
 * @returns {boolean} whether the figures were kept
 */
function keep(/** @type {Element} */ target, /** @type {DocumentFragment} */ fragment) {
  if (target.matches('.none, .waiting')) return false
  const next = fragment.firstElementChild
  const reason = next?.querySelector('.why')
  if (!next?.matches('.none.doubt, .waiting.doubt') || !reason) return false
  target.classList.add('doubt')
  target.querySelector(':scope > .why')?.remove()
  target.append(reason)
  return true
}

/** @returns {Set<string>} the lines that a ticker shows */
function keys(/** @type {Element} */ root) {
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
