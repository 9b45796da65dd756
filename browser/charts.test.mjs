// Charts on the page: changes that come in frames, and the exact figures for eye, keyboard, ear and spreadsheet.
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
  context = await browser.newContext({ viewport: { width: 1600, height: 1130 }, permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = await open(context)
  await page.goto(warroom.link)
  await isLive(page)
  await page.close()
})
after(async () => {
  await browser?.close()
  await warroom.remove()
})

const lanes = (once, recurring) => [{ name: 'once', label: 'One-time', unit: 'usd', values: once }, { name: 'recurring', label: 'Recurring', unit: 'usd', values: recurring }]
const start = Date.parse('2012-09-07T00:00:00Z') / 1000
const whole = { step: 60, times: [start, start + 60, start + 120], columns: lanes([100, 200, 300.55], [1, 2, 3]), doubt: '' }
const table = (page) => page.evaluate(() => [...document.querySelectorAll('#p-money-minutes tr')].map((tr) => [...tr.cells].map((td) => td.textContent)))
const opened = async () => {
  const played = await openPlayed(context, warroom.url + '/')
  const seq = played.send({ topic: 'money.minutes', data: whole })
  await played.page.click('#p-money-minutes summary')
  await played.page.waitForFunction(() => document.querySelectorAll('#p-money-minutes tbody tr').length === 3)
  return { ...played, seq }
}

test('a change is added to the points; one that builds on another state is left', async () => {
  const { page, send, seq, troubles } = await opened()
  const next = send({ topic: 'money.minutes', data: { after: seq, start: start + 60, step: 60, times: [start + 60, start + 180], columns: [{ name: 'once', values: [250, 400] }, { name: 'recurring', values: [2, 4] }], doubt: '' } })
  await page.waitForFunction(() => document.querySelector('#p-money-minutes tbody td')?.textContent === '8:03 PM')
  assert.deepEqual(await table(page), [['Time, EDT, Thu 6 Sep', 'One-time', 'Recurring'], ['8:03 PM', '$400', '$4'], ['8:02 PM', '$300.55', '$3'], ['8:01 PM', '$250', '$2']])
  send({ topic: 'money.minutes', data: { after: next + 77, start, step: 60, times: [start + 240], columns: [{ name: 'once', values: [1] }, { name: 'recurring', values: [1] }], doubt: '' } })
  // It knows that it has missed something: the next change is no better, all points are.
  send({ topic: 'money.minutes', data: { after: next, start, step: 60, times: [start + 300], columns: [{ name: 'once', values: [1] }, { name: 'recurring', values: [1] }], doubt: '' } })
  send({ topic: 'money.minutes', data: { ...whole, columns: lanes([7, 8, 9], [1, 1, 1]) } })
  await page.waitForFunction(() => document.querySelector('#p-money-minutes tbody tr')?.cells[1].textContent === '$9')
  assert.deepEqual((await table(page)).map((row) => row[0]), ['Time, EDT, Thu 6 Sep', '8:02 PM', '8:01 PM', '8:00 PM'])
  assert.deepEqual(troubles, [])
  await page.close()
})

test('bare points in doubt leave the figures, and changes after them come through', async () => {
  const { page, send } = await opened()
  const bare = send({ topic: 'money.minutes', data: { ...whole, columns: lanes([0, 0, 0], [0, 0, 0]), doubt: 'the engine is starting' } })
  await page.waitForSelector('#p-money-minutes.doubt')
  assert.equal((await table(page))[1][1], '$300.55')
  send({ topic: 'money.minutes', data: { after: bare, start, step: 60, times: [start + 120], columns: [{ name: 'once', values: [11] }, { name: 'recurring', values: [0] }], doubt: '' } })
  await page.waitForSelector('#p-money-minutes:not(.doubt)')
  assert.deepEqual((await table(page)).slice(1).map((row) => row[1]), ['$11', '$0', '$0'])
  await page.close()
})

test('the pointer and the arrows show the exact figures with day, time and zone; the arrows are heard', async () => {
  const { page, send, seq } = await opened()
  await page.keyboard.press('Escape') // the table lies over the picture
  const box = await page.locator('#p-money-minutes .plot').boundingBox()
  await page.mouse.move(box.x + box.width - 12, box.y + 20)
  const reading = page.locator('#p-money-minutes .reading')
  await page.waitForSelector('#p-money-minutes .reading.on')
  assert.match(await reading.textContent(), /Thu 6 Sep, 8:02 PM EDT.*One-time.*\$300\.55.*Recurring.*\$3/)
  await page.mouse.move(2, 2)
  await page.waitForSelector('#p-money-minutes .reading:not(.on)', { state: 'attached' })
  await page.focus('#p-money-minutes .plot')
  await page.keyboard.press('ArrowLeft')
  await page.keyboard.press('ArrowLeft')
  assert.match(await reading.textContent(), /8:01 PM EDT.*\$200/)
  assert.equal(await page.textContent('#said'), 'Thu 6 Sep, 8:01 PM EDT: One-time $200, Recurring $2')
  // The picture moves on under the cursor, which stays on its moment.
  send({ topic: 'money.minutes', data: { after: seq, start: start + 60, step: 60, times: [start + 60, start + 180], columns: [{ name: 'once', values: [222, 4] }, { name: 'recurring', values: [2, 4] }], doubt: '' } })
  await page.waitForFunction(() => document.querySelector('#p-money-minutes .reading')?.textContent.includes('$222'))
  assert.match(await reading.textContent(), /8:01 PM EDT/)
  await page.keyboard.press('Home')
  await page.keyboard.press('End')
  assert.match(await page.textContent('#said'), /8:03 PM EDT/)
  await page.keyboard.press('Escape')
  assert.equal(await page.locator('#p-money-minutes .reading.on').count(), 0)
  await page.close()
})

test('a table is copied as a spreadsheet takes it', async () => {
  const { page } = await opened()
  await page.click('#p-money-minutes button.copy')
  await page.waitForFunction(() => document.querySelector('#p-money-minutes .copy').textContent === 'Copied')
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()),
    'Time, EDT, Thu 6 Sep\tOne-time\tRecurring\n8:02 PM\t$300.55\t$3\n8:01 PM\t$200\t$2\n8:00 PM\t$100\t$1\n')
  await page.close()
})

test('a table in a fragment gets its button, and stays open while the panel is renewed', async () => {
  const { page, send, troubles } = await openPlayed(context, warroom.url + '/')
  const html = (n) => `<section id="p-traffic-visitors" class="panel" data-topic="traffic.visitors"><div class="head"><h2>People</h2></div>
    <details class="table"><summary>Table</summary><div class="scroll" tabindex="0"><table><tbody><tr><td>now</td><td>${n}</td></tr></tbody></table></div></details></section>`
  send({ topic: 'traffic.visitors', html: html(1) })
  await page.click('#p-traffic-visitors summary')
  await page.waitForSelector('#p-traffic-visitors details[open] .copy')
  send({ topic: 'traffic.visitors', html: html(2) })
  await page.waitForFunction(() => document.querySelector('#p-traffic-visitors td:last-child')?.textContent === '2')
  assert.equal(await page.locator('#p-traffic-visitors details[open] .copy').count(), 1)
  assert.deepEqual(troubles, [])
  await page.close()
})
