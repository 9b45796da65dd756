// No barrier on any board: what axe finds, targets of 24 px, focus that is never hidden, where figures come from, and a
// polite summary for those who listen.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, test } from 'node:test'
import { openPlayed } from './mock.mjs'
import { headlineIs, isLive, launch, open, Warroom } from './warroom.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const warroom = new Warroom()
const screens = { desktop: { viewport: { width: 1440, height: 900 } }, phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } }
const boards = ['/', '/boards/money', '/sends', '/sends/em-1', '/boards/mail', '/boards/traffic', '/boards/fleet', '/feeds', '/docs']
let browser, state

before(async () => {
  await warroom.start()
  await warroom.ready()
  await seed()
  browser = await launch()
  const context = await browser.newContext()
  const { page } = await open(context)
  await page.goto(warroom.link)
  await headlineIs(page, '$2,550')
  state = await context.storageState()
  await context.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

/** A little of everything: gifts, a blast with its bounces, requests with failures. */
async function seed() {
  const at = (ago) => new Date(Date.now() - ago * 1000).toISOString()
  for (const [amount, refcode, more] of [['1250.00', 'em-1', { send_id: 'em-1', channel: 'email' }], ['1250.00', 'web', { state: 'CA' }], ['50.00', '', { state: '', recurring: 'monthly' }]]) {
    await warroom.give(amount, { refcode, ...more })
  }
  const types = ['send', 'delivery', 'open', 'click', 'bounce', 'complaint', 'unsubscribe']
  const emails = types.flatMap((type, i) => [1, 2, 3].map((n) => ({ id: `${type}-${n}`, type, occurred_at: at(300 - i * 10), send_id: 'em-1', variant: n % 2 ? 'a' : 'b', recipient: `p${n}@example.org`, ...(type === 'bounce' ? { bounce: n % 2 ? 'hard' : 'soft' } : {}) })))
  const requests = Array.from({ length: 40 }, (_, n) => ({ occurred_at: at(n), app: n % 3 ? 'site' : 'donate', host: 'web-' + (n % 4), path: n % 2 ? '/' : '/give', status: n % 9 ? 200 : 503, bytes: 5000, duration_ms: 20 + n, visitor: 'v' + (n % 11), referrer: 'https://example.org/' }))
  for (const [path, events] of [['/v1/emails', emails], ['/v1/traffic', requests]]) {
    const answer = await fetch(warroom.url + path, { method: 'POST', headers: { Authorization: `Bearer ${warroom.feed}`, 'Content-Type': 'application/json' }, body: JSON.stringify(events) })
    assert.equal(answer.status, 202, await answer.text())
  }
}

/** What axe finds, its rule for the size of targets included, which it leaves out by itself. */
async function barriers(page, within) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate((within) => axe.run(within ?? document, { resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }), within)
  return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target + ' ' + (n.any[0]?.message ?? n.all[0]?.message ?? '')).join(' | ')}`)
}

// Each board once in each theme, and on each screen in one of them: axe is slow.
for (const [n, theme] of ['dark', 'light'].entries()) {
  test(`${theme}: no board has a barrier`, async () => {
    const found = {}
    const contexts = await Promise.all(Object.values(screens).map((settings) => browser.newContext({ ...settings, storageState: state })))
    const pages = await Promise.all(contexts.map(async (context) => (await open(context)).page))
    for (const [i, path] of boards.entries()) {
      const page = pages[(i + n) % 2]
      const answer = await page.goto(`${warroom.url}${path}?theme=${theme}`)
      assert.equal(answer.status(), 200, path)
      if (path !== '/docs') await isLive(page)
      await page.evaluate(() => document.fonts.ready)
      const list = await barriers(page)
      if (list.length) found[path] = list
    }
    assert.deepEqual(found, {})
    await Promise.all(contexts.map((context) => context.close()))
  })
}

for (const [screen, theme] of [['desktop', 'light'], ['phone', 'dark']]) {
  test(`${screen}, ${theme}: what opens has no barrier`, async () => {
    const context = await browser.newContext({ ...screens[screen], storageState: state })
    const { page } = await open(context)
    await page.goto(`${warroom.url}/?theme=${theme}`)
    await isLive(page)
    const opens = { palette: 'Control+k', help: '?' }
    for (const [name, key] of Object.entries(opens)) {
      await page.keyboard.press(key)
      await page.waitForSelector(`dialog.${name}[open]`)
      assert.deepEqual(await barriers(page, `dialog.${name}`), [], name)
      await page.keyboard.press('Escape')
      await page.waitForSelector(`dialog.${name}:not([open])`, { state: 'attached' })
    }
    await page.click('#p-money-hour .age')
    await page.waitForSelector('#details:popover-open')
    assert.deepEqual(await barriers(page, '#details'), [], 'details')
    await page.keyboard.press('Escape')
    await page.click('#p-money-minutes summary')
    await page.waitForSelector('#p-money-minutes details[open] td')
    assert.deepEqual(await barriers(page, '.place.hero'), [], 'table')
    await context.close()
  })
}

for (const [screen, settings] of Object.entries(screens)) {
  test(`${screen}: what has the focus can be seen`, async () => {
    const context = await browser.newContext({ ...settings, storageState: state })
    for (const path of ['/', '/boards/money', '/feeds']) {
      const { page } = await open(context)
      await page.goto(warroom.url + path)
      await isLive(page)
      const hidden = []
      const stops = await page.evaluate(() => document.querySelectorAll('a[href], button, summary, [tabindex="0"]').length)
      for (let i = 0; i < stops + 5; i++) {
        await page.keyboard.press('Tab')
        const bad = await page.evaluate(() => {
          const el = document.activeElement
          if (!el || el === document.body) return ''
          const box = el.getBoundingClientRect()
          const points = [[0.5, 0.5], [0.1, 0.2], [0.9, 0.8], [0.5, 0.1], [0.5, 0.9]].map(([x, y]) => document.elementFromPoint(box.left + box.width * x, box.top + box.height * y))
          return points.some((p) => p && (el.contains(p) || p.contains(el))) ? '' : `${el.tagName}.${el.className} "${el.textContent.trim().slice(0, 20)}" at ${Math.round(box.top)}`
        })
        if (bad) hidden.push(bad)
      }
      assert.deepEqual(hidden, [], path)
      await page.close()
    }
    await context.close()
  })
}

test('where a panel comes from opens from its age, by pointer and by keyboard', async () => {
  const context = await browser.newContext({ ...screens.desktop, storageState: state })
  const { page, pulse, troubles } = await openPlayed(context, warroom.url + '/')
  pulse({ kinds: {
    donations: { feeds: 11, of: 12, usual: 0.93, quiet: ['mirror'], data_at: new Date().toISOString() },
    emails: { feeds: 1, of: 1, usual: null, quiet: [] }, traffic: { feeds: 1, of: 1, usual: 1.2, quiet: [] },
  } })
  await page.focus('#p-money-hour .age')
  await page.keyboard.press('Enter')
  await page.waitForSelector('#details:popover-open')
  const text = () => page.evaluate(() => document.getElementById('details').textContent.replace(/\s+/g, ' '))
  await page.waitForFunction(() => /viewer/.test(document.getElementById('details').textContent) && !/…/.test(document.getElementById('details').textContent))
  assert.match(await text(), /^Dollars in the last hour.*Figures as of.*\d+:\d\d:\d\d [AP]M E[SD]T/)
  assert.match(await text(), /donations: 11 of 12 feeds, 93 % of the usual volume for this hour of the week/)
  assert.match(await text(), /Quiet now ?mirror/)
  assert.doesNotMatch(await text(), /emails:/)
  assert.match(await text(), /Newest event in it ?\d/)
  assert.match(await text(), /\d+ quer(y|ies).*\d+ viewers?/)
  await page.keyboard.press('Escape')
  assert.equal(await page.evaluate(() => document.activeElement.className), 'age')
  await page.click('#p-money-hour .age')
  await page.waitForSelector('#details:popover-open')
  await page.click('#p-money-hour .age')
  assert.equal(await page.locator('#details:popover-open').count(), 0)
  assert.deepEqual(troubles, [])
  await context.close()
})

test('who listens hears a summary once a minute, not every tick', async () => {
  const context = await browser.newContext({ ...screens.desktop, storageState: state })
  const { page, troubles } = await open(context)
  await page.clock.install()
  let socket
  await page.routeWebSocket(/\/live\?/, (ws) => { socket = ws })
  await page.goto(warroom.url + '/')
  const live = await page.evaluate(() => [...document.querySelectorAll('[aria-live], [role=status], [role=log], output')].map((el) => el.id))
  assert.deepEqual(live, ['said'])
  await page.evaluate(() => {
    window.said = []
    new MutationObserver(() => window.said.push(document.getElementById('said').textContent)).observe(document.getElementById('said'), { childList: true })
  })
  const beat = (n) => socket.send(JSON.stringify({ topic: 'pulse', seq: n, at: new Date().toISOString(), sent: Date.now(), data: { feeds: 1, of: 1, doubt: '', viewers: 1, queries: 1 } }))
  // The clock went on by itself until now: how far, nobody knows.
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 500))
  for (let second = 1; second <= 80; second++) {
    beat(second)
    await page.clock.runFor(1000)
    if (second === 20) assert.deepEqual(await page.evaluate(() => window.said), [])
  }
  const first = await page.evaluate(() => window.said)
  assert.equal(first.length, 1)
  assert.match(first[0], /^Dollars in the last hour: \$2,550, nothing in the hour before, nothing in the same hour last week\. Raised today: \$2,550/)
  await page.clock.runFor(60_000) // nobody says a word any more
  const said = await page.evaluate(() => window.said)
  assert.equal(said.length, 2)
  assert.match(said[1], /^Not live: these are the last figures\. Dollars in the last hour/)
  assert.deepEqual(troubles, [])
  await context.close()
})
