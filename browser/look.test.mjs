// How pages look: no barrier that axe finds, in both themes; nothing wider than the screen, from phone to wall; what
// is past says so.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { headlineIs, isLive, launch, open, Warroom } from './warroom.mjs'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const warroom = new Warroom()
let browser, context

before(async () => {
  await warroom.start()
  await warroom.ready()
  for (const [state, refcode] of [['OH', 'em-1'], ['CA', 'em-2'], ['NY', 'a-rather-long-refcode-that-somebody-made-up'], ['', '']]) {
    await warroom.give('1250.00', { state, refcode })
  }
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1600, height: 1130 } })
  const { page } = await open(context)
  await page.goto(warroom.link)
  await isLive(page)
  await headlineIs(page, '$5,000')
  await page.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

/** What axe finds. Its script is brought in by the browser's own protocol: no page would let it in. */
async function barriers(page) {
  await page.evaluate(await import('node:fs').then((fs) => fs.readFileSync(axe, 'utf8')))
  const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
  return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`)
}

for (const theme of ['dark', 'light']) {
  test(`${theme}: what is past and what says no has no barrier`, async () => {
    const { page } = await open(context)
    for (const path of ['/?at=' + encodeURIComponent(new Date(Date.now() - 60_000).toISOString()), '/sign-in?used=1', '/nowhere', '/sends/nobody-sent-this']) {
      const url = new URL(path, warroom.url)
      url.searchParams.set('theme', theme)
      await page.goto(url.href)
      assert.equal(await page.getAttribute('html', 'data-theme'), theme)
      assert.deepEqual(await barriers(page), [], path)
    }
    await page.close()
  })
}

for (const [width, height] of [[360, 740], [390, 844], [820, 1180], [1280, 720], [1920, 1080], [3840, 2160]]) {
  test(`${width} × ${height}: nothing is cut or overlaps`, async () => {
    const { page, troubles } = await open(context)
    await page.setViewportSize({ width, height })
    for (const path of ['/docs', '/sign-in', '/nowhere', '/']) {
      if (width > 360 && width < 3840 && path !== '/') continue
      await page.goto(warroom.url + path)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${path} is wider than the screen`)
    }
    await isLive(page)
    const overlaps = await page.evaluate(() => {
      const boxes = [...document.querySelectorAll('.place')].map((el) => [el.className, el.getBoundingClientRect()])
      return boxes.flatMap(([a, r], i) => boxes.slice(i + 1)
        .filter(([, s]) => r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 1 && s.top < r.bottom - 1)
        .map(([b]) => a + ' / ' + b))
    })
    assert.deepEqual(overlaps, [])
    if (width >= 1920) assert.ok(await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight), 'the board scrolls')
    const firstScreen = ['#p-money-hour .fig', '#p-money-minutes canvas', '#p-money-today .fig']
    for (const selector of firstScreen) {
      const box = await page.locator(selector).first().boundingBox()
      assert.ok(box && box.y + box.height <= height, `${selector} is not on the first screen`)
    }
    assert.deepEqual(troubles.filter((t) => !/404/.test(t)), [])
    await page.close()
  })
}

test('a wall can be read from four metres', async () => {
  const { page } = await open(context)
  await page.setViewportSize({ width: 3840, height: 2160 })
  await page.goto(warroom.url + '/')
  await isLive(page)
  const size = (selector) => page.evaluate((s) => parseFloat(getComputedStyle(document.querySelector(s)).fontSize), selector)
  assert.ok(await size('#p-money-hour .fig') >= 216, 'the headline is less than a tenth of the height')
  assert.ok(await size('#p-money-refcodes .value') >= 36, 'rows are too small')
  await page.close()
})

test('a board of the past says so, and is still', async () => {
  const { page, troubles } = await open(context)
  const sockets = []
  page.on('websocket', (socket) => sockets.push(socket.url()))
  await page.goto(warroom.url + '/?at=' + encodeURIComponent(new Date().toISOString()))
  assert.match(await page.textContent('.band.past'), /As of \d.* [AP]M E[SD]T/)
  assert.equal(await page.isVisible('.band.past'), true)
  await page.waitForSelector('#p-money-minutes canvas')
  await page.click('.band.past a')
  await isLive(page)
  assert.equal(sockets.length, 1, 'the page of the past opened a websocket')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('an address that cannot be read names what is wrong', async () => {
  const { page } = await open(context)
  const answer = await page.goto(warroom.url + '/?at=yesterday')
  assert.equal(answer.status(), 400)
  assert.match(await page.textContent('main'), /at.*RFC 3339/s)
  await page.close()
})

test('the theme is one click, is remembered, and redraws the charts', async () => {
  const { page } = await open(await browser.newContext({ storageState: await context.storageState(), viewport: { width: 1600, height: 1130 } }))
  await page.goto(warroom.url + '/?theme=dark')
  await isLive(page)
  await page.waitForSelector('#p-money-minutes canvas')
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const dark = await ground()
  await page.click('#theme')
  assert.notEqual(await ground(), dark)
  await page.goto(warroom.url + '/docs')
  assert.equal(await page.getAttribute('html', 'data-theme'), 'light')
  await page.context().close()
})

test('the keyboard reaches what there is', async () => {
  const { page } = await open(context)
  await page.goto(warroom.url + '/')
  await isLive(page)
  await page.keyboard.press('Tab')
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Skip/)
  await page.keyboard.press('Enter')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'content')
  await page.focus('#p-money-states .tile')
  await page.keyboard.press('ArrowRight')
  const tip = await page.evaluate(() => getComputedStyle(document.activeElement.querySelector('.tip')).opacity)
  assert.equal(tip, '1')
  await page.focus('#p-money-minutes summary')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#p-money-minutes details[open] td')
  assert.ok(await page.evaluate(() => document.querySelectorAll('#p-money-minutes tbody tr').length) >= 180)
  await page.close()
})

test('without scripts the figures are there, and the page says that it is still', async () => {
  const plain = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() })
  const page = await plain.newPage()
  await page.goto(warroom.url + '/')
  assert.equal(await page.textContent('#p-money-hour .fig'), '$5,000')
  assert.match(await page.textContent('header'), /without JavaScript/)
  await plain.close()
})
