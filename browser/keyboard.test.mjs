// The keyboard: help, palette, boards by letters, full screen, tables; never while somebody types, and off for who wants.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isLive, launch, open, Warroom } from './warroom.mjs'

const warroom = new Warroom()
let browser, context

before(async () => {
  await warroom.start()
  await warroom.ready()
  await warroom.give('1250.00')
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1600, height: 1130 } })
  const { page } = await open(context)
  await page.goto(warroom.link)
  await page.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

async function board(path = '/') {
  const opened = await open(context)
  await opened.page.goto(warroom.url + path)
  await isLive(opened.page)
  return opened
}
const path = (page) => new URL(page.url()).pathname

test('? opens the help, Escape closes it, and focus is where it was', async () => {
  const { page, troubles } = await board()
  await page.focus('#p-money-minutes summary')
  await page.keyboard.press('?')
  await page.waitForSelector('dialog.help[open]')
  assert.match(await page.textContent('dialog.help'), /Ctrl K.*full screen/s)
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog.help:not([open])', { state: 'attached' })
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('the palette goes to a board by a few letters', async () => {
  const { page, troubles } = await board()
  for (const chord of ['Control+k', 'Meta+k']) {
    await page.keyboard.press(chord)
    await page.waitForSelector('dialog.palette[open]')
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('role')), 'combobox')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog.palette:not([open])', { state: 'attached' })
  }
  await page.keyboard.press('Control+k')
  await page.keyboard.type('mony')
  const first = await page.textContent('.palette [aria-selected=true] span')
  assert.equal(first, 'Money')
  assert.equal(await page.getAttribute('.palette input', 'aria-activedescendant'), await page.getAttribute('.palette [aria-selected=true]', 'id'))
  await page.keyboard.press('Enter')
  await page.waitForURL('**/boards/money')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('the palette walks with the arrows, changes the theme, and says when nothing fits', async () => {
  const { page } = await board()
  await page.keyboard.press('Control+k')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowUp')
  assert.equal(await page.textContent('.palette [aria-selected=true] span'), 'Money')
  await page.keyboard.type('zzzz')
  assert.match(await page.textContent('.palette ul'), /Nothing here/)
  await page.fill('.palette input', 'light')
  await page.keyboard.press('Enter')
  await page.waitForSelector('html[data-theme=light]')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('auto')
  await page.keyboard.press('Enter')
  await page.waitForSelector('html[data-theme=auto]')
  await page.close()
})

test('g and a letter open every board', async () => {
  const { page } = await board()
  for (const [key, to] of [['m', '/boards/money'], ['s', '/sends'], ['e', '/boards/mail'], ['t', '/boards/traffic'], ['f', '/boards/fleet'], ['d', '/feeds'], ['l', '/']]) {
    await page.keyboard.press('g')
    await page.waitForSelector('.hint')
    await page.keyboard.press(key)
    await page.waitForURL(warroom.url + to)
    assert.equal(await page.getAttribute('.top nav a[aria-current]', 'data-key'), key)
  }
  await page.keyboard.press('g')
  await page.keyboard.press('Escape')
  await page.keyboard.press('m')
  assert.equal(path(page), '/')
  await page.close()
})

test('nothing happens while somebody types', async () => {
  const { page } = await board()
  await page.keyboard.press('Control+k')
  await page.keyboard.type('gm?tf')
  assert.equal(await page.inputValue('.palette input'), 'gm?tf')
  assert.equal(path(page), '/')
  assert.equal(await page.locator('dialog[open]').count(), 1)
  assert.equal(await page.locator('details.table[open]').count(), 0)
  await page.close()
})

test('f fills the screen, and gives it back', async () => {
  const { page } = await board()
  await page.keyboard.press('f')
  await page.waitForFunction(() => document.fullscreenElement !== null)
  await page.keyboard.press('f')
  await page.waitForFunction(() => document.fullscreenElement === null)
  await page.close()
})

test('t opens the table of the chart at hand, else all; Escape closes them', async () => {
  const { page } = await board()
  await page.waitForSelector('#p-money-minutes canvas')
  const openOnes = () => page.evaluate(() => [...document.querySelectorAll('details.table[open]')].map((d) => d.closest('.panel').id))
  await page.focus('#p-money-minutes .plot')
  await page.keyboard.press('t')
  assert.deepEqual(await openOnes(), ['p-money-minutes'])
  assert.equal(await page.evaluate(() => document.activeElement.className), 'scroll')
  await page.keyboard.press('Escape')
  assert.deepEqual(await openOnes(), [])
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'SUMMARY')
  await page.evaluate(() => document.activeElement.blur())
  await page.mouse.move(2, 2)
  await page.keyboard.press('t')
  assert.equal((await openOnes()).length, await page.locator('details.table').count())
  await page.keyboard.press('t')
  assert.deepEqual(await openOnes(), [])
  await page.close()
})

test('who turns the single keys off keeps the palette', async () => {
  const { page } = await board()
  await page.click('#keys')
  await page.click('.help input[type=checkbox]')
  await page.keyboard.press('Escape')
  await page.keyboard.press('t')
  await page.keyboard.press('g')
  assert.equal(await page.locator('.hint').count(), 0)
  assert.equal(await page.locator('details.table[open]').count(), 0)
  await page.keyboard.press('Control+k')
  await page.waitForSelector('dialog.palette[open]')
  await page.keyboard.press('Escape')
  await page.click('#keys')
  await page.click('.help input[type=checkbox]')
  await page.keyboard.press('Escape')
  await page.keyboard.press('g')
  await page.waitForSelector('.hint')
  await page.close()
})
