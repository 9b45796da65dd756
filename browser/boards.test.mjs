// Every board in a real browser, on a night that the simulator told: figures in every panel, nothing that jumps, the
// past as it was, spans that stay, and late events in the past they belong to.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { isLive, launch, open, program, until, Warroom } from './warroom.mjs'

const warroom = new Warroom()
const start = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 21 * 60_000)
let browser, context, boards, send

/** The night up to a minute ago, then nothing more: what pages show must not depend on when they are asked. */
function tell() {
  const made = spawnSync(program, ['simulate', '--url', warroom.url, '--token', warroom.feed, '--scenario', 'convention',
    '--start', start.toISOString(), '--backfill', '26h', '--duration', '20m', '--rate', '40', '--mail-rate', '3', '--json'],
    { env: warroom.env(), encoding: 'utf8', timeout: 240_000 })
  assert.equal(made.status, 0, made.stderr)
}

before(async () => {
  await warroom.start()
  await warroom.ready()
  tell()
  await until(async () => !/warroom_spool_records\{[^}]*\} [1-9]/.test(await (await warroom.read('/metrics')).text()), () => 'the events are not stored')
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1366, height: 900 } })
  const { page } = await open(context)
  await page.goto(warroom.link)
  await isLive(page)
  send = await sendOf(page)
  await page.close()
  boards = { leadership: '/', money: '/boards/money', sends: '/sends', send, mail: '/boards/mail', traffic: '/boards/traffic', fleet: '/boards/fleet' }
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

/** The page of the night's mail, as the list of sends links it. */
async function sendOf(page) {
  await page.goto(warroom.url + '/sends')
  await isLive(page)
  const links = await page.locator('a[href*="/sends/speech-"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')))
  assert.ok(links.length > 0, 'the list of sends does not link the mail of the night')
  return links[0]
}

// What may say in words why it has no figure: too few earlier sends, nothing at risk.
const mayBeEmpty = ['p-send-projection', 'p-fleet-risk']

/** Panels that wait or have no figures. */
const blanks = (page) => page.evaluate((mayBeEmpty) => [...document.querySelectorAll('.panel')]
  .filter((panel) => panel.matches('.none, .waiting') || !/[0-9]/.test(panel.textContent))
  .map((panel) => panel.id)
  .filter((id) => !(mayBeEmpty.includes(id) && document.getElementById(id).textContent.trim().length > 40)), mayBeEmpty)

for (const name of ['leadership', 'money', 'sends', 'send', 'mail', 'traffic', 'fleet']) {
  test(`${name} fills every panel, and nothing moves while it lives`, async () => {
    const { page, troubles } = await open(context)
    await page.goto(warroom.url + boards[name])
    await isLive(page)
    await page.evaluate(() => document.fonts.ready)
    await page.waitForFunction(() => [...document.querySelectorAll('.panel')].every((panel) => !panel.matches('.waiting')))
    await until(async () => (await blanks(page)).length === 0, () => 'there are panels without figures').catch(async () => assert.deepEqual(await blanks(page), []))
    await page.evaluate(() => { window.shifts.length = 0 })
    await warroom.give('12.34', { state: 'WA', refcode: 'late-' + name })
    await pulses(page, 3)
    assert.deepEqual(await page.evaluate(() => window.shifts), [])
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'wider than the screen')
    assert.deepEqual(troubles, [])
    await page.close()
  })

  test(`${name} of the past says so and asks for nothing more`, async () => {
    const { page, troubles } = await open(context)
    const sockets = []
    page.on('websocket', (socket) => sockets.push(socket.url()))
    const at = new Date(start.getTime() + 19 * 60_000).toISOString()
    const answer = await page.goto(`${warroom.url}${boards[name]}?at=${encodeURIComponent(at)}`)
    assert.equal(answer.status(), 200)
    assert.equal(await page.isVisible('.band.past'), true)
    assert.deepEqual(await blanks(page), [])
    assert.deepEqual([sockets, troubles], [[], []])
    await page.close()
  })

  test(`${name} fits a phone`, async () => {
    const phone = await browser.newContext({ storageState: await context.storageState(), viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
    const { page, troubles } = await open(phone)
    await page.goto(warroom.url + boards[name])
    await isLive(page)
    const wide = await page.evaluate(() => document.documentElement.scrollWidth)
    assert.ok(wide <= 360, `${wide} px wide`)
    assert.deepEqual(troubles, [])
    await phone.close()
  })
}

/** Waits until so many pulses have come: whatever a tick changes has then been placed. */
async function pulses(page, n) {
  await page.evaluate((n) => new Promise((resolve) => {
    let left = n
    document.body.addEventListener('htmx:ws:before:message:incoming', (e) => {
      if (JSON.parse(e.detail.message.data).topic === 'pulse' && --left === 0) resolve(undefined)
    })
  }), n)
}

/** What the API says of a panel. */
const value = async (topic, query = '') => (await (await warroom.read(`/api/v1/panels/${topic}${query}`)).json())

test('a span is chosen by a link, stays in the address, and changes the figures', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/boards/money')
  await isLive(page)
  const total = () => page.textContent('#p-money-total .fig')
  const day = await total()
  await page.click('nav.spans a:not([aria-current])')
  await isLive(page)
  assert.match(page.url(), /window=/)
  assert.equal(await page.locator('nav.spans a[aria-current]').count(), 1)
  const other = new URL(page.url()).searchParams.get('window')
  await page.waitForFunction((was) => document.querySelector('#p-money-total .fig')?.textContent !== was, day)
  assert.notEqual(await page.getAttribute('#p-money-total', 'data-topic'), 'money.total')
  await warroom.give('100000.00', { occurred_at: new Date().toISOString() })
  const before = await total()
  await page.waitForFunction((was) => document.querySelector('#p-money-total .fig')?.textContent !== was, before)
  assert.ok(other)
  assert.deepEqual(troubles, [])
  await page.close()
})

test('where panels have spans of their own, the page says so, and leads back there', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/boards/traffic')
  assert.equal(await page.textContent('nav.spans a[aria-current]'), 'Each its own')
  await page.click('nav.spans a:has-text("15 minutes")')
  await page.waitForURL('**/boards/traffic?window=15m')
  assert.equal(await page.textContent('nav.spans a[aria-current]'), '15 minutes')
  await page.click('nav.spans a:has-text("Each its own")')
  await page.waitForURL('**/boards/traffic')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('a span that a board has not names those it has', async () => {
  const { page } = await open(context)
  const answer = await page.goto(warroom.url + '/boards/money?window=17m')
  assert.equal(answer.status(), 400)
  assert.match(await page.textContent('main'), /1h, 24h, 7d or 30d/)
  await page.close()
})

test('a late gift changes the past that it belongs to, on a board that is open', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/')
  await isLive(page)
  await page.waitForSelector('#p-money-minutes canvas')
  const minute = new Date(Math.floor(Date.now() / 60_000) * 60_000 - 100 * 60_000)
  const row = () => page.evaluate(async (time) => {
    const at = [...document.querySelectorAll('#p-money-minutes tbody tr')].find((tr) => tr.textContent.includes(time))
    return at?.textContent ?? ''
  }, new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', hour: 'numeric', minute: '2-digit' }).format(minute))
  const open_ = await page.evaluate(() => { document.querySelector('#p-money-minutes details').open = true })
  assert.equal(open_, undefined)
  const dollars = async () => Number((await row()).match(/\$([\d,.]+?)\$/)[1].replaceAll(',', ''))
  await until(async () => (await row()) !== '', () => 'the table has no such minute')
  const was = await dollars()
  await warroom.give('54321.00', { occurred_at: minute.toISOString() })
  await until(async () => (await dollars()).toFixed(2) === (was + 54_321).toFixed(2), () => 'the minute stays as it was: ' + was)
  const series = (await value('money.minutes')).series
  assert.ok(series.columns[0].values[series.times.indexOf(minute.getTime() / 1000)] >= 54321)
  // And as of a moment in between it is there too: the past is what happened, not what was known.
  const past = await value('money.hour', '?at=' + new Date(minute.getTime() + 60_000).toISOString())
  assert.ok(past.value.amount_minor >= 5_432_100)
  assert.deepEqual(troubles, [])
  await page.close()
})

test('the list of sends leads to each of them', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/sends')
  await isLive(page)
  await page.click(`a[href="${send}"]`)
  await page.waitForURL('**' + send)
  await isLive(page)
  assert.match(await page.textContent('main'), /speech-/)
  assert.deepEqual(troubles, [])
  await page.close()
})

test('a send that nobody knows is not found', async () => {
  const { page } = await open(context)
  const answer = await page.goto(warroom.url + '/sends/nobody-sent-this')
  assert.equal(answer.status(), 404)
  assert.match(await page.textContent('main'), /No such send.*nobody-sent-this.*All sends/s)
  await page.close()
})
