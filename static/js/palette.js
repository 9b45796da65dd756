// Two dialogs: the palette, which does by a few letters what the page can do, and the help, which lists the keys.
import { setSingleKeys, singleKeys } from './setting.js'
import { canFill, toggleFullScreen } from './screen.js'
import { toggleTables } from './tables.js'
import { setTheme, themes } from './theme.js'
import { element } from './words.js'

/** @typedef {{text: string, kind: string, key?: string, run: () => void}} Deed */

/** @type {{box: HTMLDialogElement, field: HTMLInputElement, list: HTMLElement}|undefined} */
let palette

export const isOpen = () => document.querySelector('dialog[open]') !== null

export function openPalette() {
  if (isOpen()) return
  const { box, field } = palette ??= makePalette()
  field.value = ''
  fill()
  box.showModal()
  if (matchMedia('(pointer: coarse)').matches) box.focus() // a keyboard on the screen would cover the list
  else field.focus()
}

export function startPalette() {
  const more = document.getElementById('more')
  if (!more) return
  more.hidden = false
  more.addEventListener('click', openPalette)
}

/** @returns {Deed[]} what can be done on this page */
function deeds() {
  const to = (/** @type {string} */ selector, /** @type {string} */ kind) =>
    /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(selector)]).map((a) => ({
      text: (a.textContent ?? '').replace(/\s+/g, ' ').trim(), kind, key: a.dataset.key ? 'g ' + a.dataset.key : '', run: () => location.assign(a.href),
    }))
  const out = document.querySelector('form.out')
  const all = [
    ...to('.top nav.wide a', 'board'), ...to('.band.past a', 'time'), ...to('.spans a', 'look back'), ...to('main a[href^="/sends/"]', 'send'),
    ...themes.map((theme) => ({ text: `${theme[0].toUpperCase()}${theme.slice(1)} theme`, kind: 'look', run: () => setTheme(theme) })),
    { text: 'Tables behind the charts', kind: 'look', key: 't', run: toggleTables },
    ...(canFill() ? [{ text: 'Full screen', kind: 'look', key: 'f', run: toggleFullScreen }] : []),
    { text: 'Keyboard help', kind: 'help', key: '?', run: openHelp },
    ...(out instanceof HTMLFormElement ? [{ text: 'Sign out', kind: 'you', run: () => out.requestSubmit() }] : []),
  ]
  const seen = new Set()
  return all.filter((d) => d.text && !seen.has(d.kind + d.text) && seen.add(d.kind + d.text))
}

/** @returns {number} how well the letters fit, in their order; -1: not at all */
export function fits(/** @type {string} */ text, /** @type {string} */ letters) {
  const words = text.toLowerCase(), want = letters.toLowerCase().trim()
  if (!want) return 0
  const whole = words.indexOf(want)
  if (whole >= 0) return whole === 0 ? 0 : words[whole - 1] === ' ' ? 1 : 2
  let at = -1
  for (const letter of want) {
    at = words.indexOf(letter, at + 1)
    if (at < 0) return -1
  }
  return 3
}

function makePalette() {
  const box = /** @type {HTMLDialogElement} */ (element('dialog', 'sheet palette'))
  box.setAttribute('aria-label', 'Go to, or do')
  box.tabIndex = -1
  const field = /** @type {HTMLInputElement} */ (element('input'))
  const list = element('ul')
  list.id = 'deeds'
  list.setAttribute('role', 'listbox')
  list.setAttribute('aria-label', 'What can be done here')
  const attributes = { type: 'text', role: 'combobox', 'aria-expanded': 'true', 'aria-controls': 'deeds', 'aria-autocomplete': 'list', 'aria-label': 'Go to a board, or do something', placeholder: 'Go to a board, or do something', autocomplete: 'off', spellcheck: 'false' }
  for (const [name, value] of Object.entries(attributes)) field.setAttribute(name, value)
  box.append(field, list)
  document.body.append(box)
  field.addEventListener('input', fill)
  field.addEventListener('keydown', walk)
  closeOutside(box)
  return { box, field, list }
}

/** Lists what fits the letters, the best first; it stands on the first one. */
function fill() {
  if (!palette) return
  const { field, list } = palette
  const found = deeds().map((d) => ({ d, score: fits(`${d.text} ${d.kind}`, field.value) })).filter((f) => f.score >= 0).sort((a, b) => a.score - b.score)
  list.replaceChildren(...found.map(({ d }, i) => line(d, i)))
  if (!found.length) list.append(element('li', 'none', 'Nothing here is called that'))
  choose(0)
}

function line(/** @type {Deed} */ deed, /** @type {number} */ i) {
  const li = element('li', '', element('span', '', deed.text), element('small', '', deed.kind), ...(deed.key ? [element('kbd', '', deed.key)] : []))
  li.id = 'deed-' + i
  li.setAttribute('role', 'option')
  li.addEventListener('pointermove', () => choose(i))
  li.addEventListener('click', () => act(deed))
  return li
}

function choose(/** @type {number} */ n) {
  const options = [...(palette?.list.querySelectorAll('[role=option]') ?? [])]
  options.forEach((li, i) => li.setAttribute('aria-selected', String(i === n)))
  palette?.field.setAttribute('aria-activedescendant', options[n]?.id ?? '')
  options[n]?.scrollIntoView({ block: 'nearest' })
}

function walk(/** @type {KeyboardEvent} */ event) {
  const options = [...(palette?.list.querySelectorAll('[role=option]') ?? [])]
  const here = options.findIndex((li) => li.getAttribute('aria-selected') === 'true')
  const to = { ArrowDown: here + 1, ArrowUp: here - 1 }[event.key]
  if (to !== undefined && options.length) choose((to + options.length) % options.length)
  else if (event.key === 'Enter') /** @type {HTMLElement|undefined} */ (options[here])?.click()
  else return
  event.preventDefault()
}

function act(/** @type {Deed} */ deed) {
  palette?.box.close()
  deed.run()
}

const help = [
  ['?', 'this help'], ['Ctrl K or ⌘ K', 'palette: boards, sends, theme and the rest by a few letters'], ['g, then a letter', 'a board: l leadership, m money, s sends, e mail, t traffic, f fleet, d feeds'],
  ['f', 'full screen'], ['t', 'the table behind the chart at hand, or all'], ['← →', 'the exact figures of a chart, point by point (Shift: ten at once; Home, End)'],
  ['← → ↑ ↓', 'walk on a map'], ['Esc', 'close what is open'],
]

/** @type {HTMLDialogElement|undefined} */
let helping

export function openHelp() {
  if (isOpen()) return
  const box = helping ??= makeHelp()
  box.showModal()
}

function makeHelp() {
  const box = /** @type {HTMLDialogElement} */ (element('dialog', 'sheet help'))
  box.setAttribute('aria-labelledby', 'help-title')
  const title = element('h2', '', 'Keys')
  title.id = 'help-title'
  const lines = help.flatMap(([keys, meaning]) => [element('dt', '', element('kbd', '', keys)), element('dd', '', meaning)])
  const single = /** @type {HTMLInputElement} */ (element('input'))
  single.type = 'checkbox'
  single.checked = singleKeys()
  single.addEventListener('change', () => setSingleKeys(single.checked))
  const close = element('button', 'do', 'Close')
  close.setAttribute('type', 'button')
  close.setAttribute('autofocus', '')
  close.addEventListener('click', () => box.close())
  box.append(title, element('dl', '', ...lines), element('label', '', single, ' Single keys do something (off: only Ctrl K, arrows and Esc)'), close)
  document.body.append(box)
  closeOutside(box)
  return box
}

/** A press beside a dialog closes it. */
function closeOutside(/** @type {HTMLDialogElement} */ box) {
  box.addEventListener('click', (event) => { if (event.target === box) box.close() })
}
