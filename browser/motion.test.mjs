// Motion: numbers count from one value to the next and nothing else moves, in less for who asked for less; a record is
// shown and said once.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openPlayed } from './mock.mjs'
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
  await isLive(page)
  await page.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

const hour = (text, { sub = '', announce = '' } = {}) => `<section id="p-money-hour" class="panel headline" data-topic="money.hour" data-at="${new Date().toISOString()}" aria-labelledby="p-money-hour-title">
  <div class="head"><h2 id="p-money-hour-title">Dollars in the last hour</h2><button type="button" class="age" aria-haspopup="dialog"><time>10:46:12 PM EDT</time></button></div>
  <p class="figure"><span class="fig hero" data-raw="${text.replace(/\D/g, '')}" data-unit="usd">${text}</span></p><p class="delta"></p><p class="sub">${sub}</p>${announce ? `<p data-announce="${announce}">${announce}</p>` : ''}</section>`

/** Notes what the headline shows at every change. */
const watch = (page) => page.evaluate(() => {
  window.texts = []
  new MutationObserver(() => window.texts.push(document.querySelector('#p-money-hour .fig')?.textContent ?? ''))
    .observe(document.querySelector('.board'), { subtree: true, childList: true, characterData: true })
})

test('fifty numbers in a row: each counts up from the one before, none is blank, nothing moves', async () => {
  const { page, send, troubles } = await openPlayed(context, warroom.url + '/')
  send({ topic: 'money.hour', html: hour('$10,000') })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .fig').textContent === '$10,000')
  await page.evaluate(() => document.fonts.ready)
  await watch(page)
  await page.evaluate(() => { window.shifts.length = 0 })
  for (let n = 1; n <= 50; n++) send({ topic: 'money.hour', html: hour('$' + (10_000 + n * 137).toLocaleString('en-US')) })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .fig').textContent === '$16,850')
  const texts = await page.evaluate(() => window.texts)
  const numbers = texts.map((t) => Number(t.replace(/[$,]/g, '')))
  assert.ok(texts.every((t) => /^\$\d\d,\d{3}$/.test(t)), `something else was shown: ${texts.filter((t) => !/^\$\d\d,\d{3}$/.test(t))}`)
  assert.ok(numbers.some((n) => (n - 10_000) % 137 !== 0), 'no number counted up')
  assert.ok(Math.max(...numbers) <= 16_850 && Math.min(...numbers) >= 10_000, 'it counted past its end')
  assert.deepEqual(await page.evaluate(() => window.shifts), [])
  assert.deepEqual(troubles, [])
  await page.close()
})

test('who asked for less motion sees every number at once, and no animation runs', async () => {
  const still = await browser.newContext({ reducedMotion: 'reduce', storageState: await context.storageState() })
  const { page, send } = await openPlayed(still, warroom.url + '/')
  send({ topic: 'money.hour', html: hour('$10,000') })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .fig').textContent === '$10,000')
  await watch(page)
  send({ topic: 'money.hour', html: hour('$99,999', { announce: 'A record hour: $99,999' }) })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .fig').textContent === '$99,999')
  await page.waitForSelector('.news')
  assert.deepEqual([...new Set(await page.evaluate(() => window.texts))], ['$99,999'])
  assert.equal(await page.evaluate(() => document.getAnimations().length), 0)
  await still.close()
})

test('a record is shown and said once; one that stood there when the page opened is no news', async () => {
  const { page, send } = await openPlayed(context, warroom.url + '/')
  await page.evaluate(() => {
    window.said = []
    new MutationObserver(() => window.said.push(document.getElementById('said').textContent)).observe(document.getElementById('said'), { childList: true })
  })
  for (const text of ['$10,000', '$10,001', '$10,002']) send({ topic: 'money.hour', html: hour(text, { announce: 'A record hour: $10,000' }) })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .fig').textContent === '$10,002')
  assert.equal(await page.textContent('.news'), 'A record hour: $10,000')
  assert.deepEqual(await page.evaluate(() => window.said), ['A record hour: $10,000'])
  send({ topic: 'money.hour', html: hour('$20,000', { announce: 'A record hour: $20,000' }) })
  await page.waitForFunction(() => document.querySelector('.news')?.textContent === 'A record hour: $20,000')
  assert.equal(await page.locator('.news').count(), 1)
  await page.close()
})

test('the age at the head of a panel goes on, and is never the raw time for a moment', async () => {
  const { page, send, pulse } = await openPlayed(context, warroom.url + '/')
  send({ topic: 'money.hour', html: hour('$10,000') })
  await page.waitForFunction(() => document.querySelector('#p-money-hour .age')?.textContent === 'now')
  await page.evaluate(() => {
    window.ages = []
    new MutationObserver(() => window.ages.push(document.querySelector('#p-money-hour .age time')?.textContent ?? ''))
      .observe(document.querySelector('#p-money-hour'), { subtree: true, childList: true, characterData: true })
  })
  send({ topic: 'money.hour', html: hour('$10,005').replace(/data-at="[^"]*"/, `data-at="${new Date(Date.now() - 42_000).toISOString()}"`) })
  await page.waitForFunction(() => /^4\d s old$/.test(document.querySelector('#p-money-hour .age')?.textContent ?? ''))
  assert.ok((await page.evaluate(() => window.ages)).every((t) => t === 'now' || /^4\d s old$/.test(t)))
  pulse()
  await page.close()
})
