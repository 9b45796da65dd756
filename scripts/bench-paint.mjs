// From a confirmed batch to the painted pixel, in Chromium, under the load of the demo: for each frame of the leadership
// board that was asked for because a batch was confirmed, how long until the browser has painted what it says. The
// server's clock and the browser's are the same machine's. PAINTS (default 300) frames are measured. It says too where the
// time went: until the server sent it (waiting for the topic's turn, and the query), on the line, and in the page. Rankings
// change once a second at most (board.Panel.Pace), and wait for that: they are shown apart.
import { spawn } from 'node:child_process'
import { launch, program, Warroom } from '../browser/warroom.mjs'

const wanted = Number(process.env.PAINTS ?? 300)
const server = new Warroom()
await server.start()
await server.ready()
const load = spawn(program, ['simulate', '--url', server.url, '--token', server.feed, '--scenario', 'spike', '--rate', '300'], {
  env: server.env(), stdio: 'ignore',
})
const browser = await launch()
try {
  const page = await (await browser.newContext({ viewport: { width: 1920, height: 1080 } })).newPage()
  // Every frame notes when its batch was confirmed; two animation frames after it was placed it has been painted.
  await page.addInitScript(() => {
    window.paints = []
    const Native = window.WebSocket
    window.WebSocket = class extends Native {
      constructor(...args) {
        super(...args)
        this.addEventListener('message', (event) => {
          const frame = JSON.parse(event.data)
          const panel = document.getElementById('p-' + frame.topic.replace(/[:@].*/, '').replaceAll('.', '-'))
          if (!frame.confirmed || !panel) return
          const came = Date.now()
          const watch = new MutationObserver(() => {
            watch.disconnect()
            requestAnimationFrame(() => setTimeout(() => window.paints.push({
              topic: frame.topic, all: Date.now() - frame.confirmed, server: frame.sent - frame.confirmed,
              line: came - frame.sent, page: Date.now() - came,
            }), 0))
          })
          watch.observe(panel, { subtree: true, childList: true, characterData: true, attributes: true })
          if (panel.parentElement) watch.observe(panel.parentElement, { childList: true })
          setTimeout(() => watch.disconnect(), 5000)
        })
      }
    }
  })
  await page.goto(server.link)
  const bar = setTimeout(() => { throw new Error('no paints came') }, 180_000)
  for (;;) {
    const count = await page.evaluate(() => window.paints.length)
    if (count >= wanted) break
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  clearTimeout(bar)
  const paints = (await page.evaluate(() => window.paints)).slice(10)
  const quantile = (of, key, q) => {
    const sorted = of.map((p) => p[key]).sort((a, b) => a - b)
    return sorted[Math.min(Math.floor(q * sorted.length), sorted.length - 1)]
  }
  const say = (name, of, goal = '') => {
    if (of.length === 0) return
    const [m, p95, p99, most] = [0.5, 0.95, 0.99, 1].map((q) => quantile(of, 'all', q))
    const parts = ['server', 'line', 'page'].map((key) => `${key} ${quantile(of, key, 0.5)}/${quantile(of, key, 0.95)}`).join(', ')
    console.log(`${name}: ${of.length} frames, median ${m} ms, p95 ${p95} ms, p99 ${p99} ms, most ${most} ms${goal} (median/p95: ${parts})`)
  }
  const paced = new Set(['money.record', 'money.refcodes', 'money.states'])
  say('confirmed batch to painted pixel', paints.filter((p) => !paced.has(p.topic)), ' (goals: median 250, p99 600)')
  say('rankings', paints.filter((p) => paced.has(p.topic)))
  for (const topic of new Set(paints.map((p) => p.topic))) say('  ' + topic, paints.filter((p) => p.topic === topic))
} finally {
  load.kill()
  await browser.close()
  await server.remove()
}
