// The tables behind pictures: the key t opens them, a button copies them as a spreadsheet takes them. A panel that is
// renewed keeps its table open.
import { say } from './say.js'
import { element } from './words.js'

const tables = (/** @type {ParentNode} */ root) => /** @type {HTMLDetailsElement[]} */ ([...root.querySelectorAll('details.table')])

export function startTables() {
  dressTables(document)
  document.addEventListener('click', (event) => {
    const button = event.target instanceof Element ? event.target.closest('button.copy') : null
    if (button) copy(/** @type {HTMLElement} */ (button))
  })
}

/**
 * Gives every table its button. What is about to take the place of shown stays as open as it was.
 * @param {ParentNode} root
 * @param {Element} [shown]
 */
export function dressTables(root, shown) {
  const before = shown ? tables(shown) : []
  tables(root).forEach((details, i) => {
    if (before[i]?.open) details.open = true
    if (details.querySelector('button.copy')) return
    const button = element('button', 'copy', 'Copy')
    button.setAttribute('type', 'button')
    button.setAttribute('aria-label', 'Copy the table')
    details.querySelector('summary')?.after(button)
  })
}

/** @returns {Element|null} the panel that the keyboard, else the pointer, is in */
export const panelAtHand = () => document.activeElement?.closest('.panel') ?? [...document.querySelectorAll('.panel:hover')].pop() ?? null

/** Opens or closes the table of the panel at hand; without one, all. */
export function toggleTables() {
  const panel = panelAtHand()
  const own = panel ? tables(panel) : []
  const which = own.length ? own : tables(document)
  const open = which.some((d) => d.open)
  for (const d of which) d.open = !open
  if (open || which.length !== 1) return
  const scroller = which[0].querySelector('.scroll')
  if (scroller instanceof HTMLElement) scroller.focus({ preventScroll: true })
}

/** @returns {boolean} whether one was open */
export function closeTables() {
  const open = tables(document).filter((d) => d.open)
  for (const d of open) {
    const inside = d.contains(document.activeElement)
    d.open = false
    if (inside) d.querySelector('summary')?.focus()
  }
  return open.length > 0
}

/** @returns {string} the table as a spreadsheet takes it: tabs between, a line a row */
export function tabbed(/** @type {HTMLTableElement} */ table) {
  const text = (/** @type {Element} */ cell) => (cell.textContent ?? '').replace(/\s+/g, ' ').trim()
  return [...table.rows].map((row) => [...row.cells].map(text).join('\t')).join('\n') + '\n'
}

async function copy(/** @type {HTMLElement} */ button) {
  const table = button.closest('details')?.querySelector('table')
  if (!table) return
  const done = await put(tabbed(table))
  button.textContent = done ? 'Copied' : 'Copying is not allowed here'
  say(button.textContent)
  setTimeout(() => { button.textContent = 'Copy' }, 2000)
}

/** @returns {Promise<boolean>} whether the text is on the clipboard */
async function put(/** @type {string} */ text) {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return byHand(text) // a page without TLS has no clipboard of its own
  }
}

function byHand(/** @type {string} */ text) {
  const held = document.activeElement
  const area = /** @type {HTMLTextAreaElement} */ (element('textarea', 'unseen'))
  area.value = text
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  if (held instanceof HTMLElement) held.focus()
  return done
}
