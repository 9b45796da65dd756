// What open boards owe the truth: late and corrected gifts change the past that they belong to, and every panel says
// where its figures come from.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { isLive, launch, open, until, Warroom } from './warroom.mjs'

const warroom = new Warroom()
let browser, context

/** A moment of today that has passed: a hundred minutes ago, or soon after the campaign's midnight. */
function earlier() {
  const clock = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', hourCycle: 'h23', hour: 'numeric', minute: 'numeric', second: 'numeric' })
  const part = Object.fromEntries(clock.formatToParts(new Date()).map((p) => [p.type, Number(p.value)]))
  const sinceMidnight = (part.hour * 3600 + part.minute * 60 + part.second) * 1000
  return new Date(Date.now() - Math.min(100 * 60_000, sinceMidnight))
}
const moment = earlier()
const label = new Intl.DateTimeFormat('en-US', { timeZone: 'America/New_York', hour: 'numeric', minute: '2-digit' }).format(moment)

before(async () => {
  await warroom.start()
  await warroom.ready()
  await warroom.give('100.00')
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

async function board(path) {
  const opened = await open(context)
  await opened.page.goto(warroom.url + path)
  await isLive(opened.page)
  return opened
}

const figure = (page, panel) => page.textContent(`#p-${panel} .fig`)
const figureIs = (page, panel, text) => until(async () => (await figure(page, panel)) === text, () => `${panel} is not ${text}`)
  .catch(async (error) => assert.equal(await figure(page, panel), text, error.message))

/** The row of a chart's table that begins with a time. */
const row = (page, panel, time) => page.evaluate(([panel, time]) => {
  const found = [...document.querySelectorAll(`#p-${panel} tbody tr`)].find((tr) => tr.cells[0].textContent.startsWith(time))
  return found ? [...found.cells].slice(1).map((td) => td.textContent) : null
}, [panel, time])

test('a late gift, and then its refund, change the past on boards that are open', async () => {
  const leadership = await board('/')
  const money = await board('/boards/money')
  await figureIs(leadership.page, 'money-today', '$100.00')
  await figureIs(money.page, 'money-total', '$100.00')
  await leadership.page.click('#p-money-minutes summary')
  // The table is made when it opens, and the first points may still be on their way.
  await until(async () => JSON.stringify(await row(leadership.page, 'money-minutes', label)) === '["$0","$0"]', () => 'no such minute in the table')

  await warroom.give('54321.00', { id: 'late', occurred_at: moment.toISOString() })
  await figureIs(leadership.page, 'money-today', '$54,421')
  await figureIs(money.page, 'money-total', '$54,421')
  await until(async () => (await row(leadership.page, 'money-minutes', label))[0] === '$54,321', () => 'the minute of the late gift stays as it was')
  const past = () => warroom.read('/api/v1/panels/money.hour?at=' + new Date(moment.getTime() + 1000).toISOString()).then((answer) => answer.json())
  assert.equal((await past()).value.amount_minor, 5_432_100)

  // It was given back in the minute after: that minute has it, the gift's own keeps the gift.
  const back = new Date(moment.getTime() + 500)
  await warroom.give('54321.00', { id: 'back', kind: 'refund', of: 'late', occurred_at: back.toISOString() })
  await figureIs(leadership.page, 'money-today', '$100.00')
  assert.match(await leadership.page.textContent('#p-money-today'), /\$54,421 given, \$54,321 refunded/)
  await figureIs(money.page, 'money-total', '$100.00')
  assert.equal((await row(leadership.page, 'money-minutes', label))[0], '$54,321')
  await until(async () => (await past()).value.amount_minor === 0, () => 'the past does not know the refund')
  assert.deepEqual([leadership.troubles, money.troubles], [[], []])
  await leadership.page.close()
  await money.page.close()
})

test('a second copy that claims another amount changes nothing', async () => {
  const { page } = await board('/')
  await figureIs(page, 'money-today', '$100.00')
  await warroom.give('999.00', { id: 'late', occurred_at: moment.toISOString() })
  await warroom.give('1.00') // comes after it: when this is counted, that one has been looked at
  await figureIs(page, 'money-today', '$101.00')
  await page.close()
})

test('every panel says its feeds, how much is usual, and who looks', async () => {
  const first = await board('/')
  const second = await board('/')
  const { page } = second
  const text = () => page.evaluate(() => document.getElementById('details').textContent.replace(/\s+/g, ' '))
  for (const panel of await page.evaluate(() => [...document.querySelectorAll('.panel')].map((p) => p.id))) {
    await page.focus(`#${panel} .age`)
    await page.keyboard.press('Enter')
    await page.waitForSelector('#details:popover-open')
    await page.waitForFunction(() => /viewer/.test(document.getElementById('details').textContent) && !/…/.test(document.getElementById('details').textContent))
    assert.match(await text(), /Figures as of ?\d+:\d\d:\d\d [AP]M E[SD]T/, panel)
    assert.match(await text(), /Feeds behind it ?(donations: 1 of 1 feed, nothing known yet of the usual volume|(emails|traffic): no feed yet|no feed yet)/, panel)
    assert.match(await text(), /Work ?\d+ quer(y|ies) a second, \d+ viewers?/, panel)
    await page.keyboard.press('Escape')
    await page.waitForSelector('#details:not(:popover-open)', { state: 'attached' })
  }
  const work = async () => (await (await warroom.read('/api/v1/panels/money.today')).json()).work
  assert.equal((await work()).viewers, 2)
  await first.page.close()
  await until(async () => (await work()).viewers === 1, () => 'who has gone is still counted')
  assert.deepEqual(second.troubles, [])
  await page.close()
})
