// The Feeds page: what arrives, what was refused, what contradicts, two paths side by side, and dead letters that are
// sent again.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { isLive, launch, open, until, Warroom } from './warroom.mjs'

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const warroom = new Warroom()
let browser, context

// A gift of $12.34 as the spool holds it (campaign.AppendDonation), and a record that nobody can read.
const gift = 'RAEFY2FyZHMQZnJvbS10aGUtbGV0dGVycwZ2ZW5kb3IJdGVzdC1mZWVkBGdpZnQAkJvhsLRo4KrhsLRopBMDVVNEBG5vbmUAAAAAAAAAAAA='
const letters = [
  { segment: '00000000000000000001-0000', n: 0, at: '2026-11-03T20:20:00Z', feed: 'test-feed', reason: 'ClickHouse refused with code 469', record: gift },
  { segment: '00000000000000000001-0000', n: 1, at: '2026-11-03T20:21:00Z', reason: 'record is cut or damaged', record: 'AAAA' },
]

before(async () => {
  mkdirSync(join(warroom.data, 'deadletters'), { recursive: true, mode: 0o700 })
  writeFileSync(join(warroom.data, 'deadletters', 'donations.jsonl'), letters.map((l) => JSON.stringify(l) + '\n').join(''), { mode: 0o600 })
  await warroom.start()
  await warroom.ready()
  browser = await launch()
  context = await browser.newContext({ viewport: { width: 1600, height: 1130 } })
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

/** Waits until the panel shows this text, whatever is between its words. */
const shows = (page, panel, text) => page.waitForFunction(
  ([id, want]) => document.getElementById(id)?.textContent.replace(/\s+/g, '').includes(want), ['p-feeds-' + panel, text.replace(/\s+/g, '')])

test('without a feed the page says how to begin', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.link)
  await page.click('.top nav a[href="/feeds"]')
  await isLive(page)
  assert.match(await page.textContent('#p-feeds-feeds'), /No feed yet\..*warroom token create/s)
  assert.deepEqual(troubles, [])
  await page.close()
})

test('feeds, refusals, conflicts and two paths come by themselves', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/feeds')
  await isLive(page)
  await page.evaluate(() => { window.mark = 'the same page' })
  const at = new Date().toISOString()
  const both = { source: 'cards', id: 'both', occurred_at: at }
  await warroom.give('25.00', { ...both, path: 'vendor' })
  await warroom.give('25.00', { ...both, path: 'mirror' })
  await warroom.give('40.50', { source: 'cards', id: 'alone', occurred_at: at, path: 'vendor' })
  await warroom.give('10.00', { source: 'cards', id: 'differs', occurred_at: at, path: 'vendor' })
  await warroom.give('10.01', { source: 'cards', id: 'differs', occurred_at: at, path: 'mirror' })
  const refused = await fetch(warroom.url + '/v1/donations', {
    method: 'POST', headers: { Authorization: `Bearer ${warroom.feed}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ id: 'x', occurred_at: at, amount: 'twelve' }),
  })
  assert.equal(refused.status, 422)
  await shows(page, 'feeds', 'test-feed')
  await shows(page, 'rejects', 'amount want a positive decimal')
  await shows(page, 'conflicts', 'cards differs')
  await shows(page, 'conflicts', 'amount $10.00')
  await shows(page, 'paths', 'Still unconfirmed $40.50')
  await shows(page, 'paths', 'Amounts differ 1')
  assert.equal(await page.locator('#p-feeds-paths tbody tr').count(), 60)
  assert.ok(!(await page.textContent('#p-feeds-rejects')).includes('twelve'), 'a value is quoted')
  assert.equal(await page.evaluate(() => window.mark), 'the same page')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('dead letters are sent again, and the page says what became of them', async () => {
  const { page, troubles } = await open(context)
  await page.goto(warroom.url + '/feeds')
  await isLive(page)
  const row = (reason) => page.locator('#p-feeds-letters tbody tr', { hasText: reason })
  await row('code 469').locator('button').click()
  await shows(page, 'letters', '1 counted, 0 still refused')
  await isLive(page)
  assert.equal(await row('code 469').count(), 0, 'a settled letter is still listed')
  await row('cut or damaged').locator('button').click()
  await shows(page, 'letters', '0 counted, 1 still refused')
  assert.equal(await page.locator('#p-feeds-letters tbody tr').count(), 1, 'a letter that is still refused has gone')
  await until(async () => {
    const today = await (await warroom.read('/api/v1/feeds')).json()
    return today.dead_letters.value.settled === 1
  }, () => 'the letter is not settled')
  assert.deepEqual(troubles, [])
  await page.close()
})

test('a reader gets the same as JSON, and no button', async () => {
  const answer = await warroom.read('/api/v1/feeds')
  assert.equal(answer.status, 200)
  const report = await answer.json()
  assert.equal(report.feeds.value[0].feed, 'test-feed')
  assert.deepEqual(report.paths.value[0].paths, ['vendor', 'mirror'])
  assert.equal(report.paths.value[0].total.unconfirmed[0].in.amount, '40.50')
  assert.deepEqual(report.conflicts.value.map((c) => [c.id, c.differs]), [['differs', ['amount']]])
  const { page } = await open(await browser.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${warroom.reader}` } }))
  await page.goto(warroom.url + '/feeds')
  await page.waitForSelector('#p-feeds-letters tbody tr')
  assert.equal(await page.locator('.do').first().isVisible(), false)
  await page.context().close()
})

for (const theme of ['dark', 'light']) {
  for (const path of ['/feeds', '/feeds?window=24h', '/feeds?at=' + encodeURIComponent(new Date().toISOString())]) {
    test(`${theme} ${path.replace(/=2.*/, '=…')} has no barrier, from phone to wall`, async () => {
      const { page } = await open(context)
      const url = new URL(path, warroom.url)
      url.searchParams.set('theme', theme)
      for (const [width, height] of [[360, 740], [390, 844], [820, 1180], [1280, 720], [1600, 1130], [3840, 2160]]) {
        await page.setViewportSize({ width, height })
        await page.goto(url.href)
        if (path === '/feeds') await isLive(page)
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `wider than ${width}`)
        if (width !== 390 && width !== 1600) continue
        await page.evaluate(readFileSync(axe, 'utf8'))
        const { violations } = await page.evaluate(() => axe.run({ resultTypes: ['violations'] }))
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target + ' ' + (n.any[0]?.message ?? '')).join(' | ')}`), [])
      }
      await page.close()
    })
  }
}
