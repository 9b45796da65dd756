// On a phone one swipes from board to board, in the order of the navigation at the bottom. A swipe that begins in a
// chart, or in something that itself moves sideways, is not one; nor is one that goes down more than across.
import { element } from './words.js'

const enough = 72 // px across that turn the page
const still = matchMedia('(prefers-reduced-motion: reduce)')

export function startSwipe() {
  const bottom = document.querySelector('.bottom')
  const main = document.querySelector('main')
  if (!bottom || !main) return
  const links = /** @type {HTMLAnchorElement[]} */ ([...bottom.querySelectorAll('a')])
  const here = links.findIndex((a) => a.hasAttribute('aria-current'))
  if (here < 0) return
  links[here].scrollIntoView({ inline: 'center', block: 'nearest' })
  const swipe = new Swipe(main, links[here - 1], links[here + 1])
  main.addEventListener('touchstart', (event) => swipe.begin(event), { passive: true })
  main.addEventListener('touchmove', (event) => swipe.move(event), { passive: true })
  main.addEventListener('touchend', () => swipe.end())
  main.addEventListener('touchcancel', () => swipe.rest())
  addEventListener('pageshow', () => swipe.rest()) // a page that comes back from the browser's memory
}

class Swipe {
  /** @param {HTMLElement} main @param {HTMLAnchorElement|undefined} before @param {HTMLAnchorElement|undefined} after */
  constructor(main, before, after) {
    this.main = main
    this.before = before
    this.after = after
    /** @type {{x: number, y: number}|null} */
    this.from = null
    this.across = 0
    this.sign = element('p', 'turn')
    this.sign.setAttribute('aria-hidden', 'true')
    document.body.append(this.sign)
  }

  begin(/** @type {TouchEvent} */ event) {
    this.rest()
    if (event.touches.length !== 1 || visualViewport && visualViewport.scale > 1.01 || ownMove(/** @type {Element} */ (event.target))) return
    this.from = { x: event.touches[0].clientX, y: event.touches[0].clientY }
  }

  move(/** @type {TouchEvent} */ event) {
    if (!this.from) return
    const x = event.touches[0].clientX - this.from.x, y = event.touches[0].clientY - this.from.y
    if (event.touches.length > 1 || Math.abs(x) < 24 && Math.abs(y) > 12 || Math.abs(y) > Math.abs(x)) {
      this.rest()
      return
    }
    this.across = x
    const to = this.goal()
    if (!still.matches && Math.abs(x) > 12) this.main.style.translate = `${to ? x * 0.5 : x * 0.12}px 0`
    this.sign.textContent = to?.textContent?.trim() ?? ''
    this.sign.className = `turn ${x < 0 ? 'right' : 'left'}${to && Math.abs(x) > 24 ? ' on' : ''}${to && Math.abs(x) >= enough ? ' ready' : ''}`
  }

  end() {
    const to = Math.abs(this.across) >= enough ? this.goal() : undefined
    this.rest()
    if (to) location.assign(to.href)
  }

  rest() {
    this.from = null
    this.across = 0
    this.main.style.translate = ''
    this.sign.className = 'turn'
  }

  /** @returns {HTMLAnchorElement|undefined} the board that lies in the direction of the swipe */
  goal() { return this.across < 0 ? this.after : this.before }
}

/** @returns {boolean} whether what is touched is moved sideways itself */
function ownMove(/** @type {Element} */ target) {
  if (target.closest('.plot, .heat, input, textarea, select, dialog')) return true
  for (let el = /** @type {Element|null} */ (target); el && el.tagName !== 'MAIN'; el = el.parentElement) {
    if (el.scrollWidth > el.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(el).overflowX)) return true
  }
  return false
}
