// A board that moves by itself: numbers change without a reload, a lost server is said at once, a regained one blanks
// nothing.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { headlineIs, isLive, isStale, launch, open, until, Warroom } from './warroom.mjs'

const warroom = new Warroom()
let browser, context

before(async () => {
  await warroom.start()
  await warroom.ready()
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1600, height: 1130 } })
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

test('a sign-in link opens the board once', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.link)
  assert.equal(new URL(page.url()).pathname, '/')
  await isLive(page)
  assert.deepEqual(troubles, [])
  await page.close()

  const stranger = await browser.newContext()
  const second = await open(stranger)
  await second.page.goto(warroom.link)
  assert.match(await second.page.textContent('main'), /no longer works/)
  const answer = await second.page.goto(warroom.url + '/')
  assert.equal(answer.status(), 401)
  assert.match(await second.page.textContent('h1'), /Sign in/)
  await stranger.close()
})

test('a gift changes the numbers in place, and nothing moves', async () => {
  await warroom.give('99.00')
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/')
  await isLive(page)
  await headlineIs(page, '$99.00')
  await page.waitForSelector('#p-money-minutes canvas')
  await page.waitForFunction(() => document.querySelector('#p-money-today .fig')?.textContent === '$99.00')
  await page.evaluate(() => document.fonts.ready)
  await page.evaluate(() => {
    window.mark = 'the same page'
    window.texts = []
    window.shifts.length = 0
    new MutationObserver(() => window.texts.push(document.querySelector('#p-money-hour .fig').textContent))
      .observe(document.getElementById('p-money-hour'), { subtree: true, childList: true, characterData: true })
  })
  await warroom.give('901.00')
  await headlineIs(page, '$1,000')
  await warroom.give('2350.00', { state: 'CA', refcode: 'second', recurring: 'monthly' })
  await headlineIs(page, '$3,350')
  await page.waitForFunction(() => document.querySelectorAll('#p-money-latest li').length === 3)
  await page.waitForFunction(() => document.querySelector('#p-money-refcodes')?.textContent.includes('second'))
  await page.waitForFunction(() => document.querySelector('#p-money-today .fig')?.textContent === '$3,350')
  assert.equal(await page.evaluate(() => window.mark), 'the same page')
  assert.deepEqual(await page.evaluate(() => window.shifts), [])
  const texts = await page.evaluate(() => window.texts)
  assert.ok(texts.some((text) => text !== '$1,000' && text !== '$3,350' && /^\$[123],\d{3}$/.test(text)), `the number did not roll: ${texts}`)
  assert.ok(!texts.includes(''), 'the number was blank for a moment')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('who asked for less motion gets the new number at once', async () => {
  const still = await browser.newContext({ reducedMotion: 'reduce', storageState: await context.storageState() })
  const { page, troubles } = await open(still)
  await page.goto(warroom.url + '/')
  await isLive(page)
  await headlineIs(page, '$3,350')
  await page.evaluate(() => {
    window.texts = []
    new MutationObserver(() => window.texts.push(document.querySelector('#p-money-hour .fig').textContent))
      .observe(document.getElementById('p-money-hour'), { subtree: true, childList: true, characterData: true })
  })
  await warroom.give('650.00')
  await headlineIs(page, '$4,000')
  const texts = new Set(await page.evaluate(() => window.texts))
  texts.delete('$3,350')
  assert.deepEqual([...texts], ['$4,000'])
  assert.deepEqual(troubles, [])
  await still.close()
})

test('focus stays where it is while panels are renewed', async () => {
  const { page } = await open(context)
  await page.goto(warroom.url + '/')
  await isLive(page)
  await page.focus('#p-money-states .tile')
  await page.keyboard.press('ArrowDown')
  const name = await page.evaluate(() => document.activeElement.textContent)
  await warroom.give('1000.00')
  await headlineIs(page, '$5,000')
  assert.equal(await page.evaluate(() => document.activeElement.className.includes('tile')), true)
  assert.ok((await page.evaluate(() => document.activeElement.textContent)).startsWith(name.slice(0, 2)))
  await page.close()
})

test('a server that hangs is noticed, and when it goes on so does the page', async () => {
  const { page, troubles } = await open(context, { serverGoesAway: true })
  await page.goto(warroom.url + '/')
  await isLive(page)
  warroom.signal('SIGSTOP')
  try {
    await isStale(page)
    assert.match(await page.textContent('#band'), /Not live/)
  } finally {
    warroom.signal('SIGCONT')
  }
  await isLive(page)
  assert.equal(await page.isVisible('#band'), false)
  assert.deepEqual(troubles, [])
  await page.close()
})

test('a server that is gone is said at once; when it is back nothing blanks', async () => {
  const { page, troubles } = await open(context, { serverGoesAway: true })
  await page.goto(warroom.url + '/?theme=dark')
  await isLive(page)
  await headlineIs(page, '$5,000')
  const bright = await page.evaluate(() => getComputedStyle(document.querySelector('#p-money-hour .fig')).color)
  await page.evaluate(() => {
    window.mark = 'the same page'
    window.texts = []
    window.shifts.length = 0
    new MutationObserver(() => window.texts.push(document.querySelector('#p-money-hour .fig')?.textContent ?? ''))
      .observe(document.querySelector('.board'), { subtree: true, childList: true, characterData: true })
  })
  await warroom.end('SIGKILL')
  await isStale(page)
  const band = await page.textContent('#band')
  assert.match(band, /Not live/)
  assert.match(band, /\d+:\d\d:\d\d [AP]M E[SD]T/)
  assert.equal(await page.isVisible('#band'), true)
  assert.match(await page.title(), /^Not live: /)
  const dim = await page.evaluate(() => getComputedStyle(document.querySelector('#p-money-hour .fig')).color)
  assert.notEqual(dim, bright, 'the numbers are not dimmed')
  assert.equal(await page.textContent('#p-money-hour .fig'), '$5,000')

  await warroom.start()
  await isLive(page)
  await warroom.ready()
  await warroom.give('1.00')
  await headlineIs(page, '$5,001')
  assert.equal(await page.evaluate(() => window.mark), 'the same page')
  const texts = await page.evaluate(() => window.texts)
  assert.deepEqual(texts.filter((text) => !/^\$5,00[01]$/.test(text)), [], 'the headline showed something else')
  await page.waitForSelector('#p-money-hour:not(.doubt)')
  await page.waitForSelector('#p-money-minutes canvas')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('a session that ends says so, with a way back', async () => {
  const { page } = await open(context, { serverGoesAway: true })
  await page.goto(warroom.url + '/')
  await isLive(page)
  const other = await context.newPage()
  await other.goto(warroom.url + '/')
  await other.click('.top .out button')
  await other.waitForURL('**/sign-in')
  await page.waitForSelector('html[data-state=ended]')
  assert.match(await page.textContent('#band'), /access has ended/)
  assert.equal(await page.getAttribute('#band a', 'href'), '/sign-in')
})

test('no browser reported a breach of the content security policy', async () => {
  await until(async () => (await warroom.read('/metrics')).ok, () => 'no figures')
  assert.equal(await warroom.cspReports(), 0)
})
