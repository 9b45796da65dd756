// The keyboard: single keys while nobody types, g and a letter for a board, Ctrl or Cmd with K for the palette. Who talks
// to the machine or hits keys by accident can turn the single keys off (WCAG 2.1.4); the palette stays.
import { openHelp, openPalette, isOpen } from './palette.js'
import { singleKeys } from './setting.js'
import { closeTables, toggleTables } from './tables.js'
import { toggleFullScreen } from './screen.js'
import { element } from './words.js'

const patience = 1500 // ms between g and its letter
/** @returns {boolean} whether a key would be a letter in a field */
const types = (/** @type {EventTarget|null} */ target) =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches('input:not([type=checkbox]), textarea, select'))

export function startKeys() {
  let going = -Infinity // when g was pressed
  document.addEventListener('keydown', (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && key === 'k') {
      event.preventDefault()
      openPalette()
      return
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || types(event.target) || isOpen()) return
    if (key === 'Escape') {
      hint(false)
      going = -Infinity
      closeTables()
    } else if (singleKeys()) {
      const after = event.timeStamp - going < patience
      going = !after && key === 'g' ? event.timeStamp : -Infinity
      hint(going > 0)
      if (after ? go(key) : does(key)) event.preventDefault()
    }
  })
  const button = document.getElementById('keys')
  if (button) {
    button.hidden = false
    button.addEventListener('click', openHelp)
  }
}

/** @returns {boolean} whether there is a board with this letter */
function go(/** @type {string} */ key) {
  const link = [...document.querySelectorAll('.top nav a[data-key], .bottom a[data-key]')].find((a) => a.getAttribute('data-key') === key)
  if (!(link instanceof HTMLAnchorElement)) return false
  location.assign(link.href)
  return true
}

/** @returns {boolean} whether the key means something by itself */
function does(/** @type {string} */ key) {
  const meaning = { '?': openHelp, f: toggleFullScreen, t: toggleTables, '/': openPalette }[key]
  meaning?.()
  return meaning !== undefined
}

/** Says which letters may follow, while they may. */
function hint(/** @type {boolean} */ on) {
  document.querySelector('.hint')?.remove()
  if (!on) return
  const links = [...document.querySelectorAll('.bottom a[data-key]')]
  const box = element('p', 'hint', ...links.map((a) => element('span', '', element('kbd', '', a.getAttribute('data-key') ?? ''), ' ' + a.textContent?.trim())))
  box.setAttribute('aria-hidden', 'true')
  document.body.append(box)
  setTimeout(() => box.remove(), patience)
}
