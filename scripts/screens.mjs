// Pictures of every board, in docs/screens, and the one of the README: a real server, a simulated convention night a quarter of an hour old, a real
// Chromium. make screens [ONLY=traffic] draws them. The night's dice are fixed; the hour of day is the present one, so
// figures differ a little from run to run.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLive, launch, until, Warroom } from '../browser/warroom.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const folder = process.env.SCREENS ?? join(root, 'docs', 'screens')
const only = new RegExp(process.env.ONLY ?? '')
const program = process.env.WARROOM_BIN ?? join(root, 'bin', 'warroom')
const largest = 250_000 // bytes of a picture

/** Boards by the name in the file: where each is. The one send is the night's. */
const boards = {
  leadership: '/', money: '/boards/money', sends: '/sends', send: undefined, mail: '/boards/mail',
  traffic: '/boards/traffic', fleet: '/boards/fleet', feeds: '/feeds',
}

/** Screens by name. whole: the page to its end, not only what fits. */
const screens = {
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, whole: true },
  desktop: { viewport: { width: 1366, height: 768 }, whole: true },
  '1080p': { viewport: { width: 1920, height: 1080 } },
  '4k': { viewport: { width: 3840, height: 2160 } },
  readme: { viewport: { width: 1600, height: 1130 } },
}

/** Which pictures there are, of each state: board, theme, screen. */
const all = Object.keys(boards)
const pictures = {
  busy: [
    ...all.map((b) => [b, 'dark', 'desktop']), ...all.map((b) => [b, 'light', 'desktop']),
    ...all.map((b) => [b, 'dark', 'phone']), ['leadership', 'light', 'phone'], ['sends', 'light', 'phone'],
    ...['leadership', 'money', 'sends', 'mail', 'traffic', 'fleet'].map((b) => [b, 'dark', '1080p']),
    ['leadership', 'dark', '4k'], ['money', 'light', '4k'], ['fleet', 'dark', '4k'],
  ],
  empty: [
    ...['leadership', 'money', 'sends', 'mail', 'traffic', 'fleet'].map((b, i) => [b, i % 2 ? 'light' : 'dark', 'desktop']),
    ['leadership', 'dark', 'phone'],
  ],
  stale: [['leadership', 'dark', 'desktop'], ['money', 'light', 'desktop'], ['leadership', 'dark', 'phone']],
  error: [['leadership', 'dark', 'desktop'], ['fleet', 'light', 'desktop'], ['money', 'dark', 'phone']],
}

/** A server with a whole campaign's settings. */
class Campaign extends Warroom {
  env() {
    return {
      ...super.env(), WARROOM_MAIL_PER_SECOND: '12', WARROOM_MAIL_PER_DAY: '150000', WARROOM_TIERS: 'donate=1,site=2,api=2,events=3',
    }
  }

  /** Tells the night that began a quarter of an hour ago, with its week, and goes on telling it. Resolves when it is live. */
  async tell() {
    const start = new Date(Date.now() - 18.5 * 60_000).toISOString()
    const args = ['simulate', '--url', this.url, '--token', this.feed, '--scenario', 'convention', '--start', start,
      '--backfill', '100h', '--rate', '150', '--mail-rate', '6']
    this.sender = spawn(program, args, { env: this.env(), stdio: ['ignore', 'ignore', 'pipe'] })
    let told = 0, behind = true, log = ''
    this.sender.stderr.on('data', (text) => {
      log = String(text)
      for (const line of log.split('\n')) if (/ acknowledged /.test(line)) { told++; behind = /behind/.test(line) }
    })
    for (const end = Date.now() + 300_000; told < 2 || behind;) {
      if (this.sender.exitCode !== null || Date.now() > end) throw new Error('the story is not told: ' + log)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    const waiting = /warroom_spool_records\{[^}]*\} \d{4}/ // thousands of a kind
    await until(async () => !waiting.test(await (await this.read('/metrics')).text()), () => 'the server is behind')
    this.night = `speech-${eastern(start)}`
  }

  async remove() {
    this.sender?.kill('SIGKILL')
    await super.remove()
  }
}

/** The end of a night's send_id: its start in the campaign's zone, as 060102-1504 has it. */
function eastern(start) {
  const parts = Object.fromEntries(new Intl.DateTimeFormat('en-US', {
    timeZone: 'America/New_York', year: '2-digit', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23',
  }).formatToParts(new Date(start)).map((p) => [p.type, p.value]))
  return `${parts.year}${parts.month}${parts.day}-${parts.hour}${parts.minute}`
}

/** A session of its own for each server, and a context for each screen and theme. */
class Camera {
  constructor(browser, warroom) { Object.assign(this, { browser, warroom, troubles: [] }) }

  async signIn() {
    const context = await this.browser.newContext()
    const page = await context.newPage()
    await page.goto(this.warroom.link)
    this.session = await context.storageState()
    await context.close()
  }

  /** Opens a board and waits until it has its figures. */
  async open([board, theme, screen], live = true) {
    const { whole, ...device } = screens[screen]
    const context = await this.browser.newContext({ ...device, storageState: this.session, reducedMotion: 'reduce', colorScheme: theme })
    const page = await context.newPage()
    page.on('pageerror', (error) => this.troubles.push(`${board}: ${error.message}`))
    const path = boards[board] ?? `/sends/${encodeURIComponent(this.warroom.night)}`
    const answer = await page.goto(`${this.warroom.url}${path}?theme=${theme}`)
    if (!answer.ok()) this.troubles.push(`${board}: ${answer.status()}`)
    if (live) await isLive(page)
    await page.evaluate(() => document.fonts.ready)
    // Every chart has been drawn when two frames have gone by.
    await page.waitForFunction(() => [...document.querySelectorAll('[data-chart]')].every((el) => el.querySelector('canvas, svg, .empty, p')), null, { timeout: 5000 })
      .catch(() => {})
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))))
    return page
  }

  /** Draws what a page shows, as small as it must be. */
  async draw(page, [board, theme, screen], state) {
    const name = `${board}-${theme}-${screen}-${state}.webp`
    const { viewport } = screens[screen]
    const [width, height] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.scrollHeight])
    if (width > viewport.width) this.troubles.push(`${name}: ${width} px wide`)
    const devtools = await page.context().newCDPSession(page)
    const clip = { x: 0, y: 0, width: viewport.width, height: screens[screen].whole ? Math.max(viewport.height, Math.min(height, 4000)) : viewport.height, scale: 1 }
    for (let quality = 70; ; quality -= 10) {
      const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality, clip, captureBeyondViewport: true })
      const picture = Buffer.from(data, 'base64')
      if (picture.length > largest && quality > 20) continue
      writeFileSync(join(folder, name), picture)
      console.log(`${name}  ${Math.round(picture.length / 1000)} kB`)
      break
    }
    await page.context().close()
  }
}

const wanted = (state) => pictures[state].filter(([board, theme, screen]) => only.test(`${board}-${theme}-${screen}-${state}`))

async function empty(camera) {
  for (const picture of wanted('empty')) await camera.draw(await camera.open(picture), picture, 'empty')
}

async function busy(camera) {
  for (const picture of wanted('busy')) {
    const page = await camera.open(picture)
    await calm(camera, page, picture.join('-'))
    await camera.draw(page, picture, 'busy')
  }
  if (only.test('readme')) {
    const page = await camera.open(['leadership', 'dark', 'readme'])
    await calm(camera, page, 'readme')
    await page.screenshot({ path: join(root, 'docs', 'leadership.png') })
    await page.context().close()
  }
}

/** On a slow machine events are a few seconds behind, and the page says so: that is no picture of a good night. */
async function calm(camera, page, name) {
  const trusted = () => !document.querySelector('.panel.doubt') && !document.getElementById('truth-doubt')?.textContent
  await page.waitForFunction(trusted, null, { timeout: 45_000 }).catch(() => camera.troubles.push(`${name}: in doubt`))
}

/** Pages that are open when the server goes. */
async function stale(camera) {
  const pages = []
  for (const picture of wanted('stale')) pages.push([await camera.open(picture), picture])
  await camera.warroom.end('SIGKILL')
  for (const [page, picture] of pages) {
    await page.waitForSelector('html[data-state=stale]')
    await camera.draw(page, picture, 'stale')
  }
}

/** Pages that are opened while the engine answers nothing. */
async function error(camera) {
  const engine = Number(spawnSync('pgrep', ['-P', String(camera.warroom.process.pid)], { encoding: 'utf8' }).stdout)
  process.kill(engine, 'SIGSTOP')
  await until(async () => (await fetch(camera.warroom.url + '/-/ready')).status === 503, () => 'the engine is still there')
  for (const picture of wanted('error')) {
    const page = await camera.open(picture, false)
    // Panels learn it one after the other, each when it next asks.
    const most = () => document.querySelectorAll('.panel.doubt').length > document.querySelectorAll('.panel').length / 2
    await page.waitForFunction(most, null, { timeout: 40_000 })
    await camera.draw(page, picture, 'error')
  }
  process.kill(engine, 'SIGCONT')
}

/** One server for each list of states. */
async function session(browser, states, tell) {
  if (states.every((state) => wanted(state.name).length === 0) && !(tell && only.test('readme'))) return []
  const warroom = new Campaign()
  try {
    await warroom.start()
    await warroom.ready()
    if (tell) await warroom.tell()
    const camera = new Camera(browser, warroom)
    await camera.signIn()
    for (const state of states) await state(camera)
    return camera.troubles
  } finally {
    await warroom.remove()
  }
}

mkdirSync(folder, { recursive: true })
if (!process.env.ONLY) for (const file of readdirSync(folder)) if (file.endsWith('.webp')) rmSync(join(folder, file))
const browser = await launch()
const troubles = [...await session(browser, [empty], false), ...await session(browser, [busy, error, stale], true)]
await browser.close()
const size = readdirSync(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0)
console.log(`${readdirSync(folder).length} pictures, ${(size / 1e6).toFixed(1)} MB`)
for (const trouble of troubles) console.error('trouble: ' + trouble)
process.exitCode = troubles.length > 0 || size > 6e6 ? 1 : 0
