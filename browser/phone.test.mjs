// The phone: two figures a row, targets for a thumb, boards turned by a swipe, an app that can be installed and never
// shows old figures.
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
  context = await browser.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
  const { page } = await open(context)
  await page.goto(warroom.link)
  await page.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

async function board(path = '/') {
  const opened = await open(context, { serverGoesAway: true })
  await opened.page.goto(warroom.url + path)
  await isLive(opened.page)
  return opened
}

/** A finger goes from one point to another. */
async function finger(page, from, to) {
  const touch = await page.context().newCDPSession(page)
  const send = (type, points) => touch.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y]) => ({ x, y })) })
  await send('touchStart', [from])
  for (const part of [0.25, 0.5, 0.75, 1]) await send('touchMove', [[from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part]])
  await send('touchEnd', [])
}

test('figures stand two in a row', async () => {
  const { page } = await board()
  await page.waitForSelector('#p-money-today .cell')
  const lefts = await page.evaluate(() => [...document.querySelectorAll('#p-money-today .cell')].map((c) => Math.round(c.getBoundingClientRect().left)))
  assert.equal(new Set(lefts.slice(0, 2)).size, 2)
  assert.deepEqual(lefts.slice(2, 4), lefts.slice(0, 2))
  await page.close()
})

test('the navigation is at the bottom, its targets are wide enough for a thumb, and the current board is in sight', async () => {
  const { page } = await board('/feeds')
  const targets = await page.evaluate(() => [...document.querySelectorAll('.bottom :is(a, button)')].map((el) => {
    const box = el.getBoundingClientRect()
    return { text: el.textContent.trim(), width: box.width, height: box.height, bottom: box.bottom }
  }))
  assert.equal(targets.length, 8)
  for (const t of targets) assert.ok(t.width >= 44 && t.height >= 44 && t.bottom <= 844.5, JSON.stringify(t))
  const current = await page.locator('.bottom [aria-current]').boundingBox()
  assert.ok(current.x >= 0 && current.x + current.width <= 390, 'the current board is out of sight')
  await page.tap('#more')
  await page.waitForSelector('dialog.palette[open]')
  await page.tap('.palette [role=option] >> nth=0')
  await page.waitForURL(warroom.url + '/')
  await page.close()
})

test('a swipe turns to the next board and back; it ends at the ends', async () => {
  const { page } = await board()
  await finger(page, [60, 600], [300, 600]) // nothing lies before the first board
  await finger(page, [330, 600], [90, 610])
  await page.waitForURL('**/boards/money')
  await isLive(page)
  await finger(page, [60, 500], [300, 505])
  await page.waitForURL(warroom.url + '/')
  await page.close()
})

test('no swipe: down, short, in a chart, in what scrolls sideways', async () => {
  const { page } = await board()
  const turned = []
  page.on('request', (r) => { if (r.isNavigationRequest()) turned.push(r.url()) })
  await finger(page, [200, 600], [150, 300])
  await page.evaluate(() => scrollTo(0, 0))
  await finger(page, [200, 600], [150, 600])
  const plot = await page.locator('#p-money-minutes .plot').boundingBox()
  await finger(page, [340, plot.y + 40], [80, plot.y + 40])
  await page.evaluate(() => {
    const wide = document.createElement('div')
    wide.className = 'scroll'
    wide.innerHTML = '<pre id="wide">' + 'w'.repeat(500) + '</pre>'
    document.querySelector('.place.today').prepend(wide)
    document.getElementById('wide').style.whiteSpace = 'pre'
    scrollTo(0, 0)
  })
  const wide = await page.locator('#wide').boundingBox()
  await finger(page, [340, wide.y + 10], [80, wide.y + 10])
  // A real swipe after them is the first that turns the page.
  await page.evaluate(() => document.getElementById('wide').remove())
  await finger(page, [330, 600], [90, 610])
  await page.waitForURL('**/boards/money')
  assert.deepEqual(turned, [warroom.url + '/boards/money'])
  await page.close()
})

test('it can be installed', async () => {
  const { page } = await board()
  const devtools = await page.context().newCDPSession(page)
  const { manifest, errors } = await devtools.send('Page.getAppManifest')
  assert.deepEqual(errors, [])
  assert.equal(new URL(manifest.startUrl ?? manifest.start_url, warroom.url).pathname, '/')
  const address = await page.getAttribute('link[rel=manifest]', 'href')
  const answer = await fetch(new URL(address, warroom.url))
  assert.match(answer.headers.get('content-type'), /^application\/manifest\+json/)
  const read = await answer.json()
  assert.equal(read.display, 'standalone')
  for (const icon of read.icons) {
    const file = await fetch(new URL(icon.src, new URL(address, warroom.url)))
    assert.equal(file.status, 200)
    assert.equal(file.headers.get('content-type'), icon.type)
  }
  assert.equal(await page.evaluate(() => navigator.serviceWorker.ready.then((r) => new URL(r.active.scriptURL).pathname)), '/worker.js')
  await page.close()
})

test('without a server the app says so, shows no figure, and comes back by itself', async () => {
  const { page } = await board()
  await page.waitForFunction(() => navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null))
  const kept = await page.evaluate(async () => {
    const all = []
    for (const name of await caches.keys()) for (const request of await (await caches.open(name)).keys()) all.push(new URL(request.url).pathname)
    return all
  })
  assert.ok(kept.length === 1 && /^\/static\/app\.[0-9a-f]{10}\.css$/.test(kept[0]), `kept: ${kept}`)
  await warroom.end('SIGKILL')
  const answer = await page.reload()
  assert.equal(answer.status(), 503)
  assert.match(await page.textContent('body'), /Not live.*No connection/s)
  assert.equal(await page.locator('.fig, .panel').count(), 0)
  assert.doesNotMatch(await page.textContent('body'), /\$/)
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.band')).display), 'flex', 'it has no style')
  await warroom.start()
  await warroom.ready()
  await isLive(page) // nobody touched it
  await page.close()
})
