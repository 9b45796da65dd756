// What the browser tests share: a real server on a fresh data folder, and a real Chromium that reports its troubles.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const program = process.env.WARROOM_BIN ?? join(root, 'bin', 'warroom')

/** How long something may take before a test gives up; nothing is ever measured by it. */
export const patience = 30_000

/** A warroom on its own data folder, on a free port that it keeps over restarts. */
export class Warroom {
  constructor() {
    this.data = mkdtempSync(join(tmpdir(), 'warroom-browser-'))
    this.addr = '127.0.0.1:0'
    this.gifts = 0
  }

  env() {
    const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('WARROOM_')))
    return { ...clean, WARROOM_DATA: this.data, WARROOM_ADDR: this.addr, WARROOM_SELF_TRAFFIC: 'false' }
  }

  token(name, role) {
    const made = spawnSync(program, ['token', 'create', '--name', name, '--role', role], { env: this.env(), encoding: 'utf8' })
    assert.equal(made.status, 0, made.stderr)
    return made.stdout.trim()
  }

  /** Starts the server, and waits until it can show figures. */
  async start() {
    this.feed ??= this.token('test-feed', 'feed')
    this.reader ??= this.token('test-reader', 'reader')
    this.process = spawn(program, ['serve'], { cwd: root, env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] })
    this.log = ''
    this.process.stderr.on('data', (text) => { this.log += text })
    this.link = await new Promise((resolve, reject) => {
      let out = ''
      this.process.stdout.on('data', (text) => {
        out += text
        const found = out.match(/sign in, once and within an hour: (\S+)\n/)
        if (found) resolve(found[1])
      })
      this.process.once('exit', (code) => reject(new Error(`the server ended with ${code}:\n${this.log}`)))
    })
    this.url = readFileSync(join(this.data, 'state', 'address'), 'utf8').trim()
    this.addr = new URL(this.url).host
  }

  /** Waits until the engine answers. */
  async ready() {
    await until(async () => (await fetch(this.url + '/-/ready')).ok, () => `the server is not ready:\n${this.log}`)
  }

  signal(name) { this.process.kill(name) }

  async end(signal = 'SIGTERM') {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill(signal)
    await ended
  }

  async remove() {
    await this.end()
    rmSync(this.data, { recursive: true, force: true, maxRetries: 20 })
  }

  /** Sends one gift of so many dollars. */
  async give(amount, more = {}) {
    this.gifts++
    const gift = { id: `gift-${this.gifts}`, occurred_at: new Date().toISOString(), amount: String(amount), state: 'OH', refcode: 'test', ...more }
    const answer = await fetch(this.url + '/v1/donations', {
      method: 'POST', headers: { Authorization: `Bearer ${this.feed}`, 'Content-Type': 'application/json' }, body: JSON.stringify(gift),
    })
    assert.equal(answer.status, 202, await answer.text())
  }

  async read(path) {
    return fetch(this.url + path, { headers: { Authorization: `Bearer ${this.reader}` } })
  }

  /** How often browsers reported a breach of the content security policy. */
  async cspReports() {
    const figures = await (await this.read('/metrics')).text()
    return Number(figures.match(/^warroom_csp_reports_total (\d+)/m)[1])
  }
}

/** Asks again and again until the answer is true. */
export async function until(holds, otherwise) {
  const end = Date.now() + patience
  while (!(await Promise.resolve().then(holds).catch(() => false))) {
    if (Date.now() > end) throw new Error(otherwise())
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** The Chromium of this machine. */
export function launch() {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const executablePath = process.env.CHROMIUM ??
    names.map((name) => spawnSync('which', [name], { encoding: 'utf8' }).stdout.trim()).find((path) => path !== '')
  assert.ok(executablePath, 'no Chromium: make browser installs one')
  const args = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run', '--disable-dev-shm-usage']
  if (process.getuid?.() === 0) args.push('--no-sandbox')
  return chromium.launch({ executablePath, args })
}

// What a browser itself writes to the console while a server is away.
const away = /WebSocket connection to|net::ERR_|htmx:ws:error/

/**
 * A page that notes its troubles: errors, breaches of the content security policy, layout shifts.
 * @returns {Promise<{page: import('playwright-core').Page, troubles: string[]}>}
 */
export async function open(context, { serverGoesAway = false } = {}) {
  const page = await context.newPage()
  page.setDefaultTimeout(patience)
  const troubles = []
  page.on('pageerror', (error) => troubles.push('error: ' + error.message))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !(serverGoesAway && away.test(message.text()))) troubles.push('console: ' + message.text())
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (e) => console.error(`CSP: ${e.violatedDirective} ${e.blockedURI}`))
    window.shifts = []
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        // A number at the right of its slot grows to the left: that is no movement, though the browser counts it.
        const same = (a, b) => Math.abs(a - b) < 1
        const moved = entry.sources.filter(({ previousRect: was, currentRect: is }) =>
          !(same(was.y, is.y) && (same(was.x, is.x) || same(was.right, is.right))))
        if (moved.length === 0) continue
        window.shifts.push(moved.map((s) =>
          `${s.node?.nodeName} in ${s.node?.parentElement?.className} "${s.node?.textContent?.slice(0, 30)}" from ${s.previousRect.x},${s.previousRect.y} to ${s.currentRect.x},${s.currentRect.y}`))
      }
    }).observe({ type: 'layout-shift' })
  })
  return { page, troubles }
}

/** Waits until the page says that it is live. */
export const isLive = (page) => page.waitForSelector('html[data-state=live]')
export const isStale = (page) => page.waitForSelector('html[data-state=stale]')

/** The headline, in dollars. */
export const headline = (page) => page.textContent('#p-money-hour .fig')

/** Waits until the headline shows exactly this. */
export const headlineIs = (page, text) =>
  page.waitForFunction((want) => document.querySelector('#p-money-hour .fig')?.textContent === want, text)
