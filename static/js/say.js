// What a screen reader hears: one polite region for the page. The boards' figures as a sentence, at most once a minute
// and only when they have changed; a record once when it falls; a chart's point when the arrows reach it. Panels are
// no live regions: they change every second.
import { settled } from './roll.js'
import { element } from './words.js'

const every = 60_000 // ms between two summaries
const shownFor = 12_000 // ms that a record stands across the top; it stays on its panel

/** @param {string} text is spoken when what was said before has been */
export function say(text) {
  const region = document.getElementById('said')
  if (region) region.textContent = text
}

export function startSaying() {
  let last = ''
  setInterval(() => {
    const text = summary()
    if (text && text !== last && !document.hidden) say(text)
    last = text
  }, every)
}

/** @returns {string} "Dollars in the last hour: $2,041,330, 38× the hour before." and so on, and whether it holds */
export function summary() {
  const root = document.documentElement
  if (root.dataset.state === 'still') return ''
  const figures = [...document.querySelectorAll('main .panel:not(.waiting)')].map(sentence).filter(Boolean).slice(0, 4)
  const doubts = new Set([...document.querySelectorAll('main .panel.doubt > .why')].map((el) => el.textContent?.trim()))
  const state = root.dataset.state === 'stale' ? ['Not live: these are the last figures.'] : []
  return [...state, ...figures, ...[...doubts].map((why) => `In doubt: ${why}.`)].join(' ')
}

function sentence(/** @type {Element} */ panel) {
  const fig = panel.querySelector('.fig.hero, .fig.lead')
  if (!fig) return ''
  const near = panel.querySelector('.delta')
  const parts = near?.children.length ? [said('.delta > :not(.second)', panel), said('.delta > .second', panel)] : [near?.textContent?.trim()]
  const than = parts.filter(Boolean).join(', ')
  return `${panel.querySelector('h2')?.textContent}: ${settled(fig)}${than ? ', ' + than : ''}.`
}

/** @returns {string} what some elements say, the triangles in words */
function said(/** @type {string} */ selector, /** @type {Element} */ panel) {
  const texts = [...panel.querySelectorAll(selector)].map((el) => `${el.querySelector('svg')?.getAttribute('aria-label') ?? ''} ${el.textContent}`)
  return texts.join(' ').replace(/\s+/g, ' ').trim()
}

/** @type {Set<string>} records that were there already, or have been said */
const known = new Set()

/** What stands on the page when it opens is no news. */
export function startRecords() {
  for (const el of document.querySelectorAll('[data-announce]')) known.add(el.getAttribute('data-announce') ?? '')
}

/** Says and shows what a new fragment announces. */
export function announce(/** @type {ParentNode} */ fragment) {
  for (const el of fragment.querySelectorAll('[data-announce]')) {
    const text = el.getAttribute('data-announce') ?? ''
    if (!text || known.has(text)) continue
    known.add(text)
    say(text)
    show(text)
  }
}

function show(/** @type {string} */ text) {
  document.querySelector('.news')?.remove()
  const band = element('p', 'news', element('b', '', text))
  band.setAttribute('aria-hidden', 'true') // it has been said
  document.querySelector('.top')?.append(band)
  setTimeout(() => band.remove(), shownFor)
}
